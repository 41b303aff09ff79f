/* onnx_tensors.c: the numbers of the graph's parameters, in its order. */
#include "graph/graph_internal.h"
#include "mix_internal.h"
#include "onnx_internal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum nn_status nn_onnx_give(struct onnx_import *in, int parameter, float *data)
{
    struct nn_onnx *out = in->out;
    const struct nn_parameter *p = nn_graph_parameter(out->graph, parameter);

    if (p == NULL || (size_t)parameter != out->tensor_count) {
        free(data);
        return nn_fail(in->err, NN_INVALID, "%s: parameter %d out of order", in->file, parameter);
    }
    for (size_t i = 0; i < p->elements; i++)
        if (!isfinite(data[i])) {
            free(data);
            return nn_fail(in->err, NN_BAD_DATA, "%s: \"%.100s\" is not finite at %zu", in->file,
                           p->name, i);
        }
    if (out->tensor_count == out->tensor_capacity) {
        size_t wanted = out->tensor_capacity == 0 ? 64 : out->tensor_capacity * 2;
        struct nn_tensor *tensors = realloc(out->tensors, wanted * sizeof *tensors);
        float **owned = realloc(out->owned, wanted * sizeof *owned);
        out->tensors = tensors != NULL ? tensors : out->tensors;
        out->owned = owned != NULL ? owned : out->owned;
        if (tensors == NULL || owned == NULL) {
            free(data);
            return nn_fail(in->err, NN_NO_MEMORY, "no memory");
        }
        out->tensor_capacity = wanted;
    }
    struct nn_tensor *t = &out->tensors[out->tensor_count];
    *t = (struct nn_tensor){
        .name = p->name, .stored = NN_F32, .dims = p->dims, .elements = p->elements, .data = data};
    for (int i = 0; i < p->dims; i++)
        t->dim[i] = p->dim[i];
    out->owned[out->tensor_count++] = data;
    return NN_OK;
}

static float *room(struct onnx_import *in, int parameter)
{
    const struct nn_parameter *p = nn_graph_parameter(in->out->graph, parameter);
    return p == NULL ? NULL : malloc(sizeof(float) * p->elements);
}

enum nn_status nn_onnx_give_copy(struct onnx_import *in, int parameter, const float *data,
                                 size_t count)
{
    const struct nn_parameter *p = nn_graph_parameter(in->out->graph, parameter);
    if (p == NULL || p->elements != count)
        return nn_fail(in->err, NN_SHAPE, "%s: \"%.100s\" has %zu numbers, expected %zu", in->file,
                       p == NULL ? "" : p->name, count, p == NULL ? 0 : p->elements);
    float *copy = room(in, parameter);
    if (copy == NULL)
        return nn_fail(in->err, NN_NO_MEMORY, "no memory");
    memcpy(copy, data, sizeof *copy * count);
    return nn_onnx_give(in, parameter, copy);
}

enum nn_status nn_onnx_give_filled(struct onnx_import *in, int parameter, float value)
{
    const struct nn_parameter *p = nn_graph_parameter(in->out->graph, parameter);
    float *filled = room(in, parameter);

    if (filled == NULL)
        return nn_fail(in->err, NN_NO_MEMORY, "no memory");
    for (size_t i = 0; i < p->elements; i++)
        filled[i] = value;
    return nn_onnx_give(in, parameter, filled);
}

/* Uniform within +-sqrt(6 / (inputs + outputs)), as nn_values_create fills fresh layers. */
enum nn_status nn_onnx_give_fresh(struct onnx_import *in, int parameter)
{
    const struct nn_parameter *p = nn_graph_parameter(in->out->graph, parameter);
    uint64_t state = nn_mix64(in->options->seed + NN_MIX_STEP);
    float *fresh = room(in, parameter);

    if (fresh == NULL)
        return nn_fail(in->err, NN_NO_MEMORY, "no memory");
    size_t window = p->dims == 4 ? (size_t)p->dim[2] * (size_t)p->dim[3] : 1;
    double bound = sqrt(6.0 / (double)(window * ((size_t)p->dim[0] + (size_t)p->dim[1])));
    for (size_t i = 0; i < p->elements; i++) {
        double unit = (double)(nn_mix_next(&state) >> 11) * 0x1p-53;
        fresh[i] = (float)(bound * (2 * unit - 1));
    }
    return nn_onnx_give(in, parameter, fresh);
}
