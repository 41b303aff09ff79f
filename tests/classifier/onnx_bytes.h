/* onnx_bytes.h: ONNX files written by hand, field by field (docs/IR.md), for the reader's tests. */
#ifndef ONNX_BYTES_H
#define ONNX_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    size_t size;
    uint8_t data[16384];
};

static inline void put_varint(struct bytes *b, uint64_t value)
{
    for (; value >= 128; value >>= 7)
        b->data[b->size++] = (uint8_t)(value | 128);
    b->data[b->size++] = (uint8_t)value;
}

static inline void put_int(struct bytes *b, unsigned field, int64_t value)
{
    put_varint(b, field << 3);
    put_varint(b, (uint64_t)value);
}

static inline void put_float(struct bytes *b, unsigned field, float value)
{
    put_varint(b, field << 3 | 5);
    memcpy(b->data + b->size, &value, 4);
    b->size += 4;
}

static inline void put_bytes(struct bytes *b, unsigned field, const void *data, size_t size)
{
    put_varint(b, field << 3 | 2);
    put_varint(b, size);
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static inline void put_text(struct bytes *b, unsigned field, const char *text)
{
    put_bytes(b, field, text, strlen(text));
}

static inline void put_message(struct bytes *b, unsigned field, const struct bytes *message)
{
    put_bytes(b, field, message->data, message->size);
}

/* Words by spaces; "-" is an empty name. */
static inline void put_words(struct bytes *b, unsigned field, const char *words)
{
    while (*words != '\0') {
        size_t length = strcspn(words, " ");
        put_bytes(b, field, words, length == 1 && *words == '-' ? 0 : length);
        words += length + (words[length] == ' ');
    }
}

/* AttributeProto: name 1, f 2, i 3, s 4, ints 8, type 20. */
static inline void attribute_int(struct bytes *node, const char *name, int64_t value)
{
    struct bytes a = {0};
    put_text(&a, 1, name);
    put_int(&a, 3, value);
    put_int(&a, 20, 2);
    put_message(node, 5, &a);
}

static inline void attribute_float(struct bytes *node, const char *name, float value)
{
    struct bytes a = {0};
    put_text(&a, 1, name);
    put_float(&a, 2, value);
    put_int(&a, 20, 1);
    put_message(node, 5, &a);
}

static inline void attribute_text(struct bytes *node, const char *name, const char *value)
{
    struct bytes a = {0};
    put_text(&a, 1, name);
    put_text(&a, 4, value);
    put_int(&a, 20, 3);
    put_message(node, 5, &a);
}

static inline void attribute_ints(struct bytes *node, const char *name, int count,
                                  const int64_t *values)
{
    struct bytes a = {0};
    put_text(&a, 1, name);
    for (int i = 0; i < count; i++)
        put_int(&a, 8, values[i]);
    put_int(&a, 20, 7);
    put_message(node, 5, &a);
}

/* NodeProto without attributes: input 1, output 2, name 3, op_type 4. */
static inline struct bytes node_of(const char *op, const char *name, const char *inputs,
                                   const char *outputs)
{
    struct bytes n = {0};
    put_words(&n, 1, inputs);
    put_words(&n, 2, outputs);
    put_text(&n, 3, name);
    put_text(&n, 4, op);
    return n;
}

static inline void put_node(struct bytes *graph, const char *op, const char *name,
                            const char *inputs, const char *outputs)
{
    struct bytes n = node_of(op, name, inputs, outputs);
    put_message(graph, 1, &n);
}

/* TensorProto: dims 1, data_type 2, float_data 4, int64_data 7, name 8, raw_data 9. */
static inline void put_floats(struct bytes *graph, const char *name, int dims, const int64_t *dim,
                              const float *values, size_t count)
{
    struct bytes t = {0};
    for (int i = 0; i < dims; i++)
        put_int(&t, 1, dim[i]);
    put_int(&t, 2, 1);
    put_text(&t, 8, name);
    put_bytes(&t, 9, values, count * sizeof *values);
    put_message(graph, 5, &t);
}

static inline void put_ints(struct bytes *graph, const char *name, int count, const int64_t *values)
{
    struct bytes t = {0};
    put_int(&t, 1, count);
    put_int(&t, 2, 7);
    for (int i = 0; i < count; i++)
        put_int(&t, 7, values[i]);
    put_text(&t, 8, name);
    put_message(graph, 5, &t);
}

/* ValueInfoProto of a float tensor; a size of 0 is open. */
static inline void put_value(struct bytes *graph, unsigned field, const char *name, int dims,
                             const int64_t *dim)
{
    struct bytes shape = {0}, tensor = {0}, type = {0}, value = {0};
    for (int i = 0; i < dims; i++) {
        struct bytes d = {0};
        if (dim[i] > 0)
            put_int(&d, 1, dim[i]);
        else
            put_text(&d, 2, "n");
        put_message(&shape, 1, &d);
    }
    put_int(&tensor, 1, 1);
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_text(&value, 1, name);
    put_message(&value, 2, &type);
    put_message(graph, field, &value);
}

/* ModelProto: ir_version 1, graph 7, opset_import 8 (version 2). */
static inline struct bytes model_of(const struct bytes *graph, int opset)
{
    struct bytes m = {0}, set = {0};
    put_int(&m, 1, 6);
    put_text(&m, 2, "tests");
    put_message(&m, 7, graph);
    put_int(&set, 2, opset);
    put_message(&m, 8, &set);
    return m;
}

#endif
