/* Where a layer's work is cut. Nothing here may depend on threads or batch: each cut decides the
 * shape of a matrix product, and so the bits of the result. */
#include "ops/depthwise.h"
#include "ops/ops.h"
#include "ops/whole.h"
#include "ops/winograd.h"
#include "run_internal.h"
#include <math.h>

#define TASK_COST     1.2e7 /* multiply-adds times two: some 0.1 ms */
#define COLUMNS       512   /* output positions a convolution's task looks at */
#define CELL_COST     40.0  /* a pool's or LRN's cell against a multiply-add in a matrix product */
#define LOAD_COST     16.0  /* a weight that is used once */
#define THIN_COST     8.0   /* a depthwise multiply-add against one in a matrix product */
#define THIN          8     /* rows of a matrix product: fewer are slow */
#define WINOGRAD_COST 1.6   /* a product at a point, with transforms and tiles that hang over */

static double area_of(struct nn_shape shape)
{
    return (double)shape.h * shape.w;
}

/* count in equal parts: how many in a part, a multiple of `unit`, for about `parts` parts. */
static int part_of(int count, double parts, int unit)
{
    double part = parts <= 1 ? count : count / parts;
    int rounded = ((int)(part / unit) + (part > (int)(part / unit) * (double)unit)) * unit;
    if (rounded < unit)
        rounded = unit;
    return rounded < count ? rounded : count;
}

static struct nn_shape input_of(const struct nn_run *run, int id)
{
    return run->layers[run->layers[id].from[0]].shape;
}

/* A depthwise convolution: no matrix product, no scratch. */
static bool is_thin(const struct nn_run *run, int id)
{
    return run->layers[id].op == NN_OP_CONV2D &&
           nn_is_depthwise(&run->layers[id].conv, input_of(run, id).c);
}

static double conv_cost(const struct nn_run *run, int id)
{
    const struct nn_layer *layer = &run->layers[id];
    double cost =
        2 * area_of(layer->shape) * (double)nn_graph_parameter(run->graph, layer->weight)->elements;
    struct nn_winograd plan;
    if (nn_winograd_plan(&layer->conv, input_of(run, id), layer->shape, false, &plan))
        cost *= WINOGRAD_COST * plan.points * plan.points / (plan.m * plan.m * plan.r * plan.r);
    return is_thin(run, id) ? THIN_COST * cost : cost;
}

/* Multiply-add equivalents of a layer's forward pass over one sample. */
static double cost_of(const struct nn_run *run, int id)
{
    const struct nn_layer *layer = &run->layers[id];
    double elements = (double)nn_shape_elements(layer->shape);

    switch (layer->op) {
    case NN_OP_CONV2D:
        return conv_cost(run, id);
    case NN_OP_LINEAR:
        return LOAD_COST * (double)nn_graph_parameter(run->graph, layer->weight)->elements;
    case NN_OP_MAX_POOL:
    case NN_OP_AVG_POOL:
        return CELL_COST * elements * layer->pool.kernel_h * layer->pool.kernel_w;
    case NN_OP_LRN:
        return CELL_COST * elements * (layer->lrn.size + 4);
    default:
        return CELL_COST * elements;
    }
}

double nn_split_forward(const struct nn_run *run, int id)
{
    const struct nn_layer *layer = &run->layers[id];
    struct nn_shape out = layer->shape;
    struct nn_node *node = &run->nodes[id];
    double cost = cost_of(run, id);
    struct nn_winograd plan;

    node->rows_per_tile = out.h;
    node->channels_per_block = out.c;
    if (is_thin(run, id)) {
        node->channels_per_block = part_of(out.c, cost / TASK_COST, 1);
    } else if (layer->op == NN_OP_CONV2D &&
               nn_winograd_plan(&layer->conv, input_of(run, id), out, false, &plan)) {
        node->rows_per_tile = nn_winograd_band(&plan);
        double parts = cost / ceil_div(out.h, node->rows_per_tile) / TASK_COST;
        node->channels_per_block =
            plan.groups > 1 ? plan.outputs : part_of(out.c, parts, plan.unit);
    } else if (layer->op == NN_OP_CONV2D) {
        int rows = COLUMNS / out.w > 0 ? COLUMNS / out.w : 1;
        rows = rows < out.h ? rows : out.h;
        node->rows_per_tile = ceil_div(out.h, ceil_div(out.h, rows));
        double tile_cost = cost / ceil_div(out.h, node->rows_per_tile);
        node->channels_per_block = part_of(out.c, tile_cost / TASK_COST, 32);
    } else if (layer->op != NN_OP_SOFTMAX && !nn_is_join(layer)) {
        node->channels_per_block = part_of(out.c, cost / TASK_COST, 16);
    }
    node->tiles = ceil_div(out.h, node->rows_per_tile);
    node->blocks = ceil_div(out.c, node->channels_per_block);
    return cost / node->tiles / node->blocks;
}

/* Bands of rows, where one convolution alone passes its gradient back and can be cut so. */
static double split_bands(const struct nn_run *run, int id, double cost)
{
    struct nn_shape shape = run->layers[id].shape;
    struct nn_node *node = &run->nodes[id];
    const struct nn_layer *consumer = &run->layers[node->consumers[0]];
    struct nn_winograd plan;

    node->gradient_tiles = ceil_div(shape.h, node->gradient_rows);
    node->gradient_channels = shape.c;
    if (nn_winograd_plan(&consumer->conv, shape, consumer->shape, true, &plan) && plan.groups == 1)
        node->gradient_channels =
            part_of(shape.c, cost / node->gradient_tiles / TASK_COST, plan.unit);
    node->gradient_blocks = ceil_div(shape.c, node->gradient_channels);
    return cost / node->gradient_tiles / node->gradient_blocks;
}

double nn_split_gradient(const struct nn_run *run, int id)
{
    struct nn_shape shape = run->layers[id].shape;
    struct nn_node *node = &run->nodes[id];
    double cost = CELL_COST * (double)nn_shape_elements(shape), floats = 1;
    int unit = THIN; /* fewer rows make a matrix product too thin to be fast */

    node->gradient_of_batch = false;
    node->gradient_rows = shape.h;
    node->gradient_tiles = 1;
    /* a concat masks its parts, whole channels of them (backward.c) */
    if (node->consumer_count == 1 && run->layers[node->consumers[0]].op == NN_OP_CONV2D &&
        !nn_is_join(&run->layers[id])) {
        const struct nn_layer *consumer = &run->layers[node->consumers[0]];
        int band = nn_conv2d_backward_band(&consumer->conv, shape, consumer->shape);
        if (band > 0) {
            node->gradient_rows = least(band, shape.h);
            return split_bands(run, id, cost + cost_of(run, node->consumers[0]));
        }
    }
    for (int i = 0; i < node->consumer_count; i++) {
        const struct nn_layer *consumer = &run->layers[node->consumers[i]];
        cost += cost_of(run, node->consumers[i]);
        if (consumer->op == NN_OP_LINEAR)
            node->gradient_of_batch = true;
        if (consumer->op == NN_OP_CONV2D && !is_thin(run, node->consumers[i])) {
            struct nn_winograd plan;
            double needed = (double)nn_conv2d_backward_input_scratch(&consumer->conv, shape,
                                                                     consumer->shape, shape.c);
            bool winograd = unit != THIN;
            if (nn_winograd_plan(&consumer->conv, shape, consumer->shape, true, &plan))
                unit = plan.groups > 1 || (winograd && unit != plan.unit) ? shape.c : plan.unit;
            else
                floats = needed > floats ? needed : floats;
        }
    }
    /* each task makes all panels of dy: pairs of larger ones, which two threads share evenly */
    double parts = 2 * ceil(cost / (4 * TASK_COST)), fewest = floats / NN_TASK_FLOATS;
    if (shape.c < THIN) /* an image's: its taps are the rows. (Winograd's has more, of any unit) */
        unit = 1;
    if (cost < TASK_COST)
        parts = 1;
    if (node->consumer_count == 1 && run->layers[node->consumers[0]].op == NN_OP_LRN)
        parts = ceil(parts / 3); /* each looks at its neighbours' channels as well */
    node->gradient_channels = part_of(shape.c, parts > fewest ? parts : fewest, unit);
    node->gradient_blocks = ceil_div(shape.c, node->gradient_channels);
    return cost / node->gradient_blocks;
}

double nn_split_weight(const struct nn_run *run, int id)
{
    const struct nn_layer *layer = &run->layers[id];
    struct nn_node *node = &run->nodes[id];
    double cost = cost_of(run, id), fewest = 1;
    int rows = layer->shape.c, unit = 16;
    struct nn_winograd plan;

    if (layer->op == NN_OP_CONV2D && !is_thin(run, id) &&
        nn_winograd_plan(&layer->conv, input_of(run, id), layer->shape, false, &plan)) {
        int channels = plan.groups * plan.channels, block = nn_winograd_weight_block(&plan);
        node->weight_rows = block * plan.r * plan.r;
        node->weight_blocks = ceil_div(channels, block);
        return cost / node->weight_blocks;
    }
    if (layer->op == NN_OP_CONV2D) { /* rows are taps of all groups */
        int kernel = layer->conv.kernel_h * layer->conv.kernel_w;
        rows = input_of(run, id).c * kernel;
        unit = is_thin(run, id) ? kernel : 32;
        fewest = is_thin(run, id) ? 1 : rows * area_of(layer->shape) / NN_TASK_FLOATS;
    }
    double parts = cost / TASK_COST;
    node->weight_rows = part_of(rows, parts > fewest ? parts : fewest, unit);
    node->weight_blocks = ceil_div(rows, node->weight_rows);
    return cost / node->weight_blocks;
}

double nn_split_norm(const struct nn_run *run, int id)
{
    struct nn_node *node = &run->nodes[id];
    int channels = run->layers[id].shape.c;
    double cost = 2 * cost_of(run, id);

    node->norm_channels = part_of(channels, cost / TASK_COST, 8);
    node->norm_blocks = ceil_div(channels, node->norm_channels);
    return cost / node->norm_blocks;
}

static size_t more(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t gradient_scratch(const struct nn_run *run, int consumer, int channels)
{
    const struct nn_layer *layer = &run->layers[consumer];
    switch (layer->op) {
    case NN_OP_CONV2D:
        return is_thin(run, consumer)
                   ? 0
                   : nn_conv2d_backward_input_scratch(&layer->conv, input_of(run, consumer),
                                                      layer->shape, channels);
    case NN_OP_LRN:
        return nn_lrn_backward_scratch(&layer->lrn, channels);
    case NN_OP_MAX_POOL:
        return nn_max_pool_backward_scratch(&layer->pool, input_of(run, consumer), layer->shape);
    default:
        return 0;
    }
}

size_t nn_split_scratch(const struct nn_run *run, int id)
{
    const struct nn_layer *layer = &run->layers[id];
    const struct nn_node *node = &run->nodes[id];
    bool convolves = layer->op == NN_OP_CONV2D && !is_thin(run, id);
    size_t size = 0;

    if (convolves)
        size = nn_conv2d_forward_scratch(&layer->conv, input_of(run, id), layer->shape,
                                         node->rows_per_tile);
    if (layer->op == NN_OP_MAX_POOL)
        size = nn_max_pool_forward_scratch(&layer->pool, input_of(run, id), layer->shape);
    if (convolves && node->learns)
        size = more(size, nn_conv2d_backward_weight_scratch(&layer->conv, input_of(run, id),
                                                            layer->shape, node->weight_rows));
    for (int i = 0; node->wants_gradient && i < node->consumer_count; i++)
        size = more(size, gradient_scratch(run, node->consumers[i], node->gradient_channels));
    return size;
}
