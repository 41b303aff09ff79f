/* Max and average pooling. Windows are clipped to the input: padding is never the maximum and never
 * counted in a mean. */
#include "kernel.h"
#include "ops.h"
#include "window.h"
#include <math.h>
#include <string.h>

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* to[i] = the larger one; NaN wins. */
NN_KERNEL
static void keep_larger(const float *from, int stride, float *to, int count)
{
    if (stride == 1)
        for (int i = 0; i < count; i++)
            to[i] = from[i] > to[i] || from[i] != from[i] ? from[i] : to[i];
    else if (stride == 2)
        for (int i = 0; i < count; i++) {
            float v = from[2 * (ptrdiff_t)i];
            to[i] = v > to[i] || v != v ? v : to[i];
        }
    else
        for (int i = 0; i < count; i++) {
            float v = from[(ptrdiff_t)i * stride];
            to[i] = v > to[i] || v != v ? v : to[i];
        }
}

void nn_max_pool_forward(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                         const float *x, float *y, int c0, int c1)
{
    int lo[64], hi[64], kernel_w = pool->kernel_w;
    bool cached = kernel_w <= 64;
    for (int kw = 0; cached && kw < kernel_w; kw++)
        nn_window_inside(kw, pool->stride_w, pool->pad_w, in.w, out.w, &lo[kw], &hi[kw]);

    for (int c = c0; c < c1; c++) {
        const float *plane = x + (size_t)c * (size_t)in.h * (size_t)in.w;
        for (int r = 0; r < out.h; r++) {
            float *to = y + ((size_t)c * (size_t)out.h + (size_t)r) * (size_t)out.w;
            for (int i = 0; i < out.w; i++)
                to[i] = -INFINITY;
            for (int kh = 0; kh < pool->kernel_h; kh++) {
                int row = r * pool->stride_h - pool->pad_h + kh;
                if (row < 0 || row >= in.h)
                    continue;
                const float *from = plane + (size_t)row * (size_t)in.w;
                for (int kw = 0; kw < kernel_w; kw++) {
                    int first, end;
                    if (cached) {
                        first = lo[kw];
                        end = hi[kw];
                    } else {
                        nn_window_inside(kw, pool->stride_w, pool->pad_w, in.w, out.w, &first,
                                         &end);
                    }
                    if (first < end)
                        keep_larger(from + first * pool->stride_w - pool->pad_w + kw,
                                    pool->stride_w, to + first, end - first);
                }
            }
        }
    }
}

/* What is left of dy goes to the cell that equals the maximum; the next one that does gets nothing.
 */
NN_KERNEL
static void give_to_first(const float *from, float *dx, int stride, const float *y, float *left,
                          int count)
{
    if (stride == 1)
        for (int i = 0; i < count; i++) {
            bool mine = from[i] == y[i];
            dx[i] += mine ? left[i] : 0.0f;
            left[i] = mine ? 0.0f : left[i];
        }
    else
        for (int i = 0; i < count; i++) {
            ptrdiff_t j = (ptrdiff_t)i * stride;
            bool mine = from[j] == y[i];
            dx[j] += mine ? left[i] : 0.0f;
            left[i] = mine ? 0.0f : left[i];
        }
}

void nn_max_pool_backward(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                          const float *x, const float *y, const float *dy, float *dx, int c0,
                          int c1, float *left)
{
    for (int c = c0; c < c1; c++) {
        size_t plane = (size_t)c * (size_t)in.h * (size_t)in.w;
        for (int r = 0; r < out.h; r++) {
            size_t to = ((size_t)c * (size_t)out.h + (size_t)r) * (size_t)out.w;
            memcpy(left, dy + to, sizeof(float) * (size_t)out.w);
            for (int kh = 0; kh < pool->kernel_h; kh++) {
                int row = r * pool->stride_h - pool->pad_h + kh, lo, hi;
                if (row < 0 || row >= in.h)
                    continue;
                for (int kw = 0; kw < pool->kernel_w; kw++) {
                    nn_window_inside(kw, pool->stride_w, pool->pad_w, in.w, out.w, &lo, &hi);
                    if (lo == hi)
                        continue;
                    size_t from = plane + (size_t)row * (size_t)in.w +
                                  (size_t)(lo * pool->stride_w - pool->pad_w + kw);
                    give_to_first(x + from, dx + from, pool->stride_w, y + to + lo, left + lo,
                                  hi - lo);
                }
            }
        }
    }
}

/* The window's cells inside the input along one axis. */
static void clip(int at, int kernel, int stride, int pad, int size, int *first, int *end)
{
    int start = at * stride - pad;
    *first = start < 0 ? 0 : start;
    *end = least(start + kernel, size);
}

void nn_avg_pool_forward(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                         const float *x, float *y, int c0, int c1)
{
    for (int c = c0; c < c1; c++) {
        const float *plane = x + (size_t)c * (size_t)in.h * (size_t)in.w;
        float *to = y + (size_t)c * (size_t)out.h * (size_t)out.w;
        for (int r = 0; r < out.h; r++)
            for (int i = 0; i < out.w; i++, to++) {
                int h0, h1, w0, w1;
                clip(r, pool->kernel_h, pool->stride_h, pool->pad_h, in.h, &h0, &h1);
                clip(i, pool->kernel_w, pool->stride_w, pool->pad_w, in.w, &w0, &w1);
                float sum = 0;
                for (int h = h0; h < h1; h++)
                    for (int w = w0; w < w1; w++)
                        sum += plane[(size_t)h * (size_t)in.w + (size_t)w];
                *to = sum / (float)((h1 - h0) * (w1 - w0));
            }
    }
}

void nn_avg_pool_backward(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                          const float *dy, float *dx, int c0, int c1)
{
    for (int c = c0; c < c1; c++) {
        float *plane = dx + (size_t)c * (size_t)in.h * (size_t)in.w;
        const float *from = dy + (size_t)c * (size_t)out.h * (size_t)out.w;
        for (int r = 0; r < out.h; r++)
            for (int i = 0; i < out.w; i++, from++) {
                int h0, h1, w0, w1;
                clip(r, pool->kernel_h, pool->stride_h, pool->pad_h, in.h, &h0, &h1);
                clip(i, pool->kernel_w, pool->stride_w, pool->pad_w, in.w, &w0, &w1);
                float share = *from / (float)((h1 - h0) * (w1 - w0));
                for (int h = h0; h < h1; h++)
                    for (int w = w0; w < w1; w++)
                        plane[(size_t)h * (size_t)in.w + (size_t)w] += share;
            }
    }
}
