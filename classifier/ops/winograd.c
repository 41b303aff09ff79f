#include "winograd.h"
#include "whole.h"

#define LEAST_TILES    4  /* with fewer, packed weights cost more memory than they save products */
#define FEW_TILES      4  /* so many go by 4 points */
#define LEAST_CHANNELS 16 /* in and out: vectors must be full */
#define BAND_TILES     32 /* a band's tiles: enough to read the weights once for, */
#define BAND_NUMBERS   5000 /* and tiles times channels: their 36 points stay in the second cache */

bool nn_winograd_finish(struct nn_winograd *plan)
{
    int m = NN_POINTS + 1 - plan->r;
    int tiles = ceil_div(plan->out.h, m) * ceil_div(plan->out.w, m);
    plan->points = plan->r == 3 && tiles <= FEW_TILES ? 4 : NN_POINTS;
    plan->m = plan->points + 1 - plan->r;
    /* three vectors, or two where that leaves no rest */
    plan->unit = NN_VECTORS * nn_kernels()->lanes;
    if (plan->outputs % plan->unit != 0 && plan->outputs % (2 * nn_kernels()->lanes) == 0)
        plan->unit = 2 * nn_kernels()->lanes;
    return tiles >= LEAST_TILES;
}

bool nn_winograd_plan(const struct nn_conv2d *conv, struct nn_shape in, struct nn_shape out,
                      bool backward, struct nn_winograd *plan)
{
    int r = conv->kernel_h, channels = in.c / conv->groups;
    int outputs = conv->out_channels / conv->groups;

    if ((r != 3 && r != 5) || conv->kernel_w != r || conv->stride_h != 1 || conv->stride_w != 1 ||
        conv->pad_h >= r || conv->pad_w >= r || channels < LEAST_CHANNELS ||
        outputs < LEAST_CHANNELS)
        return false;
    *plan = (struct nn_winograd){
        .r = r,
        .pad_h = backward ? r - 1 - conv->pad_h : conv->pad_h,
        .pad_w = backward ? r - 1 - conv->pad_w : conv->pad_w,
        .channels = backward ? outputs : channels,
        .outputs = backward ? channels : outputs,
        .groups = conv->groups,
        .in = backward ? out : in,
        .out = backward ? in : out,
        .backward = backward,
    };
    return nn_winograd_finish(plan);
}

static size_t squared(const struct nn_winograd *plan)
{
    return (size_t)(plan->points * plan->points);
}

static size_t group_floats(const struct nn_winograd *plan)
{
    return squared(plan) * (size_t)plan->channels * (size_t)nn_whole_vectors(plan->outputs);
}

size_t nn_winograd_packed(const struct nn_winograd *plan)
{
    return (size_t)plan->groups * group_floats(plan);
}

static int panels(const struct nn_winograd *plan)
{
    return ceil_div(plan->outputs, plan->unit);
}

int nn_winograd_parts(const struct nn_winograd *plan)
{
    return plan->groups * panels(plan);
}

/* A part is one panel of one group. */
void nn_winograd_pack(const struct nn_winograd *plan, const float *weight, int part, float *packed)
{
    const struct nn_kernels *kernels = nn_kernels();
    int taps = plan->r * plan->r, group = part / panels(plan), unit = plan->unit;
    int first = part % panels(plan) * unit, count = least(unit, plan->outputs - first);
    int width = nn_whole_vectors(count);
    ptrdiff_t whole = (ptrdiff_t)plan->channels * plan->outputs * taps;
    ptrdiff_t channel = plan->backward ? (ptrdiff_t)plan->outputs * taps : taps;
    ptrdiff_t output = plan->backward ? taps : (ptrdiff_t)plan->channels * taps;
    float *to = packed + (size_t)group * group_floats(plan) + (ptrdiff_t)first * plan->channels;

    for (int k = 0; k < plan->channels; k++)
        for (int o = 0; o < count; o += kernels->lanes) {
            const struct nn_winograd_weights weights = {
                .points = plan->points,
                .r = plan->r,
                .outputs = least(kernels->lanes, count - o),
                .w = weight + group * whole + k * channel + (first + o) * output,
                .output = output,
                .mirrored = plan->backward,
                .u = to + (ptrdiff_t)k * width + o,
                .plane = group_floats(plan) / squared(plan),
            };
            kernels->winograd_weights(&weights);
        }
}

/* Where a task's scratch is cut. */
struct room {
    int tiles, tile_rows; /* across; down */
    size_t pitch;         /* of transformed input: channels, whole vectors */
    float *input, *products, *stripe;
};

static size_t cut(const struct nn_winograd *plan, int rows, float *scratch, struct room *room)
{
    size_t unit = (size_t)plan->unit;
    room->tiles = ceil_div(plan->out.w, plan->m);
    room->tile_rows = ceil_div(rows, plan->m);
    room->pitch = (size_t)nn_whole_vectors(plan->channels);
    size_t tiles = (size_t)room->tiles * (size_t)room->tile_rows;
    size_t input = squared(plan) * tiles * room->pitch, products = squared(plan) * tiles * unit;
    if (scratch != NULL) {
        room->input = scratch;
        room->products = scratch + input;
        room->stripe = room->products + products;
    }
    return input + products +
           NN_POINTS * ((size_t)room->tiles * (size_t)plan->m + NN_POINTS) *
               (size_t)nn_kernels()->lanes;
}

size_t nn_winograd_scratch(const struct nn_winograd *plan, int rows)
{
    struct room room;
    return cut(plan, rows, NULL, &room);
}

int nn_winograd_band(const struct nn_winograd *plan)
{
    int across = ceil_div(plan->out.w, plan->m), down = ceil_div(plan->out.h, plan->m);
    int rows =
        least(BAND_TILES / across, BAND_NUMBERS / (nn_whole_vectors(plan->channels) * across));
    rows = most(rows, 1);
    return ceil_div(down, ceil_div(down, rows)) * plan->m;
}

static void transform_input(const struct nn_winograd *plan, const struct nn_winograd_task *task,
                            int group, const struct room *room)
{
    const struct nn_kernels *kernels = nn_kernels();
    size_t area = (size_t)plan->in.h * (size_t)plan->in.w;
    const float *x = task->x + (size_t)group * (size_t)plan->channels * area;

    for (int t = 0; t < room->tile_rows; t++)
        for (int c = 0; c < plan->channels; c += kernels->lanes) {
            const struct nn_winograd_row row = {
                .points = plan->points,
                .m = plan->m,
                .tiles = room->tiles,
                .y = task->row0 + t * plan->m - plan->pad_h,
                .x = -plan->pad_w,
                .channels = least(kernels->lanes, plan->channels - c),
                .rows = plan->in.h,
                .cols = plan->in.w,
                .plane = (size_t)room->tiles * (size_t)room->tile_rows * room->pitch,
                .pitch = room->pitch,
                .stripe = room->stripe,
            };
            kernels->winograd_input(&row, x + (size_t)c * area,
                                    room->input + (size_t)t * (size_t)room->tiles * room->pitch +
                                        c);
        }
}

/* Outputs first..first + count of a group, one panel, at all points. */
static void multiply(const struct nn_winograd *plan, const float *packed, int first, int count,
                     const struct room *room)
{
    const struct nn_kernels *kernels = nn_kernels();
    int tiles = room->tiles * room->tile_rows, width = nn_whole_vectors(count),
        end = (int)squared(plan);

    for (int point = 0; point < end; point++) {
        const struct nn_product product = {
            .k = plan->channels,
            .a = room->input + (size_t)point * (size_t)tiles * room->pitch,
            .a_block = kernels->rows * (ptrdiff_t)room->pitch,
            .a_row = (ptrdiff_t)room->pitch,
            .a_step = 1,
            .b = packed + (size_t)point * (group_floats(plan) / squared(plan)) +
                 (ptrdiff_t)first * plan->channels,
            .width = width,
            .ahead = point + 1 < end
                         ? packed + (size_t)(point + 1) * (group_floats(plan) / squared(plan)) +
                               (ptrdiff_t)first * plan->channels
                         : NULL,
            .c = room->products + (ptrdiff_t)point * tiles * width,
            .c_row = width,
        };
        kernels->product(&product, tiles, width);
    }
}

static void transform_output(const struct nn_winograd *plan, const struct nn_winograd_task *task,
                             int output, int count, const struct room *room)
{
    const struct nn_kernels *kernels = nn_kernels();
    size_t area = (size_t)plan->out.h * (size_t)plan->out.w,
           width = (size_t)nn_whole_vectors(count);

    for (int t = 0; t < room->tile_rows; t++)
        for (int o = 0; o < count; o += kernels->lanes) {
            const struct nn_winograd_row row = {
                .points = plan->points,
                .m = plan->m,
                .tiles = room->tiles,
                .y = task->row0 + t * plan->m,
                .channels = least(kernels->lanes, count - o),
                .rows = plan->out.h,
                .cols = plan->out.w,
                .plane = (size_t)room->tiles * (size_t)room->tile_rows * width,
                .pitch = width,
                .stripe = room->stripe,
                .bias = task->bias == NULL ? NULL : task->bias + output + o,
                .add = task->add,
                .relu = task->relu,
            };
            kernels->winograd_output(&row,
                                     room->products + (size_t)t * (size_t)room->tiles * width + o,
                                     task->y + (size_t)(output + o) * area);
        }
}

void nn_winograd_run(const struct nn_winograd *plan, const struct nn_winograd_task *task)
{
    struct room room = {0};
    int unit = plan->unit;
    cut(plan, task->row1 - task->row0, task->scratch, &room);

    for (int g = task->o0 / plan->outputs; g * plan->outputs < task->o1; g++) {
        int begin = most(task->o0 - g * plan->outputs, 0);
        int end = least(task->o1 - g * plan->outputs, plan->outputs);
        transform_input(plan, task, g, &room);
        for (int first = begin; first < end; first += unit) {
            int count = least(unit, end - first);
            multiply(plan, task->packed + (size_t)g * group_floats(plan), first, count, &room);
            transform_output(plan, task, g * plan->outputs + first, count, &room);
        }
    }
}
