#include "onnx_build_internal.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool grow(void **array, size_t count, size_t *capacity)
{
    if (count < *capacity)
        return true;
    size_t wanted = *capacity == 0 ? 256 : *capacity * 2;
    void *grown = realloc(*array, wanted * sizeof(void *));
    if (grown == NULL)
        return false;
    *array = grown;
    *capacity = wanted;
    return true;
}

void *nn_onnx_build_room(struct onnx_build *build, size_t size)
{
    void *room = build->failed ? NULL : calloc(1, size > 0 ? size : 1);

    if (room == NULL ||
        !grow((void **)&build->blocks, build->block_count, &build->block_capacity)) {
        free(room);
        build->failed = true;
        return NULL;
    }
    build->blocks[build->block_count++] = room;
    return room;
}

char *nn_onnx_build_text(struct onnx_build *build, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof text) {
        build->failed = true;
        return NULL;
    }
    char *room = nn_onnx_build_room(build, (size_t)length + 1);
    if (room != NULL)
        memcpy(room, text, (size_t)length);
    return room;
}

void nn_onnx_build_finish(struct onnx_build *build)
{
    for (size_t i = 0; i < build->block_count; i++)
        free(build->blocks[i]);
    free(build->blocks);
    free(build->nodes);
    free(build->tensors);
    *build = (struct onnx_build){0};
}

NnOnnx__Node *nn_onnx_build_node(struct onnx_build *build, const char *op, const char *name,
                                 const char *output, const char *const *inputs)
{
    size_t count = 0;
    while (inputs[count] != NULL)
        count++;
    NnOnnx__Node *node = nn_onnx_build_room(build, sizeof *node);
    char **from = nn_onnx_build_room(build, (count + 1) * sizeof *from);
    char **to = nn_onnx_build_room(build, sizeof *to);
    if (to == NULL || from == NULL ||
        !grow((void **)&build->nodes, build->node_count, &build->node_capacity)) {
        build->failed = true;
        return NULL;
    }
    nn_onnx__node__init(node);
    for (size_t i = 0; i < count; i++)
        from[i] = nn_onnx_build_text(build, "%s", inputs[i]);
    to[0] = nn_onnx_build_text(build, "%s", output);
    node->op_type = nn_onnx_build_text(build, "%s", op);
    node->name = nn_onnx_build_text(build, "%s", name);
    node->n_input = count;
    node->input = from;
    node->n_output = 1;
    node->output = to;
    build->nodes[build->node_count++] = node;
    return node;
}

#define MAX_ATTRIBUTES 8

static NnOnnx__Attribute *attribute(struct onnx_build *build, NnOnnx__Node *node, const char *name,
                                    int32_t type)
{
    NnOnnx__Attribute *a = nn_onnx_build_room(build, sizeof *a);

    if (node != NULL && node->attribute == NULL)
        node->attribute = nn_onnx_build_room(build, MAX_ATTRIBUTES * sizeof *node->attribute);
    if (a == NULL || node == NULL || node->attribute == NULL ||
        node->n_attribute == MAX_ATTRIBUTES) {
        build->failed = true;
        return NULL;
    }
    nn_onnx__attribute__init(a);
    a->name = nn_onnx_build_text(build, "%s", name);
    a->has_type = 1;
    a->type = type;
    node->attribute[node->n_attribute++] = a;
    return a;
}

void nn_onnx_build_int(struct onnx_build *build, NnOnnx__Node *node, const char *name,
                       int64_t value)
{
    NnOnnx__Attribute *a = attribute(build, node, name, 2);
    if (a != NULL) {
        a->has_i = 1;
        a->i = value;
    }
}

void nn_onnx_build_float(struct onnx_build *build, NnOnnx__Node *node, const char *name,
                         float value)
{
    NnOnnx__Attribute *a = attribute(build, node, name, 1);
    if (a != NULL) {
        a->has_f = 1;
        a->f = value;
    }
}

void nn_onnx_build_ints(struct onnx_build *build, NnOnnx__Node *node, const char *name,
                        const int *values, int count)
{
    NnOnnx__Attribute *a = attribute(build, node, name, 7);
    int64_t *ints = nn_onnx_build_room(build, (size_t)count * sizeof *ints);

    if (a == NULL || ints == NULL)
        return;
    for (int i = 0; i < count; i++)
        ints[i] = values[i];
    a->n_ints = (size_t)count;
    a->ints = ints;
}

static NnOnnx__Tensor *tensor(struct onnx_build *build, const char *name, int dims, int32_t type)
{
    NnOnnx__Tensor *t = nn_onnx_build_room(build, sizeof *t);
    int64_t *dim = nn_onnx_build_room(build, (size_t)dims * sizeof *dim);

    if (t == NULL || dim == NULL ||
        !grow((void **)&build->tensors, build->tensor_count, &build->tensor_capacity)) {
        build->failed = true;
        return NULL;
    }
    nn_onnx__tensor__init(t);
    t->name = nn_onnx_build_text(build, "%s", name);
    t->has_data_type = 1;
    t->data_type = type;
    t->n_dims = (size_t)dims;
    t->dims = dim;
    t->has_raw_data = 1;
    build->tensors[build->tensor_count++] = t;
    return t;
}

void nn_onnx_build_floats(struct onnx_build *build, const char *name, const float *data, int dims,
                          const int *dim)
{
    NnOnnx__Tensor *t = tensor(build, name, dims, 1);
    size_t elements = 1;

    if (t == NULL)
        return;
    for (int i = 0; i < dims; i++) {
        t->dims[i] = dim[i];
        elements *= (size_t)dim[i];
    }
    t->raw_data = (ProtobufCBinaryData){elements * sizeof *data, (uint8_t *)(uintptr_t)data};
}

void nn_onnx_build_shape(struct onnx_build *build, const char *name, const int64_t *values,
                         int count)
{
    NnOnnx__Tensor *t = tensor(build, name, 1, 7);
    int64_t *copy = nn_onnx_build_room(build, (size_t)count * sizeof *copy);

    if (t == NULL || copy == NULL)
        return;
    memcpy(copy, values, (size_t)count * sizeof *copy);
    t->dims[0] = count;
    t->raw_data = (ProtobufCBinaryData){(size_t)count * sizeof *copy, (uint8_t *)copy};
}

NnOnnx__ValueInfo *nn_onnx_build_value(struct onnx_build *build, const char *name, int dims,
                                       const int *dim)
{
    struct {
        NnOnnx__ValueInfo info;
        NnOnnx__Type type;
        NnOnnx__Type__OfTensor of;
        NnOnnx__Shape shape;
        NnOnnx__Shape__Dimension dimension[4], *list[4];
    } *all = nn_onnx_build_room(build, sizeof *all);

    if (all == NULL)
        return NULL;
    nn_onnx__value_info__init(&all->info);
    nn_onnx__type__init(&all->type);
    nn_onnx__type__of_tensor__init(&all->of);
    nn_onnx__shape__init(&all->shape);
    for (int i = 0; i < dims; i++) {
        nn_onnx__shape__dimension__init(&all->dimension[i]);
        all->list[i] = &all->dimension[i];
        if (i == 0)
            all->dimension[i].dim_param = nn_onnx_build_text(build, "N");
        all->dimension[i].has_dim_value = i > 0;
        all->dimension[i].dim_value = dim[i];
    }
    all->shape.n_dim = (size_t)dims;
    all->shape.dim = all->list;
    all->of.has_elem_type = 1;
    all->of.elem_type = 1;
    all->of.shape = &all->shape;
    all->type.tensor_type = &all->of;
    all->info.type = &all->type;
    all->info.name = nn_onnx_build_text(build, "%s", name);
    return &all->info;
}
