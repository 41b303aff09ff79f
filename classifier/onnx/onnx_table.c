/* onnx_table.c: a graph's values by name, and which nodes its first output depends on. */
#include "onnx_internal.h"
#include <stdlib.h>
#include <string.h>

#define MAX_VALUES (1u << 18)

static int by_name(const void *a, const void *b)
{
    const struct onnx_value *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    if (order != 0)
        return order;
    /* Old files list initialisers among the inputs too: the tensor comes first and stays. */
    return (left->kind == ONNX_TENSOR ? 0 : 1) - (right->kind == ONNX_TENSOR ? 0 : 1);
}

struct onnx_value *nn_onnx_find(const struct onnx_import *in, const char *name)
{
    size_t low = 0, high = in->value_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(in->values[middle].name, name);
        if (order == 0)
            return &in->values[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

struct onnx_value *nn_onnx_output(const struct onnx_import *in, const struct onnx_node *node)
{
    return nn_onnx_find(in, node->proto->output[0]);
}

struct onnx_value *nn_onnx_first(const struct onnx_import *in, const struct onnx_node *node)
{
    return node->proto->n_input > 0 ? nn_onnx_find(in, node->proto->input[0]) : NULL;
}

static void collect(struct onnx_import *in)
{
    const NnOnnx__Graph *g = in->model->graph;
    struct onnx_value blank = {.layer = -1, .maker = -1, .consumer = -1};

    for (size_t i = 0; i < g->n_initializer; i++)
        if (g->initializer[i]->name != NULL && g->initializer[i]->name[0] != '\0') {
            struct onnx_value *value = &in->values[in->value_count++];
            *value = blank;
            value->name = g->initializer[i]->name;
            value->kind = ONNX_TENSOR;
            value->tensor = g->initializer[i];
        }
    for (size_t i = 0; i < g->n_input; i++)
        if (g->input[i]->name != NULL && g->input[i]->name[0] != '\0') {
            struct onnx_value *value = &in->values[in->value_count++];
            *value = blank;
            value->name = g->input[i]->name;
        }
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t j = 0; j < g->node[i]->n_output; j++)
            if (g->node[i]->output[j][0] != '\0') {
                struct onnx_value *value = &in->values[in->value_count++];
                *value = blank;
                value->name = g->node[i]->output[j];
                value->maker = (int)i;
            }
}

/* Sorts, and merges an input with the initialiser of its name; any other name twice is an error. */
static enum nn_status settle(struct onnx_import *in)
{
    size_t kept = 0;

    qsort(in->values, in->value_count, sizeof *in->values, by_name);
    for (size_t i = 0; i < in->value_count; i++) {
        struct onnx_value *last = kept > 0 ? &in->values[kept - 1] : NULL;
        if (last == NULL || strcmp(last->name, in->values[i].name) != 0) {
            in->values[kept++] = in->values[i];
            continue;
        }
        if (last->kind != ONNX_TENSOR || in->values[i].maker >= 0 ||
            in->values[i].kind == ONNX_TENSOR)
            return nn_fail(in->err, NN_BAD_DATA, "%s: the value \"%.100s\" is made twice", in->file,
                           in->values[i].name);
    }
    in->value_count = kept;
    return NN_OK;
}

/* Marks the makers of a needed node's inputs; grows the stack of nodes to look at. */
static enum nn_status need_inputs(struct onnx_import *in, int index, int *stack, int *depth)
{
    const NnOnnx__Node *proto = in->nodes[index].proto;

    for (size_t i = 0; i < proto->n_input; i++) {
        if (proto->input[i][0] == '\0')
            continue;
        struct onnx_value *value = nn_onnx_find(in, proto->input[i]);
        if (value == NULL)
            return nn_onnx_refuse(in, &in->nodes[index], NN_BAD_DATA,
                                  "nothing makes its input \"%.60s\"", proto->input[i]);
        value->uses++;
        value->consumer = index;
        if (value->maker >= index)
            return nn_onnx_refuse(in, &in->nodes[index], NN_BAD_DATA,
                                  "its input \"%.60s\" is made by a later node", value->name);
        if (value->maker >= 0 && !in->nodes[value->maker].needed) {
            in->nodes[value->maker].needed = true;
            stack[(*depth)++] = value->maker;
        }
    }
    return NN_OK;
}

static enum nn_status mark_needed(struct onnx_import *in, const char *output)
{
    struct onnx_value *value = nn_onnx_find(in, output);
    enum nn_status status = NN_OK;
    int depth = 0;

    if (value == NULL || value->maker < 0)
        return nn_fail(in->err, NN_BAD_DATA, "%s: no node makes the output \"%.100s\"", in->file,
                       output);
    int *stack = malloc(sizeof *stack * (size_t)in->node_count);
    if (stack == NULL)
        return nn_fail(in->err, NN_NO_MEMORY, "no memory");
    value->uses++; /* so that nothing behind it is absorbed */
    in->nodes[value->maker].needed = true;
    stack[depth++] = value->maker;
    while (depth > 0 && status == NN_OK)
        status = need_inputs(in, stack[--depth], stack, &depth);
    free(stack);
    return status;
}

enum nn_status nn_onnx_table(struct onnx_import *in, const char *output)
{
    const NnOnnx__Graph *g = in->model->graph;
    uint64_t values = (uint64_t)g->n_initializer + g->n_input;

    if (g->n_node == 0 || g->n_node > NN_ONNX_MAX_NODES)
        return nn_fail(in->err, NN_LIMIT, "%s: %zu nodes (from 1 to %d are taken)", in->file,
                       g->n_node, NN_ONNX_MAX_NODES);
    for (size_t i = 0; i < g->n_node; i++)
        values += g->node[i]->n_output;
    if (values > MAX_VALUES)
        return nn_fail(in->err, NN_LIMIT, "%s: more than %u values", in->file, MAX_VALUES);

    in->node_count = (int)g->n_node;
    in->nodes = calloc(g->n_node, sizeof *in->nodes);
    in->values = calloc((size_t)values + 1, sizeof *in->values);
    if (in->nodes == NULL || in->values == NULL)
        return nn_fail(in->err, NN_NO_MEMORY, "no memory");
    for (int i = 0; i < in->node_count; i++)
        in->nodes[i].proto = g->node[i];
    collect(in);

    enum nn_status status = settle(in);
    return status != NN_OK ? status : mark_needed(in, output);
}

struct onnx_node *nn_onnx_sole_consumer(const struct onnx_import *in, const struct onnx_node *node,
                                        const char *op)
{
    const struct onnx_value *value = nn_onnx_output(in, node);
    if (value == NULL || value->uses != 1 || value->consumer < 0)
        return NULL;
    struct onnx_node *consumer = &in->nodes[value->consumer];
    return consumer->proto->op_type != NULL && strcmp(consumer->proto->op_type, op) == 0 ? consumer
                                                                                         : NULL;
}
