/* nn_onnx.h: networks from and to ONNX files (github.com/onnx/onnx, docs/IR.md and Operators.md).
 *
 * Reading takes opsets 7 to 17 with float32, float16 or double weights inside the file and the
 * operators of image classifiers: Conv, BatchNormalization, Relu, Clip, Sigmoid, Mul, MaxPool,
 * AveragePool, GlobalAveragePool, LRN, Concat, Add, Gemm, MatMul, Flatten, Reshape, Dropout,
 * Softmax, Constant, Identity, Pad; Sub and Div by constants; ReduceMean over rows and columns;
 * Squeeze, Unsqueeze, Shape, Gather and Cast where they only compute a shape. Everything else is
 * NN_UNSUPPORTED with operator, node and output (or attribute) in the text. Only what the first
 * output depends on is read. Files are hostile: sizes are checked before they are believed, and
 * memory is bounded by the file's size.
 *
 * A layer is named after its weights ("features.0" for "features.0.weight"), else after its node;
 * names are made of letters, digits and ._/:+-, and unique. A graph that does not end in a softmax
 * gets one ("prob"). */
#ifndef NN_ONNX_H
#define NN_ONNX_H

#include "nn_graph.h"
#include "nn_run.h"
#include "nn_weights.h"
#include <stdint.h>

#define NN_ONNX_MAX_FILE  (UINT64_C(1) << 30) /* bytes */
#define NN_ONNX_MAX_NODES 16384

struct nn_onnx_options {
    int side;          /* rows and columns of the input, where the file leaves them open; or 0 */
    int fresh_classes; /* above 0: the last layer with weights gets so many outputs and new weights
                        * (uniform after Glorot and Bengio 2010, zero bias) */
    uint64_t seed;     /* of the fresh weights */
};

/* A network read from a file: the graph (finished) and a tensor for each of its parameters.
 * Immutable, may be shared by threads. */
struct nn_onnx;
/* NN_MISSING, NN_IO: the file; NN_BAD_DATA, NN_SHAPE, NN_LIMIT, NN_UNSUPPORTED: what is in it. */
NN_MUST_USE enum nn_status nn_onnx_open(const char *path, const struct nn_onnx_options *options,
                                        struct nn_onnx **onnx, struct nn_error *err);
/* The same from memory; `name` stands in errors. The bytes may go once it returns. */
NN_MUST_USE enum nn_status nn_onnx_parse(const char *name, const void *bytes, size_t size,
                                         const struct nn_onnx_options *options,
                                         struct nn_onnx **onnx, struct nn_error *err);
void nn_onnx_close(struct nn_onnx *onnx); /* NULL is allowed */
const struct nn_graph *nn_onnx_graph(const struct nn_onnx *onnx);
/* In nn_graph_parameter order, with the parameters' names and shapes; borrowed. */
const struct nn_tensor *nn_onnx_tensors(const struct nn_onnx *onnx, size_t *count);
bool nn_onnx_softmax_added(const struct nn_onnx *onnx);
/* The layer with weights that makes the scores of the classes. */
const char *nn_onnx_head(const struct nn_onnx *onnx);
/* A metadata property of the file, or NULL. */
const char *nn_onnx_metadata(const struct nn_onnx *onnx, const char *key);
/* SHA-256 of the file as 64 lower-case hex digits. */
const char *nn_onnx_digest(const struct nn_onnx *onnx);

/* Writes graph and values as ONNX: opset 13, IR version 7, input (N, C, H, W) with N open, output
 * (N, classes), both under the layers' names, initialisers under the parameters'. The last softmax
 * is of scores / temperature (above 0; 1: as the graph has it). By temporary file, fsync, rename,
 * directory fsync; the bytes are a function of the arguments alone. NN_UNSUPPORTED and the layer's
 * name: a mean that counts padding and hangs over. */
NN_MUST_USE enum nn_status nn_onnx_write(const char *path, const struct nn_graph *graph,
                                         const struct nn_values *values, double temperature,
                                         const struct nn_metadata *metadata, size_t metadata_count,
                                         struct nn_error *err);

#endif
