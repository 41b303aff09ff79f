/* execute_internal.h: how a task finds what it works on. forward.c and backward.c are the tasks. */
#ifndef NN_EXECUTE_INTERNAL_H
#define NN_EXECUTE_INTERNAL_H

#include "ops/ops.h"
#include "ops/whole.h"
#include "run_internal.h"

void nn_forward_task(const struct nn_run *run, int id, int task, float *scratch);
void nn_statistics_task(const struct nn_run *run, int id, int task);
void nn_gradient_task(const struct nn_run *run, int id, int task, float *scratch);
void nn_weight_task(struct nn_run *run, int id, int task, float *scratch);
void nn_sums_task(struct nn_run *run, int id, int task);

#define CACHED_FLOATS 16384 /* of weights: 64 KiB */

static inline float *activation(const struct nn_run *run, int id, int sample)
{
    return run->nodes[id].activation + (size_t)sample * run->nodes[id].stride;
}

static inline float *gradient(const struct nn_run *run, int id, int sample)
{
    return run->nodes[id].gradient + (size_t)sample * run->nodes[id].stride;
}

static inline uint64_t dropout_key(const struct nn_run *run, int id, int sample)
{
    return nn_dropout_key(run->seed, run->step, (uint64_t)id, (uint64_t)sample);
}

/* Rows of a weight matrix of so many columns that stay in a core's cache. */
static inline int rows_in_cache(size_t columns)
{
    size_t rows = CACHED_FLOATS / columns;
    return rows < 1 ? 1 : (int)rows;
}

/* With the batch's statistics where they were taken, else with the running ones. */
static inline const float *norm_mean(const struct nn_run *run, int id)
{
    const float *mean = run->nodes[id].mean;
    return mean != NULL ? mean : nn_values_peek(run->values, run->layers[id].running_mean);
}

static inline const float *norm_variance(const struct nn_run *run, int id)
{
    const float *variance = run->nodes[id].variance;
    return variance != NULL ? variance : nn_values_peek(run->values, run->layers[id].running_var);
}

/* One factor a channel rather than one an element. */
static inline bool is_per_channel(const struct nn_run *run, int mul)
{
    const struct nn_layer *layer = &run->layers[mul];
    return nn_shape_elements(run->layers[layer->from[1]].shape) != nn_shape_elements(layer->shape);
}

static inline bool has_windows(enum nn_op op)
{
    return op == NN_OP_CONV2D || op == NN_OP_MAX_POOL || op == NN_OP_AVG_POOL || op == NN_OP_LRN ||
           op == NN_OP_BATCH_NORM || op == NN_OP_MUL || op == NN_OP_PAD;
}

#endif
