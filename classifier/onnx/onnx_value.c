/* onnx_value.c: the inputs of a node, what its output becomes, and what its layer is called. */
#include "graph/graph_internal.h"
#include "onnx_internal.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool nn_onnx_has_input(const struct onnx_node *node, size_t index)
{
    return index < node->proto->n_input && node->proto->input[index][0] != '\0';
}

static enum nn_status input(struct onnx_import *in, const struct onnx_node *node, size_t index,
                            struct onnx_value **value)
{
    *value = nn_onnx_has_input(node, index) ? nn_onnx_find(in, node->proto->input[index]) : NULL;
    if (*value == NULL)
        return nn_onnx_refuse(in, node, NN_BAD_DATA, "its input %zu is missing", index);
    if ((*value)->alias != NULL)
        *value = (*value)->alias;
    return NN_OK;
}

bool nn_onnx_is_constant(struct onnx_import *in, const struct onnx_node *node, size_t index)
{
    const struct onnx_value *value =
        nn_onnx_has_input(node, index) ? nn_onnx_find(in, node->proto->input[index]) : NULL;
    return value != NULL && (value->kind == ONNX_TENSOR || value->kind == ONNX_CONSTANT);
}

enum nn_status nn_onnx_input_constant(struct onnx_import *in, const struct onnx_node *node,
                                      size_t index, const struct onnx_constant **constant)
{
    struct onnx_value *value;
    enum nn_status status = input(in, node, index, &value);

    if (status == NN_OK && value->kind == ONNX_TENSOR) {
        status = nn_onnx_constant(in, value->tensor, &value->constant);
        if (status == NN_OK)
            value->kind = ONNX_CONSTANT;
    }
    if (status == NN_OK && value->kind != ONNX_CONSTANT)
        status = nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                                "its input %zu (\"%.48s\") is not a constant", index, value->name);
    if (status == NN_OK)
        *constant = &value->constant;
    return status;
}

enum nn_status nn_onnx_input_activation(struct onnx_import *in, const struct onnx_node *node,
                                        size_t index, struct onnx_value **value)
{
    enum nn_status status = input(in, node, index, value);
    if (status == NN_OK && (*value)->kind != ONNX_ACTIVATION)
        status = nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                                "its input %zu (\"%.48s\") is not computed from the image here",
                                index, (*value)->name);
    return status;
}

static bool same_shape(struct nn_shape a, struct nn_shape b)
{
    return a.c == b.c && a.h == b.h && a.w == b.w;
}

enum nn_status nn_onnx_materialise(struct onnx_import *in, const struct onnx_node *node,
                                   struct onnx_value *value, int *layer)
{
    char name[128];

    if (!same_shape(nn_graph_layer(in->out->graph, value->layer)->shape, value->shape)) {
        nn_onnx_name(in, value->maker >= 0 ? &in->nodes[value->maker] : node, -1, name);
        value->layer = nn_graph_reshape(in->out->graph, name, value->layer, value->shape);
        if (value->layer < 0)
            return nn_onnx_refuse(in, node, in->out->graph->error.status, "%s",
                                  in->out->graph->error.text);
    }
    *layer = value->layer;
    return NN_OK;
}

enum nn_status nn_onnx_made(struct onnx_import *in, const struct onnx_node *node, int layer,
                            int rank)
{
    const struct nn_graph *graph = in->out->graph;
    struct onnx_value *value = nn_onnx_output(in, node);

    if (layer < 0)
        return nn_onnx_refuse(in, node, graph->error.status, "%s", graph->error.text);
    value->kind = ONNX_ACTIVATION;
    value->layer = layer;
    value->rank = rank;
    value->shape = nn_graph_layer(graph, layer)->shape;
    return NN_OK;
}

enum nn_status nn_onnx_same(struct onnx_import *in, const struct onnx_node *node,
                            const struct onnx_value *from, int rank, struct nn_shape shape)
{
    struct onnx_value *value = nn_onnx_output(in, node);

    value->kind = ONNX_ACTIVATION;
    value->layer = from->layer;
    value->rank = rank;
    value->shape = shape;
    return NN_OK;
}

/* "features.0" of "features.0.weight"; false for names that an exporter made up. */
static bool owner_of(const char *weight, char *to, size_t size)
{
    static const char *const endings[] = {".weight", ".scale", "_w_0", "_gamma_0"};
    size_t length = strlen(weight);

    if (strstr(weight, "::") != NULL)
        return false;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t end = strlen(endings[i]);
        if (length <= end || strcmp(weight + length - end, endings[i]) != 0)
            continue;
        snprintf(to, size, "%.*s", (int)(length - end < size ? length - end : size - 1), weight);
        return true;
    }
    return false;
}

void nn_onnx_name(const struct onnx_import *in, const struct onnx_node *node, int weight,
                  char name[128])
{
    const NnOnnx__Node *proto = node->proto;
    char base[101];

    if (weight < 0 || !nn_onnx_has_input(node, (size_t)weight) ||
        !owner_of(proto->input[weight], base, sizeof base)) {
        const char *from = proto->name != NULL ? proto->name : "";
        from += strspn(from, "/");
        if (from[0] != '\0')
            snprintf(base, sizeof base, "%s", from);
        else
            snprintf(base, sizeof base, "%.40s_%td", proto->op_type, node - in->nodes);
    }
    for (char *at = base; *at; at++)
        if (!isascii((unsigned char)*at) ||
            (!isalnum((unsigned char)*at) && strchr("._/:+-", *at) == NULL))
            *at = '_';
    snprintf(name, 128, "%s", base);
    for (int copy = (int)(node - in->nodes); nn_graph_find(in->out->graph, name) >= 0; copy++)
        snprintf(name, 128, "%s_%d", base, copy); /* the node's number is free at once, mostly */
}

bool nn_onnx_absorb_relu(struct onnx_import *in, const struct onnx_node **last)
{
    struct onnx_node *relu = nn_onnx_sole_consumer(in, *last, "Relu");
    if (relu == NULL || relu->proto->n_output < 1)
        return false;
    relu->absorbed = true;
    *last = relu;
    return true;
}
