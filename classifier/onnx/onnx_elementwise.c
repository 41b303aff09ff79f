/* onnx_elementwise.c: Relu, Clip, Sigmoid, and the arithmetic of two values. */
#include "graph/graph_internal.h"
#include "onnx_internal.h"
#include <math.h>
#include <stdlib.h>

static enum nn_status unary(struct onnx_import *in, struct onnx_node *node, struct onnx_value **x,
                            int *from, char name[128])
{
    enum nn_status status = nn_onnx_input_activation(in, node, 0, x);
    if (status == NN_OK)
        status = nn_onnx_materialise(in, node, *x, from);
    if (status == NN_OK)
        nn_onnx_name(in, node, -1, name);
    return status;
}

enum nn_status nn_onnx_relu(struct onnx_import *in, struct onnx_node *node)
{
    struct onnx_value *x;
    char name[128];
    int from;

    enum nn_status status = unary(in, node, &x, &from, name);
    if (status != NN_OK)
        return status;
    return nn_onnx_made(in, node, nn_graph_relu(in->out->graph, name, from), x->rank);
}

/* One bound: an attribute before opset 11, an input since. */
static enum nn_status bound(struct onnx_import *in, struct onnx_node *node, size_t input,
                            const char *attribute, float *to)
{
    const struct onnx_constant *given;

    if (in->opset < 11) {
        *to = nn_onnx_float(node, attribute, *to);
        return NN_OK;
    }
    if (!nn_onnx_has_input(node, input))
        return NN_OK;
    enum nn_status status = nn_onnx_input_constant(in, node, input, &given);
    if (status == NN_OK && (given->f == NULL || given->elements != 1))
        status = nn_onnx_refuse(in, node, NN_BAD_DATA, "its %s is not one real number", attribute);
    if (status == NN_OK)
        *to = given->f[0];
    return status;
}

enum nn_status nn_onnx_clip(struct onnx_import *in, struct onnx_node *node)
{
    float low = -INFINITY, high = INFINITY;
    struct onnx_value *x;
    char name[128];
    int from;

    enum nn_status status = unary(in, node, &x, &from, name);
    if (status == NN_OK)
        status = bound(in, node, 1, "min", &low);
    if (status == NN_OK)
        status = bound(in, node, 2, "max", &high);
    if (status != NN_OK)
        return status;
    return nn_onnx_made(in, node, nn_graph_clip(in->out->graph, name, from, low, high), x->rank);
}

/* x * Sigmoid(x), where the sigmoid has no other use, is SiLU. */
enum nn_status nn_onnx_sigmoid(struct onnx_import *in, struct onnx_node *node)
{
    struct onnx_node *mul = nn_onnx_sole_consumer(in, node, "Mul");
    struct onnx_value *x;
    char name[128];
    int from;

    enum nn_status status = unary(in, node, &x, &from, name);
    if (status != NN_OK)
        return status;
    if (mul != NULL && mul->proto->n_input == 2 && mul->proto->n_output == 1) {
        size_t other = nn_onnx_first(in, mul) == nn_onnx_output(in, node) ? 1 : 0;
        if (nn_onnx_find(in, mul->proto->input[other]) == x) {
            mul->absorbed = true;
            return nn_onnx_made(in, mul, nn_graph_silu(in->out->graph, name, from), x->rank);
        }
    }
    return nn_onnx_made(in, node, nn_graph_sigmoid(in->out->graph, name, from), x->rank);
}

/* x * scale + shift with one number a channel, or one in all: a depthwise convolution of 1 x 1. */
static enum nn_status affine(struct onnx_import *in, struct onnx_node *node, size_t activation,
                             const float *scale, const float *shift, bool single)
{
    const struct onnx_node *last = node;
    struct onnx_value *x;
    char name[128];
    int from;

    enum nn_status status = nn_onnx_input_activation(in, node, activation, &x);
    if (status == NN_OK)
        status = nn_onnx_materialise(in, node, x, &from);
    if (status != NN_OK)
        return status;
    nn_onnx_name(in, node, -1, name);
    int channels = x->shape.c;
    struct nn_conv2d conv = {.out_channels = channels,
                             .kernel_h = 1,
                             .kernel_w = 1,
                             .stride_h = 1,
                             .stride_w = 1,
                             .groups = channels,
                             .relu = nn_onnx_absorb_relu(in, &last)};
    int id = nn_graph_conv2d(in->out->graph, name, from, conv);
    status = nn_onnx_made(in, last, id, x->rank);
    float *numbers = malloc(sizeof *numbers * (size_t)channels);
    if (status == NN_OK && numbers == NULL)
        status = nn_fail(in->err, NN_NO_MEMORY, "no memory");
    const float *const from_[2] = {scale, shift};
    for (int part = 0; part < 2 && status == NN_OK; part++) {
        const struct nn_layer *layer = nn_graph_layer(in->out->graph, id);
        for (int c = 0; c < channels; c++)
            numbers[c] = from_[part] != NULL ? from_[part][single ? 0 : c] : (part == 0 ? 1 : 0);
        status = nn_onnx_give_copy(in, part == 0 ? layer->weight : layer->bias, numbers,
                                   (size_t)channels);
    }
    free(numbers);
    return status;
}

/* Whether a constant broadcasts over an activation as one number a channel. */
static bool per_channel(const struct onnx_constant *c, const struct onnx_value *x)
{
    if (c->f == NULL || c->dims > x->rank)
        return false;
    for (int i = 0; i < c->dims; i++) {
        int axis = x->rank - c->dims + i; /* shapes are aligned at their ends */
        if (c->dim[i] != (axis == 1 ? x->shape.c : 1))
            return false;
    }
    return true;
}

enum operation { ADD, SUB, MUL, DIV };

static enum nn_status with_constant(struct onnx_import *in, struct onnx_node *node, size_t constant,
                                    enum operation operation)
{
    const struct onnx_constant *c;
    struct onnx_value *x;

    enum nn_status status = nn_onnx_input_constant(in, node, constant, &c);
    if (status == NN_OK)
        status = nn_onnx_input_activation(in, node, 1 - constant, &x);
    if (status != NN_OK)
        return status;
    bool single = c->f != NULL && c->elements == 1;
    if ((!single && !per_channel(c, x)) ||
        ((operation == SUB || operation == DIV) && constant != 1))
        return nn_onnx_refuse(
            in, node, NN_UNSUPPORTED,
            "only one number a channel, or one in all, is supported as a constant");
    float *numbers = malloc(sizeof *numbers * c->elements);
    if (numbers == NULL)
        return nn_fail(in->err, NN_NO_MEMORY, "no memory");
    for (size_t i = 0; i < c->elements; i++)
        numbers[i] = operation == SUB ? -c->f[i] : operation == DIV ? 1 / c->f[i] : c->f[i];
    bool shift = operation == ADD || operation == SUB;
    status = affine(in, node, 1 - constant, shift ? NULL : numbers, shift ? numbers : NULL, single);
    free(numbers);
    return status;
}

static enum nn_status sum(struct onnx_import *in, struct onnx_node *node, struct onnx_value *a,
                          struct onnx_value *b)
{
    const struct onnx_node *last = node;
    char name[128];
    int from[2];

    enum nn_status status = nn_onnx_materialise(in, node, a, &from[0]);
    if (status == NN_OK)
        status = nn_onnx_materialise(in, node, b, &from[1]);
    if (status != NN_OK)
        return status;
    nn_onnx_name(in, node, -1, name);
    bool relu = nn_onnx_absorb_relu(in, &last);
    return nn_onnx_made(in, last, nn_graph_add(in->out->graph, name, from, 2, relu), a->rank);
}

/* Our graph's first factor is the full one. */
static enum nn_status product(struct onnx_import *in, struct onnx_node *node, struct onnx_value *a,
                              struct onnx_value *b)
{
    struct onnx_value *full = a, *factor = b;
    char name[128];
    int from[2];

    if (nn_shape_elements(a->shape) < nn_shape_elements(b->shape)) {
        full = b;
        factor = a;
    }
    enum nn_status status = nn_onnx_materialise(in, node, full, &from[0]);
    if (status == NN_OK)
        status = nn_onnx_materialise(in, node, factor, &from[1]);
    if (status != NN_OK)
        return status;
    nn_onnx_name(in, node, -1, name);
    return nn_onnx_made(in, node, nn_graph_mul(in->out->graph, name, from[0], from[1]), full->rank);
}

static enum nn_status binary(struct onnx_import *in, struct onnx_node *node,
                             enum operation operation)
{
    struct onnx_value *a, *b;

    if (nn_onnx_is_constant(in, node, 0) || nn_onnx_is_constant(in, node, 1))
        return with_constant(in, node, nn_onnx_is_constant(in, node, 0) ? 0 : 1, operation);
    enum nn_status status = nn_onnx_input_activation(in, node, 0, &a);
    if (status == NN_OK)
        status = nn_onnx_input_activation(in, node, 1, &b);
    if (status != NN_OK)
        return status;
    if (a->rank != b->rank || operation == SUB || operation == DIV)
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                              "two activations can be added or multiplied, when of one rank");
    return operation == ADD ? sum(in, node, a, b) : product(in, node, a, b);
}

enum nn_status nn_onnx_add(struct onnx_import *in, struct onnx_node *node)
{
    return binary(in, node, ADD);
}

enum nn_status nn_onnx_sub(struct onnx_import *in, struct onnx_node *node)
{
    return binary(in, node, SUB);
}

enum nn_status nn_onnx_mul(struct onnx_import *in, struct onnx_node *node)
{
    return binary(in, node, MUL);
}

enum nn_status nn_onnx_div(struct onnx_import *in, struct onnx_node *node)
{
    return binary(in, node, DIV);
}
