/* Depthwise convolution, directly: a matrix product of one row has nothing to reuse. Output channel
 * o looks at input channel o / (outputs a channel). Rows of the output are summed tap by tap, with
 * the taps of one kernel row taken together where the whole row of the kernel lies inside. */
#include "depthwise.h"
#include "clones.h"
#include "window.h"

#define LANES 16

/* to[i] += sum over the kernel's row of w[k] * from[i * stride + k]; constants make vector code. */
__attribute__((always_inline)) static inline void
add_taps(const float *from, const float *w, int taps, int stride, float *to, int count)
{
    for (int i = 0; i < count; i++) {
        float sum = 0;
        for (int k = 0; k < taps; k++)
            sum += w[k] * from[(ptrdiff_t)i * stride + k];
        to[i] += sum;
    }
}

NN_CLONED
static void add_row(const float *from, const float *w, int taps, int stride, float *to, int count)
{
    if (taps == 3 && stride == 1)
        add_taps(from, w, 3, 1, to, count);
    else if (taps == 3 && stride == 2)
        add_taps(from, w, 3, 2, to, count);
    else if (taps == 5 && stride == 1)
        add_taps(from, w, 5, 1, to, count);
    else if (taps == 5 && stride == 2)
        add_taps(from, w, 5, 2, to, count);
    else
        add_taps(from, w, taps, stride, to, count);
}

/* The same at one output whose window hangs over the edge: start is its first column. */
static void add_edge(const float *row, int width, const float *w, int taps, int start, float *to)
{
    float sum = 0;
    for (int k = 0; k < taps; k++)
        if (start + k >= 0 && start + k < width)
            sum += w[k] * row[start + k];
    *to += sum;
}

NN_CLONED
static void finish(float *y, int count, bool relu)
{
    for (int i = 0; relu && i < count; i++)
        y[i] = y[i] <= 0.0f ? 0.0f : y[i];
}

static const float *row_at(const float *x, struct nn_shape shape, int c, int h)
{
    return x + ((size_t)c * (size_t)shape.h + (size_t)h) * (size_t)shape.w;
}

void nn_depthwise_forward(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                          const float *x, const float *w, const float *b, float *y,
                          struct nn_tile tile)
{
    int outputs = out.c / in.c, taps = conv->kernel_w, stride = conv->stride_w, lo, hi, unused;
    nn_window_inside(0, stride, conv->pad_w, in.w, out.w, &lo, &unused);
    nn_window_inside(taps - 1, stride, conv->pad_w, in.w, out.w, &unused, &hi);
    hi = hi > lo ? hi : lo;

    for (int o = tile.channel0; o < tile.channel1; o++) {
        const float *kernel = w + (size_t)o * (size_t)(conv->kernel_h * taps);
        for (int r = tile.row0; r < tile.row1; r++) {
            float *to = y + ((size_t)o * (size_t)out.h + (size_t)r) * (size_t)out.w;
            for (int i = 0; i < out.w; i++)
                to[i] = b == NULL ? 0.0f : b[o];
            for (int kh = 0; kh < conv->kernel_h; kh++) {
                int h = r * conv->stride_h - conv->pad_h + kh;
                if (h < 0 || h >= in.h)
                    continue;
                const float *from = row_at(x, in, o / outputs, h), *weight = kernel + kh * taps;
                for (int i = 0; i < lo; i++)
                    add_edge(from, in.w, weight, taps, i * stride - conv->pad_w, to + i);
                if (lo < hi)
                    add_row(from + (lo * stride - conv->pad_w), weight, taps, stride, to + lo,
                            hi - lo);
                for (int i = hi; i < out.w; i++)
                    add_edge(from, in.w, weight, taps, i * stride - conv->pad_w, to + i);
            }
            finish(to, out.w, conv->relu);
        }
    }
}

NN_CLONED
static void spread(const float *dy, float weight, int stride, float *dx, int count)
{
    if (stride == 1)
        for (int i = 0; i < count; i++)
            dx[i] += weight * dy[i];
    else
        for (int i = 0; i < count; i++)
            dx[(ptrdiff_t)i * stride] += weight * dy[i];
}

void nn_depthwise_backward_input(const struct nn_conv2d *conv, struct nn_shape in,
                                 struct nn_shape out, const float *dy, const float *w, float *dx,
                                 int c0, int c1)
{
    int outputs = out.c / in.c, area = conv->kernel_h * conv->kernel_w, stride = conv->stride_w;

    for (int o = c0 * outputs; o < c1 * outputs; o++)
        for (int k = 0; k < area; k++) {
            int kh = k / conv->kernel_w, kw = k % conv->kernel_w, lo, hi;
            nn_window_inside(kw, stride, conv->pad_w, in.w, out.w, &lo, &hi);
            for (int r = 0; r < out.h; r++) {
                int h = r * conv->stride_h - conv->pad_h + kh;
                if (h < 0 || h >= in.h || lo == hi)
                    continue;
                float *to = dx + ((size_t)(o / outputs) * (size_t)in.h + (size_t)h) * (size_t)in.w;
                spread(row_at(dy, out, o, r) + lo, w[(size_t)o * (size_t)area + (size_t)k], stride,
                       to + (lo * stride + kw - conv->pad_w), hi - lo);
            }
        }
}

/* Products summed in 16 lanes that are added at the end in order: one result whatever the vector
 * width. */
NN_CLONED
static void add_dot(const float *x, int stride, const float *dy, int count, float *lane)
{
    int i = 0;
    if (stride == 1)
        for (; i + LANES <= count; i += LANES)
            for (int j = 0; j < LANES; j++)
                lane[j] += dy[i + j] * x[i + j];
    for (int j = 0; i < count; i++, j = (j + 1) % LANES)
        lane[j] += dy[i] * x[(ptrdiff_t)i * stride];
}

void nn_depthwise_backward_weight(const struct nn_conv2d *conv, struct nn_shape in,
                                  struct nn_shape out, const float *x, const float *dy, float *dw,
                                  int k0, int k1)
{
    int outputs = out.c / in.c, area = conv->kernel_h * conv->kernel_w;

    for (int k = k0; k < k1; k++) {
        int c = k / area, kh = k % area / conv->kernel_w, kw = k % conv->kernel_w, lo, hi;
        nn_window_inside(kw, conv->stride_w, conv->pad_w, in.w, out.w, &lo, &hi);
        for (int o = c * outputs; o < (c + 1) * outputs; o++) {
            float lane[LANES] = {0}, sum = 0;
            for (int r = 0; r < out.h; r++) {
                int h = r * conv->stride_h - conv->pad_h + kh;
                if (h >= 0 && h < in.h && lo < hi)
                    add_dot(row_at(x, in, c, h) + (lo * conv->stride_w + kw - conv->pad_w),
                            conv->stride_w, row_at(dy, out, o, r) + lo, hi - lo, lane);
            }
            for (int j = 0; j < LANES; j++)
                sum += lane[j];
            dw[(size_t)o * (size_t)area + (size_t)(k % area)] += sum;
        }
    }
}
