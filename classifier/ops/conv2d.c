/* Convolution as a matrix product: y (O, P) = w (O, K) . columns (K, P), with P = rows * columns of
 * the output and K = taps of one group. Each row of `columns` is one tap's view of the input. A 1x1
 * convolution's columns are the input itself. Depthwise convolutions go to depthwise.c. */
#include "depthwise.h"
#include "kernel.h"
#include "ops.h"
#include "window.h"
#include <cblas.h>
#include <string.h>

/* What one group looks like. */
struct group {
    int channels, outputs, taps; /* in, out, channels * kh * kw */
};

static struct group group_of(const struct nn_conv2d *conv, int in_channels)
{
    int channels = in_channels / conv->groups;
    return (struct group){channels, conv->out_channels / conv->groups,
                          channels * conv->kernel_h * conv->kernel_w};
}

static bool is_pointwise(const struct nn_conv2d *conv)
{
    return conv->kernel_h == 1 && conv->kernel_w == 1 && conv->stride_h == 1 &&
           conv->stride_w == 1 && conv->pad_h == 0 && conv->pad_w == 0;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int most(int a, int b)
{
    return a > b ? a : b;
}

/* Taps k0..k1 of one group (x points at its first channel), output rows r0..r1 ->
 * columns (k1 - k0, (r1 - r0) * out.w). */
NN_KERNEL
static void to_columns(const struct nn_conv2d *conv, struct nn_shape in, int out_w, const float *x,
                       int k0, int k1, int r0, int r1, float *columns)
{
    int area = conv->kernel_h * conv->kernel_w, stride = conv->stride_w;

    for (int k = k0; k < k1; k++) {
        int c = k / area, kh = k % area / conv->kernel_w, kw = k % conv->kernel_w, lo, hi;
        nn_window_inside(kw, stride, conv->pad_w, in.w, out_w, &lo, &hi);
        for (int r = r0; r < r1; r++, columns += out_w) {
            int row = r * conv->stride_h - conv->pad_h + kh;
            if (row < 0 || row >= in.h || lo == hi) {
                memset(columns, 0, sizeof(float) * (size_t)out_w);
                continue;
            }
            const float *from =
                x + ((size_t)c * (size_t)in.h + (size_t)row) * (size_t)in.w + kw - conv->pad_w;
            for (int i = 0; i < lo; i++)
                columns[i] = 0;
            if (stride == 1)
                memcpy(columns + lo, from + lo, sizeof(float) * (size_t)(hi - lo));
            else
                for (int i = lo; i < hi; i++)
                    columns[i] = from[(ptrdiff_t)i * stride];
            for (int i = hi; i < out_w; i++)
                columns[i] = 0;
        }
    }
}

/* The transpose of to_columns over all rows: adds columns to dx. */
NN_KERNEL
static void add_columns(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                        const float *columns, int k0, int k1, float *dx)
{
    int area = conv->kernel_h * conv->kernel_w, stride = conv->stride_w;

    for (int k = k0; k < k1; k++) {
        int c = k / area, kh = k % area / conv->kernel_w, kw = k % conv->kernel_w, lo, hi;
        nn_window_inside(kw, stride, conv->pad_w, in.w, out.w, &lo, &hi);
        for (int r = 0; r < out.h; r++, columns += out.w) {
            int row = r * conv->stride_h - conv->pad_h + kh;
            if (row < 0 || row >= in.h)
                continue;
            float *to =
                dx + ((size_t)c * (size_t)in.h + (size_t)row) * (size_t)in.w + kw - conv->pad_w;
            if (stride == 1)
                for (int i = lo; i < hi; i++)
                    to[i] += columns[i];
            else
                for (int i = lo; i < hi; i++)
                    to[(ptrdiff_t)i * stride] += columns[i];
        }
    }
}

/* y[o][0..count) += b[o] when there is one, and ReLU. !(v <= 0) lets NaN through. */
NN_KERNEL
static void finish_rows(float *y, size_t pitch, const float *b, int rows, int count, bool relu)
{
    for (int o = 0; o < rows; o++, y += pitch) {
        float bias = b == NULL ? 0.0f : b[o];
        if (relu)
            for (int i = 0; i < count; i++) {
                float v = y[i] + bias;
                y[i] = v <= 0.0f ? 0.0f : v;
            }
        else
            for (int i = 0; i < count; i++)
                y[i] += bias;
    }
}

size_t nn_conv2d_forward_scratch(const struct nn_conv2d *conv, struct nn_shape in,
                                 struct nn_shape out, int rows)
{
    if (is_pointwise(conv) || nn_is_depthwise(conv, in.c))
        return 0;
    return (size_t)group_of(conv, in.c).taps * (size_t)rows * (size_t)out.w;
}

void nn_conv2d_forward(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                       const float *x, const float *w, const float *b, float *y,
                       struct nn_tile tile, float *scratch)
{
    if (nn_is_depthwise(conv, in.c)) {
        nn_depthwise_forward(conv, in, out, x, w, b, y, tile);
        return;
    }
    struct group g = group_of(conv, in.c);
    int count = (tile.row1 - tile.row0) * out.w, area = out.h * out.w;
    size_t offset = (size_t)tile.row0 * (size_t)out.w;

    for (int group = tile.channel0 / g.outputs; group * g.outputs < tile.channel1; group++) {
        int o0 = most(tile.channel0, group * g.outputs);
        int o1 = least(tile.channel1, (group + 1) * g.outputs);
        const float *from = x + (size_t)group * (size_t)g.channels * (size_t)in.h * (size_t)in.w;
        const float *columns = scratch;
        int pitch = count;
        if (is_pointwise(conv)) {
            columns = from + offset;
            pitch = area;
        } else {
            to_columns(conv, in, out.w, from, 0, g.taps, tile.row0, tile.row1, scratch);
        }
        float *to = y + (size_t)o0 * (size_t)area + offset;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, o1 - o0, count, g.taps, 1.0f,
                    w + (size_t)o0 * (size_t)g.taps, g.taps, columns, pitch, 0.0f, to, area);
        finish_rows(to, (size_t)area, b == NULL ? NULL : b + o0, o1 - o0, count, conv->relu);
    }
}

size_t nn_conv2d_backward_input_scratch(const struct nn_conv2d *conv, struct nn_shape out,
                                        int channels)
{
    if (is_pointwise(conv))
        return 0;
    return (size_t)channels * (size_t)conv->kernel_h * (size_t)conv->kernel_w * (size_t)out.h *
           (size_t)out.w;
}

void nn_conv2d_backward_input(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                              const float *dy, const float *w, float *dx, int c0, int c1,
                              float *scratch)
{
    if (nn_is_depthwise(conv, in.c)) {
        nn_depthwise_backward_input(conv, in, out, dy, w, dx, c0, c1);
        return;
    }
    struct group g = group_of(conv, in.c);
    int area = out.h * out.w, taps = conv->kernel_h * conv->kernel_w;

    for (int group = c0 / g.channels; group * g.channels < c1; group++) {
        int k0 = (most(c0, group * g.channels) - group * g.channels) * taps;
        int k1 = (least(c1, (group + 1) * g.channels) - group * g.channels) * taps;
        const float *weight = w + (size_t)group * (size_t)g.outputs * (size_t)g.taps + k0;
        const float *from = dy + (size_t)group * (size_t)g.outputs * (size_t)area;
        float *to = dx + (size_t)group * (size_t)g.channels * (size_t)in.h * (size_t)in.w;
        bool direct = is_pointwise(conv);
        float *product = direct ? to + (size_t)k0 * (size_t)area : scratch;

        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, k1 - k0, area, g.outputs, 1.0f, weight,
                    g.taps, from, area, direct ? 1.0f : 0.0f, product, area);
        if (!direct)
            add_columns(conv, in, out, scratch, k0, k1, to);
    }
}

size_t nn_conv2d_backward_weight_scratch(const struct nn_conv2d *conv, struct nn_shape out,
                                         int taps)
{
    return is_pointwise(conv) ? 0 : (size_t)taps * (size_t)out.h * (size_t)out.w;
}

void nn_conv2d_backward_weight(const struct nn_conv2d *conv, struct nn_shape in,
                               struct nn_shape out, const float *x, const float *dy, float *dw,
                               int k0, int k1, float *scratch)
{
    if (nn_is_depthwise(conv, in.c)) {
        nn_depthwise_backward_weight(conv, in, out, x, dy, dw, k0, k1);
        return;
    }
    struct group g = group_of(conv, in.c);
    int area = out.h * out.w;

    for (int group = k0 / g.taps; group * g.taps < k1; group++) {
        int t0 = most(k0, group * g.taps) - group * g.taps;
        int t1 = least(k1, (group + 1) * g.taps) - group * g.taps;
        const float *from = x + (size_t)group * (size_t)g.channels * (size_t)in.h * (size_t)in.w;
        const float *columns = scratch;
        if (is_pointwise(conv))
            columns = from + (size_t)t0 * (size_t)area;
        else
            to_columns(conv, in, out.w, from, t0, t1, 0, out.h, scratch);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, g.outputs, t1 - t0, area, 1.0f,
                    dy + (size_t)group * (size_t)g.outputs * (size_t)area, area, columns, area,
                    1.0f, dw + (size_t)group * (size_t)g.outputs * (size_t)g.taps + t0, g.taps);
    }
}

#define LANES 16

NN_KERNEL
void nn_conv2d_backward_bias(struct nn_shape out, const float *dy, float *db)
{
    int area = out.h * out.w;

    for (int o = 0; o < out.c; o++, dy += area) {
        float lane[LANES] = {0}, sum = 0;
        int i = 0;
        for (; i + LANES <= area; i += LANES)
            for (int j = 0; j < LANES; j++)
                lane[j] += dy[i + j];
        for (; i < area; i++)
            sum += dy[i];
        for (int j = 0; j < LANES; j++)
            sum += lane[j];
        db[o] += sum;
    }
}
