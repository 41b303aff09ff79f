/* graph_ops.c: the operators of a <graph>, what each reads, and its attributes as text. One table
 * for reading, writing and the digest. */
#include "graph_ops.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(key, form, member)                                                                   \
    {                                                                                              \
        key, form, offsetof(struct nn_layer, member)                                               \
    }

static const struct nn_field input_fields[] = {FIELD("shape", NN_FIELD_INT3, shape), {0}};
static const struct nn_field conv_fields[] = {FIELD("channels", NN_FIELD_INT, conv.out_channels),
                                              FIELD("kernel", NN_FIELD_INT2, conv.kernel_h),
                                              FIELD("stride", NN_FIELD_INT2, conv.stride_h),
                                              FIELD("pad", NN_FIELD_INT2, conv.pad_h),
                                              FIELD("groups", NN_FIELD_INT, conv.groups),
                                              FIELD("relu", NN_FIELD_BOOL, conv.relu),
                                              FIELD("no-bias", NN_FIELD_BOOL, conv.no_bias),
                                              {0}};
static const struct nn_field pool_fields[] = {
    FIELD("kernel", NN_FIELD_INT2, pool.kernel_h),
    FIELD("stride", NN_FIELD_INT2, pool.stride_h),
    FIELD("pad", NN_FIELD_INT2, pool.pad_h),
    FIELD("ceil", NN_FIELD_BOOL, pool.ceil_mode),
    FIELD("count-padding", NN_FIELD_BOOL, pool.count_padding),
    {0}};
static const struct nn_field lrn_fields[] = {FIELD("size", NN_FIELD_INT, lrn.size),
                                             FIELD("alpha", NN_FIELD_FLOAT, lrn.alpha),
                                             FIELD("beta", NN_FIELD_FLOAT, lrn.beta),
                                             FIELD("k", NN_FIELD_FLOAT, lrn.k),
                                             {0}};
static const struct nn_field linear_fields[] = {
    FIELD("outputs", NN_FIELD_INT, shape.c), FIELD("relu", NN_FIELD_BOOL, relu), {0}};
static const struct nn_field dropout_fields[] = {FIELD("rate", NN_FIELD_FLOAT, rate), {0}};
static const struct nn_field norm_fields[] = {FIELD("epsilon", NN_FIELD_FLOAT, norm.epsilon),
                                              FIELD("momentum", NN_FIELD_FLOAT, norm.momentum),
                                              {0}};
static const struct nn_field add_fields[] = {FIELD("relu", NN_FIELD_BOOL, relu), {0}};
static const struct nn_field clip_fields[] = {
    FIELD("low", NN_FIELD_FLOAT, clip.low), FIELD("high", NN_FIELD_FLOAT, clip.high), {0}};
static const struct nn_field pad_fields[] = {
    FIELD("sides", NN_FIELD_INT4, pad.top), FIELD("value", NN_FIELD_FLOAT, pad.value), {0}};
static const struct nn_field reshape_fields[] = {FIELD("shape", NN_FIELD_INT3, shape), {0}};
static const struct nn_field no_fields[] = {{0}};

static const struct nn_op_form forms[] = {
    [NN_OP_INPUT] = {"input", 0, 0, input_fields},
    [NN_OP_CONV2D] = {"conv2d", 1, 1, conv_fields},
    [NN_OP_RELU] = {"relu", 1, 1, no_fields},
    [NN_OP_MAX_POOL] = {"max-pool", 1, 1, pool_fields},
    [NN_OP_AVG_POOL] = {"avg-pool", 1, 1, pool_fields},
    [NN_OP_LRN] = {"lrn", 1, 1, lrn_fields},
    [NN_OP_CONCAT] = {"concat", 1, NN_MAX_LAYERS, no_fields},
    [NN_OP_LINEAR] = {"linear", 1, 1, linear_fields},
    [NN_OP_DROPOUT] = {"dropout", 1, 1, dropout_fields},
    [NN_OP_SOFTMAX] = {"softmax", 1, 1, no_fields},
    [NN_OP_BATCH_NORM] = {"batch-norm", 1, 1, norm_fields},
    [NN_OP_ADD] = {"add", 1, NN_MAX_LAYERS, add_fields},
    [NN_OP_MUL] = {"mul", 2, 2, no_fields},
    [NN_OP_SIGMOID] = {"sigmoid", 1, 1, no_fields},
    [NN_OP_SILU] = {"silu", 1, 1, no_fields},
    [NN_OP_CLIP] = {"clip", 1, 1, clip_fields},
    [NN_OP_PAD] = {"pad", 1, 1, pad_fields},
    [NN_OP_RESHAPE] = {"reshape", 1, 1, reshape_fields},
};

const struct nn_op_form *nn_op_form(enum nn_op op)
{
    return &forms[op];
}

bool nn_op_find(const char *name, enum nn_op *op)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(forms[i].name, name) == 0) {
            *op = (enum nn_op)i;
            return true;
        }
    }
    return false;
}

static int ints_of(enum nn_field_kind kind)
{
    return (int)kind - (int)NN_FIELD_INT + 1;
}

/* The fewest digits that read back to the same bits; XML Schema's words for what is infinite. */
static void float_text(float value, char text[NN_FIELD_TEXT])
{
    if (isinf(value)) {
        snprintf(text, NN_FIELD_TEXT, "%s", value > 0 ? "INF" : "-INF");
        return;
    }
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, NN_FIELD_TEXT, "%.*g", digits, (double)value);
        float again = strtof(text, NULL);
        if (memcmp(&again, &value, sizeof value) == 0)
            return;
    }
}

bool nn_field_print(const struct nn_field *field, const struct nn_layer *layer,
                    char text[NN_FIELD_TEXT])
{
    const char *at = (const char *)layer + field->offset;

    if (field->kind == NN_FIELD_BOOL) {
        bool value;
        memcpy(&value, at, sizeof value);
        snprintf(text, NN_FIELD_TEXT, "true");
        return value;
    }
    if (field->kind == NN_FIELD_FLOAT) {
        float value;
        memcpy(&value, at, sizeof value);
        float_text(value, text);
        return true;
    }
    size_t used = 0;
    for (int i = 0; i < ints_of(field->kind); i++) {
        int value;
        memcpy(&value, at + (size_t)i * sizeof value, sizeof value);
        used += (size_t)snprintf(text + used, NN_FIELD_TEXT - used, i > 0 ? " %d" : "%d", value);
    }
    return true;
}

static bool scan_ints(const char *text, int *to, int count)
{
    for (int i = 0; i < count; i++) {
        char *end;
        errno = 0;
        long value = strtol(text, &end, 10);
        if (end == text || errno != 0 || value < 0 || value > NN_MAX_ELEMENTS)
            return false;
        to[i] = (int)value;
        text = end;
    }
    return text[strspn(text, " \t\r\n")] == '\0';
}

bool nn_field_scan(const struct nn_field *field, const char *text, struct nn_layer *layer)
{
    char *at = (char *)layer + field->offset, *end;
    int values[4];

    if (field->kind == NN_FIELD_BOOL) {
        bool value = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
        memcpy(at, &value, sizeof value);
        return value || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
    }
    if (field->kind == NN_FIELD_FLOAT) {
        float value = strtof(text, &end);
        memcpy(at, &value, sizeof value);
        return end != text && end[strspn(end, " \t\r\n")] == '\0' && !isnan(value);
    }
    int count = ints_of(field->kind);
    if (!scan_ints(text, values, count))
        return false;
    memcpy(at, values, (size_t)count * sizeof *values);
    return true;
}
