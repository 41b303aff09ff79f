/* onnx_layers.c: Gemm, MatMul, LRN, Softmax, Dropout, Concat of activations. */
#include "graph/graph_internal.h"
#include "onnx_internal.h"
#include <stdlib.h>

/* A fully connected layer as ONNX has it: y = alpha * x B + beta * C. */
struct dense {
    const struct onnx_constant *weight, *bias; /* bias: or NULL */
    bool transposed;                           /* weight is (out, in), as ours */
    float alpha, beta;
};

static float *dense_weight(const struct dense *d, size_t in, size_t out)
{
    float *w = malloc(sizeof *w * in * out);

    for (size_t o = 0; w != NULL && o < out; o++)
        for (size_t i = 0; i < in; i++)
            w[o * in + i] = d->alpha * d->weight->f[d->transposed ? o * in + i : i * out + o];
    return w;
}

static enum nn_status dense_numbers(struct onnx_import *in, const struct dense *d, int id,
                                    size_t inputs, size_t outputs, bool fresh)
{
    const struct nn_layer *layer = nn_graph_layer(in->out->graph, id);

    if (fresh) {
        enum nn_status status = nn_onnx_give_fresh(in, layer->weight);
        return status == NN_OK ? nn_onnx_give_filled(in, layer->bias, 0) : status;
    }
    float *weight = dense_weight(d, inputs, outputs);
    if (weight == NULL)
        return nn_fail(in->err, NN_NO_MEMORY, "no memory");
    enum nn_status status = nn_onnx_give(in, layer->weight, weight);
    if (status != NN_OK || d->bias == NULL)
        return status == NN_OK ? nn_onnx_give_filled(in, layer->bias, 0) : status;
    float *bias = malloc(sizeof *bias * outputs);
    if (bias == NULL)
        return nn_fail(in->err, NN_NO_MEMORY, "no memory");
    for (size_t o = 0; o < outputs; o++)
        bias[o] = d->beta * d->bias->f[d->bias->elements == 1 ? 0 : o];
    return nn_onnx_give(in, layer->bias, bias);
}

/* `last` makes the layer's output: the node, or the Add that was taken as its bias. */
static enum nn_status dense_layer(struct onnx_import *in, struct onnx_node *node,
                                  const struct onnx_node *last, const struct dense *d)
{
    struct onnx_value *x;
    char name[128];
    bool fresh = node - in->nodes == in->head;

    enum nn_status status = nn_onnx_input_activation(in, node, 0, &x);
    if (status != NN_OK)
        return status;
    if (d->weight->dims != 2 || d->weight->f == NULL || d->weight->elements == 0)
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED, "its weights are not a matrix");
    size_t inputs = (size_t)d->weight->dim[d->transposed ? 1 : 0];
    size_t outputs = (size_t)d->weight->dim[d->transposed ? 0 : 1];
    if (x->rank != 2 || nn_shape_elements(x->shape) != inputs)
        return nn_onnx_refuse(in, node, NN_SHAPE,
                              "its weights are for a vector of %zu, its input has rank %d and %zu "
                              "numbers",
                              inputs, x->rank, nn_shape_elements(x->shape));
    if (d->bias != NULL &&
        (d->bias->f == NULL || (d->bias->elements != 1 && d->bias->elements != outputs)))
        return nn_onnx_refuse(in, node, NN_SHAPE, "its bias does not have %zu numbers", outputs);
    nn_onnx_name(in, node, 1, name);
    int features = fresh ? in->options->fresh_classes : (int)outputs;
    bool relu = nn_onnx_absorb_relu(in, &last);
    int id = nn_graph_linear(in->out->graph, name, x->layer, features, relu);
    status = nn_onnx_made(in, last, id, 2);
    return status == NN_OK ? dense_numbers(in, d, id, inputs, outputs, fresh) : status;
}

enum nn_status nn_onnx_gemm(struct onnx_import *in, struct onnx_node *node)
{
    struct dense d = {.transposed = nn_onnx_int(node, "transB", 0) != 0,
                      .alpha = nn_onnx_float(node, "alpha", 1),
                      .beta = nn_onnx_float(node, "beta", 1)};

    if (nn_onnx_int(node, "transA", 0) != 0)
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                              "the attribute transA would mix the samples of a batch");
    enum nn_status status = nn_onnx_input_constant(in, node, 1, &d.weight);
    if (status == NN_OK && nn_onnx_has_input(node, 2))
        status = nn_onnx_input_constant(in, node, 2, &d.bias);
    return status == NN_OK ? dense_layer(in, node, node, &d) : status;
}

/* A vector added to the product is the layer's bias. */
enum nn_status nn_onnx_matmul(struct onnx_import *in, struct onnx_node *node)
{
    struct dense d = {.alpha = 1, .beta = 1};
    const struct onnx_node *last = node;

    enum nn_status status = nn_onnx_input_constant(in, node, 1, &d.weight);
    struct onnx_node *add = nn_onnx_sole_consumer(in, node, "Add");
    if (status == NN_OK && d.weight->dims == 2 && add != NULL && add->proto->n_input == 2 &&
        add->proto->n_output == 1) {
        size_t other = nn_onnx_first(in, add) == nn_onnx_output(in, node) ? 1 : 0;
        if (nn_onnx_is_constant(in, add, other)) {
            status = nn_onnx_input_constant(in, add, other, &d.bias);
            int64_t outputs = d.weight->dim[1];
            if (status == NN_OK && d.bias->dims >= 1 && d.bias->dims <= 2 &&
                d.bias->dim[d.bias->dims - 1] == outputs && d.bias->elements == (size_t)outputs) {
                add->absorbed = true;
                last = add;
            } else {
                d.bias = NULL;
            }
        }
    }
    return status == NN_OK ? dense_layer(in, node, last, &d) : status;
}

enum nn_status nn_onnx_lrn(struct onnx_import *in, struct onnx_node *node)
{
    int64_t size = nn_onnx_int(node, "size", 0);
    struct onnx_value *x;
    char name[128];
    int from;

    enum nn_status status = nn_onnx_input_activation(in, node, 0, &x);
    if (status == NN_OK && (size < 1 || size > NN_MAX_SIDE))
        status = nn_onnx_refuse(in, node, NN_BAD_DATA, "size of %lld", (long long)size);
    if (status == NN_OK)
        status = nn_onnx_materialise(in, node, x, &from);
    if (status != NN_OK)
        return status;
    nn_onnx_name(in, node, -1, name);
    struct nn_lrn lrn = {.size = (int)size,
                         .alpha = nn_onnx_float(node, "alpha", 1e-4f),
                         .beta = nn_onnx_float(node, "beta", 0.75f),
                         .k = nn_onnx_float(node, "bias", 1)};
    return nn_onnx_made(in, node, nn_graph_lrn(in->out->graph, name, from, lrn), x->rank);
}

/* Before opset 13 all axes from `axis` on are one. */
enum nn_status nn_onnx_softmax(struct onnx_import *in, struct onnx_node *node)
{
    struct onnx_value *x;
    char name[128];

    enum nn_status status = nn_onnx_input_activation(in, node, 0, &x);
    if (status != NN_OK)
        return status;
    int axis = nn_onnx_axis(nn_onnx_int(node, "axis", in->opset < 13 ? 1 : -1), x->rank);
    if (axis != 1 || (in->opset >= 13 && x->shape.h * x->shape.w != 1))
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                              "only a softmax over the classes of a vector is supported (axis)");
    struct onnx_value flat = *x;
    flat.shape = (struct nn_shape){(int)nn_shape_elements(x->shape), 1, 1};
    int from;
    status = nn_onnx_materialise(in, node, &flat, &from);
    if (status != NN_OK)
        return status;
    nn_onnx_name(in, node, -1, name);
    in->softmaxes++;
    return nn_onnx_made(in, node, nn_graph_softmax(in->out->graph, name, from), x->rank);
}

enum nn_status nn_onnx_dropout(struct onnx_import *in, struct onnx_node *node)
{
    float rate = nn_onnx_float(node, "ratio", 0.5f);
    const struct onnx_constant *given;
    struct onnx_value *x;
    char name[128];

    enum nn_status status = nn_onnx_input_activation(in, node, 0, &x);
    if (status == NN_OK && in->opset >= 12 && nn_onnx_has_input(node, 1)) {
        status = nn_onnx_input_constant(in, node, 1, &given);
        if (status == NN_OK && (given->f == NULL || given->elements != 1))
            status = nn_onnx_refuse(in, node, NN_BAD_DATA, "its ratio is not one real number");
        if (status == NN_OK)
            rate = given->f[0];
    }
    if (status != NN_OK)
        return status;
    struct nn_shape seen = x->shape;
    nn_onnx_name(in, node, -1, name);
    status =
        nn_onnx_made(in, node, nn_graph_dropout(in->out->graph, name, x->layer, rate), x->rank);
    if (status == NN_OK) /* its layer is as unflattened as its producer's */
        nn_onnx_output(in, node)->shape = seen;
    return status;
}

static enum nn_status concat_shapes(struct onnx_import *in, struct onnx_node *node)
{
    int64_t together[ONNX_MAX_DIMS];
    int count = 0;
    const struct onnx_constant *part;
    enum nn_status status = NN_OK;

    for (size_t i = 0; i < node->proto->n_input && status == NN_OK; i++) {
        status = nn_onnx_input_constant(in, node, i, &part);
        if (status == NN_OK &&
            (part->i == NULL || part->dims > 1 || part->elements > (size_t)(ONNX_MAX_DIMS - count)))
            status = nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                                    "only shapes and activations are "
                                    "concatenated");
        for (size_t j = 0; status == NN_OK && j < part->elements; j++)
            together[count++] = part->i[j];
    }
    if (status != NN_OK)
        return status;
    struct onnx_value *value = nn_onnx_output(in, node);
    value->kind = ONNX_CONSTANT;
    return nn_onnx_constant_ints(in, together, count, 1, &value->constant);
}

enum nn_status nn_onnx_concat(struct onnx_import *in, struct onnx_node *node)
{
    size_t count = node->proto->n_input;
    enum nn_status status = NN_OK;
    struct onnx_value *x;
    char name[128];
    int rank = 0;

    if (count < 1 || count > NN_MAX_LAYERS)
        return nn_onnx_refuse(in, node, NN_BAD_DATA, "%zu inputs", count);
    if (nn_onnx_is_constant(in, node, 0))
        return concat_shapes(in, node);
    int *from = malloc(sizeof *from * count);
    if (from == NULL)
        return nn_fail(in->err, NN_NO_MEMORY, "no memory");
    for (size_t i = 0; i < count && status == NN_OK; i++) {
        status = nn_onnx_input_activation(in, node, i, &x);
        if (status == NN_OK && i > 0 && x->rank != rank)
            status = nn_onnx_refuse(in, node, NN_SHAPE, "the ranks of its inputs differ");
        if (status == NN_OK)
            status = nn_onnx_materialise(in, node, x, &from[i]);
        if (status == NN_OK)
            rank = x->rank;
    }
    if (status == NN_OK && nn_onnx_axis(nn_onnx_int(node, "axis", 1), rank) != 1)
        status = nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                                "the attribute axis of other than 1 (channels) is not supported");
    if (status == NN_OK) {
        nn_onnx_name(in, node, -1, name);
        status =
            nn_onnx_made(in, node, nn_graph_concat(in->out->graph, name, from, (int)count), rank);
    }
    free(from);
    return status;
}
