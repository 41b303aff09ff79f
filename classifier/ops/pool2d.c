/* Max and average pooling. Windows are clipped to the input: padding is never the maximum, and in a
 * mean it is counted (as zeros) only when count_padding says so. */
#include "clones.h"
#include "kernels/kernels.h"
#include "ops.h"
#include "whole.h"
#include "window.h"
#include <string.h>

size_t nn_max_pool_forward_scratch(const struct nn_pool2d *pool, struct nn_shape in,
                                   struct nn_shape out)
{
    return (size_t)(pool->stride_w + 1) * (size_t)in.h * (size_t)nn_max_pool_pitch(pool, in, out);
}

void nn_max_pool_forward(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                         const float *x, float *y, int c0, int c1, float *scratch)
{
    nn_kernels()->max_pool(pool, in, out, x + (size_t)c0 * (size_t)in.h * (size_t)in.w,
                           y + (size_t)c0 * (size_t)out.h * (size_t)out.w, c1 - c0, scratch);
}

/* What is left of dy goes to the cell that equals the maximum; the next one that does gets nothing.
 */
NN_CLONED
static void give_to_first(const float *from, float *dx, int stride, const float *y, float *left,
                          int count)
{
    for (int i = 0; i < count; i++) {
        ptrdiff_t j = (ptrdiff_t)i * stride;
        bool mine = from[j] == y[i];
        dx[j] += mine ? left[i] : 0.0f;
        left[i] = mine ? 0.0f : left[i];
    }
}

size_t nn_max_pool_backward_scratch(const struct nn_pool2d *pool, struct nn_shape in,
                                    struct nn_shape out)
{
    return pool->stride_w > 2 ? (size_t)out.w : nn_max_pool_gradient_floats(pool, in, out);
}

/* Any stride. left: what is left of dy, out.w floats. */
static void backward_wide(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
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

void nn_max_pool_backward(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                          const float *x, const float *y, const float *dy, float *dx, bool add,
                          int c0, int c1, float *scratch)
{
    size_t area = (size_t)in.h * (size_t)in.w, from = (size_t)c0 * area;
    size_t to = (size_t)c0 * (size_t)out.h * (size_t)out.w;
    if (pool->stride_w > 2) {
        if (!add)
            memset(dx + from, 0, sizeof *dx * (size_t)(c1 - c0) * area);
        backward_wide(pool, in, out, x, y, dy, dx, c0, c1, scratch);
    } else {
        nn_kernels()->max_pool_backward(pool, in, out, x + from, y + to, dy + to, dx + from, add,
                                        c1 - c0, scratch);
    }
}

/* One axis of a window: the cells inside the input, and how many the mean counts. */
struct span {
    int first, end, counted;
};

static struct span span_of(int at, int kernel, int stride, int pad, int size, bool count_padding)
{
    int start = at * stride - pad;
    struct span span = {start < 0 ? 0 : start, least(start + kernel, size), 0};
    span.counted =
        count_padding ? least(start + kernel, size + pad) - start : span.end - span.first;
    return span;
}

static struct span rows_of(const struct nn_pool2d *pool, int r, int size)
{
    return span_of(r, pool->kernel_h, pool->stride_h, pool->pad_h, size, pool->count_padding);
}

static struct span columns_of(const struct nn_pool2d *pool, int i, int size)
{
    return span_of(i, pool->kernel_w, pool->stride_w, pool->pad_w, size, pool->count_padding);
}

void nn_avg_pool_forward(const struct nn_pool2d *pool, struct nn_shape in, struct nn_shape out,
                         const float *x, float *y, int c0, int c1)
{
    for (int c = c0; c < c1; c++) {
        const float *plane = x + (size_t)c * (size_t)in.h * (size_t)in.w;
        float *to = y + (size_t)c * (size_t)out.h * (size_t)out.w;
        for (int r = 0; r < out.h; r++)
            for (int i = 0; i < out.w; i++, to++) {
                struct span rows = rows_of(pool, r, in.h), columns = columns_of(pool, i, in.w);
                float sum = 0;
                for (int h = rows.first; h < rows.end; h++)
                    for (int w = columns.first; w < columns.end; w++)
                        sum += plane[(size_t)h * (size_t)in.w + (size_t)w];
                *to = sum / ((float)rows.counted * (float)columns.counted);
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
                struct span rows = rows_of(pool, r, in.h), columns = columns_of(pool, i, in.w);
                float share = *from / ((float)rows.counted * (float)columns.counted);
                for (int h = rows.first; h < rows.end; h++)
                    for (int w = columns.first; w < columns.end; w++)
                        plane[(size_t)h * (size_t)in.w + (size_t)w] += share;
            }
    }
}
