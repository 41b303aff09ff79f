/* fingerprint_align.c: lays one fingerprint over another and asks whether their details agree.
 *
 * Alignment: a scale and a shift an axis (what cutting a border off does to a plane that is then
 * stretched to a square), found by Gauss-Newton on the locally normalised planes, from 16 to 64
 * pixels, then on the fine details (Lucas and Kanade 1981; the gain is a fifth unknown).
 * Coordinates run from -1 to 1; the outer pixels, whose neighbourhoods a cut changes, have no say.
 *
 * Agreement: the first image's grey plane, warped, and the second's are both normalised with a
 * smaller neighbourhood and correlated where both know all of it. Heads and necks look alike in
 * the large; the small is what differs between patients. */
#include "fingerprint_internal.h"

#include <math.h>
#include <string.h>

#define INSIDE     0.82f /* half width of what is aligned */
#define EPSILON    0.04f /* of contrast: below it there is no detail */
#define MIN_SCALE  0.84
#define MAX_SCALE  1.2
#define MAX_SHIFT  0.16
#define MAX_STEP   0.1
#define MARGIN     4    /* of 128 pixels: half of a fine neighbourhood */
#define ALIKE_AT_1 0.77 /* after level 1; copies: 0.81 and more */
#define FINE_STEPS 3
#define UNKNOWNS   5

/* x' = scale[0] x + shift[0] and y' = scale[1] y + shift[1]: where in the first image the pixel of
 * the second lies. */
struct warp {
    double scale[2], shift[2];
};

/* Running mean over `width` (odd) along lines of `side`; beyond the edge is the edge. */
static void box(const float *from, float *to, int side, int stride, int width)
{
    int reach = width / 2;
    float sum = 0;

    for (int i = -reach; i <= reach; i++)
        sum += from[(i < 0 ? 0 : i) * stride];
    for (int i = 0;; i++) {
        to[i * stride] = sum / (float)width;
        if (i + 1 == side)
            return;
        int in = i + 1 + reach, out = i - reach;
        sum += from[(in < side ? in : side - 1) * stride] - from[(out < 0 ? 0 : out) * stride];
    }
}

static void blur(float *plane, int side, const int boxes[3], float *buffer)
{
    for (int b = 0; b < 3; b++) {
        for (int y = 0; y < side; y++)
            box(plane + y * side, buffer + y * side, side, 1, boxes[b]);
        for (int x = 0; x < side; x++)
            box(buffer + x, plane + x, side, side, boxes[b]);
    }
}

/* 1 4 6 4 1: a Gaussian of deviation 1. */
static void soften(float *plane, int side, float *buffer)
{
    for (int axis = 0; axis < 2; axis++) {
        int step = axis ? side : 1, line = axis ? 1 : side;
        const float *from = axis ? buffer : plane;
        float *to = axis ? plane : buffer;
        for (int k = 0; k < side; k++) {
            for (int i = 0; i < side; i++) {
                const float *at = from + k * line;
                int a = i < 2 ? 0 : i - 2, b = i < 1 ? 0 : i - 1;
                int d = i + 1 < side ? i + 1 : side - 1, e = i + 2 < side ? i + 2 : side - 1;
                to[k * line + i * step] = (at[a * step] + at[e * step] +
                                           4 * (at[b * step] + at[d * step]) + 6 * at[i * step]) /
                                          16;
            }
        }
    }
}

void nn_fp_normalise(float *plane, int side, const int boxes[3], struct nn_fp_scratch *scratch)
{
    float *mean = scratch->across, *deviation = scratch->down;
    int count = side * side;

    soften(plane, side, scratch->buffer);
    memcpy(mean, plane, (size_t)count * sizeof *plane);
    blur(mean, side, boxes, scratch->buffer);
    for (int i = 0; i < count; i++) {
        plane[i] -= mean[i];
        deviation[i] = plane[i] * plane[i];
    }
    blur(deviation, side, boxes, scratch->buffer);
    for (int i = 0; i < count; i++)
        plane[i] /= sqrtf(deviation[i] > 0 ? deviation[i] : 0) + EPSILON;
}

/* Pixels of an axis: where each lies in the first image. */
struct axis {
    int low[FP_FINE];     /* the pixel before */
    float part[FP_FINE];  /* of the way to the next */
    float place[FP_FINE]; /* -1 to 1, in the second image */
    bool valid[FP_FINE];
    int first, end; /* the valid ones */
};

static void axis_init(struct axis *axis, int side, double scale, double shift)
{
    axis->first = side;
    axis->end = 0;
    for (int i = 0; i < side; i++) {
        double u = (i + 0.5) * 2 / side - 1;
        double at = (scale * u + shift + 1) * side / 2 - 0.5;
        double inside = at < 0 ? 0 : at > side - 1 ? side - 1 : at;
        int low = (int)inside < side - 2 ? (int)inside : side - 2;
        axis->low[i] = low;
        axis->part[i] = (float)(inside - low);
        axis->place[i] = (float)u;
        axis->valid[i] = at >= -0.5 && at <= side - 0.5;
        if (axis->valid[i]) {
            axis->first = i < axis->first ? i : axis->first;
            axis->end = i + 1;
        }
    }
}

static float sample(const float *plane, int side, const struct axis axes[2], int y, int x)
{
    const float *at = plane + axes[1].low[y] * side + axes[0].low[x];
    float right = axes[0].part[x], down = axes[1].part[y];

    return (1 - down) * ((1 - right) * at[0] + right * at[1]) +
           down * ((1 - right) * at[side] + right * at[side + 1]);
}

static void gradients(const float *plane, int side, float *across, float *down)
{
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
            int left = x > 0 ? x - 1 : x, right = x + 1 < side ? x + 1 : x;
            int up = y > 0 ? y - 1 : y, low = y + 1 < side ? y + 1 : y;
            float dx = plane[y * side + right] - plane[y * side + left];
            float dy = plane[low * side + x] - plane[up * side + x];
            across[y * side + x] = dx / (float)(right - left) * (float)side / 2;
            down[y * side + x] = dy / (float)(low - up) * (float)side / 2;
        }
    }
}

/* matrix is symmetric and positive (a ridge was added): elimination without pivots. */
static void solve(double matrix[UNKNOWNS][UNKNOWNS + 1], double *x)
{
    for (int i = 0; i < UNKNOWNS; i++) {
        for (int k = i + 1; k < UNKNOWNS; k++) {
            double factor = matrix[k][i] / matrix[i][i];
            for (int j = i; j <= UNKNOWNS; j++)
                matrix[k][j] -= factor * matrix[i][j];
        }
    }
    for (int i = UNKNOWNS - 1; i >= 0; i--) {
        x[i] = matrix[i][UNKNOWNS];
        for (int j = i + 1; j < UNKNOWNS; j++)
            x[i] -= matrix[i][j] * x[j];
        x[i] /= matrix[i][i];
    }
}

static double within(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

/* The gain that makes the warped first image most like the second. */
static float gain_of(const struct nn_fp_scratch *s, int side)
{
    double product = 0, square = 1e-6;

    for (int i = 0; i < side * side; i++) {
        product += (double)s->warped[i] * (double)s->second[i];
        square += (double)s->warped[i] * (double)s->warped[i];
    }
    return (float)(product / square);
}

static bool counts(const struct axis axes[2], int y, int x)
{
    float v = axes[1].place[y], u = axes[0].place[x];

    return axes[1].valid[y] && axes[0].valid[x] && u > -INSIDE && u < INSIDE && v > -INSIDE &&
           v < INSIDE;
}

/* One Gauss-Newton step; first, second and the first's gradients are in the scratch. */
static void step(struct warp *warp, int side, struct nn_fp_scratch *s)
{
    double normal[UNKNOWNS][UNKNOWNS + 1] = {{0}}, change[UNKNOWNS];
    struct axis axes[2];

    axis_init(&axes[0], side, warp->scale[0], warp->shift[0]);
    axis_init(&axes[1], side, warp->scale[1], warp->shift[1]);
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++)
            s->warped[y * side + x] = counts(axes, y, x) ? sample(s->first, side, axes, y, x) : 0;
    }
    float gain = gain_of(s, side);
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
            if (!counts(axes, y, x))
                continue;
            float dx = gain * sample(s->across, side, axes, y, x);
            float dy = gain * sample(s->down, side, axes, y, x);
            float w = s->warped[y * side + x];
            float row[UNKNOWNS + 1] = {dx * axes[0].place[x],
                                       dx,
                                       dy * axes[1].place[y],
                                       dy,
                                       w,
                                       s->second[y * side + x] - gain * w};
            for (int i = 0; i < UNKNOWNS; i++) {
                for (int j = i; j <= UNKNOWNS; j++)
                    normal[i][j] += (double)(row[i] * row[j]);
            }
        }
    }
    for (int i = 0; i < UNKNOWNS; i++) {
        normal[i][i] += 1e-3 * side * side / 1024;
        for (int j = 0; j < i; j++)
            normal[i][j] = normal[j][i];
    }
    solve(normal, change);
    for (int a = 0; a < 2; a++) {
        warp->scale[a] = within(warp->scale[a] + within(change[2 * a], -MAX_STEP, MAX_STEP),
                                MIN_SCALE, MAX_SCALE);
        warp->shift[a] = within(warp->shift[a] + within(change[2 * a + 1], -MAX_STEP, MAX_STEP),
                                -MAX_SHIFT, MAX_SHIFT);
    }
}

/* Correlation of two planes within a rectangle. */
static double correlation(const float *a, const float *b, int side, const int from[2],
                          const int end[2])
{
    double n = 0, ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;

    for (int y = from[1]; y < end[1]; y++) {
        for (int x = from[0]; x < end[0]; x++) {
            double p = (double)a[y * side + x], q = (double)b[y * side + x];
            n += 1;
            ma += p;
            mb += q;
            aa += p * p;
            bb += q * q;
            ab += p * q;
        }
    }
    if (n < 1)
        return 0;
    double va = aa - ma * ma / n, vb = bb - mb * mb / n;
    return va > 1e-6 && vb > 1e-6 ? (ab - ma * mb / n) / sqrt(va * vb) : 0;
}

static double correlation_of_warped(const struct warp *warp, int side, int margin,
                                    struct nn_fp_scratch *s, const int *boxes)
{
    struct axis axes[2];
    int from[2], end[2];

    for (int a = 0; a < 2; a++) {
        axis_init(&axes[a], side, warp->scale[a], warp->shift[a]);
        from[a] = axes[a].first + margin;
        end[a] = axes[a].end - margin;
    }
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++)
            s->warped[y * side + x] = sample(s->first, side, axes, y, x);
    }
    if (boxes) {
        nn_fp_normalise(s->warped, side, boxes, s);
        nn_fp_normalise(s->second, side, boxes, s);
    }
    return correlation(s->warped, s->second, side, from, end);
}

static void unpack(const int8_t *from, int side, enum nn_symmetry symmetry, bool inverted,
                   float *to)
{
    float unit = (inverted ? -1.0f : 1.0f) / FP_STEPS;

    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++)
            to[y * side + x] = (float)from[nn_fp_index(side, y, x, symmetry)] * unit;
    }
}

static void unpack_fine(const struct nn_fingerprint *a, const struct nn_fingerprint *b,
                        enum nn_symmetry symmetry, bool inverted, struct nn_fp_scratch *scratch)
{
    for (int y = 0; y < FP_FINE; y++) {
        for (int x = 0; x < FP_FINE; x++) {
            int at = y * FP_FINE + x;
            float value = (float)b->grey[nn_fp_index(FP_FINE, y, x, symmetry)] / 255;
            scratch->first[at] = (float)a->grey[at] / 255;
            scratch->second[at] = inverted ? 1 - value : value;
        }
    }
}

double nn_fp_compare(const struct nn_fingerprint *a, const struct nn_fingerprint *b,
                     enum nn_symmetry symmetry, bool inverted, struct nn_fp_scratch *scratch)
{
    static const int steps[FP_LEVELS] = {6, 5, 4};
    static const int neighbourhood[3] = {5, 7, 7}; /* deviation 3.2 of 128 pixels */
    const int8_t *const first[FP_LEVELS] = {a->level0, a->level1, a->level2};
    const int8_t *const second[FP_LEVELS] = {b->level0, b->level1, b->level2};
    struct warp warp = {{1, 1}, {0, 0}};

    for (int level = 0; level < FP_LEVELS; level++) {
        int side = FP_SIDE(level);
        unpack(first[level], side, NN_UPRIGHT, false, scratch->first);
        unpack(second[level], side, symmetry, inverted, scratch->second);
        gradients(scratch->first, side, scratch->across, scratch->down);
        for (int i = 0; i < steps[level]; i++)
            step(&warp, side, scratch);
        if (level == 1 && correlation_of_warped(&warp, side, 0, scratch, NULL) < ALIKE_AT_1)
            return 0;
    }
    unpack_fine(a, b, symmetry, inverted, scratch);
    nn_fp_normalise(scratch->first, FP_FINE, neighbourhood, scratch);
    nn_fp_normalise(scratch->second, FP_FINE, neighbourhood, scratch);
    gradients(scratch->first, FP_FINE, scratch->across, scratch->down);
    for (int i = 0; i < FINE_STEPS; i++)
        step(&warp, FP_FINE, scratch);
    unpack_fine(a, b, symmetry, inverted, scratch);
    return correlation_of_warped(&warp, FP_FINE, MARGIN, scratch, neighbourhood);
}
