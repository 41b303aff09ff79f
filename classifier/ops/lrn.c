/* Local response normalisation: y_i = x_i * s_i^-beta, s_i = k + alpha/size * sum over the window
 * of x_j^2 (Krizhevsky et al. 2012, section 3.3; alpha divided by size as in Caffe). Backward: dx_i
 * = dy_i s_i^-beta - 2 alpha beta / size * x_i * sum over j of dy_j x_j s_j^(-beta-1), over the j
 * whose window holds i. */
#include "clones.h"
#include "ops.h"
#include <math.h>
#include <string.h>

#define WHOLE 5   /* channels */
#define SPAN  256 /* positions at a time: a window's rows stay in the first cache */

/* s = k + a * sum of squares over channels first..end-1 at n positions; x at channel 0. */
NN_CLONED
static void scale_of(const float *x, size_t area, int first, int end, float k, float a, int n,
                     float *restrict s)
{
    if (end - first == WHOLE) { /* the window of both papers, in one pass; the same order */
        const float *c = x + (size_t)first * area;
        for (int i = 0; i < n; i++) {
            float sum = c[i] * c[i];
            for (int j = 1; j < WHOLE; j++)
                sum += c[(size_t)j * area + (size_t)i] * c[(size_t)j * area + (size_t)i];
            s[i] = k + a * sum;
        }
        return;
    }
    for (int i = 0; i < n; i++)
        s[i] = 0;
    for (int c = first; c < end; c++) {
        const float *from = x + (size_t)c * area;
        for (int i = 0; i < n; i++)
            s[i] += from[i] * from[i];
    }
    for (int i = 0; i < n; i++)
        s[i] = k + a * s[i];
}

/* p = s^-beta; beta 3/4 by square roots, which every vector unit has and rounds alike. */
NN_CLONED
static void power_of(const float *s, float beta, int n, float *p)
{
    if (beta == 0.75f)
        for (int i = 0; i < n; i++) {
            float root = sqrtf(s[i]);
            p[i] = 1.0f / (root * sqrtf(root));
        }
    else
        for (int i = 0; i < n; i++)
            p[i] = powf(s[i], -beta);
}

NN_CLONED
static void product(const float *a, const float *b, int n, float *y)
{
    for (int i = 0; i < n; i++)
        y[i] = a[i] * b[i];
}

static void window(const struct nn_lrn *lrn, int c, int channels, int *first, int *end)
{
    int half = lrn->size / 2;
    *first = c > half ? c - half : 0;
    *end = c + half + 1 < channels ? c + half + 1 : channels;
}

void nn_lrn_forward(const struct nn_lrn *lrn, struct nn_shape shape, const float *x, float *y,
                    int c0, int c1)
{
    size_t area = (size_t)shape.h * (size_t)shape.w;
    float a = lrn->alpha / (float)lrn->size, s[SPAN];

    for (size_t at = 0; at < area; at += SPAN) {
        int n = area - at < SPAN ? (int)(area - at) : SPAN;
        for (int c = c0; c < c1; c++) {
            int first, end;
            window(lrn, c, shape.c, &first, &end);
            scale_of(x + at, area, first, end, lrn->k, a, n, s);
            power_of(s, lrn->beta, n, s);
            product(x + (size_t)c * area + at, s, n, y + (size_t)c * area + at);
        }
    }
}

size_t nn_lrn_backward_scratch(const struct nn_lrn *lrn, int channels)
{
    return 2 * SPAN * (size_t)(channels + lrn->size);
}

/* t = dy * x * p / s */
NN_CLONED
static void share_of(const float *dy, const float *x, const float *p, const float *s, int n,
                     float *t)
{
    for (int i = 0; i < n; i++)
        t[i] = dy[i] * x[i] * p[i] / s[i];
}

/* dx (+)= dy * p - b * x * the sum of `count` rows of shares */
NN_CLONED
static void give(const float *dy, const float *p, const float *x, const float *shares, int count,
                 float b, int n, bool add, float *restrict dx)
{
    float sum[SPAN];
    if (!add)
        memset(dx, 0, sizeof *dx * (size_t)n); /* in the first cache */
    if (count == WHOLE) {
        for (int i = 0; i < n; i++) {
            float all = shares[i];
            for (int j = 1; j < WHOLE; j++)
                all += shares[j * SPAN + i];
            dx[i] += dy[i] * p[i] - b * x[i] * all;
        }
        return;
    }
    memset(sum, 0, sizeof sum);
    for (int j = 0; j < count; j++)
        for (int i = 0; i < n; i++)
            sum[i] += shares[j * SPAN + i];
    for (int i = 0; i < n; i++)
        dx[i] += dy[i] * p[i] - b * x[i] * sum[i];
}

void nn_lrn_backward(const struct nn_lrn *lrn, struct nn_shape shape, const float *x,
                     const float *dy, float *dx, bool add, bool relu, int c0, int c1,
                     float *scratch)
{
    size_t area = (size_t)shape.h * (size_t)shape.w;
    float a = lrn->alpha / (float)lrn->size, b = 2 * a * lrn->beta, s[SPAN];
    int halo0, halo1, unused;
    window(lrn, c0, shape.c, &halo0, &unused);
    window(lrn, c1 - 1, shape.c, &unused, &halo1);
    float *powers = scratch, *shares = scratch + SPAN * (size_t)(halo1 - halo0);

    for (size_t at = 0; at < area; at += SPAN) {
        int n = area - at < SPAN ? (int)(area - at) : SPAN;
        for (int c = halo0; c < halo1; c++) {
            int first, end;
            size_t slot = SPAN * (size_t)(c - halo0), here = (size_t)c * area + at;
            window(lrn, c, shape.c, &first, &end);
            scale_of(x + at, area, first, end, lrn->k, a, n, s);
            power_of(s, lrn->beta, n, powers + slot);
            share_of(dy + here, x + here, powers + slot, s, n, shares + slot);
        }
        for (int c = c0; c < c1; c++) {
            int first, end;
            size_t here = (size_t)c * area + at;
            window(lrn, c, shape.c, &first, &end);
            give(dy + here, powers + SPAN * (size_t)(c - halo0), x + here,
                 shares + SPAN * (size_t)(first - halo0), end - first, b, n, add, dx + here);
            if (relu)
                nn_relu_mask(x + here, dx + here, (size_t)n);
        }
    }
}
