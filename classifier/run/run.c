/* Design: fold.c decides which layers are run, plan.c cuts them into stages of jobs, layout.c gives
 * them memory, once; this file walks the stages; forward.c and backward.c run one task; ops/ is the
 * mathematics. run_internal.h tells how they fit; train_step.c is the loss.
 *
 * Invariants: a task's bounds depend on its layer alone (split.c); no two tasks of a stage write
 * the same float; every sum over samples, consumers or taps has one order. So neither the number of
 * threads nor the batch reaches the bits. */
#include "memory.h"
#include "run_internal.h"
#include "values_internal.h"
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Whether a parameter is trained by this run. */
static bool is_learned(const struct nn_run *run, int parameter)
{
    const struct nn_parameter *p = nn_graph_parameter(run->graph, parameter);
    return !p->statistic && !run->frozen[p->layer];
}

static enum nn_status make_gradients(struct nn_run *run, struct nn_error *err)
{
    int count = nn_graph_parameter_count(run->graph);
    const struct nn_layer *output = &run->graph->layers[run->graph->count - 1];
    size_t scores = nn_shape_elements(output->shape);

    for (int i = 0; i < run->graph->auxiliary_count; i++)
        scores += nn_shape_elements(run->graph->layers[run->graph->auxiliaries[i].scores].shape);
    for (int i = 0; i < count; i++)
        if (is_learned(run, i))
            run->parameter_elements += nn_graph_parameter(run->graph, i)->elements;
    run->parameter_gradient = calloc((size_t)count + 1, sizeof *run->parameter_gradient);
    run->parameter_store = calloc(run->parameter_elements + 1, sizeof(float));
    run->logits_gradient = calloc(scores * (size_t)run->max_batch, sizeof(float));
    if (run->parameter_gradient == NULL || run->parameter_store == NULL ||
        run->logits_gradient == NULL)
        return nn_fail(err, NN_NO_MEMORY, "network: out of memory");

    float *at = run->parameter_store;
    for (int i = 0; i < count; i++)
        if (is_learned(run, i)) {
            run->parameter_gradient[i] = at;
            at += nn_graph_parameter(run->graph, i)->elements;
        }
    return NN_OK;
}

static enum nn_status create(const struct nn_graph *graph, const struct nn_values *values,
                             int max_batch, enum nn_run_mode mode, struct nn_pool *pool,
                             struct nn_run **run, struct nn_error *err)
{
    *run = NULL;
    if (!graph->finished || nn_values_graph(values) != graph)
        return nn_fail(err, NN_INVALID, "network: unfinished, or parameters of another one");
    if (max_batch < 1 || max_batch > NN_MAX_BATCH)
        return nn_fail(err, NN_INVALID, "network: a batch of %d (1 to %d)", max_batch,
                       NN_MAX_BATCH);
    struct nn_run *made = calloc(1, sizeof *made);
    if (made == NULL)
        return nn_fail(err, NN_NO_MEMORY, "network: out of memory");
    openblas_set_num_threads(1);
    made->graph = graph;
    made->values = values;
    made->max_batch = max_batch;
    made->mode = mode;
    made->pool = pool;
    made->kept_gradient = -1;
    *run = made;
    return NN_OK;
}

enum nn_status nn_run_create(const struct nn_graph *graph, const struct nn_values *values,
                             int max_batch, enum nn_run_mode mode, struct nn_pool *pool,
                             struct nn_run **run, struct nn_error *err)
{
    *run = NULL;
    if (mode == NN_RUN_TRAIN)
        return nn_fail(err, NN_INVALID, "network: a run that trains is made for training");
    enum nn_status status = create(graph, values, max_batch, mode, pool, run, err);
    if (status != NN_OK || (status = nn_plan_init(*run, err)) == NN_OK)
        return status;
    nn_run_destroy(*run);
    *run = NULL;
    return status;
}

enum nn_status nn_run_create_training(const struct nn_graph *graph, struct nn_values *values,
                                      int max_batch, const bool *frozen, struct nn_pool *pool,
                                      struct nn_run **run, struct nn_error *err)
{
    *run = NULL;
    if (graph->parameter_count > 0 && nn_values_at(values, 0) == NULL)
        return nn_fail(err, NN_INVALID, "network: training needs writable parameters");
    enum nn_status status = create(graph, values, max_batch, NN_RUN_TRAIN, pool, run, err);
    if (status != NN_OK)
        return status;
    struct nn_run *made = *run;
    made->trained = values;
    made->frozen = calloc((size_t)graph->count, sizeof *made->frozen);
    if (made->frozen == NULL)
        status = nn_fail(err, NN_NO_MEMORY, "network: out of memory");
    else if (frozen != NULL)
        memcpy(made->frozen, frozen, (size_t)graph->count * sizeof *frozen);
    if (status != NN_OK || (status = nn_plan_init(made, err)) != NN_OK ||
        (status = make_gradients(made, err)) != NN_OK) {
        nn_run_destroy(made);
        *run = NULL;
    }
    return status;
}

void nn_run_destroy(struct nn_run *run)
{
    if (run == NULL)
        return;

    nn_plan_finish(run);
    free(run->parameter_gradient);
    free(run->parameter_store);
    free(run->logits_gradient);
    free(run->frozen);
    free(run);
}

void nn_run_rest(struct nn_run *run)
{
    nn_memory_rest(run->activations, run->activation_floats);
    nn_memory_rest(run->gradients, run->gradient_floats);
}

enum nn_status nn_run_keep_all(struct nn_run *run, struct nn_error *err)
{
    if (run->has_run)
        return nn_fail(err, NN_INVALID, "network: keep_all after the first forward");

    nn_plan_finish(run);
    run->keep_all = true;
    return nn_plan_init(run, err);
}

enum nn_status nn_run_keep_gradient(struct nn_run *run, int layer, struct nn_error *err)
{
    if (run->has_run || run->mode != NN_RUN_EXPLAIN)
        return nn_fail(err, NN_INVALID, "network: a gradient is kept in EXPLAIN, before a forward");
    if (layer < 0 || layer >= run->graph->count)
        return nn_fail(err, NN_INVALID, "network: there is no layer %d", layer);

    nn_plan_finish(run);
    run->kept_gradient = layer;
    return nn_plan_init(run, err);
}

const float *nn_run_kept_gradient(const struct nn_run *run)
{
    if (run->kept_gradient < 0 || run->batch == 0)
        return NULL;
    const struct nn_node *node = &run->nodes[run->kept_gradient];
    bool whole = node->root == run->kept_gradient || run->batch == 1;
    return whole && node->active ? node->gradient : NULL;
}

static void run_task(void *context, int i, int thread)
{
    struct nn_run *run = context;
    int job = 0;
    while (i >= run->ends[job])
        job++;
    nn_job_run(run, &run->stage_jobs[job], job == 0 ? i : i - run->ends[job - 1],
               run->scratch + (size_t)thread * run->scratch_size);
}

static void run_schedule(struct nn_run *run, const struct nn_schedule *schedule)
{
    for (int s = 0; s < schedule->stages; s++) {
        int tasks = 0, count = schedule->first[s + 1] - schedule->first[s];
        run->stage_jobs = schedule->jobs + schedule->first[s];
        for (int i = 0; i < count; i++) {
            tasks += nn_job_tasks(run, &run->stage_jobs[i]);
            run->ends[i] = tasks;
        }
        nn_pool_run(run->pool, tasks, run_task, run);
    }
}

/* A variance needs two values. */
enum nn_status nn_run_check_batch(const struct nn_run *run, int batch, struct nn_error *err)
{
    if (batch < 1 || batch > run->max_batch)
        return nn_fail(err, NN_INVALID, "network: a batch of %d (1 to %d)", batch, run->max_batch);
    for (int i = 0; i < run->graph->count; i++) {
        struct nn_shape shape = run->layers[i].shape;
        if (run->nodes[i].mean != NULL && shape.h == 1 && shape.w == 1 && batch < 2)
            return nn_fail(err, NN_INVALID,
                           "layer %s: in a batch of one, one value a channel has no variance",
                           run->layers[i].name);
    }
    return NN_OK;
}

enum nn_status nn_run_forward(struct nn_run *run, const float *input, int batch, float *output,
                              struct nn_error *err)
{
    const struct nn_node *first = &run->nodes[0];
    enum nn_status status = nn_run_check_batch(run, batch, err);
    if (status != NN_OK)
        return status;
    for (size_t i = 0; i < first->stride * (size_t)batch; i++)
        if (!isfinite(input[i]))
            return nn_fail(err, NN_BAD_DATA, "network: input value %zu is not finite", i);

    nn_pack_fill(run, false);
    run->has_run = true;
    run->batch = batch;
    memcpy(first->activation, input, first->stride * (size_t)batch * sizeof *input);
    run_schedule(run, &run->forward);
    if (output != NULL) {
        const struct nn_node *last = &run->nodes[run->graph->count - 1];
        memcpy(output, last->activation, last->stride * (size_t)batch * sizeof *output);
    }
    return NN_OK;
}

const float *nn_run_peek(const struct nn_run *run, int layer)
{
    if (layer < 0 || layer >= run->graph->count || run->batch == 0)
        return NULL;
    const struct nn_node *node = &run->nodes[layer];
    bool whole = node->root == layer || run->batch == 1;
    return node->held && whole ? node->activation : NULL;
}

/* The layers that those with a seed are made from: only they take part. */
static void mark_active(struct nn_run *run)
{
    for (int i = 0; i < run->graph->count; i++)
        run->nodes[i].active = run->nodes[i].seed != NULL;
    for (int i = run->graph->count - 1; i > 0; i--)
        for (int j = 0; run->nodes[i].active && j < run->layers[i].from_count; j++)
            run->nodes[run->layers[i].from[j]].active = true;
}

void nn_run_backward_from(struct nn_run *run, const int *layers, const float *const *gradients,
                          int count)
{
    for (int i = 0; i < count; i++)
        run->nodes[layers[i]].seed = gradients[i];
    nn_pack_fill(run, true);
    mark_active(run);
    run_schedule(run, &run->backward);
    for (int i = 0; i < count; i++)
        run->nodes[layers[i]].seed = NULL;
}

enum nn_status nn_run_backward(struct nn_run *run, int layer, const float *gradient,
                               struct nn_error *err)
{
    if (run->mode == NN_RUN_INFER)
        return nn_fail(err, NN_INVALID, "network: this run has no backward pass");
    if (run->batch == 0)
        return nn_fail(err, NN_INVALID, "network: backward before forward");
    if (layer < 1 || layer >= run->graph->count)
        return nn_fail(err, NN_INVALID, "network: backward from layer %d", layer);
    if (!run->nodes[layer].live)
        return nn_fail(err, NN_INVALID, "layer %s: not computed by itself",
                       run->layers[layer].name);

    nn_run_backward_from(run, &layer, &gradient, 1);
    return NN_OK;
}

const float *nn_run_input_gradient(const struct nn_run *run)
{
    return run->mode == NN_RUN_EXPLAIN ? run->nodes[0].gradient : NULL;
}

float *nn_run_parameter_gradient(struct nn_run *run, int parameter)
{
    bool known = parameter >= 0 && parameter < nn_graph_parameter_count(run->graph);
    return run->mode == NN_RUN_TRAIN && known ? run->parameter_gradient[parameter] : NULL;
}

void nn_run_zero_gradients(struct nn_run *run)
{
    if (run->parameter_store != NULL)
        memset(run->parameter_store, 0, run->parameter_elements * sizeof(float));
}
