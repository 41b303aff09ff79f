/* What a convolution by Winograd passes to its weights: from Y = A^T (G g G^T . B^T d B) A follows
 * dg = G^T (A dY A^T . B^T d B) G. The sum over tiles and samples is taken at the points, one
 * matrix product each; the weights' own transform comes once, at the end. */
#include "whole.h"
#include "winograd.h"

#define CHUNK_TILES   64 /* at a time: enough steps of a product, few enough for the caches */
#define WIDE_CHANNELS 96 /* of a block: the outputs' gradients are transformed once for so many */

/* Where a task's scratch is cut, and its work: some rows of tiles of some samples at a time. */
struct room {
    int across, down;       /* tiles of a sample */
    int rows, samples;      /* of a chunk */
    size_t tiles;           /* of a whole chunk */
    int channels, pitch;    /* a block of them; in whole vectors */
    size_t input, gradient; /* floats from point to point */
    float *x, *dy, *sum, *stripe;
};

static size_t cut(const struct nn_winograd *plan, int channels, float *scratch, struct room *room)
{
    int lanes = nn_kernels()->lanes;
    room->across = ceil_div(plan->out.w, plan->m);
    room->down = ceil_div(plan->out.h, plan->m);
    int rows = least(most(CHUNK_TILES / room->across, 1), room->down);
    room->rows = ceil_div(room->down, ceil_div(room->down, rows));
    room->samples = most(CHUNK_TILES / (room->across * room->down), 1);
    room->channels = channels;
    room->pitch = nn_whole_vectors(channels);
    room->tiles = (size_t)(room->across * room->rows * room->samples);
    size_t points = (size_t)(plan->points * plan->points), outputs = (size_t)plan->outputs;
    room->input = room->tiles * (size_t)room->pitch;
    room->gradient = room->tiles * (size_t)nn_whole_vectors(plan->outputs);
    if (scratch != NULL) {
        room->x = scratch;
        room->dy = room->x + points * room->input;
        room->sum = room->dy + points * room->gradient;
        room->stripe = room->sum + points * outputs * (size_t)room->pitch;
    }
    return points * (room->input + room->gradient + outputs * (size_t)room->pitch) +
           NN_POINTS * (size_t)(room->across * plan->m + NN_POINTS) * (size_t)lanes;
}

size_t nn_winograd_weight_scratch(const struct nn_winograd *plan, int channels)
{
    struct room room;
    return cut(plan, least(channels, plan->channels), NULL, &room);
}

int nn_winograd_weight_block(const struct nn_winograd *plan)
{
    int parts =
        plan->channels < 2 * nn_kernels()->lanes
            ? 1
            : 2 * ceil_div(plan->channels, 2 * WIDE_CHANNELS); /* two threads share evenly */
    int block = nn_whole_vectors(ceil_div(plan->channels, parts));
    while (block > nn_kernels()->lanes &&
           (double)nn_winograd_weight_scratch(plan, block) > NN_TASK_FLOATS)
        block -= nn_kernels()->lanes;
    return block;
}

/* Tiles of one row, `channels` planes of x, to points. */
static void transform(const struct nn_winograd *plan, const struct room *room,
                      struct nn_winograd_row row, bool gradient, const float *x, int channels,
                      size_t block, float *to)
{
    const struct nn_kernels *kernels = nn_kernels();
    row.points = plan->points;
    row.m = plan->m;
    row.tiles = room->across;
    row.stripe = room->stripe;
    for (int c = 0; c < channels; c += kernels->lanes) {
        const float *from = x + (size_t)c * (size_t)row.rows * (size_t)row.cols;
        float *at = to + (size_t)(c / kernels->lanes) * block;
        row.channels = least(kernels->lanes, channels - c);
        if (gradient)
            kernels->winograd_gradient(&row, from, at);
        else
            kernels->winograd_input(&row, from, at);
    }
}

/* Rows row0..row1 of tiles of one sample; `tile` is the chunk's first of them. x and dy begin at
 * the block's first channel and the group's first output. */
static void transform_sample(const struct nn_winograd *plan, const struct room *room,
                             const float *x, const float *dy, int row0, int row1, int tile)
{
    size_t lanes = (size_t)nn_kernels()->lanes;
    for (int t = row0; t < row1; t++, tile += room->across) {
        const struct nn_winograd_row input = {.y = t * plan->m - plan->pad_h,
                                              .x = -plan->pad_w,
                                              .rows = plan->in.h,
                                              .cols = plan->in.w,
                                              .plane = room->input,
                                              .pitch = (size_t)room->pitch};
        const struct nn_winograd_row gradient = {.y = t * plan->m,
                                                 .rows = plan->out.h,
                                                 .cols = plan->out.w,
                                                 .plane = room->gradient,
                                                 .pitch = lanes};
        transform(plan, room, input, false, x, room->channels, lanes,
                  room->x + (size_t)tile * input.pitch);
        transform(plan, room, gradient, true, dy, plan->outputs, room->tiles * lanes,
                  room->dy + (size_t)tile * lanes);
    }
}

/* sum (+)= dy x^T at all points, over `tiles`. */
static void multiply(const struct nn_winograd *plan, const struct room *room, int tiles, bool add)
{
    const struct nn_kernels *kernels = nn_kernels();
    int lanes = kernels->lanes, widest = NN_VECTORS * lanes, points = plan->points * plan->points;

    for (int point = 0; point < points; point++)
        for (int c = 0, cols; c < room->pitch; c += cols) {
            int left = room->pitch - c; /* four vectors: two and two, since one alone is slow */
            cols = left == widest + lanes ? widest - lanes : least(left, widest);
            for (int o = 0; o < plan->outputs; o += lanes) {
                const struct nn_product product = {
                    .k = tiles,
                    .a = room->dy + (size_t)point * room->gradient +
                         (size_t)(o / lanes) * room->tiles * (size_t)lanes,
                    .a_block = kernels->rows,
                    .a_row = 1,
                    .a_step = lanes,
                    .b = room->x + (size_t)point * room->input + c,
                    .width = room->pitch,
                    .c = room->sum +
                         ((size_t)point * (size_t)plan->outputs + (size_t)o) * (size_t)room->pitch +
                         c,
                    .c_row = room->pitch,
                    .add = add,
                };
                kernels->product(&product, least(lanes, plan->outputs - o), cols);
            }
        }
}

/* dw begins at the group's first output and the block's first channel. */
static void add_taps(const struct nn_winograd *plan, const struct room *room, float *dw)
{
    const struct nn_kernels *kernels = nn_kernels();
    int taps = plan->r * plan->r;
    for (int o = 0; o < plan->outputs; o++)
        for (int c = 0; c < room->channels; c += kernels->lanes) {
            const struct nn_winograd_taps sums = {
                .points = plan->points,
                .r = plan->r,
                .channels = least(kernels->lanes, room->channels - c),
                .sum = room->sum + (size_t)o * (size_t)room->pitch + c,
                .plane = (size_t)plan->outputs * (size_t)room->pitch,
                .dw = dw + ((size_t)o * (size_t)plan->channels + (size_t)c) * (size_t)taps,
            };
            kernels->winograd_taps(&sums);
        }
}

/* Channels c0..c1 of group g. */
static void learn(const struct nn_winograd *plan, const struct nn_samples *samples, int g, int c0,
                  int c1, float *dw, float *scratch)
{
    struct room room = {0};
    size_t in = (size_t)plan->in.h * (size_t)plan->in.w;
    size_t out = (size_t)plan->out.h * (size_t)plan->out.w;
    size_t outputs = (size_t)plan->outputs, taps = (size_t)(plan->r * plan->r);
    const float *x = samples->x + (size_t)(g * plan->channels + c0) * in;
    const float *dy = samples->dy + (size_t)g * outputs * out;
    cut(plan, c1 - c0, scratch, &room);

    for (int s = 0; s < samples->count; s += room.samples)
        for (int row = 0; row < room.down; row += room.rows) {
            int count = least(room.samples, samples->count - s);
            int row1 = least(row + room.rows, room.down), part = (row1 - row) * room.across;
            for (int i = 0; i < count; i++)
                transform_sample(plan, &room, x + (size_t)(s + i) * samples->x_stride,
                                 dy + (size_t)(s + i) * samples->dy_stride, row, row1, i * part);
            multiply(plan, &room, count * part, s > 0 || row > 0);
        }
    add_taps(plan, &room, dw + ((size_t)g * outputs * (size_t)plan->channels + (size_t)c0) * taps);
}

void nn_winograd_weight(const struct nn_winograd *plan, const struct nn_samples *samples, int c0,
                        int c1, float *dw, float *scratch)
{
    for (int g = c0 / plan->channels; g * plan->channels < c1; g++)
        learn(plan, samples, g, most(c0 - g * plan->channels, 0),
              least(c1 - g * plan->channels, plan->channels), dw, scratch);
}
