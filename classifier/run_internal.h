/* run_internal.h: what a run knows of each layer, and the jobs that it is made of.
 *
 * A layer's work is cut into tasks at boundaries that depend on the layer alone. Layers whose
 * inputs are ready at the same time form a stage; the pool runs all tasks of a stage, then the next
 * stage. Backward is pulled: a task computes some channels of d(loss)/d(one activation), adding its
 * consumers' shares in graph order, so that nothing is written by two tasks.
 *
 * An activation lives in its root's buffer: its own, or that of the concat which it is a part of
 * (then the concat itself has nothing to do). Its gradient does the same. */
#ifndef NN_RUN_INTERNAL_H
#define NN_RUN_INTERNAL_H

#include "graph_internal.h"
#include "nn_run.h"

#define NN_MAX_BATCH 4096

struct nn_node {
    int root;      /* the layer whose buffer holds this activation */
    int parent;    /* the concat that it is a part of in place, or -1 */
    size_t offset; /* floats from the start of the root's sample */
    size_t stride; /* floats from sample to sample: the root's elements */
    int stage;
    float *activation;
    bool held; /* the activation outlives the forward pass */

    int rows_per_tile, tiles; /* forward tasks of a sample: tiles * blocks */
    int channels_per_block, blocks;

    bool wants_gradient;
    int back_stage;
    float *gradient;
    int gradient_channels, gradient_blocks; /* tasks of a sample */
    int weight_rows, weight_blocks;         /* taps or outputs a task; tasks of the batch */
    int *consumers, consumer_count;
    bool active; /* lies between the layer that backward starts from and the input */
};

enum nn_job_kind { NN_JOB_FORWARD, NN_JOB_GRADIENT, NN_JOB_WEIGHT };

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
    const struct nn_values *values;
    struct nn_values *trained; /* TRAIN: the same ones */
    const bool *frozen;
    struct nn_pool *pool;
    enum nn_run_mode mode;
    int max_batch, batch;
    bool keep_all, has_run;
    struct nn_node *nodes;
    int *consumer_store;
    struct nn_schedule forward, backward;
    float *activations, *gradients, *scratch;
    size_t scratch_size; /* floats a thread */

    float **parameter_gradient; /* TRAIN */
    float *parameter_store;
    size_t parameter_elements;
    float *logits_gradient; /* TRAIN: (max_batch, classes) */
    uint64_t seed, step;    /* of the dropout masks */

    int start; /* backward */
    const float *start_gradient;
    int *ends; /* of each job's tasks in the stage that runs */
    const struct nn_job *stage_jobs;
    int stage_job_count;
};

/* Fills nodes, schedules and buffers; undone by nn_plan_finish. */
NN_MUST_USE enum nn_status nn_plan_init(struct nn_run *run, struct nn_error *err);
void nn_plan_finish(struct nn_run *run);

/* How many tasks a job is for this batch. */
int nn_job_tasks(const struct nn_run *run, const struct nn_job *job);
/* Runs one of them (execute.c). */
void nn_job_run(struct nn_run *run, const struct nn_job *job, int task, float *scratch);

/* split.c: cuts a layer's work, from its shapes alone; returns the cost of one task. */
double nn_split_forward(const struct nn_graph *graph, int id, struct nn_node *node);
double nn_split_gradient(const struct nn_graph *graph, int id, struct nn_node *node);
double nn_split_weight(const struct nn_graph *graph, int id, struct nn_node *node);
/* Scratch in floats that the layer's tasks need. */
size_t nn_split_scratch(const struct nn_graph *graph, int id, const struct nn_node *node,
                        bool backward);

#endif
