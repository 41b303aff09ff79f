/* Convolution three ways: depthwise (depthwise.c), Winograd's (winograd.c), and as a matrix
 * product: y (O, P) = w (O, K) . columns (K, P), with P = rows * columns of the output and K = taps
 * of one group. A row of `columns` is one tap's view of the input. They are made a panel at a time,
 * from the input itself (1x1) or from a copy with its padding, of which each stride'th column lies
 * in a plane of its own: there, a tap's view of a row is contiguous. */
#include "conv2d.h"
#include "clones.h"
#include "depthwise.h"
#include "matrix.h"
#include "winograd.h"
#include <string.h>

#define OVER NN_MAX_LANES /* floats that a copy of whole vectors may read past a row */

/* The rows of one group's input that a task sees, with padding: (channel, stride_w, row, pitch). */
struct planes {
    const struct nn_conv2d *conv;
    float *plane;
    int rows, out_w;
    size_t pitch;
};

static struct planes planes_of(const struct nn_conv2d *conv, struct nn_shape in, int out_w,
                               int rows, float *plane)
{
    int width = in.w + 2 * conv->pad_w;
    return (struct planes){conv, plane, (rows - 1) * conv->stride_h + conv->kernel_h, out_w,
                           (size_t)((width + conv->stride_w - 1) / conv->stride_w)};
}

static size_t planes_floats(const struct planes *to, int channels)
{
    return (size_t)channels * (size_t)to->conv->stride_w * (size_t)to->rows * to->pitch + OVER;
}

/* Input row `row` of a channel, or zeros, to its stride_w rows. */
NN_CLONED
static void fill_row(const struct nn_conv2d *conv, int width, const float *from, float *to,
                     size_t pitch, size_t plane)
{
    int stride = conv->stride_w;

    for (int phase = 0; phase < stride; phase++, to += plane) {
        int pad = conv->pad_w - phase; /* padding comes before the input's own columns */
        int first = pad > 0 ? (pad + stride - 1) / stride : 0;
        int begin = first * stride + phase - conv->pad_w;
        int count = from == NULL || begin >= width ? 0 : (width - begin + stride - 1) / stride;
        for (int i = 0; i < first; i++)
            to[i] = 0;
        if (stride == 1)
            memcpy(to + first, count == 0 ? to : from + begin, sizeof *to * (size_t)count);
        else
            for (int i = 0; i < count; i++)
                to[first + i] = from[begin + (ptrdiff_t)i * stride];
        for (size_t i = (size_t)first + (size_t)count; i < pitch; i++)
            to[i] = 0;
    }
}

/* From input row `row0`, which may lie in the padding. */
static void fill_planes(const struct planes *to, struct nn_shape in, const float *x, int channels,
                        int row0)
{
    int stride = to->conv->stride_w;
    size_t plane = (size_t)to->rows * to->pitch;

    for (int c = 0; c < channels; c++)
        for (int r = 0; r < to->rows; r++) {
            int row = row0 + r;
            const float *from = row < 0 || row >= in.h
                                    ? NULL
                                    : x + ((size_t)c * (size_t)in.h + (size_t)row) * (size_t)in.w;
            fill_row(to->conv, in.w, from,
                     to->plane + (size_t)c * (size_t)stride * plane + (size_t)r * to->pitch,
                     to->pitch, plane);
        }
}

/* Columns of positions p0.. (row after row of the output) of one tap, by whole vectors: up to OVER
 * floats more than `cols`. */
static inline __attribute__((always_inline)) void
copy_tap(const struct planes *from, const float *tap, int row, int at, int cols, float *panel)
{
    size_t step = (size_t)from->conv->stride_h * from->pitch;
    for (const float *line = tap + (size_t)row * step; cols > 0; line += step, at = 0) {
        int count = least(from->out_w - at, cols);
        for (int i = 0; i < count; i += OVER)
            memcpy(panel + i, line + at + i, sizeof *panel * OVER);
        panel += count;
        cols -= count;
    }
}

NN_CLONED
static void fill_columns(const void *source, int k0, int k1, int p0, int cols, int width,
                         float *panel)
{
    const struct planes *from = source;
    const struct nn_conv2d *conv = from->conv;
    int area = conv->kernel_h * conv->kernel_w, stride = conv->stride_w;
    int row = p0 / from->out_w, at = p0 % from->out_w;
    int c = k0 / area, kh = k0 % area / conv->kernel_w, kw = k0 % conv->kernel_w;
    int phase = kw % stride, shift = kw / stride;
    size_t plane = (size_t)from->rows * from->pitch;

    for (int k = k0; k < k1; k++, panel += width) {
        const float *tap = from->plane + ((size_t)c * (size_t)stride + (size_t)phase) * plane +
                           (size_t)kh * from->pitch + shift;
        copy_tap(from, tap, row, at, cols, panel);
        for (int i = cols; i < width; i++)
            panel[i] = 0;
        phase = phase + 1 == stride ? 0 : phase + 1;
        shift += phase == 0;
        if (++kw == conv->kernel_w) {
            kw = phase = shift = 0;
            kh = kh + 1 == conv->kernel_h ? 0 : kh + 1;
            c += kh == 0;
        }
    }
}

size_t nn_conv2d_forward_scratch(const struct nn_conv2d *conv, struct nn_shape in,
                                 struct nn_shape out, int rows)
{
    struct nn_winograd plan;
    if (nn_is_depthwise(conv, in.c))
        return 0;
    if (is_pointwise(conv))
        return NN_PANEL_SCRATCH;
    if (nn_winograd_plan(conv, in, out, false, &plan))
        return nn_winograd_scratch(&plan, rows);
    struct planes planes = planes_of(conv, in, out.w, rows, NULL);
    return NN_PANEL_SCRATCH + planes_floats(&planes, in.c / conv->groups);
}

/* Outputs o0..o1, all of one group, rows of the tile. */
static void multiply(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                     const float *x, const float *w, const float *b, float *y, struct nn_tile tile,
                     float *scratch)
{
    struct group g = group_of(conv, in.c);
    size_t area = (size_t)out.h * (size_t)out.w, offset = (size_t)tile.row0 * (size_t)out.w;
    size_t o0 = (size_t)tile.channel0;
    struct nn_matrix m = {.rows = tile.channel1 - tile.channel0,
                          .cols = (tile.row1 - tile.row0) * out.w,
                          .depth = g.taps,
                          .a = w + o0 * (size_t)g.taps,
                          .a_row = g.taps,
                          .a_step = 1,
                          .c = y + o0 * area + offset,
                          .c_row = (ptrdiff_t)area,
                          .bias = b == NULL ? NULL : b + o0,
                          .relu = conv->relu};

    if (is_pointwise(conv)) {
        const struct nn_matrix_rows rows = {x + offset, area};
        nn_matrix_multiply(&m, nn_matrix_fill_rows, &rows, scratch);
        return;
    }
    struct planes planes =
        planes_of(conv, in, out.w, tile.row1 - tile.row0, scratch + NN_PANEL_SCRATCH);
    fill_planes(&planes, in, x, g.channels, tile.row0 * conv->stride_h - conv->pad_h);
    nn_matrix_multiply(&m, fill_columns, &planes, scratch);
}

void nn_conv2d_forward(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                       const float *x, const float *w, const float *packed, const float *b,
                       float *y, struct nn_tile tile, float *scratch)
{
    struct nn_winograd plan;
    if (nn_is_depthwise(conv, in.c)) {
        nn_depthwise_forward(conv, in, out, x, w, b, y, tile);
        return;
    }
    if (nn_winograd_plan(conv, in, out, false, &plan)) {
        const struct nn_winograd_task task = {.x = x,
                                              .packed = packed,
                                              .bias = b,
                                              .y = y,
                                              .row0 = tile.row0,
                                              .row1 = tile.row1,
                                              .o0 = tile.channel0,
                                              .o1 = tile.channel1,
                                              .relu = conv->relu,
                                              .scratch = scratch};
        nn_winograd_run(&plan, &task);
        return;
    }
    struct group g = group_of(conv, in.c);
    for (int group = tile.channel0 / g.outputs; group * g.outputs < tile.channel1; group++) {
        struct nn_tile part = {tile.row0, tile.row1, most(tile.channel0, group * g.outputs),
                               least(tile.channel1, (group + 1) * g.outputs)};
        const float *from = x + (size_t)group * (size_t)g.channels * (size_t)in.h * (size_t)in.w;
        multiply(conv, in, out, from, w, b, y, part, scratch);
    }
}
