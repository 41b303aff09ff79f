#include "onnx_internal.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum nn_status nn_onnx_refuse(const struct onnx_import *in, const struct onnx_node *node,
                              enum nn_status status, const char *format, ...)
{
    const NnOnnx__Node *proto = node->proto;
    char why[160];
    va_list args;

    va_start(args, format);
    if (vsnprintf(why, sizeof why, format, args) < 0)
        why[0] = '\0';
    va_end(args);
    return nn_fail(in->err, status, "%.60s: %.24s node \"%.48s\" (output \"%.32s\"): %s", in->file,
                   proto->op_type ? proto->op_type : "?", proto->name ? proto->name : "",
                   proto->n_output > 0 ? proto->output[0] : "", why);
}

const NnOnnx__Attribute *nn_onnx_attribute(const struct onnx_node *node, const char *name)
{
    for (size_t i = 0; i < node->proto->n_attribute; i++) {
        const NnOnnx__Attribute *attribute = node->proto->attribute[i];
        if (attribute->name != NULL && strcmp(attribute->name, name) == 0)
            return attribute;
    }
    return NULL;
}

int64_t nn_onnx_int(const struct onnx_node *node, const char *name, int64_t otherwise)
{
    const NnOnnx__Attribute *attribute = nn_onnx_attribute(node, name);
    return attribute != NULL && attribute->has_i ? attribute->i : otherwise;
}

float nn_onnx_float(const struct onnx_node *node, const char *name, float otherwise)
{
    const NnOnnx__Attribute *attribute = nn_onnx_attribute(node, name);
    return attribute != NULL && attribute->has_f ? attribute->f : otherwise;
}

bool nn_onnx_string_is(const struct onnx_node *node, const char *name, const char *value)
{
    const NnOnnx__Attribute *attribute = nn_onnx_attribute(node, name);
    return attribute != NULL && attribute->has_s && attribute->s.len == strlen(value) &&
           memcmp(attribute->s.data, value, attribute->s.len) == 0;
}

bool nn_onnx_ints(const struct onnx_node *node, const char *name, int count, int64_t *to,
                  bool *fits)
{
    const NnOnnx__Attribute *attribute = nn_onnx_attribute(node, name);

    *fits = true;
    if (attribute == NULL)
        return false;
    *fits = attribute->n_ints == (size_t)count;
    for (int i = 0; i < count && *fits; i++)
        to[i] = attribute->ints[i];
    return true;
}
