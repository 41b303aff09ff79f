#include "graph_internal.h"
#include "networks_internal.h"
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct nn_graph *nn_graph_create(void)
{
    return calloc(1, sizeof(struct nn_graph));
}

void nn_graph_destroy(struct nn_graph *graph)
{
    if (graph == NULL)
        return;

    for (int i = 0; i < graph->count; i++) {
        free(graph->layers[i].name);
        free(graph->layers[i].from);
    }
    for (int i = 0; i < graph->parameter_count; i++)
        free((char *)(uintptr_t)graph->parameters[i].name);
    free(graph->layers);
    free(graph->parameters);
    free(graph);
}

size_t nn_shape_elements(struct nn_shape shape)
{
    return (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
}

static bool shape_fits(struct nn_shape shape)
{
    if (shape.c < 1 || shape.h < 1 || shape.w < 1 || shape.c > NN_MAX_SIDE ||
        shape.h > NN_MAX_SIDE || shape.w > NN_MAX_SIDE)
        return false;
    return nn_shape_elements(shape) <= NN_MAX_ELEMENTS;
}

/* The first error sticks; later ones are its consequences. */
static int refuse(struct nn_graph *graph, enum nn_status status, const char *name, const char *why)
{
    if (graph != NULL && graph->error.status == NN_OK)
        nn_fail(&graph->error, status, "layer %.*s: %s", NN_MAX_NAME, name == NULL ? "?" : name,
                why);
    return -1;
}

static bool grow(void **array, int count, int *capacity, size_t size)
{
    if (count < *capacity)
        return true;
    int wanted = *capacity == 0 ? 64 : *capacity * 2;
    void *grown = realloc(*array, (size_t)wanted * size);
    if (grown == NULL)
        return false;
    *array = grown;
    *capacity = wanted;
    return true;
}

static bool name_is_good(const char *name)
{
    size_t length = name == NULL ? 0 : strnlen(name, NN_MAX_NAME + 1);
    return length >= 1 && length <= NN_MAX_NAME;
}

/* Appends a layer whose shape is known; takes a copy of name and from. */
static int append(struct nn_graph *graph, const char *name, const int *from, int from_count,
                  struct nn_layer layer)
{
    if (graph == NULL || graph->error.status != NN_OK)
        return -1;
    if (graph->finished)
        return refuse(graph, NN_INVALID, name, "the graph is finished");
    if (!name_is_good(name))
        return refuse(graph, NN_INVALID, name, "the name is empty or too long");
    for (int i = 0; i < graph->count; i++)
        if (strcmp(graph->layers[i].name, name) == 0)
            return refuse(graph, NN_INVALID, name, "the name is taken");
    if (graph->count >= NN_MAX_LAYERS)
        return refuse(graph, NN_LIMIT, name, "too many layers");
    if (!shape_fits(layer.shape))
        return refuse(graph, NN_SHAPE, name, "the output's shape is empty or too large");

    layer.name = strdup(name);
    layer.from = malloc(sizeof(int) * (size_t)(from_count > 0 ? from_count : 1));
    layer.from_count = from_count;
    layer.weight = layer.bias = -1;
    if (layer.name == NULL || layer.from == NULL ||
        !grow((void **)&graph->layers, graph->count, &graph->capacity, sizeof layer)) {
        free(layer.name);
        free(layer.from);
        return refuse(graph, NN_NO_MEMORY, name, "out of memory");
    }
    for (int i = 0; i < from_count; i++)
        layer.from[i] = from[i];
    graph->layers[graph->count] = layer;
    return graph->count++;
}

/* The shape of a producer; false (and an error) when there is none. */
static bool producer(struct nn_graph *graph, const char *name, int from, struct nn_shape *shape)
{
    if (graph == NULL || graph->error.status != NN_OK)
        return false;
    if (from < 0 || from >= graph->count) {
        refuse(graph, NN_INVALID, name, "its producer does not exist");
        return false;
    }
    *shape = graph->layers[from].shape;
    return true;
}

static int add_parameter(struct nn_graph *graph, int layer, const char *suffix, int dims,
                         const int dim[4])
{
    struct nn_parameter p = {.dims = dims, .elements = 1, .layer = layer};
    for (int i = 0; i < dims; i++) {
        p.dim[i] = dim[i];
        p.elements *= (size_t)dim[i];
        if (p.elements > NN_MAX_ELEMENTS)
            return refuse(graph, NN_LIMIT, graph->layers[layer].name, "too many parameters");
    }
    size_t size = strlen(graph->layers[layer].name) + strlen(suffix) + 1;
    char *name = malloc(size);
    if (name == NULL || !grow((void **)&graph->parameters, graph->parameter_count,
                              &graph->parameter_capacity, sizeof p)) {
        free(name);
        return refuse(graph, NN_NO_MEMORY, graph->layers[layer].name, "out of memory");
    }
    snprintf(name, size, "%s%s", graph->layers[layer].name, suffix);
    p.name = name;
    graph->parameters[graph->parameter_count] = p;
    return graph->parameter_count++;
}

static int with_parameters(struct nn_graph *graph, int id, int dims, const int dim[4])
{
    if (id < 0)
        return -1;
    int weight = add_parameter(graph, id, ".weight", dims, dim);
    int bias = weight < 0 ? -1 : add_parameter(graph, id, ".bias", 1, dim);
    graph->layers[id].weight = weight;
    graph->layers[id].bias = bias;
    return bias < 0 ? -1 : id;
}

int nn_graph_input(struct nn_graph *graph, const char *name, struct nn_shape shape)
{
    if (graph != NULL && graph->count > 0)
        return refuse(graph, NN_INVALID, name, "a graph has one input, its first layer");
    return append(graph, name, NULL, 0, (struct nn_layer){.op = NN_OP_INPUT, .shape = shape});
}

static bool window_is_good(int kernel, int stride, int pad, int size)
{
    return kernel >= 1 && stride >= 1 && pad >= 0 && pad < kernel && kernel <= NN_MAX_SIDE &&
           stride <= NN_MAX_SIDE && kernel <= size + 2 * pad;
}

int nn_graph_conv2d(struct nn_graph *graph, const char *name, int from, struct nn_conv2d conv)
{
    struct nn_shape in;
    if (!producer(graph, name, from, &in))
        return -1;
    if (!window_is_good(conv.kernel_h, conv.stride_h, conv.pad_h, in.h) ||
        !window_is_good(conv.kernel_w, conv.stride_w, conv.pad_w, in.w))
        return refuse(graph, NN_SHAPE, name, "kernel, stride or padding does not fit the input");
    if (conv.groups < 1 || conv.out_channels < 1 || in.c % conv.groups != 0 ||
        conv.out_channels % conv.groups != 0)
        return refuse(graph, NN_SHAPE, name, "groups do not divide the channels");

    struct nn_shape out = {conv.out_channels,
                           (in.h + 2 * conv.pad_h - conv.kernel_h) / conv.stride_h + 1,
                           (in.w + 2 * conv.pad_w - conv.kernel_w) / conv.stride_w + 1};
    int id = append(
        graph, name, &from, 1,
        (struct nn_layer){.op = NN_OP_CONV2D, .shape = out, .relu = conv.relu, .conv = conv});
    int dim[4] = {conv.out_channels, in.c / conv.groups, conv.kernel_h, conv.kernel_w};
    return with_parameters(graph, id, 4, dim);
}

int nn_graph_relu(struct nn_graph *graph, const char *name, int from)
{
    struct nn_shape in;
    if (!producer(graph, name, from, &in))
        return -1;
    return append(graph, name, &from, 1,
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
    if (!producer(graph, name, from, &in))
        return -1;
    if (!window_is_good(pool.kernel_h, pool.stride_h, pool.pad_h, in.h) ||
        !window_is_good(pool.kernel_w, pool.stride_w, pool.pad_w, in.w))
        return refuse(graph, NN_SHAPE, name, "kernel, stride or padding does not fit the input");

    struct nn_shape out = {in.c,
                           pooled(in.h, pool.kernel_h, pool.stride_h, pool.pad_h, pool.ceil_mode),
                           pooled(in.w, pool.kernel_w, pool.stride_w, pool.pad_w, pool.ceil_mode)};
    return append(graph, name, &from, 1, (struct nn_layer){.op = op, .shape = out, .pool = pool});
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
    if (!producer(graph, name, from, &in))
        return -1;
    return add_pool(
        graph, name, from,
        (struct nn_pool2d){.kernel_h = in.h, .kernel_w = in.w, .stride_h = 1, .stride_w = 1},
        NN_OP_AVG_POOL);
}

int nn_graph_lrn(struct nn_graph *graph, const char *name, int from, struct nn_lrn lrn)
{
    struct nn_shape in;
    if (!producer(graph, name, from, &in))
        return -1;
    /* k > 0 and alpha >= 0 keep the base of the power positive for every input. */
    if (lrn.size < 1 || lrn.size % 2 == 0 || lrn.size > NN_MAX_SIDE || !(lrn.k > 0) ||
        !(lrn.alpha >= 0) || !isfinite(lrn.k) || !isfinite(lrn.alpha) || !isfinite(lrn.beta))
        return refuse(graph, NN_INVALID, name, "size must be odd, k positive, alpha not negative");
    return append(graph, name, &from, 1,
                  (struct nn_layer){.op = NN_OP_LRN, .shape = in, .lrn = lrn});
}

int nn_graph_concat(struct nn_graph *graph, const char *name, const int *from, int count)
{
    struct nn_shape out = {0}, in;
    if (graph == NULL || from == NULL || count < 1 || count > NN_MAX_LAYERS)
        return refuse(graph, NN_INVALID, name, "nothing to concatenate");
    for (int i = 0; i < count; i++) {
        if (!producer(graph, name, from[i], &in))
            return -1;
        if (i > 0 && (in.h != out.h || in.w != out.w))
            return refuse(graph, NN_SHAPE, name, "rows or columns of its producers differ");
        out = (struct nn_shape){out.c + in.c, in.h, in.w};
        if (out.c > NN_MAX_SIDE)
            return refuse(graph, NN_LIMIT, name, "too many channels");
    }
    return append(graph, name, from, count, (struct nn_layer){.op = NN_OP_CONCAT, .shape = out});
}

int nn_graph_concat_flat(struct nn_graph *graph, const char *name, const int *from, int count)
{
    struct nn_shape out = {0, 1, 1}, in;
    for (int i = 0; i < count; i++) {
        if (!producer(graph, name, from[i], &in))
            return -1;
        if (nn_shape_elements(in) > (size_t)(NN_MAX_SIDE - out.c))
            return refuse(graph, NN_LIMIT, name, "too many features");
        out.c += (int)nn_shape_elements(in);
    }
    return append(graph, name, from, count, (struct nn_layer){.op = NN_OP_CONCAT, .shape = out});
}

int nn_graph_linear(struct nn_graph *graph, const char *name, int from, int out_features, bool relu)
{
    struct nn_shape in;
    if (!producer(graph, name, from, &in))
        return -1;
    int id =
        append(graph, name, &from, 1,
               (struct nn_layer){.op = NN_OP_LINEAR, .shape = {out_features, 1, 1}, .relu = relu});
    int dim[4] = {out_features, (int)nn_shape_elements(in)};
    return with_parameters(graph, id, 2, dim);
}

int nn_graph_dropout(struct nn_graph *graph, const char *name, int from, float rate)
{
    struct nn_shape in;
    if (!producer(graph, name, from, &in))
        return -1;
    if (!(rate >= 0.0f && rate < 1.0f))
        return refuse(graph, NN_INVALID, name, "the rate must be at least 0 and below 1");
    return append(graph, name, &from, 1,
                  (struct nn_layer){.op = NN_OP_DROPOUT, .shape = in, .rate = rate});
}

int nn_graph_softmax(struct nn_graph *graph, const char *name, int from)
{
    struct nn_shape in;
    if (!producer(graph, name, from, &in))
        return -1;
    if (in.h != 1 || in.w != 1)
        return refuse(graph, NN_SHAPE, name, "softmax is over a vector");
    return append(graph, name, &from, 1, (struct nn_layer){.op = NN_OP_SOFTMAX, .shape = in});
}

enum nn_status nn_graph_finish(struct nn_graph *graph, struct nn_error *err)
{
    if (graph == NULL)
        return nn_fail(err, NN_INVALID, "no graph");
    if (graph->error.status == NN_OK && graph->count < 2)
        nn_fail(&graph->error, NN_INVALID, "a graph needs an input and a layer");
    if (graph->error.status != NN_OK)
        return nn_fail(err, graph->error.status, "%s", graph->error.text);

    graph->finished = true;
    return NN_OK;
}

int nn_graph_count(const struct nn_graph *graph)
{
    return graph->count;
}

const struct nn_layer *nn_graph_layer(const struct nn_graph *graph, int id)
{
    return id >= 0 && id < graph->count ? &graph->layers[id] : NULL;
}

int nn_graph_find(const struct nn_graph *graph, const char *name)
{
    for (int i = 0; i < graph->count; i++)
        if (strcmp(graph->layers[i].name, name) == 0)
            return i;
    return -1;
}

const char *nn_graph_name(const struct nn_graph *graph, int id)
{
    const struct nn_layer *layer = nn_graph_layer(graph, id);
    return layer == NULL ? NULL : layer->name;
}

struct nn_shape nn_graph_shape(const struct nn_graph *graph, int id)
{
    const struct nn_layer *layer = nn_graph_layer(graph, id);
    return layer == NULL ? (struct nn_shape){0} : layer->shape;
}

int nn_graph_parameter_count(const struct nn_graph *graph)
{
    return graph->parameter_count;
}

const struct nn_parameter *nn_graph_parameter(const struct nn_graph *graph, int index)
{
    return index >= 0 && index < graph->parameter_count ? &graph->parameters[index] : NULL;
}
