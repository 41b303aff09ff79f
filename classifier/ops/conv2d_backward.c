/* What a convolution passes back: to its input as it went forward (conv2d.c), or, to an image
 * through a stride, by phases (phases.h); to its weights at Winograd's points or by OpenBLAS. */
#include "clones.h"
#include "conv2d.h"
#include "depthwise.h"
#include "matrix.h"
#include "phases.h"
#include "window.h"
#include "winograd.h"
#include <cblas.h>
#include <string.h>

#define COLUMN_FLOATS 65536 /* 256 KiB */

/* Taps k0..k1 of one group (x points at its first channel), output rows r0..r1 ->
 * columns (k1 - k0, (r1 - r0) * out.w). */
NN_CLONED
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
NN_CLONED
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

/* A 1x1 convolution's weights as blocks of rows, one a channel: (channels / rows, outputs, rows).
 */
#define PART 64 /* channels that are packed by one task: a multiple of any set's rows */

static size_t pointwise_floats(struct group g)
{
    int rows = nn_kernels()->rows;
    return (size_t)((g.channels + rows - 1) / rows * rows) * (size_t)g.outputs;
}

static void pack_pointwise(struct group g, const float *w, int part, float *packed)
{
    int rows = nn_kernels()->rows, parts = (g.channels + PART - 1) / PART;
    int c0 = part % parts * PART, c1 = least(c0 + PART, g.channels);
    w += (size_t)(part / parts) * (size_t)g.outputs * (size_t)g.channels;
    packed += (size_t)(part / parts) * pointwise_floats(g);

    for (int c = c0; c < c1; c += rows) {
        float *to = packed + (size_t)c * (size_t)g.outputs;
        for (int o = 0; o < g.outputs; o++, to += rows)
            for (int i = 0; i < rows; i++)
                to[i] = c + i < c1 ? w[(size_t)o * (size_t)g.channels + (size_t)(c + i)] : 0;
    }
}

size_t nn_conv2d_packed(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                        bool backward, int *parts)
{
    struct group g = group_of(conv, in.c);
    struct nn_winograd plan;
    struct nn_phases phases;
    *parts = 0;
    if (nn_is_depthwise(conv, in.c))
        return 0;
    if (nn_winograd_plan(conv, in, out, backward, &plan)) {
        *parts = nn_winograd_parts(&plan);
        return nn_winograd_packed(&plan);
    }
    if (backward && is_pointwise(conv)) {
        *parts = conv->groups * ((g.channels + PART - 1) / PART);
        return (size_t)conv->groups * pointwise_floats(g);
    }
    if (backward && nn_phases_plan(conv, in, out, &phases)) {
        *parts = 1;
        return nn_phases_packed(&phases);
    }
    return 0;
}

void nn_conv2d_pack(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                    bool backward, const float *w, int part, float *packed)
{
    struct nn_winograd plan;
    struct nn_phases phases;
    if (nn_winograd_plan(conv, in, out, backward, &plan))
        nn_winograd_pack(&plan, w, part, packed);
    else if (is_pointwise(conv))
        pack_pointwise(group_of(conv, in.c), w, part, packed);
    else if (nn_phases_plan(conv, in, out, &phases))
        nn_phases_pack(&phases, w, packed);
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
    struct nn_phases phases;
    int taps = channels * conv->kernel_h * conv->kernel_w;
    if (is_pointwise(conv))
        return nn_matrix_scratch(channels, true);
    if (nn_winograd_plan(conv, in, out, true, &plan))
        return nn_winograd_scratch(&plan, nn_winograd_band(&plan));
    if (nn_phases_plan(conv, in, out, &phases))
        return nn_phases_scratch(&phases, nn_phases_band(&phases));
    /* fewer taps, of a last block or one group's, are more rows at a time: whatever they take */
    size_t row = (size_t)taps * (size_t)out.w, all = row * (size_t)out.h;
    size_t columns = row > COLUMN_FLOATS ? row : COLUMN_FLOATS;
    return nn_matrix_scratch(taps, true) + (columns < all ? columns : all);
}

/* In bands of rows, whose transformed gradient stays in a cache. */
static void backward_bands(const struct nn_winograd *plan, const float *dy, const float *packed,
                           float *dx, struct nn_tile tile, bool add, float *scratch)
{
    int band = nn_winograd_band(plan);
    for (int row = tile.row0; row < tile.row1; row += band) {
        const struct nn_winograd_task task = {.x = dy,
                                              .packed = packed,
                                              .y = dx,
                                              .row0 = row,
                                              .row1 = least(row + band, tile.row1),
                                              .o0 = tile.channel0,
                                              .o1 = tile.channel1,
                                              .add = add,
                                              .scratch = scratch};
        nn_winograd_run(plan, &task);
    }
}

static size_t out_area(struct nn_shape out)
{
    return (size_t)out.h * (size_t)out.w;
}

/* The same of an image's gradient. */
static void backward_phases(const struct nn_phases *plan, const float *dy, const float *packed,
                            float *dx, struct nn_tile tile, bool add, float *scratch)
{
    int band = nn_phases_band(plan), end = tile.row1;
    for (; tile.row0 < end; tile.row0 += band) {
        tile.row1 = least(tile.row0 + band, end);
        nn_phases_run(plan, dy, packed, dx, tile, add, scratch);
    }
}

/* Taps k0..k1 of one group: dx += w^T dy, by columns where there is more than one a channel. */
static void backward_taps(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                          const float *dy, const float *w, const float *packed, float *dx, bool add,
                          int k0, int k1, float *scratch)
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
                          .add = direct && add};
    if (direct && packed != NULL && k0 % nn_kernels()->rows == 0) {
        m.a = packed + (size_t)k0 * (size_t)g.outputs;
        m.a_step = nn_kernels()->rows;
        m.a_block = nn_kernels()->rows * (ptrdiff_t)g.outputs;
    }
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

int nn_conv2d_backward_band(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out)
{
    struct nn_winograd plan;
    struct nn_phases phases;
    if (nn_is_depthwise(conv, in.c))
        return 0;
    if (nn_winograd_plan(conv, in, out, true, &plan))
        return nn_winograd_band(&plan);
    return !is_pointwise(conv) && nn_phases_plan(conv, in, out, &phases) ? nn_phases_band(&phases)
                                                                         : 0;
}

void nn_conv2d_backward_input(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                              const float *dy, const float *w, const float *packed, float *dx,
                              struct nn_tile tile, bool add, float *scratch)
{
    struct nn_winograd plan;
    struct nn_phases phases;
    size_t area = (size_t)in.h * (size_t)in.w;
    int c0 = tile.channel0, c1 = tile.channel1;
    bool depthwise = nn_is_depthwise(conv, in.c), direct = is_pointwise(conv) && !depthwise;
    if (!depthwise && nn_winograd_plan(conv, in, out, true, &plan)) {
        backward_bands(&plan, dy, packed, dx, tile, add, scratch);
        return;
    }
    if (!direct && nn_phases_plan(conv, in, out, &phases)) {
        backward_phases(&phases, dy, packed, dx, tile, add, scratch);
        return;
    }
    if (!direct && !add)
        memset(dx + (size_t)c0 * area, 0, sizeof *dx * (size_t)(c1 - c0) * area);
    if (depthwise) {
        nn_depthwise_backward_input(conv, in, out, dy, w, dx, c0, c1);
        return;
    }
    struct group g = group_of(conv, in.c);
    int taps = conv->kernel_h * conv->kernel_w;
    for (int group = c0 / g.channels; group * g.channels < c1; group++) {
        size_t at = (size_t)group;
        int k0 = (most(c0, group * g.channels) - group * g.channels) * taps;
        int k1 = (least(c1, (group + 1) * g.channels) - group * g.channels) * taps;
        backward_taps(conv, in, out, dy + at * (size_t)g.outputs * out_area(out),
                      w + at * (size_t)g.outputs * (size_t)g.taps,
                      packed == NULL ? NULL : packed + at * pointwise_floats(g),
                      dx + at * (size_t)g.channels * area, add, k0, k1, scratch);
    }
}

size_t nn_conv2d_backward_weight_scratch(const struct nn_conv2d *conv, struct nn_shape in,
                                         struct nn_shape out, int taps)
{
    struct nn_winograd plan;
    if (nn_winograd_plan(conv, in, out, false, &plan))
        return nn_winograd_weight_scratch(&plan, taps / (plan.r * plan.r));
    return is_pointwise(conv) ? 0 : (size_t)taps * out_area(out);
}

/* Taps k0..k1 of all groups, one sample's share. */
static void learn_sample(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                         const float *x, const float *dy, float *dw, int k0, int k1, float *scratch)
{
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

void nn_conv2d_backward_weight(const struct nn_conv2d *conv, struct nn_shape in,
                               struct nn_shape out, const struct nn_samples *samples, float *dw,
                               int k0, int k1, float *scratch)
{
    struct nn_winograd plan;
    int taps = conv->kernel_h * conv->kernel_w;
    bool depthwise = nn_is_depthwise(conv, in.c);

    if (!depthwise && nn_winograd_plan(conv, in, out, false, &plan)) {
        nn_winograd_weight(&plan, samples, k0 / taps, k1 / taps, dw, scratch);
        return;
    }
    const float *x = samples->x, *dy = samples->dy;
    for (int i = 0; i < samples->count; i++, x += samples->x_stride, dy += samples->dy_stride)
        if (depthwise)
            nn_depthwise_backward_weight(conv, in, out, x, dy, dw, k0, k1);
        else
            learn_sample(conv, in, out, x, dy, dw, k0, k1, scratch);
}

#define LANES 16

NN_CLONED
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
