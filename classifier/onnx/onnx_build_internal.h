/* onnx_build_internal.h: an ONNX model in the making: messages in one arena, then a file. */
#ifndef NN_ONNX_BUILD_INTERNAL_H
#define NN_ONNX_BUILD_INTERNAL_H

#include "nn_onnx.h"
#include "onnx.pb-c.h"

/* All memory lives until finish; the first failure sticks in `failed`. Strings and numbers that are
 * handed in are borrowed until then. */
struct onnx_build {
    void **blocks;
    size_t block_count, block_capacity;
    NnOnnx__Node **nodes;
    NnOnnx__Tensor **tensors;
    size_t node_count, node_capacity, tensor_count, tensor_capacity;
    bool failed;
};

void *nn_onnx_build_room(struct onnx_build *build, size_t size); /* zeroed, or NULL */
char *nn_onnx_build_text(struct onnx_build *build, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void nn_onnx_build_finish(struct onnx_build *build);

/* A node with one output; inputs is NULL-terminated. */
NnOnnx__Node *nn_onnx_build_node(struct onnx_build *build, const char *op, const char *name,
                                 const char *output, const char *const *inputs);
void nn_onnx_build_int(struct onnx_build *build, NnOnnx__Node *node, const char *name,
                       int64_t value);
void nn_onnx_build_ints(struct onnx_build *build, NnOnnx__Node *node, const char *name,
                        const int *values, int count);
void nn_onnx_build_float(struct onnx_build *build, NnOnnx__Node *node, const char *name,
                         float value);
/* Initialisers: floats are borrowed, whole numbers copied. dims 0: a scalar. */
void nn_onnx_build_floats(struct onnx_build *build, const char *name, const float *data, int dims,
                          const int *dim);
void nn_onnx_build_shape(struct onnx_build *build, const char *name, const int64_t *values,
                         int count);
/* (N, dim...) with N open. */
NnOnnx__ValueInfo *nn_onnx_build_value(struct onnx_build *build, const char *name, int dims,
                                       const int *dim);
/* By temporary file, fsync, rename, directory fsync. */
NN_MUST_USE enum nn_status nn_onnx_build_write(const NnOnnx__Model *model, const char *path,
                                               struct nn_error *err);

#endif
