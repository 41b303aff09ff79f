#include "phases.h"
#include "clones.h"
#include "whole.h"
#include <string.h>

#define LEAST_ROWS    8 /* of the product, and depth: fewer are slow */
#define LEAST_DEPTH   16
#define MOST_CHANNELS 8      /* more are rows enough for a product by columns */
#define BAND_FLOATS   131072 /* of the copy: it stays in the second cache */

/* One axis: the first tap's output and how many taps a phase has. */
static bool axis(int kernel, int stride, int pad, int *first, int *taps)
{
    if (pad >= kernel)
        return false;
    *first = -((kernel - 1 - pad) / stride);
    *taps = (stride - 1 + pad) / stride - *first + 1;
    return true;
}

bool nn_phases_plan(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                    struct nn_phases *plan)
{
    int stride = conv->stride_h * conv->stride_w;
    *plan = (struct nn_phases){.conv = conv,
                               .in = in,
                               .out = out,
                               .rows = in.c * stride,
                               .grid_h = ceil_div(in.h, conv->stride_h),
                               .grid_w = ceil_div(in.w, conv->stride_w)};
    if (conv->groups != 1 || in.c >= MOST_CHANNELS || out.c < LEAST_DEPTH ||
        plan->rows < LEAST_ROWS ||
        !axis(conv->kernel_h, conv->stride_h, conv->pad_h, &plan->first_h, &plan->taps_h) ||
        !axis(conv->kernel_w, conv->stride_w, conv->pad_w, &plan->first_w, &plan->taps_w))
        return false;
    plan->winograd = (struct nn_winograd){.r = plan->taps_h,
                                          .pad_h = -plan->first_h,
                                          .pad_w = -plan->first_w,
                                          .channels = out.c,
                                          .outputs = plan->rows,
                                          .groups = 1,
                                          .in = out,
                                          .out = {plan->rows, plan->grid_h, plan->grid_w}};
    plan->by_winograd = plan->taps_h == plan->taps_w && plan->taps_h >= 3 && plan->taps_h <= 5 &&
                        nn_winograd_finish(&plan->winograd);
    /* half of the products may be with zeros */
    return 2 * conv->kernel_h * conv->kernel_w >= stride * plan->taps_h * plan->taps_w;
}

static size_t tap_floats(const struct nn_phases *plan)
{
    int rows = nn_kernels()->rows;
    return (size_t)plan->out.c * (size_t)(ceil_div(plan->rows, rows) * rows);
}

/* The phases' weights as a convolution's: (rows, outputs, taps). */
static size_t plain_floats(const struct nn_phases *plan)
{
    return (size_t)plan->rows * (size_t)plan->out.c * (size_t)(plan->taps_h * plan->taps_w);
}

size_t nn_phases_packed(const struct nn_phases *plan)
{
    if (plan->by_winograd)
        return nn_winograd_packed(&plan->winograd) + plain_floats(plan);
    return (size_t)plan->taps_h * (size_t)plan->taps_w * tap_floats(plan);
}

/* The kernel's tap of a phase, or -1. */
static int tap_of(int phase, int output, int kernel, int stride, int pad)
{
    int tap = phase + pad - stride * output;
    return tap >= 0 && tap < kernel ? tap : -1;
}

/* The weight of a row for an output under tap (th, tw) of its phase. */
static float weight_of(const struct nn_phases *plan, const float *w, int row, int o, int th, int tw)
{
    const struct nn_conv2d *conv = plan->conv;
    int kh = tap_of(row / conv->stride_w % conv->stride_h, plan->first_h + th, conv->kernel_h,
                    conv->stride_h, conv->pad_h);
    int kw = tap_of(row % conv->stride_w, plan->first_w + tw, conv->kernel_w, conv->stride_w,
                    conv->pad_w);
    int c = row / (conv->stride_h * conv->stride_w);
    if (row >= plan->rows || kh < 0 || kw < 0)
        return 0;
    return w[((ptrdiff_t)o * plan->in.c + c) * conv->kernel_h * conv->kernel_w +
             kh * conv->kernel_w + kw];
}

static void pack_winograd(const struct nn_phases *plan, const float *w, float *packed)
{
    float *plain = packed + nn_winograd_packed(&plan->winograd), *to = plain;
    for (int row = 0; row < plan->rows; row++)
        for (int o = 0; o < plan->out.c; o++)
            for (int tap = 0; tap < plan->taps_h * plan->taps_w; tap++)
                *to++ = weight_of(plan, w, row, o, tap / plan->taps_w, tap % plan->taps_w);
    for (int part = 0; part < nn_winograd_parts(&plan->winograd); part++)
        nn_winograd_pack(&plan->winograd, plain, part, packed);
}

/* Each tap's block is blocks of the kernel set's rows, each (outputs, rows). */
void nn_phases_pack(const struct nn_phases *plan, const float *w, float *packed)
{
    int rows = nn_kernels()->rows, end = ceil_div(plan->rows, rows) * rows;

    if (plan->by_winograd) {
        pack_winograd(plan, w, packed);
        return;
    }
    for (int tap = 0; tap < plan->taps_h * plan->taps_w; tap++)
        for (int block = 0; block < end; block += rows)
            for (int o = 0; o < plan->out.c; o++)
                for (int row = block; row < block + rows; row++)
                    *packed++ = weight_of(plan, w, row, o, tap / plan->taps_w, tap % plan->taps_w);
}

/* Floats of a row of the copy: the last vector may overhang; an odd number of cache lines, so that
 * rows do not meet in a few of the cache's places. */
static size_t pitch_of(const struct nn_phases *plan)
{
    int lines = ceil_div(plan->grid_w + plan->taps_w - 1 + NN_MAX_LANES, NN_MAX_LANES);
    return (size_t)(lines | 1) * NN_MAX_LANES;
}

static size_t line_pitch(const struct nn_phases *plan)
{
    return (size_t)ceil_div(plan->grid_w, NN_MAX_LANES) * NN_MAX_LANES;
}

static size_t copy_row_floats(const struct nn_phases *plan)
{
    return (size_t)plan->out.c * pitch_of(plan);
}

int nn_phases_band(const struct nn_phases *plan)
{
    if (plan->by_winograd)
        return nn_winograd_band(&plan->winograd) * plan->conv->stride_h;
    int rows = BAND_FLOATS / (int)copy_row_floats(plan) - (plan->taps_h - 1);
    int cells = rows < 4 ? 4 : rows;
    return ceil_div(plan->grid_h, ceil_div(plan->grid_h, cells)) * plan->conv->stride_h;
}

size_t nn_phases_scratch(const struct nn_phases *plan, int rows)
{
    int cells = ceil_div(rows, plan->conv->stride_h);
    if (plan->by_winograd)
        return nn_winograd_scratch(&plan->winograd, cells) +
               (size_t)plan->rows * (size_t)cells * (size_t)plan->grid_w;
    return (size_t)(cells + plan->taps_h - 1) * copy_row_floats(plan) +
           (size_t)plan->rows * line_pitch(plan);
}

/* Rows `row`.. of dy to (row, output, pitch), zeros where there is none. */
NN_CLONED
static void copy_rows(const struct nn_phases *plan, const float *dy, int row, int count, float *to)
{
    int width = plan->out.w, begin = plan->first_w < 0 ? -plan->first_w : 0;
    int skip = plan->first_w > 0 ? plan->first_w : 0;
    int pitch = (int)pitch_of(plan), take = least(width - skip, pitch - begin);

    for (int r = row; r < row + count; r++)
        for (int o = 0; o < plan->out.c; o++, to += pitch) {
            bool none = r < 0 || r >= plan->out.h || take <= 0;
            const float *from = dy + (ptrdiff_t)(o * plan->out.h + r) * width + skip;
            for (int i = 0; i < begin; i++)
                to[i] = 0;
            for (int i = 0; !none && i < take; i++)
                to[begin + i] = from[i];
            for (int i = none ? begin : begin + take; i < pitch; i++)
                to[i] = 0;
        }
}

/* One row of cells: lines (rows, line_pitch). */
static void multiply(const struct nn_phases *plan, const float *packed, const float *copy,
                     float *lines)
{
    const struct nn_kernels *kernels = nn_kernels();
    int lanes = kernels->lanes, most = NN_VECTORS * lanes, taps = plan->taps_h * plan->taps_w;

    for (int p = 0, cols; p < plan->grid_w; p += cols) {
        /* four vectors are left: two and two */
        bool halves = plan->grid_w - p > most && plan->grid_w - p <= most + lanes;
        cols = least(halves ? most - lanes : most, plan->grid_w - p);
        for (int tap = 0; tap < taps; tap++) {
            const struct nn_product product = {
                .k = plan->out.c,
                .a = packed + (size_t)tap * tap_floats(plan),
                .a_block = (ptrdiff_t)kernels->rows * plan->out.c,
                .a_row = 1,
                .a_step = kernels->rows,
                .b = copy + (size_t)(tap / plan->taps_w) * copy_row_floats(plan) + p +
                     tap % plan->taps_w,
                .width = (int)pitch_of(plan),
                .c = lines + p,
                .c_row = (ptrdiff_t)line_pitch(plan),
                .add = tap > 0};
            kernels->product(&product, plan->rows, cols);
        }
    }
}

/* The phases of one row of an image: every stride_w'th from each. */
NN_CLONED
static void interleave(const float *lines, size_t pitch, int stride, int width, bool add, float *dx)
{
    if (!add)
        memset(dx, 0, sizeof *dx * (size_t)width);
    for (int phase = 0; phase < stride; phase++, lines += pitch)
        for (int i = 0, at = phase; at < width; i++, at += stride)
            dx[at] += lines[i];
}

/* What a row of cells is to image rows row0..row1 of its. lines: the first row's; pitch: from row
 * to row of the product. */
static void give_cells(const struct nn_phases *plan, int cell, const float *lines, size_t pitch,
                       float *dx, struct nn_tile tile, bool add)
{
    const struct nn_conv2d *conv = plan->conv;
    for (int c = tile.channel0; c < tile.channel1; c++)
        for (int phase = 0; phase < conv->stride_h; phase++) {
            int row = cell * conv->stride_h + phase;
            size_t line = (size_t)((c * conv->stride_h + phase) * conv->stride_w);
            if (row >= tile.row0 && row < tile.row1)
                interleave(lines + line * pitch, pitch, conv->stride_w, plan->in.w, add,
                           dx + (ptrdiff_t)(c * plan->in.h + row) * plan->in.w);
        }
}

/* The band is an output of its own. */
static void run_winograd(const struct nn_phases *plan, const float *dy, const float *packed,
                         float *dx, struct nn_tile tile, bool add, float *scratch)
{
    struct nn_winograd band = plan->winograd;
    int first = tile.row0 / plan->conv->stride_h;
    int cells = ceil_div(tile.row1, plan->conv->stride_h) - first;
    float *lines = scratch + nn_winograd_scratch(&band, cells);
    band.pad_h -= first;
    band.out.h = cells;
    const struct nn_winograd_task task = {
        .x = dy, .packed = packed, .y = lines, .row1 = cells, .o1 = plan->rows, .scratch = scratch};
    nn_winograd_run(&band, &task);
    for (int cell = 0; cell < cells; cell++)
        give_cells(plan, first + cell, lines + (ptrdiff_t)cell * plan->grid_w,
                   (size_t)cells * (size_t)plan->grid_w, dx, tile, add);
}

void nn_phases_run(const struct nn_phases *plan, const float *dy, const float *packed, float *dx,
                   struct nn_tile tile, bool add, float *scratch)
{
    const struct nn_conv2d *conv = plan->conv;
    int first = tile.row0 / conv->stride_h, end = ceil_div(tile.row1, conv->stride_h);
    float *lines = scratch + (size_t)(end - first + plan->taps_h - 1) * copy_row_floats(plan);

    if (plan->by_winograd) {
        run_winograd(plan, dy, packed, dx, tile, add, scratch);
        return;
    }
    copy_rows(plan, dy, first + plan->first_h, end - first + plan->taps_h - 1, scratch);
    for (int cell = first; cell < end; cell++, scratch += copy_row_floats(plan)) {
        multiply(plan, packed, scratch, lines);
        give_cells(plan, cell, lines, line_pitch(plan), dx, tile, add);
    }
}
