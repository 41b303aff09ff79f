/* The builders: each checks what it is given, and derives the output's shape. */
#include "graph_internal.h"
#include <math.h>
#include <stdint.h>

/* ".weight" of this form and, wanted, a ".bias" of its first dimension. */
static int with_parameters(struct nn_graph *graph, int id, struct nn_parameter weight, bool bias)
{
    if (id < 0)
        return -1;
    struct nn_layer *layer = &graph->layers[id];
    layer->weight = nn_graph_add_parameter(graph, id, ".weight", weight);
    if (layer->weight < 0 || !bias)
        return layer->weight < 0 ? -1 : id;
    layer->bias = nn_graph_add_parameter(graph, id, ".bias",
                                         (struct nn_parameter){.dims = 1, .dim = {weight.dim[0]}});
    return layer->bias < 0 ? -1 : id;
}

int nn_graph_input(struct nn_graph *graph, const char *name, struct nn_shape shape)
{
    if (graph != NULL && graph->count > 0)
        return nn_graph_refuse(graph, NN_INVALID, name, "a graph has one input, its first layer");
    return nn_graph_append(graph, name, NULL, 0,
                           (struct nn_layer){.op = NN_OP_INPUT, .shape = shape});
}

static bool window_is_good(int kernel, int stride, int pad, int size)
{
    return kernel >= 1 && stride >= 1 && pad >= 0 && pad < kernel && kernel <= NN_MAX_SIDE &&
           stride <= NN_MAX_SIDE && kernel <= size + 2 * pad;
}

int nn_graph_conv2d(struct nn_graph *graph, const char *name, int from, struct nn_conv2d conv)
{
    struct nn_shape in;
    if (!nn_graph_producer(graph, name, from, &in))
        return -1;
    if (!window_is_good(conv.kernel_h, conv.stride_h, conv.pad_h, in.h) ||
        !window_is_good(conv.kernel_w, conv.stride_w, conv.pad_w, in.w))
        return nn_graph_refuse(graph, NN_SHAPE, name,
                               "kernel, stride or padding does not fit the input");
    if (conv.groups < 1 || conv.out_channels < 1 || in.c % conv.groups != 0 ||
        conv.out_channels % conv.groups != 0)
        return nn_graph_refuse(graph, NN_SHAPE, name, "groups do not divide the channels");

    struct nn_shape out = {conv.out_channels,
                           (in.h + 2 * conv.pad_h - conv.kernel_h) / conv.stride_h + 1,
                           (in.w + 2 * conv.pad_w - conv.kernel_w) / conv.stride_w + 1};
    int id = nn_graph_append(
        graph, name, &from, 1,
        (struct nn_layer){.op = NN_OP_CONV2D, .shape = out, .relu = conv.relu, .conv = conv});
    struct nn_parameter weight = {
        .dims = 4, .dim = {conv.out_channels, in.c / conv.groups, conv.kernel_h, conv.kernel_w}};
    return with_parameters(graph, id, weight, !conv.no_bias);
}

int nn_graph_relu(struct nn_graph *graph, const char *name, int from)
{
    struct nn_shape in;
    if (!nn_graph_producer(graph, name, from, &in))
        return -1;
    return nn_graph_append(graph, name, &from, 1,
                           (struct nn_layer){.op = NN_OP_RELU, .shape = in, .relu = true});
}

/* Windows along one axis. Ceil mode drops a last window that would start in the right padding. */
static int pooled(int size, int kernel, int stride, int pad, bool ceil_mode)
{
    int span = size + 2 * pad - kernel;
    int count = (ceil_mode ? (span + stride - 1) / stride : span / stride) + 1;
    if (ceil_mode && (count - 1) * stride >= size + pad)
        count--;
    return count;
}

static int add_pool(struct nn_graph *graph, const char *name, int from, struct nn_pool2d pool,
                    enum nn_op op)
{
    struct nn_shape in;
    if (!nn_graph_producer(graph, name, from, &in))
        return -1;
    if (!window_is_good(pool.kernel_h, pool.stride_h, pool.pad_h, in.h) ||
        !window_is_good(pool.kernel_w, pool.stride_w, pool.pad_w, in.w))
        return nn_graph_refuse(graph, NN_SHAPE, name,
                               "kernel, stride or padding does not fit the input");

    struct nn_shape out = {in.c,
                           pooled(in.h, pool.kernel_h, pool.stride_h, pool.pad_h, pool.ceil_mode),
                           pooled(in.w, pool.kernel_w, pool.stride_w, pool.pad_w, pool.ceil_mode)};
    return nn_graph_append(graph, name, &from, 1,
                           (struct nn_layer){.op = op, .shape = out, .pool = pool});
}

int nn_graph_max_pool(struct nn_graph *graph, const char *name, int from, struct nn_pool2d pool)
{
    return add_pool(graph, name, from, pool, NN_OP_MAX_POOL);
}

int nn_graph_avg_pool(struct nn_graph *graph, const char *name, int from, struct nn_pool2d pool)
{
    return add_pool(graph, name, from, pool, NN_OP_AVG_POOL);
}

int nn_graph_global_avg_pool(struct nn_graph *graph, const char *name, int from)
{
    struct nn_shape in;
    if (!nn_graph_producer(graph, name, from, &in))
        return -1;
    return add_pool(
        graph, name, from,
        (struct nn_pool2d){.kernel_h = in.h, .kernel_w = in.w, .stride_h = 1, .stride_w = 1},
        NN_OP_AVG_POOL);
}

int nn_graph_lrn(struct nn_graph *graph, const char *name, int from, struct nn_lrn lrn)
{
    struct nn_shape in;
    if (!nn_graph_producer(graph, name, from, &in))
        return -1;
    /* k > 0 and alpha >= 0 keep the base of the power positive for every input. */
    if (lrn.size < 1 || lrn.size % 2 == 0 || lrn.size > NN_MAX_SIDE || !(lrn.k > 0) ||
        !(lrn.alpha >= 0) || !isfinite(lrn.k) || !isfinite(lrn.alpha) || !isfinite(lrn.beta))
        return nn_graph_refuse(graph, NN_INVALID, name,
                               "size must be odd, k positive, alpha not negative");
    return nn_graph_append(graph, name, &from, 1,
                           (struct nn_layer){.op = NN_OP_LRN, .shape = in, .lrn = lrn});
}

int nn_graph_concat(struct nn_graph *graph, const char *name, const int *from, int count)
{
    struct nn_shape out = {0}, in;
    if (graph == NULL || from == NULL || count < 1 || count > NN_MAX_LAYERS)
        return nn_graph_refuse(graph, NN_INVALID, name, "nothing to concatenate");
    for (int i = 0; i < count; i++) {
        if (!nn_graph_producer(graph, name, from[i], &in))
            return -1;
        if (i > 0 && (in.h != out.h || in.w != out.w))
            return nn_graph_refuse(graph, NN_SHAPE, name,
                                   "rows or columns of its producers differ");
        out = (struct nn_shape){out.c + in.c, in.h, in.w};
        if (out.c > NN_MAX_SIDE)
            return nn_graph_refuse(graph, NN_LIMIT, name, "too many channels");
    }
    return nn_graph_append(graph, name, from, count,
                           (struct nn_layer){.op = NN_OP_CONCAT, .shape = out});
}

int nn_graph_linear(struct nn_graph *graph, const char *name, int from, int out_features, bool relu)
{
    struct nn_shape in;
    if (!nn_graph_producer(graph, name, from, &in))
        return -1;
    int id = nn_graph_append(
        graph, name, &from, 1,
        (struct nn_layer){.op = NN_OP_LINEAR, .shape = {out_features, 1, 1}, .relu = relu});
    struct nn_parameter weight = {.dims = 2, .dim = {out_features, (int)nn_shape_elements(in)}};
    return with_parameters(graph, id, weight, true);
}

int nn_graph_dropout(struct nn_graph *graph, const char *name, int from, float rate)
{
    struct nn_shape in;
    if (!nn_graph_producer(graph, name, from, &in))
        return -1;
    if (!(rate >= 0.0f && rate < 1.0f))
        return nn_graph_refuse(graph, NN_INVALID, name, "the rate must be at least 0 and below 1");
    return nn_graph_append(graph, name, &from, 1,
                           (struct nn_layer){.op = NN_OP_DROPOUT, .shape = in, .rate = rate});
}

int nn_graph_softmax(struct nn_graph *graph, const char *name, int from)
{
    struct nn_shape in;
    if (!nn_graph_producer(graph, name, from, &in))
        return -1;
    if (in.h != 1 || in.w != 1)
        return nn_graph_refuse(graph, NN_SHAPE, name, "softmax is over a vector");
    return nn_graph_append(graph, name, &from, 1,
                           (struct nn_layer){.op = NN_OP_SOFTMAX, .shape = in});
}

int nn_graph_batch_norm(struct nn_graph *graph, const char *name, int from,
                        struct nn_batch_norm norm)
{
    struct nn_shape in;
    if (!nn_graph_producer(graph, name, from, &in))
        return -1;
    if (!(norm.epsilon > 0) || !isfinite(norm.epsilon) ||
        !(norm.momentum >= 0 && norm.momentum <= 1))
        return nn_graph_refuse(graph, NN_INVALID, name,
                               "epsilon must be positive, momentum within 0 to 1");

    int id = nn_graph_append(graph, name, &from, 1,
                             (struct nn_layer){.op = NN_OP_BATCH_NORM, .shape = in, .norm = norm});
    struct nn_parameter form = {.dims = 1, .dim = {in.c}, .initial = 1};
    if (with_parameters(graph, id, form, true) < 0)
        return -1;
    struct nn_parameter mean = {.dims = 1, .dim = {in.c}, .statistic = true};
    struct nn_parameter variance = mean;
    variance.not_negative = true;
    variance.initial = 1;
    graph->layers[id].running_mean = nn_graph_add_parameter(graph, id, ".running_mean", mean);
    graph->layers[id].running_var = nn_graph_add_parameter(graph, id, ".running_var", variance);
    return graph->error.status == NN_OK ? id : -1;
}

static bool same_shape(struct nn_shape a, struct nn_shape b)
{
    return a.c == b.c && a.h == b.h && a.w == b.w;
}

int nn_graph_add(struct nn_graph *graph, const char *name, const int *from, int count, bool relu)
{
    struct nn_shape out = {0}, in;
    if (graph == NULL || from == NULL || count < 1 || count > NN_MAX_LAYERS)
        return nn_graph_refuse(graph, NN_INVALID, name, "nothing to add");
    for (int i = 0; i < count; i++) {
        if (!nn_graph_producer(graph, name, from[i], &in))
            return -1;
        if (i > 0 && !same_shape(in, out))
            return nn_graph_refuse(graph, NN_SHAPE, name, "shapes of its producers differ");
        out = in;
    }
    return nn_graph_append(graph, name, from, count,
                           (struct nn_layer){.op = NN_OP_ADD, .shape = out, .relu = relu});
}

int nn_graph_mul(struct nn_graph *graph, const char *name, int a, int b)
{
    struct nn_shape out, factor;
    if (!nn_graph_producer(graph, name, a, &out) || !nn_graph_producer(graph, name, b, &factor))
        return -1;
    if (!same_shape(out, factor) && !same_shape(factor, (struct nn_shape){out.c, 1, 1}))
        return nn_graph_refuse(graph, NN_SHAPE, name,
                               "the factor has neither the shape nor one value a channel");
    return nn_graph_append(graph, name, (int[]){a, b}, 2,
                           (struct nn_layer){.op = NN_OP_MUL, .shape = out});
}

int nn_graph_sigmoid(struct nn_graph *graph, const char *name, int from)
{
    struct nn_shape in;
    if (!nn_graph_producer(graph, name, from, &in))
        return -1;
    return nn_graph_append(graph, name, &from, 1,
                           (struct nn_layer){.op = NN_OP_SIGMOID, .shape = in});
}

int nn_graph_silu(struct nn_graph *graph, const char *name, int from)
{
    struct nn_shape in;
    if (!nn_graph_producer(graph, name, from, &in))
        return -1;
    return nn_graph_append(graph, name, &from, 1, (struct nn_layer){.op = NN_OP_SILU, .shape = in});
}

int nn_graph_clip(struct nn_graph *graph, const char *name, int from, float low, float high)
{
    struct nn_shape in;
    if (!nn_graph_producer(graph, name, from, &in))
        return -1;
    if (!(low < high))
        return nn_graph_refuse(graph, NN_INVALID, name, "its low bound is not below its high one");
    return nn_graph_append(graph, name, &from, 1,
                           (struct nn_layer){.op = NN_OP_CLIP, .shape = in, .clip = {low, high}});
}

int nn_graph_pad(struct nn_graph *graph, const char *name, int from, struct nn_pad pad)
{
    struct nn_shape in;
    if (!nn_graph_producer(graph, name, from, &in))
        return -1;
    const int sides[4] = {pad.top, pad.left, pad.bottom, pad.right};
    for (int i = 0; i < 4; i++)
        if (sides[i] < 0 || sides[i] > NN_MAX_SIDE)
            return nn_graph_refuse(graph, NN_SHAPE, name, "a side is negative or too large");
    if (!isfinite(pad.value))
        return nn_graph_refuse(graph, NN_INVALID, name, "its value is not finite");
    struct nn_shape out = {in.c, in.h + pad.top + pad.bottom, in.w + pad.left + pad.right};
    return nn_graph_append(graph, name, &from, 1,
                           (struct nn_layer){.op = NN_OP_PAD, .shape = out, .pad = pad});
}

int nn_graph_reshape(struct nn_graph *graph, const char *name, int from, struct nn_shape shape)
{
    struct nn_shape in;
    if (!nn_graph_producer(graph, name, from, &in))
        return -1;
    if (shape.c < 1 || shape.h < 1 || shape.w < 1 || shape.c > NN_MAX_ELEMENTS ||
        shape.h > NN_MAX_ELEMENTS || shape.w > NN_MAX_ELEMENTS ||
        (int64_t)shape.c * shape.h > NN_MAX_ELEMENTS ||
        nn_shape_elements(shape) != nn_shape_elements(in))
        return nn_graph_refuse(graph, NN_SHAPE, name, "as many elements as its producer's");
    return nn_graph_append(graph, name, &from, 1,
                           (struct nn_layer){.op = NN_OP_RESHAPE, .shape = shape});
}

/* Returns layer, or -1. */
static int add_loss(struct nn_graph *graph, int layer, struct nn_auxiliary loss)
{
    const char *name = graph->layers[layer].name;
    if (graph->finished)
        return nn_graph_refuse(graph, NN_INVALID, name, "the graph is finished");
    if (!(loss.weight > 0) || !isfinite(loss.weight))
        return nn_graph_refuse(graph, NN_INVALID, name, "its weight must be positive");
    if (graph->auxiliary_count >= NN_MAX_AUXILIARIES)
        return nn_graph_refuse(graph, NN_LIMIT, name, "too many auxiliary heads");
    for (int i = 0; i < graph->auxiliary_count; i++)
        if (graph->auxiliaries[i].softmax == loss.softmax)
            return nn_graph_refuse(graph, NN_INVALID, name,
                                   loss.softmax < 0 ? "scores at places already"
                                                    : "an auxiliary head already");
    graph->auxiliaries[graph->auxiliary_count++] = loss;
    return layer;
}

int nn_graph_auxiliary(struct nn_graph *graph, int softmax, float weight)
{
    struct nn_shape shape;
    if (!nn_graph_producer(graph, "auxiliary", softmax, &shape))
        return -1;
    const struct nn_layer *layer = &graph->layers[softmax];
    if (layer->op != NN_OP_SOFTMAX)
        return nn_graph_refuse(graph, NN_INVALID, layer->name, "an auxiliary head ends in softmax");
    return add_loss(graph, softmax, (struct nn_auxiliary){softmax, layer->from[0], weight});
}

int nn_graph_places(struct nn_graph *graph, int scores, float weight)
{
    struct nn_shape shape;
    if (!nn_graph_producer(graph, "places", scores, &shape))
        return -1;
    const struct nn_layer *layer = &graph->layers[scores];
    if (layer->op != NN_OP_CONV2D || layer->relu)
        return nn_graph_refuse(graph, NN_INVALID, layer->name,
                               "scores at places are a convolution's, without ReLU");
    if (shape.c > NN_PLACES_MAX_CLASSES)
        return nn_graph_refuse(graph, NN_LIMIT, layer->name, "too many classes at places");
    return add_loss(graph, scores, (struct nn_auxiliary){-1, scores, weight});
}

int nn_graph_initial(struct nn_graph *graph, int layer, float deviation, float bias)
{
    struct nn_shape shape;
    if (!nn_graph_producer(graph, "initial", layer, &shape))
        return -1;
    const struct nn_layer *l = &graph->layers[layer];
    if (graph->finished)
        return nn_graph_refuse(graph, NN_INVALID, l->name, "the graph is finished");
    if (l->op != NN_OP_CONV2D && l->op != NN_OP_LINEAR)
        return nn_graph_refuse(graph, NN_INVALID, l->name, "only weighted sums have a start");
    if (!(deviation > 0) || !isfinite(deviation) || !isfinite(bias))
        return nn_graph_refuse(graph, NN_INVALID, l->name, "its start must be finite and above 0");
    graph->parameters[l->weight].deviation = deviation;
    if (l->bias >= 0)
        graph->parameters[l->bias].initial = bias;
    return layer;
}
