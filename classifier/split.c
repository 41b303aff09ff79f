/* Where a layer's work is cut. Nothing here may depend on threads or batch: each cut decides the
 * shape of a matrix product, and so the bits of the result. */
#include "ops/ops.h"
#include "run_internal.h"

#define TASK_COST  1.2e7 /* multiply-adds times two: some 0.1 ms */
#define COLUMNS    512   /* output positions a convolution's task looks at */
#define CELL_COST  40.0  /* a pool's or LRN's cell against a multiply-add inside a matrix product */
#define LOAD_COST  16.0  /* a weight that is used once */
#define MAX_FLOATS 2e6   /* scratch a task */

static int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

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

static struct nn_shape input_of(const struct nn_graph *graph, int id)
{
    return graph->layers[graph->layers[id].from[0]].shape;
}

static double conv_cost(const struct nn_graph *graph, int id)
{
    const struct nn_layer *layer = &graph->layers[id];
    return 2 * area_of(layer->shape) * (double)nn_graph_parameter(graph, layer->weight)->elements;
}

/* Multiply-add equivalents of a layer's forward pass over one sample. */
static double cost_of(const struct nn_graph *graph, int id)
{
    const struct nn_layer *layer = &graph->layers[id];
    double elements = (double)nn_shape_elements(layer->shape);

    switch (layer->op) {
    case NN_OP_CONV2D:
        return conv_cost(graph, id);
    case NN_OP_LINEAR:
        return LOAD_COST * (double)nn_graph_parameter(graph, layer->weight)->elements;
    case NN_OP_MAX_POOL:
    case NN_OP_AVG_POOL:
        return CELL_COST * elements * layer->pool.kernel_h * layer->pool.kernel_w;
    case NN_OP_LRN:
        return CELL_COST * elements * (layer->lrn.size + 4);
    default:
        return CELL_COST * elements;
    }
}

double nn_split_forward(const struct nn_graph *graph, int id, struct nn_node *node)
{
    const struct nn_layer *layer = &graph->layers[id];
    struct nn_shape out = layer->shape;
    double cost = cost_of(graph, id);

    node->rows_per_tile = out.h;
    node->channels_per_block = out.c;
    if (layer->op == NN_OP_CONV2D) {
        int rows = COLUMNS / out.w > 0 ? COLUMNS / out.w : 1;
        rows = rows < out.h ? rows : out.h;
        node->rows_per_tile = ceil_div(out.h, ceil_div(out.h, rows));
        double tile_cost = cost / ceil_div(out.h, node->rows_per_tile);
        node->channels_per_block = part_of(out.c, tile_cost / TASK_COST, 32);
    } else if (layer->op == NN_OP_CONCAT) {
        node->channels_per_block = out.c;
    } else if (layer->op != NN_OP_SOFTMAX) {
        node->channels_per_block = part_of(out.c, cost / TASK_COST, 16);
    }
    node->tiles = ceil_div(out.h, node->rows_per_tile);
    node->blocks = ceil_div(out.c, node->channels_per_block);
    return cost / node->tiles / node->blocks;
}

double nn_split_gradient(const struct nn_graph *graph, int id, struct nn_node *node)
{
    struct nn_shape shape = graph->layers[id].shape;
    double cost = CELL_COST * (double)nn_shape_elements(shape), floats = 1;

    for (int i = 0; i < node->consumer_count; i++) {
        const struct nn_layer *consumer = &graph->layers[node->consumers[i]];
        cost += cost_of(graph, node->consumers[i]);
        if (consumer->op == NN_OP_CONV2D) {
            double needed =
                (double)nn_conv2d_backward_input_scratch(&consumer->conv, consumer->shape, shape.c);
            floats = needed > floats ? needed : floats;
        }
    }
    double parts = cost / TASK_COST, least = floats / MAX_FLOATS;
    /* Fewer than 8 channels make a matrix product too thin to be fast. */
    node->gradient_channels = part_of(shape.c, parts > least ? parts : least, 8);
    node->gradient_blocks = ceil_div(shape.c, node->gradient_channels);
    return cost / node->gradient_blocks;
}

double nn_split_weight(const struct nn_graph *graph, int id, struct nn_node *node)
{
    const struct nn_layer *layer = &graph->layers[id];
    double cost = cost_of(graph, id);
    int rows = layer->shape.c, unit = 16;

    if (layer->op == NN_OP_CONV2D) { /* rows are taps of all groups */
        rows = input_of(graph, id).c * layer->conv.kernel_h * layer->conv.kernel_w;
        unit = 32;
    }
    double parts = cost / TASK_COST, least = rows * area_of(layer->shape) / MAX_FLOATS;
    node->weight_rows = part_of(rows, parts > least ? parts : least, unit);
    node->weight_blocks = ceil_div(rows, node->weight_rows);
    return cost / node->weight_blocks;
}

static size_t more(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t gradient_scratch(const struct nn_graph *graph, int consumer, int channels)
{
    const struct nn_layer *layer = &graph->layers[consumer];
    switch (layer->op) {
    case NN_OP_CONV2D:
        return nn_conv2d_backward_input_scratch(&layer->conv, layer->shape, channels);
    case NN_OP_LRN:
        return nn_lrn_backward_scratch(&layer->lrn, channels);
    case NN_OP_MAX_POOL:
        return (size_t)layer->shape.w;
    default:
        return 0;
    }
}

size_t nn_split_scratch(const struct nn_graph *graph, int id, const struct nn_node *node,
                        bool backward)
{
    const struct nn_layer *layer = &graph->layers[id];
    size_t size = 0;

    if (layer->op == NN_OP_CONV2D)
        size = nn_conv2d_forward_scratch(&layer->conv, input_of(graph, id), layer->shape,
                                         node->rows_per_tile);
    if (!backward)
        return size;
    if (layer->op == NN_OP_CONV2D)
        size = more(
            size, nn_conv2d_backward_weight_scratch(&layer->conv, layer->shape, node->weight_rows));
    for (int i = 0; i < node->consumer_count; i++)
        size = more(size, gradient_scratch(graph, node->consumers[i], node->gradient_channels));
    return size;
}
