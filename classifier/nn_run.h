/* nn_run.h: executes a graph: forward, and backward for training and explanation.
 *
 * blueprint / constant / scratch: struct nn_graph and struct nn_values are shared, struct nn_run is
 * scratch of one thread at a time. All memory is taken at create; forward, backward and the
 * training step allocate nothing.
 *
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
/* NULL: out of memory, no threads to be had, or threads outside 1..1024. */
struct nn_pool *nn_pool_create(int threads);
void nn_pool_destroy(struct nn_pool *pool);
int nn_pool_threads(const struct nn_pool *pool); /* NULL: 1, the caller */
/* Calls task(context, i, thread) once for each i in 0..count-1; returns when all are done. thread
 * (0..threads-1) names scratch memory; which thread runs which task is not fixed, so a task's
 * result must not depend on it. Without a pool (NULL) the caller runs them all. */
void nn_pool_run(struct nn_pool *pool, int count, void (*task)(void *context, int i, int thread),
                 void *context);

/* The parameters of a graph as arrays of float, in nn_graph_parameter order. */
struct nn_values;
/* Points into (or copies from, when writable) an opened weight file. Every parameter must be there
 * with the right shape (NN_MISSING, NN_SHAPE and the tensor's name) unless its layer is listed in
 * `fresh` (NULL-terminated list of layer names, e.g. the new head), which is initialised from
 * `seed` (uniform after Glorot and Bengio 2010, zero bias). `weights` may be NULL when all are
 * fresh, and must outlive read-only values, as `graph` must all values. NaN and infinite values are
 * refused (NN_BAD_DATA and the tensor's name). */
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
    NN_RUN_TRAIN    /* dropout active; batch statistics; backward to parameters */
};

struct nn_run;
/* INFER or EXPLAIN. graph, values and pool (NULL: the caller's thread alone) must outlive the run.
 * max_batch 1..4096. Memory: INFER holds what is alive at once; EXPLAIN all activations (GoogLeNet:
 * 20 MB a sample), and of the gradients what is alive at once. Layers that only an auxiliary head
 * needs are not computed.
 *
 * Convolutions of 3x3 and 5x5 taps read their weights in a form of their own (four times the size,
 * docs/performance.md): of read-only values one for all their runs, kept with them; else this
 * run's. Memory for it is taken here, filled by the first forward, and the first backward, that
 * read it.
 *
 * A convolution whose one consumer is a batch norm is computed together with it, with weights
 * folded here, once, and owned by this run: a change of `values` needs a new run. */
NN_MUST_USE enum nn_status nn_run_create(const struct nn_graph *graph,
                                         const struct nn_values *values, int max_batch,
                                         enum nn_run_mode mode, struct nn_pool *pool,
                                         struct nn_run **run, struct nn_error *err);
/* A frozen layer's values are read when a pass first needs them: who changes them after that makes
 * a new run. TRAIN. values must be writable (NN_INVALID): a train step moves the running statistics
 * of batch norms. `frozen`: of each layer (nn_graph_count of them), or NULL for none; a frozen
 * layer's parameters have no gradient and its running statistics stay, and are what it normalises
 * with. Below the lowest layer that learns there is a forward pass only, and of the activations
 * only those are held that a backward pass reads. */
NN_MUST_USE enum nn_status nn_run_create_training(const struct nn_graph *graph,
                                                  struct nn_values *values, int max_batch,
                                                  const bool *frozen, struct nn_pool *pool,
                                                  struct nn_run **run, struct nn_error *err);
void nn_run_destroy(struct nn_run *run);
/* Between two samples that are far apart: the memory of activations and gradients goes back to the
 * system until the next forward, which takes some ms longer. What was peeked at, and the gradients
 * of inputs and layers, are gone; parameters' gradients stay. */
void nn_run_rest(struct nn_run *run);

/* Whether forward or a train step takes so many samples: 1..max_batch (NN_INVALID); and not one
 * alone where TRAIN would measure a batch norm of one value a channel. */
NN_MUST_USE enum nn_status nn_run_check_batch(const struct nn_run *run, int batch,
                                              struct nn_error *err);
/* input: (batch, C, H, W). output (may be NULL): (batch, output elements). Input that is not finite
 * is refused (NN_BAD_DATA); what overflows on the way reaches the output as NaN or infinity. In
 * TRAIN the dropout masks are those of the last train step (seed 0, step 0 before it). */
NN_MUST_USE enum nn_status nn_run_forward(struct nn_run *run, const float *input, int batch,
                                          float *output, struct nn_error *err);
/* One layer's activation of the last forward, (batch, C, H, W), valid until the next call.
 * NULL when there is none: INFER reuses all memory but the output's, TRAIN holds what backward
 * reads, a folded convolution has none, and the parts of a concat lie inside it, so that several
 * samples of one are not contiguous. nn_run_keep_all changes all of these. */
const float *nn_run_peek(const struct nn_run *run, int layer);
/* Keeps every computed layer's activation and folds nothing (tests, golden proof). Call before the
 * first forward (NN_INVALID after it). When it fails, the run is good for nn_run_destroy only. */
NN_MUST_USE enum nn_status nn_run_keep_all(struct nn_run *run, struct nn_error *err);

/* Backward from `layer` (a pre-softmax layer for explanation) with d(loss)/d(that activation), of
 * shape (batch, C, H, W). EXPLAIN fills the input gradient; TRAIN adds to the parameter
 * gradients of the layers up to and including `layer`, in sample order. */
NN_MUST_USE enum nn_status nn_run_backward(struct nn_run *run, int layer, const float *gradient,
                                           struct nn_error *err);
const float *nn_run_input_gradient(const struct nn_run *run); /* EXPLAIN; or NULL */
/* EXPLAIN: holds one layer's gradient until the next backward, for explanations that look at a
 * layer (Grad-CAM). Call before the first forward (NN_INVALID after it). When it fails, the run is
 * good for nn_run_destroy only. */
NN_MUST_USE enum nn_status nn_run_keep_gradient(struct nn_run *run, int layer,
                                                struct nn_error *err);
/* Of the last backward, (batch, C, H, W), before the layer's fused ReLU when it has one. NULL: none
 * is kept, the layer took no part, or several samples of it lie apart (nn_run_peek). */
const float *nn_run_kept_gradient(const struct nn_run *run);
/* TRAIN; NULL otherwise, and for a frozen layer's or a statistic. Starts as zero. */
float *nn_run_parameter_gradient(struct nn_run *run, int parameter);
void nn_run_zero_gradients(struct nn_run *run);

/* TRAIN: what the next steps' samples show where, for scores at places (nn_graph_places), of which
 * there is one layer: (batch, H, W) classes, borrowed; another number: nothing is asked of that
 * place. Classes that a sample has weigh alike, and so do the places of one. NULL: no such loss. */
void nn_run_set_places(struct nn_run *run, const uint8_t *places);

/* TRAIN, on a graph that ends in softmax: forward, softmax + cross-entropy, backward; adds to the
 * parameter gradients, and moves the running statistics. `loss` gets sum(class_weights[label] *
 * cross-entropy) / batch (weights 1 when NULL), that of each auxiliary head times its weight
 * included. The cross-entropy is -sum(target * log p), target[c] = (1 - smoothing) * [c is the
 * label] + smoothing / classes (Szegedy et al. 2016); smoothing 0..1 (NN_INVALID), 0: -log
 * p[label]. `probabilities` (may be NULL) (batch, classes). seed and step select the dropout masks.
 * A loss that is not finite is NN_BAD_DATA, before gradients and statistics are touched. */
NN_MUST_USE enum nn_status nn_run_train_step(struct nn_run *run, const float *input,
                                             const int *labels, int batch, uint64_t seed,
                                             uint64_t step, const float *class_weights,
                                             double smoothing, double *loss, float *probabilities,
                                             struct nn_error *err);

#endif
