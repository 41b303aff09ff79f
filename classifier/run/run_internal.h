/* run_internal.h: what a run knows of each layer, and the jobs that it is made of.
 *
 * A layer's work is cut into tasks at boundaries that depend on the layer alone. Layers whose
 * inputs are ready at the same time form a stage; the pool runs all tasks of a stage, then the next
 * stage. Backward is pulled: a task computes some channels of d(loss)/d(one activation), adding its
 * consumers' shares in graph order (that of the concat which it is a part of in place comes first:
 * it lies there already), so that nothing is written by two tasks.
 *
 * An activation lives in its root's buffer: its own, or that of the concat (or reshape) which it is
 * a part of, and which then has nothing to do. Its gradient does the same.
 *
 * Two kinds of task look at the whole batch, because cutting it would cost more: a fully connected
 * layer's (its weights are read once for all samples) and a batch norm's sums (one channel's, over
 * all samples, in order). */
#ifndef NN_RUN_INTERNAL_H
#define NN_RUN_INTERNAL_H

#include "graph/graph_internal.h"
#include "nn_run.h"

#define NN_MAX_BATCH 4096

struct nn_node {
    bool live;     /* computed: neither folded into another layer nor without a reader */
    int root;      /* the layer whose buffer holds this activation */
    int parent;    /* the concat that it is a part of in place, or -1 */
    size_t offset; /* floats from the start of the root's sample */
    size_t stride; /* floats from sample to sample: the root's elements */
    int stage;
    float *activation;
    bool held;                  /* the activation outlives the forward pass */
    const float *weight, *bias; /* the values', or folded; NULL: none */
    const float *packed[2];     /* of a convolution, forward and backward; NULL: none (pack.c) */

    int rows_per_tile, tiles;       /* forward tasks of a sample (fully connected: of the batch): */
    int channels_per_block, blocks; /* tiles * blocks */

    bool learns; /* its weights get a gradient */
    bool wants_gradient;
    int back_stage;
    float *gradient;
    const float *seed; /* what backward starts from here, (batch, elements), or NULL */
    int gradient_rows, gradient_tiles; /* tasks of a sample: tiles * blocks, */
    int gradient_channels, gradient_blocks;
    bool gradient_of_batch;         /* or of the batch */
    int weight_rows, weight_blocks; /* taps or outputs a task; tasks of the batch */
    int *consumers, consumer_count;
    bool active; /* lies between a layer that backward starts from and the input */

    /* a batch norm that normalises with the batch's statistics; else NULL */
    float *mean, *variance;
    double *sum_dy, *sum_dy_xhat;
    int norm_channels, norm_blocks; /* tasks of the batch */
};

enum nn_job_kind {
    NN_JOB_FORWARD,
    NN_JOB_GRADIENT,
    NN_JOB_WEIGHT,
    NN_JOB_STATISTICS, /* batch norm: one stage before its forward tasks */
    NN_JOB_SUMS        /* batch norm: between its gradient and its producer's */
};

struct nn_job {
    enum nn_job_kind kind;
    int layer, stage;
    double cost; /* of one task: the longest go first */
};

/* Jobs sorted by stage, then cost; stage s is jobs first[s] .. first[s + 1] - 1. */
struct nn_schedule {
    struct nn_job *jobs;
    int count, stages;
    int *first;
};

struct nn_run {
    const struct nn_graph *graph;
    struct nn_layer *layers; /* the graph's, but batch norms with a convolution folded in */
    float *folded;
    const struct nn_values *values;
    struct nn_values *trained; /* TRAIN: the same ones */
    struct nn_pool *pool;
    enum nn_run_mode mode;
    int max_batch, batch;
    bool keep_all, has_run;
    int kept_gradient; /* a layer, or -1 */
    bool *frozen;      /* TRAIN: of each layer */
    struct nn_node *nodes;
    int *consumer_store;
    float *norm_store;
    double *sum_store;
    struct nn_schedule forward, backward;
    float *activations, *gradients, *scratch;
    size_t activation_floats, gradient_floats;
    size_t scratch_size; /* floats a thread */

    float **parameter_gradient; /* TRAIN; NULL where nothing is learned */
    float *parameter_store;
    size_t parameter_elements;
    float *logits_gradient; /* TRAIN: of each loss, (max_batch) of its scores' shape */
    const uint8_t *places;  /* TRAIN: nn_run_set_places, or NULL */
    uint64_t seed, step;    /* of the dropout masks */

    struct nn_pack *packs; /* pack.c */
    int pack_count;
    float *pack_store; /* of those that are this run's alone */
    bool packed[2];    /* forward, backward: filled for good */
    bool packing_backward;

    int *ends; /* of each job's tasks in the stage that runs */
    const struct nn_job *stage_jobs;
};

/* Layers whose values are those of their producers, only elsewhere. */
static inline bool nn_is_join(const struct nn_layer *layer)
{
    return layer->op == NN_OP_CONCAT || layer->op == NN_OP_RESHAPE;
}

/* A part of a concat in place that nothing else reads: whoever pulls the concat's gradient masks
 * the part's, too, and there is no task for it but where backward starts there. */
static inline bool nn_masked_by_parent(const struct nn_run *run, int id)
{
    const struct nn_node *node = &run->nodes[id];
    return node->parent >= 0 && node->consumer_count == 1 && node->wants_gradient &&
           !nn_is_join(&run->layers[id]);
}

/* Fills nodes, schedules and buffers; undone by nn_plan_finish. */
NN_MUST_USE enum nn_status nn_plan_init(struct nn_run *run, struct nn_error *err);
void nn_plan_finish(struct nn_run *run);

/* fold.c: the layers that are run, which of them are live, and their weights. */
NN_MUST_USE enum nn_status nn_fold_init(struct nn_run *run, struct nn_error *err);
/* pack.c: weights in the form that convolutions read: memory for it; what is due before a pass. */
NN_MUST_USE enum nn_status nn_pack_init(struct nn_run *run, struct nn_error *err);
void nn_pack_fill(struct nn_run *run, bool backward);
void nn_pack_finish(struct nn_run *run);
/* layout.c: places for activations, gradients and batch norms' statistics. */
NN_MUST_USE enum nn_status nn_layout_init(struct nn_run *run, struct nn_error *err);

/* Backward from several layers at once; gradients[i] is that of layers[i]. */
void nn_run_backward_from(struct nn_run *run, const int *layers, const float *const *gradients,
                          int count);

/* How many tasks a job is for this batch. */
int nn_job_tasks(const struct nn_run *run, const struct nn_job *job);
/* Runs one of them (execute.c). */
void nn_job_run(struct nn_run *run, const struct nn_job *job, int task, float *scratch);

/* split.c: cuts a layer's work, from its shapes alone; returns the cost of one task. */
double nn_split_forward(const struct nn_run *run, int id);
double nn_split_gradient(const struct nn_run *run, int id);
double nn_split_weight(const struct nn_run *run, int id);
double nn_split_norm(const struct nn_run *run, int id);
/* Scratch in floats that the layer's tasks need. */
size_t nn_split_scratch(const struct nn_run *run, int id);

#endif
