/* The jobs: how many tasks each is, and which function runs one. */
#include "execute_internal.h"

int nn_job_tasks(const struct nn_run *run, const struct nn_job *job)
{
    const struct nn_node *node = &run->nodes[job->layer];
    bool of_batch = run->layers[job->layer].op == NN_OP_LINEAR;
    switch (job->kind) {
    case NN_JOB_FORWARD:
        return node->tiles * node->blocks * (of_batch ? 1 : run->batch);
    case NN_JOB_GRADIENT:
        if (nn_masked_by_parent(run, job->layer) && node->seed == NULL)
            return 0;
        return node->active ? node->gradient_tiles * node->gradient_blocks *
                                  (node->gradient_of_batch ? 1 : run->batch)
                            : 0;
    case NN_JOB_WEIGHT:
        return node->active ? node->weight_blocks : 0;
    case NN_JOB_STATISTICS:
        return node->norm_blocks;
    case NN_JOB_SUMS:
        return node->active ? node->norm_blocks : 0;
    }
    return 0;
}

void nn_job_run(struct nn_run *run, const struct nn_job *job, int task, float *scratch)
{
    switch (job->kind) {
    case NN_JOB_FORWARD:
        nn_forward_task(run, job->layer, task, scratch);
        break;
    case NN_JOB_GRADIENT:
        nn_gradient_task(run, job->layer, task, scratch);
        break;
    case NN_JOB_WEIGHT:
        nn_weight_task(run, job->layer, task, scratch);
        break;
    case NN_JOB_STATISTICS:
        nn_statistics_task(run, job->layer, task);
        break;
    case NN_JOB_SUMS:
        nn_sums_task(run, job->layer, task);
        break;
    }
}
