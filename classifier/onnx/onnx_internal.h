/* onnx_internal.h: what the parts of the ONNX reader share.
 *
 * The file's nodes are translated one by one in their order. Each named value is a constant (an
 * initialiser, or folded from constants) or an activation: a layer of our graph and the rank that
 * ONNX sees (our graph has no batch axis and no ranks). Only nodes that the output depends on are
 * looked at; a node that was taken into the layer of its producer is `absorbed`. */
#ifndef NN_ONNX_INTERNAL_H
#define NN_ONNX_INTERNAL_H

#include "nn_onnx.h"
#include "onnx.pb-c.h"

#define ONNX_MAX_DIMS 8
/* Stands for the batch's size in folded shapes. */
#define ONNX_BATCH (INT64_MIN + 1)

struct onnx_constant {
    int dims;
    int64_t dim[ONNX_MAX_DIMS];
    size_t elements;
    float *f;   /* one of both */
    int64_t *i; /* int32, int64, bool */
};

enum onnx_kind { ONNX_UNKNOWN, ONNX_TENSOR, ONNX_CONSTANT, ONNX_ACTIVATION };

struct onnx_value {
    const char *name;
    enum onnx_kind kind;
    NnOnnx__Tensor *tensor; /* TENSOR: an initialiser that nobody has used yet */
    struct onnx_constant constant;
    struct onnx_value *alias;  /* a constant of another name is meant, or NULL */
    int layer;                 /* ACTIVATION */
    int rank;                  /* of the ONNX value with its batch axis: 2 to 4 */
    struct nn_shape shape;     /* as ONNX sees it; may differ from the layer's when flattened */
    int64_t pending[4];        /* zero cells around it that its one consumer, a Conv, adds */
    int maker, consumer, uses; /* nodes: the one that makes it (-1), the last that uses it */
};

struct onnx_node {
    NnOnnx__Node *proto;
    bool needed, absorbed;
};

struct onnx_import {
    const char *file;
    const struct nn_onnx_options *options;
    NnOnnx__Model *model;
    ProtobufCAllocator *allocator;
    int64_t opset, batch; /* batch: 0 when open */
    struct onnx_value *values;
    size_t value_count;
    struct onnx_node *nodes;
    int node_count;
    int head; /* the node whose outputs become options->fresh_classes, or -1 */
    int softmaxes;
    struct nn_onnx *out;
    struct nn_error *err;
};

struct nn_onnx {
    struct nn_graph *graph;
    struct nn_tensor *tensors;
    size_t tensor_count, tensor_capacity;
    float **owned; /* the tensors' data */
    bool softmax_added;
    char head[128];
    struct nn_metadata *metadata;
    size_t metadata_count;
    char digest[65];
};

/* onnx_file.c: the bounded parser. The allocator's memory is bounded by what the size justifies. */
struct onnx_arena {
    ProtobufCAllocator allocator;
    uint64_t used, limit;
};
void nn_onnx_arena_init(struct onnx_arena *arena, uint64_t file_size);
NN_MUST_USE enum nn_status nn_onnx_unpack(const char *name, const void *bytes, size_t size,
                                          struct onnx_arena *arena, NnOnnx__Model **model,
                                          struct nn_error *err);

/* onnx_constant.c */
/* Copies the numbers out of a tensor; raw data is given back to the allocator. */
NN_MUST_USE enum nn_status nn_onnx_constant(struct onnx_import *in, NnOnnx__Tensor *tensor,
                                            struct onnx_constant *constant);
NN_MUST_USE enum nn_status nn_onnx_constant_ints(struct onnx_import *in, const int64_t *values,
                                                 int count, int dims, struct onnx_constant *to);
void nn_onnx_constant_finish(struct onnx_constant *constant);

/* onnx_table.c: the values by name, who needs whom. */
NN_MUST_USE enum nn_status nn_onnx_table(struct onnx_import *in, const char *output);
struct onnx_value *nn_onnx_find(const struct onnx_import *in, const char *name);
/* The node that alone uses the node's first output, when its operator is `op`; or NULL. */
struct onnx_node *nn_onnx_sole_consumer(const struct onnx_import *in, const struct onnx_node *node,
                                        const char *op);
struct onnx_value *nn_onnx_output(const struct onnx_import *in, const struct onnx_node *node);
struct onnx_value *nn_onnx_first(const struct onnx_import *in, const struct onnx_node *node);

/* onnx_attribute.c */
/* "FILE: Conv node "x" (output "y"): ..." */
NN_MUST_USE enum nn_status nn_onnx_refuse(const struct onnx_import *in,
                                          const struct onnx_node *node, enum nn_status status,
                                          const char *format, ...)
    __attribute__((format(printf, 4, 5)));
const NnOnnx__Attribute *nn_onnx_attribute(const struct onnx_node *node, const char *name);
int64_t nn_onnx_int(const struct onnx_node *node, const char *name, int64_t otherwise);
float nn_onnx_float(const struct onnx_node *node, const char *name, float otherwise);
bool nn_onnx_string_is(const struct onnx_node *node, const char *name, const char *value);
/* count numbers into to; false when there is no such attribute. *fits: as many as count. */
bool nn_onnx_ints(const struct onnx_node *node, const char *name, int count, int64_t *to,
                  bool *fits);

/* onnx_value.c: the inputs of a node, and what its output is. */
bool nn_onnx_has_input(const struct onnx_node *node, size_t index);
NN_MUST_USE enum nn_status nn_onnx_input_constant(struct onnx_import *in,
                                                  const struct onnx_node *node, size_t index,
                                                  const struct onnx_constant **constant);
NN_MUST_USE enum nn_status nn_onnx_input_activation(struct onnx_import *in,
                                                    const struct onnx_node *node, size_t index,
                                                    struct onnx_value **value);
bool nn_onnx_is_constant(struct onnx_import *in, const struct onnx_node *node, size_t index);
/* The layer of an activation in the shape that ONNX sees; a reshape where they differ. */
NN_MUST_USE enum nn_status nn_onnx_materialise(struct onnx_import *in, const struct onnx_node *node,
                                               struct onnx_value *value, int *layer);
/* The first output of `node` is `layer`, and has this rank. layer < 0: the graph's refusal. */
NN_MUST_USE enum nn_status nn_onnx_made(struct onnx_import *in, const struct onnx_node *node,
                                        int layer, int rank);
/* The first output is the same activation as `value`, in a new shape. */
NN_MUST_USE enum nn_status nn_onnx_same(struct onnx_import *in, const struct onnx_node *node,
                                        const struct onnx_value *value, int rank,
                                        struct nn_shape shape);
/* A good and unused name for the node's layer; weight: its weights' input number, or -1. */
void nn_onnx_name(const struct onnx_import *in, const struct onnx_node *node, int weight,
                  char name[128]);
/* A Relu that is the sole consumer is absorbed: the layer fuses it. *last: the node whose output
 * the layer makes. */
bool nn_onnx_absorb_relu(struct onnx_import *in, const struct onnx_node **last);

/* onnx_tensors.c: the tensors of the graph's parameters, in their order. */
/* A parameter of `layer` gets these numbers. The array becomes nn_onnx's when it succeeds. */
NN_MUST_USE enum nn_status nn_onnx_give(struct onnx_import *in, int parameter, float *data);
NN_MUST_USE enum nn_status nn_onnx_give_copy(struct onnx_import *in, int parameter,
                                             const float *data, size_t count);
NN_MUST_USE enum nn_status nn_onnx_give_fresh(struct onnx_import *in, int parameter);
NN_MUST_USE enum nn_status nn_onnx_give_filled(struct onnx_import *in, int parameter, float value);

/* What each operator becomes. */
typedef enum nn_status nn_onnx_convert(struct onnx_import *in, struct onnx_node *node);
nn_onnx_convert nn_onnx_conv, nn_onnx_batch_norm, nn_onnx_gemm, nn_onnx_matmul, nn_onnx_lrn,
    nn_onnx_softmax, nn_onnx_dropout, nn_onnx_concat; /* onnx_layers.c, onnx_conv.c */
nn_onnx_convert nn_onnx_max_pool, nn_onnx_average_pool, nn_onnx_global_pool, nn_onnx_pad,
    nn_onnx_reduce_mean; /* onnx_pool.c */
nn_onnx_convert nn_onnx_relu, nn_onnx_clip, nn_onnx_sigmoid, nn_onnx_mul, nn_onnx_add, nn_onnx_sub,
    nn_onnx_div; /* onnx_elementwise.c */
nn_onnx_convert nn_onnx_flatten, nn_onnx_reshape, nn_onnx_squeeze, nn_onnx_unsqueeze, nn_onnx_shape,
    nn_onnx_gather, nn_onnx_constant_node, nn_onnx_identity, nn_onnx_cast;

/* A convolution's or pool's window. */
struct onnx_window {
    int64_t kernel[2], stride[2], pad[4]; /* pad: top, left, bottom, right */
};
NN_MUST_USE enum nn_status nn_onnx_window(struct onnx_import *in, const struct onnx_node *node,
                                          struct nn_shape shape, const int64_t *kernel,
                                          struct onnx_window *window);
/* The node's input with so many cells around it. */
NN_MUST_USE enum nn_status nn_onnx_padded(struct onnx_import *in, const struct onnx_node *node,
                                          int from, const int64_t pad[4], float value, int *layer);
/* Axis as the attribute has it (negative: from the end) -> 0..rank-1, or -1. */
int nn_onnx_axis(int64_t axis, int rank);

#endif
