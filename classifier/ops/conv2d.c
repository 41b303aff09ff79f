/* Convolution three ways: depthwise (depthwise.c), Winograd's (winograd.c), and as a matrix
 * product: y (O, P) = w (O, K) . columns (K, P), with P = rows * columns of the output and K = taps
 * of one group. A row of `columns` is one tap's view of the input. They are made a panel at a time,
 * from the input itself (1x1) or from a copy with its padding, of which each stride'th column lies
 * in a plane of its own: there, a tap's view of a row is contiguous. */
#include "depthwise.h"
#include "kernel.h"
#include "matrix.h"
#include "ops.h"
#include "window.h"
#include "winograd.h"
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
            const float *from = x + ((size_t)c * (size_t)in.h + (size_t)row) * (size_t)in.w +
                                (lo * stride + kw - conv->pad_w);
            for (int i = 0; i < lo; i++)
                columns[i] = 0;
            if (stride == 1)
                memcpy(columns + lo, from, sizeof(float) * (size_t)(hi - lo));
            else
                for (int i = lo; i < hi; i++)
                    columns[i] = from[(ptrdiff_t)(i - lo) * stride];
            for (int i = hi; i < out_w; i++)
                columns[i] = 0;
        }
    }
}

/* The transpose of to_columns over output rows r0..r1: adds columns to dx. */
NN_KERNEL
static void add_columns(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                        const float *columns, int k0, int k1, int r0, int r1, float *dx)
{
    int area = conv->kernel_h * conv->kernel_w, stride = conv->stride_w;

    for (int k = k0; k < k1; k++) {
        int c = k / area, kh = k % area / conv->kernel_w, kw = k % conv->kernel_w, lo, hi;
        nn_window_inside(kw, stride, conv->pad_w, in.w, out.w, &lo, &hi);
        for (int r = r0; r < r1; r++, columns += out.w) {
            int row = r * conv->stride_h - conv->pad_h + kh;
            if (row < 0 || row >= in.h || lo == hi)
                continue;
            float *to = dx + ((size_t)c * (size_t)in.h + (size_t)row) * (size_t)in.w +
                        (lo * stride + kw - conv->pad_w);
            if (stride == 1)
                for (int i = lo; i < hi; i++)
                    to[i - lo] += columns[i];
            else
                for (int i = lo; i < hi; i++)
                    to[(ptrdiff_t)(i - lo) * stride] += columns[i];
        }
    }
}

#define COLUMN_FLOATS 65536        /* 256 KiB */
#define OVER          NN_MAX_LANES /* floats that a copy of whole vectors may read past a row */

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
NN_KERNEL
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

NN_KERNEL
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

size_t nn_conv2d_packed(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                        bool backward, int *parts)
{
    struct nn_winograd plan;
    bool packs = !nn_is_depthwise(conv, in.c) && nn_winograd_plan(conv, in, out, backward, &plan);
    *parts = packs ? nn_winograd_parts(&plan) : 0;
    return packs ? nn_winograd_packed(&plan) : 0;
}

void nn_conv2d_pack(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                    bool backward, const float *w, int part, float *packed)
{
    struct nn_winograd plan;
    if (nn_winograd_plan(conv, in, out, backward, &plan))
        nn_winograd_pack(&plan, w, part, packed);
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

/* Output rows at a time of the columns that a gradient is first: they stay in the second cache. */
static int backward_rows(int out_w, int taps)
{
    return most((int)(COLUMN_FLOATS / ((ptrdiff_t)out_w * taps)), 1);
}

size_t nn_conv2d_backward_input_scratch(const struct nn_conv2d *conv, struct nn_shape in,
                                        struct nn_shape out, int channels)
{
    struct nn_winograd plan;
    int taps = channels * conv->kernel_h * conv->kernel_w;
    if (is_pointwise(conv))
        return nn_matrix_scratch(channels, true);
    if (nn_winograd_plan(conv, in, out, true, &plan))
        return nn_winograd_scratch(&plan, nn_winograd_band(&plan));
    /* fewer taps, of a last block or one group's, are more rows at a time: whatever they take */
    size_t row = (size_t)taps * (size_t)out.w, all = row * (size_t)out.h;
    size_t columns = row > COLUMN_FLOATS ? row : COLUMN_FLOATS;
    return nn_matrix_scratch(taps, true) + (columns < all ? columns : all);
}

/* Channels c0..c1 in bands of rows, whose transformed gradient stays in a cache. */
static void backward_bands(const struct nn_winograd *plan, const float *dy, const float *packed,
                           float *dx, int c0, int c1, float *scratch)
{
    int band = nn_winograd_band(plan);
    for (int row = 0; row < plan->out.h; row += band) {
        const struct nn_winograd_task task = {.x = dy,
                                              .packed = packed,
                                              .y = dx,
                                              .row0 = row,
                                              .row1 = least(row + band, plan->out.h),
                                              .o0 = c0,
                                              .o1 = c1,
                                              .add = true,
                                              .scratch = scratch};
        nn_winograd_run(plan, &task);
    }
}

static size_t out_area(struct nn_shape out)
{
    return (size_t)out.h * (size_t)out.w;
}

/* Taps k0..k1 of one group: dx += w^T dy, by columns where there is more than one a channel. */
static void backward_taps(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                          const float *dy, const float *w, float *dx, int k0, int k1,
                          float *scratch)
{
    struct group g = group_of(conv, in.c);
    bool direct = is_pointwise(conv);
    int rows = direct ? out.h : backward_rows(out.w, k1 - k0);
    float *columns = scratch + nn_matrix_scratch(k1 - k0, true);
    struct nn_matrix m = {.rows = k1 - k0,
                          .depth = g.outputs,
                          .a = w + k0,
                          .a_row = 1,
                          .a_step = g.taps,
                          .c = direct ? dx + (size_t)k0 * out_area(out) : columns,
                          .add = direct};

    for (int r = 0; r < out.h; r += rows) {
        int r1 = least(r + rows, out.h);
        const struct nn_matrix_rows from = {dy + (size_t)r * (size_t)out.w, out_area(out)};
        m.cols = (r1 - r) * out.w;
        m.c_row = m.cols;
        nn_matrix_multiply(&m, nn_matrix_fill_rows, &from, scratch);
        if (!direct)
            add_columns(conv, in, out, columns, k0, k1, r, r1, dx);
    }
}

void nn_conv2d_backward_input(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                              const float *dy, const float *w, const float *packed, float *dx,
                              int c0, int c1, float *scratch)
{
    struct nn_winograd plan;
    if (nn_is_depthwise(conv, in.c)) {
        nn_depthwise_backward_input(conv, in, out, dy, w, dx, c0, c1);
        return;
    }
    if (nn_winograd_plan(conv, in, out, true, &plan)) {
        backward_bands(&plan, dy, packed, dx, c0, c1, scratch);
        return;
    }
    struct group g = group_of(conv, in.c);
    int taps = conv->kernel_h * conv->kernel_w;
    for (int group = c0 / g.channels; group * g.channels < c1; group++) {
        int k0 = (most(c0, group * g.channels) - group * g.channels) * taps;
        int k1 = (least(c1, (group + 1) * g.channels) - group * g.channels) * taps;
        backward_taps(conv, in, out, dy + (size_t)group * (size_t)g.outputs * out_area(out),
                      w + (size_t)group * (size_t)g.outputs * (size_t)g.taps,
                      dx + (size_t)group * (size_t)g.channels * (size_t)in.h * (size_t)in.w, k0, k1,
                      scratch);
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
