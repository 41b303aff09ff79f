/* onnx_shape.c: what only changes a shape or computes one, and constants. */
#include "graph/graph_internal.h"
#include "onnx_internal.h"
#include <stdlib.h>
#include <string.h>

static struct nn_shape flat(struct nn_shape shape)
{
    return (struct nn_shape){(int)nn_shape_elements(shape), 1, 1};
}

enum nn_status nn_onnx_flatten(struct onnx_import *in, struct onnx_node *node)
{
    struct onnx_value *x;

    enum nn_status status = nn_onnx_input_activation(in, node, 0, &x);
    if (status != NN_OK)
        return status;
    if (nn_onnx_axis(nn_onnx_int(node, "axis", 1), x->rank) != 1)
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                              "the attribute axis of other than 1 is not supported");
    return nn_onnx_same(in, node, x, 2, flat(x->shape));
}

/* Axes from the attribute (before opset 13) or input 1; -1 when there are none, -2 when refused. */
static int take_axes(struct onnx_import *in, struct onnx_node *node, int64_t axes[ONNX_MAX_DIMS])
{
    const NnOnnx__Attribute *attribute = nn_onnx_attribute(node, "axes");
    const struct onnx_constant *given;
    const int64_t *from = attribute != NULL ? attribute->ints : NULL;
    size_t count = attribute != NULL ? attribute->n_ints : 0;

    if (in->opset >= 13 && nn_onnx_has_input(node, 1)) {
        if (nn_onnx_input_constant(in, node, 1, &given) != NN_OK)
            return -2;
        from = given->i;
        count = given->i != NULL ? given->elements : 0;
    }
    if (from == NULL || count == 0)
        return -1;
    if (count > ONNX_MAX_DIMS)
        return -2;
    memcpy(axes, from, sizeof *axes * count);
    return (int)count;
}

/* (N, C, 1, 1) -> (N, C). */
enum nn_status nn_onnx_squeeze(struct onnx_import *in, struct onnx_node *node)
{
    int64_t axes[ONNX_MAX_DIMS];
    struct onnx_value *x;

    enum nn_status status = nn_onnx_input_activation(in, node, 0, &x);
    if (status != NN_OK)
        return status;
    int count = take_axes(in, node, axes);
    bool last_two = count == 2 && x->rank == 4 &&
                    nn_onnx_axis(axes[0], 4) + nn_onnx_axis(axes[1], 4) == 5 &&
                    nn_onnx_axis(axes[0], 4) >= 2 && nn_onnx_axis(axes[1], 4) >= 2;
    if (!last_two || x->shape.h != 1 || x->shape.w != 1)
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                              "only rows and columns of 1 are taken away (axes)");
    return nn_onnx_same(in, node, x, 2, x->shape);
}

/* A number becomes a vector of one; one channel (N, H, W) becomes (N, 1, H, W). */
enum nn_status nn_onnx_unsqueeze(struct onnx_import *in, struct onnx_node *node)
{
    int64_t axes[ONNX_MAX_DIMS];
    const struct onnx_constant *scalar;
    struct onnx_value *x;
    enum nn_status status;
    int count = take_axes(in, node, axes);

    if (nn_onnx_is_constant(in, node, 0)) {
        status = nn_onnx_input_constant(in, node, 0, &scalar);
        if (status == NN_OK && (scalar->i == NULL || scalar->dims != 0 || count != 1))
            status = nn_onnx_refuse(in, node, NN_UNSUPPORTED, "of constants, only whole numbers");
        if (status != NN_OK)
            return status;
        struct onnx_value *value = nn_onnx_output(in, node);
        value->kind = ONNX_CONSTANT;
        return nn_onnx_constant_ints(in, scalar->i, 1, 1, &value->constant);
    }
    status = nn_onnx_input_activation(in, node, 0, &x);
    if (status != NN_OK)
        return status;
    bool channel = count == 1 && x->rank == 3 && x->shape.c == 1 && nn_onnx_axis(axes[0], 4) == 1;
    bool image = count == 2 && x->rank == 2 && nn_onnx_axis(axes[0], 4) >= 2 &&
                 nn_onnx_axis(axes[0], 4) + nn_onnx_axis(axes[1], 4) == 5;
    if (!channel && !image)
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED, "these axes are not supported");
    return nn_onnx_same(in, node, x, 4, x->shape);
}

enum nn_status nn_onnx_shape(struct onnx_import *in, struct onnx_node *node)
{
    struct onnx_value *x;

    enum nn_status status = nn_onnx_input_activation(in, node, 0, &x);
    if (status != NN_OK)
        return status;
    int64_t all[4] = {in->batch > 0 ? in->batch : ONNX_BATCH, x->shape.c, x->shape.h, x->shape.w};
    if (x->rank == 3 || nn_onnx_int(node, "start", 0) != 0 || nn_onnx_attribute(node, "end"))
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED, "only the whole shape is supported");
    struct onnx_value *value = nn_onnx_output(in, node);
    value->kind = ONNX_CONSTANT;
    return nn_onnx_constant_ints(in, all, x->rank, 1, &value->constant);
}

/* One channel of an image, (N, H, W): what torchvision's GoogLeNet does to each before scaling it.
 * A convolution with a one where the channel is. */
static enum nn_status one_channel(struct onnx_import *in, struct onnx_node *node,
                                  const struct onnx_constant *index)
{
    struct onnx_value *x;
    char name[128];
    int from;

    enum nn_status status = nn_onnx_input_activation(in, node, 0, &x);
    if (status != NN_OK)
        return status;
    int64_t channel = index->i[0] < 0 ? index->i[0] + x->shape.c : index->i[0];
    if (x->rank != 4 || nn_onnx_axis(nn_onnx_int(node, "axis", 0), 4) != 1 || index->dims != 0 ||
        channel < 0 || channel >= x->shape.c)
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                              "of an activation, only one channel can be taken (axis, indices)");
    status = nn_onnx_materialise(in, node, x, &from);
    if (status != NN_OK)
        return status;
    nn_onnx_name(in, node, -1, name);
    struct nn_conv2d conv = {.out_channels = 1,
                             .kernel_h = 1,
                             .kernel_w = 1,
                             .stride_h = 1,
                             .stride_w = 1,
                             .groups = 1,
                             .no_bias = true};
    int id = nn_graph_conv2d(in->out->graph, name, from, conv);
    status = nn_onnx_made(in, node, id, 3);
    float *weight = calloc((size_t)x->shape.c, sizeof *weight);
    if (status == NN_OK && weight == NULL)
        status = nn_fail(in->err, NN_NO_MEMORY, "no memory");
    if (status != NN_OK) {
        free(weight);
        return status;
    }
    weight[channel] = 1;
    return nn_onnx_give(in, nn_graph_layer(in->out->graph, id)->weight, weight);
}

enum nn_status nn_onnx_gather(struct onnx_import *in, struct onnx_node *node)
{
    const struct onnx_constant *from, *index;
    int64_t taken[ONNX_MAX_DIMS];

    enum nn_status status = nn_onnx_input_constant(in, node, 1, &index);
    if (status != NN_OK)
        return status;
    if (index->i == NULL || index->elements < 1 || index->elements > ONNX_MAX_DIMS ||
        index->dims > 1)
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED, "these indices are not supported");
    if (!nn_onnx_is_constant(in, node, 0))
        return one_channel(in, node, index);
    status = nn_onnx_input_constant(in, node, 0, &from);
    if (status != NN_OK)
        return status;
    if (from->i == NULL || from->dims != 1 || nn_onnx_int(node, "axis", 0) != 0)
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED, "only numbers of a shape can be taken");
    for (size_t i = 0; i < index->elements; i++) {
        int64_t at = index->i[i] < 0 ? index->i[i] + (int64_t)from->elements : index->i[i];
        if (at < 0 || at >= (int64_t)from->elements)
            return nn_onnx_refuse(in, node, NN_BAD_DATA, "an index outside its input");
        taken[i] = from->i[at];
    }
    struct onnx_value *value = nn_onnx_output(in, node);
    value->kind = ONNX_CONSTANT;
    return nn_onnx_constant_ints(in, taken, (int)index->elements, index->dims, &value->constant);
}

/* Axes 1.. of the new shape: 0 keeps, one -1 is what is left. false: they do not fit. */
static bool fit_axes(const struct onnx_constant *wanted, const struct onnx_value *x, bool keep_zero,
                     int64_t to[3])
{
    const int64_t old[4] = {0, x->shape.c, x->shape.h, x->shape.w};
    uint64_t known = 1, all = nn_shape_elements(x->shape);
    int open = -1;

    for (int i = 1; i < (int)wanted->elements; i++) {
        int64_t d = wanted->i[i];
        if (d == 0 && keep_zero && i < x->rank && x->rank != 3)
            d = old[i];
        if (d == -1 && open < 0)
            open = i;
        else if (d < 1 || d > (int64_t)NN_MAX_ELEMENTS)
            return false;
        else
            known *= (uint64_t)d;
        if (known > NN_MAX_ELEMENTS)
            return false;
        to[i - 1] = d;
    }
    if (open > 0) {
        if (wanted->i[0] == -1 || all % known != 0)
            return false;
        to[open - 1] = (int64_t)(all / known);
        known = all;
    }
    return known == all;
}

enum nn_status nn_onnx_reshape(struct onnx_import *in, struct onnx_node *node)
{
    const struct onnx_constant *wanted;
    int64_t axes[3] = {1, 1, 1};
    struct onnx_value *x;

    enum nn_status status = nn_onnx_input_activation(in, node, 0, &x);
    if (status == NN_OK)
        status = nn_onnx_input_constant(in, node, 1, &wanted);
    if (status != NN_OK)
        return status;
    if (wanted->i == NULL || (wanted->elements != 2 && wanted->elements != 4))
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                              "only (N, features) and (N, C, H, W) are supported as new shapes");
    int64_t n = wanted->i[0];
    bool keep = nn_onnx_int(node, "allowzero", 0) == 0;
    bool batch = n == ONNX_BATCH || n == -1 || n == 1 || (n == 0 && keep) ||
                 (in->batch > 0 && n == in->batch);
    if (!batch || !fit_axes(wanted, x, keep, axes))
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                              "the new shape does not keep the batch, or does not fit %d x %d x %d",
                              x->shape.c, x->shape.h, x->shape.w);
    struct nn_shape shape = {(int)axes[0], (int)axes[1], (int)axes[2]};
    return nn_onnx_same(in, node, x, (int)wanted->elements, shape);
}

enum nn_status nn_onnx_constant_node(struct onnx_import *in, struct onnx_node *node)
{
    struct onnx_value *value = nn_onnx_output(in, node);
    const NnOnnx__Attribute *attribute = nn_onnx_attribute(node, "value");

    if (attribute != NULL && attribute->t != NULL) {
        value->kind = ONNX_TENSOR;
        value->tensor = attribute->t;
        return NN_OK;
    }
    attribute = nn_onnx_attribute(node, "value_int");
    if (attribute != NULL && attribute->has_i) {
        value->kind = ONNX_CONSTANT;
        return nn_onnx_constant_ints(in, &attribute->i, 1, 0, &value->constant);
    }
    attribute = nn_onnx_attribute(node, "value_ints");
    if (attribute != NULL && attribute->n_ints <= ONNX_MAX_DIMS) {
        value->kind = ONNX_CONSTANT;
        return nn_onnx_constant_ints(in, attribute->ints, (int)attribute->n_ints, 1,
                                     &value->constant);
    }
    attribute = nn_onnx_attribute(node, "value_float");
    if (attribute == NULL || !attribute->has_f)
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED,
                              "of attributes, value, value_int, value_ints, value_float are taken");
    value->constant = (struct onnx_constant){.elements = 1, .f = malloc(sizeof(float))};
    if (value->constant.f == NULL)
        return nn_fail(in->err, NN_NO_MEMORY, "no memory");
    value->constant.f[0] = attribute->f;
    value->kind = ONNX_CONSTANT;
    return NN_OK;
}

enum nn_status nn_onnx_identity(struct onnx_import *in, struct onnx_node *node)
{
    struct onnx_value *x;

    if (nn_onnx_is_constant(in, node, 0)) {
        struct onnx_value *from = nn_onnx_first(in, node), *to = nn_onnx_output(in, node);
        to->kind = from->kind;
        to->alias = from->alias != NULL ? from->alias : from;
        return NN_OK;
    }
    enum nn_status status = nn_onnx_input_activation(in, node, 0, &x);
    return status == NN_OK ? nn_onnx_same(in, node, x, x->rank, x->shape) : status;
}

/* A constant's numbers as the other kind; false: one does not fit, or no memory. */
static bool cast_numbers(const struct onnx_constant *from, struct onnx_constant *to)
{
    *to = *from;
    to->f = from->f == NULL ? malloc(sizeof *to->f * (from->elements + 1)) : NULL;
    to->i = from->i == NULL ? malloc(sizeof *to->i * (from->elements + 1)) : NULL;
    if (to->f == NULL && to->i == NULL)
        return false;
    for (size_t i = 0; i < from->elements; i++) {
        if (to->f != NULL)
            to->f[i] = (float)from->i[i];
        else if (from->f[i] > -1e9f && from->f[i] < 1e9f)
            to->i[i] = (int64_t)from->f[i];
        else
            return false;
    }
    return true;
}

/* Constants alone; float and double (11) are both our float, int32 and int64 our int64. */
enum nn_status nn_onnx_cast(struct onnx_import *in, struct onnx_node *node)
{
    const struct onnx_constant *from;
    struct onnx_value *value = nn_onnx_output(in, node);
    int64_t to = nn_onnx_int(node, "to", 0);

    enum nn_status status = nn_onnx_input_constant(in, node, 0, &from);
    if (status != NN_OK)
        return status;
    bool whole = to == 6 || to == 7, real = to == 1 || to == 11;
    if ((from->i != NULL && whole) || (from->f != NULL && real))
        return nn_onnx_identity(in, node);
    if ((!real && !whole) || from->elements > ONNX_MAX_DIMS ||
        !cast_numbers(from, &value->constant)) {
        nn_onnx_constant_finish(&value->constant);
        return nn_onnx_refuse(in, node, NN_UNSUPPORTED, "to this kind of number (to)");
    }
    value->kind = ONNX_CONSTANT;
    return NN_OK;
}
