/* onnx_export.c: a graph as ONNX nodes (opset 13).
 *
 * Our layers have no rank; ONNX's values are (N, C, H, W), or (N, C) after a flatten. A layer's
 * value carries its name; what is made on the way to it is NAME/step. Layers that the output does
 * not depend on (auxiliary heads) stay away. */
#include "graph/graph_internal.h"
#include "onnx_build_internal.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct onnx_export {
    struct onnx_build build;
    const struct nn_graph *graph;
    const struct nn_values *values;
    bool *needed;
    int *rank;       /* of each layer's value: 2 or 4 */
    float sharpness; /* 1 / temperature */
    struct nn_error *err;
};

static const char *name_of(const struct onnx_export *ex, int id)
{
    return nn_graph_name(ex->graph, id);
}

/* The value of `id` as a vector (N, n). */
static const char *vector(struct onnx_export *ex, int id, const char *user)
{
    if (ex->rank[id] == 2)
        return name_of(ex, id);
    const char *flat = nn_onnx_build_text(&ex->build, "%s/flat", user);
    if (flat == NULL)
        return "";
    NnOnnx__Node *node = nn_onnx_build_node(&ex->build, "Flatten", flat, flat,
                                            (const char *[]){name_of(ex, id), NULL});
    nn_onnx_build_int(&ex->build, node, "axis", 1);
    return flat;
}

static void reshape(struct onnx_export *ex, const char *name, const char *from,
                    struct nn_shape shape)
{
    const char *dims = nn_onnx_build_text(&ex->build, "%s/shape", name);
    const int64_t to[4] = {0, shape.c, shape.h, shape.w};

    if (dims == NULL)
        return;
    nn_onnx_build_shape(&ex->build, dims, to, 4);
    nn_onnx_build_node(&ex->build, "Reshape", name, name, (const char *[]){from, dims, NULL});
}

/* The value of `id` as an image (N, C, H, W). */
static const char *image(struct onnx_export *ex, int id, const char *user, int which)
{
    if (ex->rank[id] == 4)
        return name_of(ex, id);
    const char *name = nn_onnx_build_text(&ex->build, "%s/image%d", user, which);
    if (name == NULL)
        return "";
    reshape(ex, name, name_of(ex, id), nn_graph_shape(ex->graph, id));
    return name;
}

static const char *parameter(struct onnx_export *ex, int index)
{
    const struct nn_parameter *p = nn_graph_parameter(ex->graph, index);

    nn_onnx_build_floats(&ex->build, p->name, nn_values_peek(ex->values, index), p->dims, p->dim);
    return p->name;
}

/* Where a layer's operator puts its result when a ReLU follows. */
static const char *before_relu(struct onnx_export *ex, const struct nn_layer *layer)
{
    const char *name =
        layer->relu ? nn_onnx_build_text(&ex->build, "%s/linear", layer->name) : layer->name;
    return name != NULL ? name : "";
}

static void with_relu(struct onnx_export *ex, const struct nn_layer *layer, const char *from)
{
    if (layer->relu) {
        const char *name = nn_onnx_build_text(&ex->build, "%s/relu", layer->name);
        nn_onnx_build_node(&ex->build, "Relu", name != NULL ? name : "", layer->name,
                           (const char *[]){from, NULL});
    }
}

static void conv(struct onnx_export *ex, const struct nn_layer *layer)
{
    const struct nn_conv2d *c = &layer->conv;
    const char *to = before_relu(ex, layer);
    const char *in[4] = {image(ex, layer->from[0], layer->name, 0), parameter(ex, layer->weight),
                         layer->bias < 0 ? NULL : parameter(ex, layer->bias), NULL};

    NnOnnx__Node *node = nn_onnx_build_node(&ex->build, "Conv", layer->name, to, in);
    nn_onnx_build_ints(&ex->build, node, "kernel_shape", (int[]){c->kernel_h, c->kernel_w}, 2);
    nn_onnx_build_ints(&ex->build, node, "strides", (int[]){c->stride_h, c->stride_w}, 2);
    nn_onnx_build_ints(&ex->build, node, "pads", (int[]){c->pad_h, c->pad_w, c->pad_h, c->pad_w},
                       4);
    nn_onnx_build_int(&ex->build, node, "group", c->groups);
    with_relu(ex, layer, to);
}

static void linear(struct onnx_export *ex, const struct nn_layer *layer)
{
    const char *to = before_relu(ex, layer);
    const char *in[4] = {vector(ex, layer->from[0], layer->name), parameter(ex, layer->weight),
                         parameter(ex, layer->bias), NULL};

    NnOnnx__Node *node = nn_onnx_build_node(&ex->build, "Gemm", layer->name, to, in);
    nn_onnx_build_int(&ex->build, node, "transB", 1);
    with_relu(ex, layer, to);
}

/* Cells that the last window hangs over, as padding: windows as ONNX counts them without its
 * ceil_mode, whose meaning changed between runtimes. */
static int end_pad(int size, int out, int kernel, int stride, int pad)
{
    int needed = (out - 1) * stride + kernel - size - pad;
    return needed > pad ? needed : pad;
}

static enum nn_status pool(struct onnx_export *ex, const struct nn_layer *layer)
{
    const struct nn_pool2d *p = &layer->pool;
    struct nn_shape in = nn_graph_shape(ex->graph, layer->from[0]), out = layer->shape;
    const char *from[2] = {image(ex, layer->from[0], layer->name, 0), NULL};
    bool max = layer->op == NN_OP_MAX_POOL;
    int bottom = end_pad(in.h, out.h, p->kernel_h, p->stride_h, p->pad_h);
    int right = end_pad(in.w, out.w, p->kernel_w, p->stride_w, p->pad_w);

    if (!max && p->kernel_h == in.h && p->kernel_w == in.w && p->pad_h == 0 && p->pad_w == 0) {
        nn_onnx_build_node(&ex->build, "GlobalAveragePool", layer->name, layer->name, from);
        return NN_OK;
    }
    if (!max && p->count_padding && (bottom > p->pad_h || right > p->pad_w))
        return nn_fail(ex->err, NN_UNSUPPORTED,
                       "layer %.100s: a mean that counts padding and hangs over is not exported",
                       layer->name);
    NnOnnx__Node *node = nn_onnx_build_node(&ex->build, max ? "MaxPool" : "AveragePool",
                                            layer->name, layer->name, from);
    nn_onnx_build_ints(&ex->build, node, "kernel_shape", (int[]){p->kernel_h, p->kernel_w}, 2);
    nn_onnx_build_ints(&ex->build, node, "strides", (int[]){p->stride_h, p->stride_w}, 2);
    nn_onnx_build_ints(&ex->build, node, "pads", (int[]){p->pad_h, p->pad_w, bottom, right}, 4);
    if (!max)
        nn_onnx_build_int(&ex->build, node, "count_include_pad", p->count_padding);
    return NN_OK;
}

static void lrn(struct onnx_export *ex, const struct nn_layer *layer)
{
    NnOnnx__Node *node =
        nn_onnx_build_node(&ex->build, "LRN", layer->name, layer->name,
                           (const char *[]){image(ex, layer->from[0], layer->name, 0), NULL});
    nn_onnx_build_int(&ex->build, node, "size", layer->lrn.size);
    nn_onnx_build_float(&ex->build, node, "alpha", layer->lrn.alpha);
    nn_onnx_build_float(&ex->build, node, "beta", layer->lrn.beta);
    nn_onnx_build_float(&ex->build, node, "bias", layer->lrn.k);
}

/* Several producers, all as vectors when they are, else all as images. */
static enum nn_status joined(struct onnx_export *ex, int id, const struct nn_layer *layer)
{
    int count = layer->from_count;
    const char **in = nn_onnx_build_room(&ex->build, (size_t)(count + 1) * sizeof *in);

    ex->rank[id] = 2;
    for (int i = 0; i < count; i++)
        if (ex->rank[layer->from[i]] == 4)
            ex->rank[id] = 4;
    for (int i = 0; i < count && in != NULL; i++)
        in[i] = ex->rank[id] == 2 ? name_of(ex, layer->from[i])
                                  : image(ex, layer->from[i], layer->name, i);
    if (in == NULL)
        return nn_fail(ex->err, NN_NO_MEMORY, "no memory");
    if (layer->op == NN_OP_CONCAT) {
        nn_onnx_build_int(&ex->build,
                          nn_onnx_build_node(&ex->build, "Concat", layer->name, layer->name, in),
                          "axis", 1);
        return NN_OK;
    }
    if (layer->op == NN_OP_MUL) {
        nn_onnx_build_node(&ex->build, "Mul", layer->name, layer->name, in);
        return NN_OK;
    }
    const char *to = before_relu(ex, layer), *so_far = in[0];
    for (int i = 1; i < count; i++) { /* two at a time, in our order */
        const char *part =
            i == count - 1 ? to : nn_onnx_build_text(&ex->build, "%s/sum%d", layer->name, i);
        if (part == NULL)
            return nn_fail(ex->err, NN_NO_MEMORY, "no memory");
        nn_onnx_build_node(&ex->build, "Add", i == count - 1 ? layer->name : part, part,
                           (const char *[]){so_far, in[i], NULL});
        so_far = part;
    }
    if (count == 1)
        nn_onnx_build_node(&ex->build, "Identity", layer->name, to, (const char *[]){in[0], NULL});
    with_relu(ex, layer, to);
    return NN_OK;
}

static const char *scalar(struct onnx_export *ex, const struct nn_layer *layer, const char *what,
                          const float *value)
{
    const char *name = nn_onnx_build_text(&ex->build, "%s/%s", layer->name, what);
    if (name == NULL)
        return "";
    nn_onnx_build_floats(&ex->build, name, value, 0, NULL);
    return name;
}

static void pad(struct onnx_export *ex, const struct nn_layer *layer)
{
    const struct nn_pad *p = &layer->pad;
    const int64_t pads[8] = {0, 0, p->top, p->left, 0, 0, p->bottom, p->right};
    const char *name = nn_onnx_build_text(&ex->build, "%s/pads", layer->name);

    if (name == NULL)
        return;
    nn_onnx_build_shape(&ex->build, name, pads, 8);
    nn_onnx_build_node(&ex->build, "Pad", layer->name, layer->name,
                       (const char *[]){image(ex, layer->from[0], layer->name, 0), name,
                                        scalar(ex, layer, "value", &p->value), NULL});
}

static void batch_norm(struct onnx_export *ex, const struct nn_layer *layer)
{
    NnOnnx__Node *node = nn_onnx_build_node(
        &ex->build, "BatchNormalization", layer->name, layer->name,
        (const char *[]){name_of(ex, layer->from[0]), parameter(ex, layer->weight),
                         parameter(ex, layer->bias), parameter(ex, layer->running_mean),
                         parameter(ex, layer->running_var), NULL});
    nn_onnx_build_float(&ex->build, node, "epsilon", layer->norm.epsilon);
    nn_onnx_build_float(&ex->build, node, "momentum", 1 - layer->norm.momentum);
}

/* One input, one output of its shape. */
static void unary(struct onnx_export *ex, const struct nn_layer *layer)
{
    const char *in[4] = {name_of(ex, layer->from[0]), NULL, NULL, NULL};

    switch (layer->op) {
    case NN_OP_RELU:
        nn_onnx_build_node(&ex->build, "Relu", layer->name, layer->name, in);
        break;
    case NN_OP_SIGMOID:
        nn_onnx_build_node(&ex->build, "Sigmoid", layer->name, layer->name, in);
        break;
    case NN_OP_SILU:
        in[1] = nn_onnx_build_text(&ex->build, "%s/sigmoid", layer->name);
        if (in[1] == NULL)
            return;
        nn_onnx_build_node(&ex->build, "Sigmoid", in[1], in[1], (const char *[]){in[0], NULL});
        nn_onnx_build_node(&ex->build, "Mul", layer->name, layer->name, in);
        break;
    case NN_OP_CLIP:
        in[1] = isfinite(layer->clip.low) ? scalar(ex, layer, "min", &layer->clip.low) : "";
        in[2] = isfinite(layer->clip.high) ? scalar(ex, layer, "max", &layer->clip.high) : NULL;
        nn_onnx_build_node(&ex->build, "Clip", layer->name, layer->name, in);
        break;
    default:
        in[1] = scalar(ex, layer, "ratio", &layer->rate);
        nn_onnx_build_node(&ex->build, "Dropout", layer->name, layer->name, in);
    }
}

static void softmax(struct onnx_export *ex, int id, const struct nn_layer *layer)
{
    const char *in[3] = {vector(ex, layer->from[0], layer->name), NULL, NULL};

    if (id == nn_graph_count(ex->graph) - 1 && ex->sharpness != 1) {
        const char *name = nn_onnx_build_text(&ex->build, "%s/calibrated", layer->name);
        in[1] = scalar(ex, layer, "sharpness", &ex->sharpness);
        if (name == NULL)
            return;
        nn_onnx_build_node(&ex->build, "Mul", name, name, in);
        in[0] = name;
        in[1] = NULL;
    }
    NnOnnx__Node *node = nn_onnx_build_node(&ex->build, "Softmax", layer->name, layer->name, in);
    nn_onnx_build_int(&ex->build, node, "axis", 1);
}

static enum nn_status node_of(struct onnx_export *ex, int id)
{
    const struct nn_layer *layer = nn_graph_layer(ex->graph, id);

    ex->rank[id] = 4;
    switch (layer->op) {
    case NN_OP_INPUT:
        return NN_OK;
    case NN_OP_CONV2D:
        conv(ex, layer);
        return NN_OK;
    case NN_OP_MAX_POOL:
    case NN_OP_AVG_POOL:
        return pool(ex, layer);
    case NN_OP_LRN:
        lrn(ex, layer);
        return NN_OK;
    case NN_OP_PAD:
        pad(ex, layer);
        return NN_OK;
    case NN_OP_CONCAT:
    case NN_OP_ADD:
    case NN_OP_MUL:
        return joined(ex, id, layer);
    case NN_OP_LINEAR:
        linear(ex, layer);
        break;
    case NN_OP_SOFTMAX:
        softmax(ex, id, layer);
        break;
    case NN_OP_RESHAPE:
        reshape(ex, layer->name, name_of(ex, layer->from[0]), layer->shape);
        return NN_OK;
    case NN_OP_BATCH_NORM:
        batch_norm(ex, layer);
        ex->rank[id] = ex->rank[layer->from[0]];
        return NN_OK;
    default:
        unary(ex, layer);
        ex->rank[id] = ex->rank[layer->from[0]];
        return NN_OK;
    }
    ex->rank[id] = 2;
    return NN_OK;
}

static enum nn_status write_model(struct onnx_export *ex, const char *path,
                                  const struct nn_metadata *metadata, size_t metadata_count)
{
    int last = nn_graph_count(ex->graph) - 1;
    struct nn_shape in = nn_graph_shape(ex->graph, 0), out = nn_graph_shape(ex->graph, last);
    NnOnnx__Model model = NN_ONNX__MODEL__INIT;
    NnOnnx__Graph graph = NN_ONNX__GRAPH__INIT;
    NnOnnx__OperatorSet set = NN_ONNX__OPERATOR_SET__INIT, *sets[1] = {&set};
    NnOnnx__ValueInfo *input =
        nn_onnx_build_value(&ex->build, name_of(ex, 0), 4, (int[]){0, in.c, in.h, in.w});
    NnOnnx__ValueInfo *output = nn_onnx_build_value(&ex->build, name_of(ex, last), ex->rank[last],
                                                    (int[]){0, out.c, out.h, out.w});
    NnOnnx__Entry *entries = nn_onnx_build_room(&ex->build, (metadata_count + 1) * sizeof *entries);
    NnOnnx__Entry **list = nn_onnx_build_room(&ex->build, (metadata_count + 1) * sizeof *list);

    graph.name = nn_onnx_build_text(&ex->build, "cervigate");
    model.producer_name = graph.name;
    model.producer_version = nn_onnx_build_text(&ex->build, "%s", CERVIGATE_VERSION);
    for (size_t i = 0; list != NULL && i < metadata_count; i++) {
        nn_onnx__entry__init(&entries[i]);
        entries[i].key = (char *)(uintptr_t)metadata[i].key;
        entries[i].value = (char *)(uintptr_t)metadata[i].value;
        list[i] = &entries[i];
    }
    if (ex->build.failed)
        return nn_fail(ex->err, NN_NO_MEMORY, "no memory");
    set.domain = (char *)(uintptr_t)protobuf_c_empty_string;
    set.has_version = model.has_ir_version = 1;
    set.version = 13;
    model.ir_version = 7;
    graph.n_node = ex->build.node_count;
    graph.node = ex->build.nodes;
    graph.n_initializer = ex->build.tensor_count;
    graph.initializer = ex->build.tensors;
    graph.n_input = graph.n_output = 1;
    graph.input = &input;
    graph.output = &output;
    model.graph = &graph;
    model.n_opset_import = 1;
    model.opset_import = sets;
    model.n_metadata_props = metadata_count;
    model.metadata_props = list;
    return nn_onnx_build_write(&model, path, ex->err);
}

enum nn_status nn_onnx_write(const char *path, const struct nn_graph *graph,
                             const struct nn_values *values, double temperature,
                             const struct nn_metadata *metadata, size_t metadata_count,
                             struct nn_error *err)
{
    struct onnx_export ex = {
        .graph = graph, .values = values, .sharpness = (float)(1 / temperature), .err = err};
    int count = nn_graph_count(graph);

    if (!(temperature > 0) || !isfinite(ex.sharpness))
        return nn_fail(err, NN_INVALID, "a temperature of %g", temperature);
    enum nn_status status = NN_OK;

    ex.needed = calloc((size_t)count, sizeof *ex.needed);
    ex.rank = calloc((size_t)count, sizeof *ex.rank);
    if (ex.needed == NULL || ex.rank == NULL)
        status = nn_fail(err, NN_NO_MEMORY, "no memory");
    for (int i = count - 1; i >= 0 && status == NN_OK; i--) {
        const struct nn_layer *layer = nn_graph_layer(graph, i);
        ex.needed[i] = ex.needed[i] || i == count - 1;
        for (int j = 0; j < layer->from_count && ex.needed[i]; j++)
            ex.needed[layer->from[j]] = true;
    }
    for (int i = 0; i < count && status == NN_OK; i++)
        if (ex.needed[i])
            status = node_of(&ex, i);
    if (status == NN_OK && ex.build.failed)
        status = nn_fail(err, NN_NO_MEMORY, "no memory");
    if (status == NN_OK)
        status = write_model(&ex, path, metadata, metadata_count);
    nn_onnx_build_finish(&ex.build);
    free(ex.needed);
    free(ex.rank);
    return status;
}
