/* nn_run.h: executes a graph: forward, and backward for training and explanation.
 *
 * blueprint / constant / scratch: struct nn_graph and struct nn_values are shared, struct nn_run is
 * scratch of one thread at a time. All memory is taken at create; forward allocates nothing.
 * The bits of every result are a function of graph, values, input, build and kernel set only, never
 * of the pool's number of threads or of the batch a sample travels in. OpenBLAS runs on one
 * thread; the pool splits the work at fixed boundaries. */
#ifndef NN_RUN_H
#define NN_RUN_H

#include "nn_graph.h"
#include "nn_weights.h"
#include <stdint.h>

/* A fixed set of worker threads. One pool serves one run at a time. threads >= 1; the caller is one
 * of them. Create pools after the last fork. */
struct nn_pool;
struct nn_pool *nn_pool_create(int threads);
void nn_pool_destroy(struct nn_pool *pool);
int nn_pool_threads(const struct nn_pool *pool);

/* The parameters of a graph as arrays of float, in nn_graph_parameter order. */
struct nn_values;
/* Points into (or copies from, when writable) an opened weight file. Every parameter must be there
 * with the right shape; a missing one is an error that names it unless it is listed in `fresh`
 * (NULL-terminated list of layer names, e.g. the new head), which is initialised from `seed`
 * (Glorot uniform, zero bias). `weights` must outlive read-only values. NaN or infinite values are
 * refused with the tensor's name. */
NN_MUST_USE enum nn_status nn_values_create(const struct nn_graph *graph,
                                            const struct nn_weights *weights, bool writable,
                                            const char *const *fresh, uint64_t seed,
                                            struct nn_values **values, struct nn_error *err);
void nn_values_destroy(struct nn_values *values);
const float *nn_values_peek(const struct nn_values *values, int parameter);
float *nn_values_at(struct nn_values *values, int parameter); /* NULL when read-only */

enum nn_run_mode {
    NN_RUN_INFER,   /* activations may share memory; dropout is identity; no backward */
    NN_RUN_EXPLAIN, /* as INFER, and backward to the input */
    NN_RUN_TRAIN    /* dropout active; backward to parameters */
};

struct nn_run;
NN_MUST_USE enum nn_status nn_run_create(const struct nn_graph *graph,
                                         const struct nn_values *values, int max_batch,
                                         enum nn_run_mode mode, struct nn_pool *pool,
                                         struct nn_run **run, struct nn_error *err);
void nn_run_destroy(struct nn_run *run);

/* input: (batch, C, H, W). output (may be NULL): (batch, output elements). */
NN_MUST_USE enum nn_status nn_run_forward(struct nn_run *run, const float *input, int batch,
                                          float *output, struct nn_error *err);
/* One layer's activation of the last forward, (batch, C, H, W), valid until the next call.
 * INFER may have reused it: NULL then, unless keep was asked for that layer. */
const float *nn_run_peek(const struct nn_run *run, int layer);
/* Keeps every layer's activation (tests, golden proof). Call before the first forward. */
NN_MUST_USE enum nn_status nn_run_keep_all(struct nn_run *run, struct nn_error *err);

/* Backward from `layer` (a pre-softmax layer for explanation) with d(loss)/d(that activation), of
 * shape (batch, C, H, W). EXPLAIN fills the input gradient; TRAIN adds to the parameter
 * gradients. */
NN_MUST_USE enum nn_status nn_run_backward(struct nn_run *run, int layer, const float *gradient,
                                           struct nn_error *err);
const float *nn_run_input_gradient(const struct nn_run *run); /* (batch, C, H, W) */
float *nn_run_parameter_gradient(struct nn_run *run, int parameter);
void nn_run_zero_gradients(struct nn_run *run);

/* TRAIN: softmax + cross-entropy over the layer before softmax, mean over the batch; runs the
 * backward pass; `loss` gets the mean loss, `probabilities` (may be NULL) (batch, classes).
 * class_weights may be NULL. `step` selects the dropout masks. */
NN_MUST_USE enum nn_status nn_run_train_step(struct nn_run *run, const float *input,
                                             const int *labels, int batch, uint64_t seed,
                                             uint64_t step, const float *class_weights,
                                             double *loss, float *probabilities,
                                             struct nn_error *err);

#endif
