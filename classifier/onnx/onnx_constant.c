/* onnx_constant.c: a TensorProto's numbers, from whichever of its fields holds them. */
#include "onnx_internal.h"
#include "weights/weights_internal.h"
#include <stdlib.h>
#include <string.h>

enum {
    ONNX_FLOAT = 1,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_BOOL = 9,
    ONNX_HALF = 10,
    ONNX_DOUBLE = 11
};

#define MAX_ELEMENTS (UINT64_C(1) << 28) /* as of a parameter of our graphs */

void nn_onnx_constant_finish(struct onnx_constant *constant)
{
    free(constant->f);
    free(constant->i);
    *constant = (struct onnx_constant){0};
}

enum nn_status nn_onnx_constant_ints(struct onnx_import *in, const int64_t *values, int count,
                                     int dims, struct onnx_constant *to)
{
    *to = (struct onnx_constant){.dims = dims, .dim = {count}, .elements = (size_t)count};
    to->i = malloc(sizeof *to->i * (size_t)(count > 0 ? count : 1));
    if (to->i == NULL)
        return nn_fail(in->err, NN_NO_MEMORY, "no memory");
    if (count > 0)
        memcpy(to->i, values, sizeof *values * (size_t)count);
    return NN_OK;
}

static enum nn_status take_shape(struct onnx_import *in, const NnOnnx__Tensor *t,
                                 struct onnx_constant *c)
{
    uint64_t elements = 1;

    if (t->n_dims > ONNX_MAX_DIMS)
        return nn_fail(in->err, NN_LIMIT, "%s: tensor \"%.100s\" has more than %d dimensions",
                       in->file, t->name ? t->name : "", ONNX_MAX_DIMS);
    c->dims = (int)t->n_dims;
    for (size_t i = 0; i < t->n_dims; i++) {
        if (t->dims[i] < 0 || (uint64_t)t->dims[i] > MAX_ELEMENTS)
            return nn_fail(in->err, NN_LIMIT, "%s: tensor \"%.100s\" has a dimension of %lld",
                           in->file, t->name ? t->name : "", (long long)t->dims[i]);
        c->dim[i] = t->dims[i];
        elements *= (uint64_t)t->dims[i]; /* both at most 2^28: no overflow */
        if (elements > MAX_ELEMENTS)
            return nn_fail(in->err, NN_LIMIT, "%s: tensor \"%.100s\" is too large", in->file,
                           t->name ? t->name : "");
    }
    c->elements = (size_t)elements;
    return NN_OK;
}

/* Bytes an element in raw data; 0: a type that is not taken. */
static size_t raw_size(int32_t type)
{
    switch (type) {
    case ONNX_FLOAT:
    case ONNX_INT32:
        return 4;
    case ONNX_INT64:
    case ONNX_DOUBLE:
        return 8;
    case ONNX_HALF:
        return 2;
    case ONNX_BOOL:
        return 1;
    default:
        return 0;
    }
}

/* Whether the numbers are there, as many as the shape says. Raw data may be empty when there are
 * none. */
static bool is_complete(const NnOnnx__Tensor *t, size_t elements)
{
    if (t->has_raw_data)
        return t->raw_data.len == elements * raw_size(t->data_type);
    switch (t->data_type) {
    case ONNX_FLOAT:
        return t->n_float_data == elements;
    case ONNX_DOUBLE:
        return t->n_double_data == elements;
    case ONNX_INT64:
        return t->n_int64_data == elements;
    default:
        return t->n_int32_data == elements;
    }
}

static float float_at(const NnOnnx__Tensor *t, size_t index)
{
    const uint8_t *raw = t->has_raw_data ? t->raw_data.data : NULL;
    uint16_t half;
    double wide;

    switch (t->data_type) {
    case ONNX_HALF:
        if (raw != NULL)
            memcpy(&half, raw + 2 * index, sizeof half);
        else
            half = (uint16_t)t->int32_data[index];
        return nn_half_to_float(half);
    default:
        if (raw == NULL)
            return (float)t->double_data[index];
        memcpy(&wide, raw + 8 * index, sizeof wide);
        return (float)wide;
    }
}

static int64_t int_at(const NnOnnx__Tensor *t, size_t index)
{
    const uint8_t *raw = t->has_raw_data ? t->raw_data.data : NULL;
    int32_t narrow;
    int64_t wide;

    if (raw == NULL)
        return t->data_type == ONNX_INT64 ? t->int64_data[index] : t->int32_data[index];
    if (t->data_type == ONNX_BOOL)
        return raw[index];
    if (t->data_type == ONNX_INT32) {
        memcpy(&narrow, raw + 4 * index, sizeof narrow);
        return narrow;
    }
    memcpy(&wide, raw + 8 * index, sizeof wide);
    return wide;
}

static bool fill(const NnOnnx__Tensor *t, struct onnx_constant *c)
{
    size_t room = c->elements > 0 ? c->elements : 1;

    if (t->data_type == ONNX_INT64 || t->data_type == ONNX_INT32 || t->data_type == ONNX_BOOL) {
        c->i = malloc(sizeof *c->i * room);
        for (size_t i = 0; c->i != NULL && i < c->elements; i++)
            c->i[i] = int_at(t, i);
        return c->i != NULL;
    }
    c->f = malloc(sizeof *c->f * room);
    if (c->f == NULL)
        return false;
    if (t->data_type == ONNX_FLOAT && c->elements > 0)
        memcpy(c->f, t->has_raw_data ? (const void *)t->raw_data.data : t->float_data,
               sizeof *c->f * c->elements);
    else
        for (size_t i = 0; i < c->elements; i++)
            c->f[i] = float_at(t, i);
    return true;
}

enum nn_status nn_onnx_constant(struct onnx_import *in, NnOnnx__Tensor *t, struct onnx_constant *c)
{
    const char *name = t->name ? t->name : "";

    *c = (struct onnx_constant){0};
    if (t->data_location == 1 || t->n_external_data > 0)
        return nn_fail(in->err, NN_UNSUPPORTED,
                       "%s: tensor \"%.80s\" lies in another file (external data): save the model "
                       "as one file",
                       in->file, name);
    if (raw_size(t->data_type) == 0)
        return nn_fail(in->err, NN_UNSUPPORTED,
                       "%s: tensor \"%.80s\" has element type %d; float, float16, double, int32, "
                       "int64 and bool are taken",
                       in->file, name, t->data_type);
    enum nn_status status = take_shape(in, t, c);
    if (status != NN_OK)
        return status;
    if (!is_complete(t, c->elements))
        return nn_fail(in->err, NN_BAD_DATA,
                       "%s: tensor \"%.80s\" does not hold the %zu numbers of its shape", in->file,
                       name, c->elements);
    if (!fill(t, c))
        return nn_fail(in->err, NN_NO_MEMORY, "no memory");
    if (t->has_raw_data) { /* half of the peak of memory */
        in->allocator->free(in->allocator->allocator_data, t->raw_data.data);
        t->raw_data = (ProtobufCBinaryData){0};
        t->has_raw_data = 0;
    }
    return NN_OK;
}
