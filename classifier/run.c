/* Design: plan.c cuts the graph into stages of jobs and lays out memory, once; this file walks the
 * stages; execute.c runs one task; ops/ is the mathematics. run_internal.h tells how they fit.
 *
 * Invariants: a task's bounds depend on its layer alone (split.c); no two tasks of a stage write
 * the same float; every sum over samples, consumers or taps has one order. So neither the number of
 * threads nor the batch reaches the bits. */
#include "ops/ops.h"
#include "pool.h"
#include "run_internal.h"
#include "values_internal.h"
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum nn_status make_gradients(struct nn_run *run, struct nn_error *err)
{
    int count = nn_graph_parameter_count(run->graph);
    const struct nn_layer *output = &run->graph->layers[run->graph->count - 1];

    for (int i = 0; i < count; i++)
        run->parameter_elements += nn_graph_parameter(run->graph, i)->elements;
    run->parameter_gradient = calloc((size_t)count + 1, sizeof *run->parameter_gradient);
    run->parameter_store = calloc(run->parameter_elements + 1, sizeof(float));
    run->logits_gradient =
        calloc(nn_shape_elements(output->shape) * (size_t)run->max_batch, sizeof(float));
    if (run->parameter_gradient == NULL || run->parameter_store == NULL ||
        run->logits_gradient == NULL)
        return nn_fail(err, NN_NO_MEMORY, "network: out of memory");

    float *at = run->parameter_store;
    for (int i = 0; i < count; i++) {
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
    for (int i = 0; i < graph->count; i++)
        if (graph->layers[i].op > NN_OP_SOFTMAX)
            return nn_fail(err, NN_UNSUPPORTED, "layer %s: not run yet", graph->layers[i].name);

    struct nn_run *made = calloc(1, sizeof *made);
    if (made == NULL)
        return nn_fail(err, NN_NO_MEMORY, "network: out of memory");
    openblas_set_num_threads(1);
    made->graph = graph;
    made->values = values;
    made->max_batch = max_batch;
    made->mode = mode;
    made->pool = pool;
    *run = made;
    return NN_OK;
}

static enum nn_status prepare(struct nn_run **run, struct nn_error *err)
{
    enum nn_status status = nn_plan_init(*run, err);
    if (status == NN_OK && (*run)->mode == NN_RUN_TRAIN)
        status = make_gradients(*run, err);
    if (status != NN_OK) {
        nn_run_destroy(*run);
        *run = NULL;
    }
    return status;
}

enum nn_status nn_run_create(const struct nn_graph *graph, const struct nn_values *values,
                             int max_batch, enum nn_run_mode mode, struct nn_pool *pool,
                             struct nn_run **run, struct nn_error *err)
{
    *run = NULL;
    if (mode == NN_RUN_TRAIN)
        return nn_fail(err, NN_INVALID, "network: a run that trains is made for training");
    enum nn_status status = create(graph, values, max_batch, mode, pool, run, err);
    return status == NN_OK ? prepare(run, err) : status;
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
    (*run)->trained = values;
    (*run)->frozen = frozen;
    status = prepare(run, err);
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
    free(run);
}

enum nn_status nn_run_keep_all(struct nn_run *run, struct nn_error *err)
{
    if (run->has_run)
        return nn_fail(err, NN_INVALID, "network: keep_all after the first forward");

    nn_plan_finish(run);
    run->keep_all = true;
    return nn_plan_init(run, err);
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

enum nn_status nn_run_forward(struct nn_run *run, const float *input, int batch, float *output,
                              struct nn_error *err)
{
    const struct nn_node *first = &run->nodes[0];
    if (batch < 1 || batch > run->max_batch)
        return nn_fail(err, NN_INVALID, "network: a batch of %d (1 to %d)", batch, run->max_batch);
    for (size_t i = 0; i < first->stride * (size_t)batch; i++)
        if (!isfinite(input[i]))
            return nn_fail(err, NN_BAD_DATA, "network: input value %zu is not finite", i);

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

/* The layers that `layer` is made from: only they take part. */
static void mark_active(struct nn_run *run, int layer)
{
    for (int i = 0; i < run->graph->count; i++)
        run->nodes[i].active = i == layer;
    for (int i = layer; i > 0; i--)
        for (int j = 0; run->nodes[i].active && j < run->graph->layers[i].from_count; j++)
            run->nodes[run->graph->layers[i].from[j]].active = true;
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

    run->start = layer;
    run->start_gradient = gradient;
    mark_active(run, layer);
    run_schedule(run, &run->backward);
    run->start_gradient = NULL;
    return NN_OK;
}

const float *nn_run_input_gradient(const struct nn_run *run)
{
    return run->mode == NN_RUN_EXPLAIN ? run->nodes[0].gradient : NULL;
}

float *nn_run_parameter_gradient(struct nn_run *run, int parameter)
{
    if (run->mode != NN_RUN_TRAIN || parameter < 0 ||
        parameter >= nn_graph_parameter_count(run->graph))
        return NULL;
    return run->parameter_gradient[parameter];
}

void nn_run_zero_gradients(struct nn_run *run)
{
    if (run->parameter_store != NULL)
        memset(run->parameter_store, 0, run->parameter_elements * sizeof(float));
}

static enum nn_status check_labels(const struct nn_run *run, const int *labels, int batch,
                                   int classes, struct nn_error *err)
{
    if (batch < 1 || batch > run->max_batch)
        return nn_fail(err, NN_INVALID, "network: a batch of %d (1 to %d)", batch, run->max_batch);
    for (int i = 0; i < batch; i++)
        if (labels[i] < 0 || labels[i] >= classes)
            return nn_fail(err, NN_INVALID, "network: label %d of sample %d (0 to %d)", labels[i],
                           i, classes - 1);
    return NN_OK;
}

static double smoothed_cross_entropy(int classes, const float *logits, int label, double smoothing)
{
    double loss = (1 - smoothing) * nn_cross_entropy(classes, logits, label), even = 0;
    for (int c = 0; smoothing > 0 && c < classes; c++)
        even += nn_cross_entropy(classes, logits, c);
    return loss + smoothing / classes * even;
}

enum nn_status nn_run_train_step(struct nn_run *run, const float *input, const int *labels,
                                 int batch, uint64_t seed, uint64_t step,
                                 const float *class_weights, double smoothing, double *loss,
                                 float *probabilities, struct nn_error *err)
{
    int last = run->graph->count - 1;
    const struct nn_layer *softmax = &run->graph->layers[last];
    if (run->mode != NN_RUN_TRAIN || softmax->op != NN_OP_SOFTMAX)
        return nn_fail(err, NN_INVALID, "network: training needs mode TRAIN and a softmax output");

    if (!(smoothing >= 0 && smoothing <= 1))
        return nn_fail(err, NN_INVALID, "network: smoothing is within 0 to 1");

    int classes = softmax->shape.c, logits = softmax->from[0];
    enum nn_status status = check_labels(run, labels, batch, classes, err);
    if (status != NN_OK)
        return status;
    run->seed = seed;
    run->step = step;
    if ((status = nn_run_forward(run, input, batch, probabilities, err)) != NN_OK)
        return status;

    double sum = 0;
    for (int i = 0; i < batch; i++) {
        const struct nn_node *from = &run->nodes[logits];
        const float *p = run->nodes[last].activation + (size_t)i * run->nodes[last].stride;
        float *g = run->logits_gradient + (size_t)i * (size_t)classes;
        double weight = class_weights == NULL ? 1.0 : (double)class_weights[labels[i]];
        sum += weight * smoothed_cross_entropy(classes, from->activation + (size_t)i * from->stride,
                                               labels[i], smoothing);
        for (int c = 0; c < classes; c++) { /* d(loss)/d(logit) = p - target */
            double target = (1 - smoothing) * (c == labels[i]) + smoothing / classes;
            g[c] = (float)(weight * ((double)p[c] - target) / batch);
        }
    }
    *loss = sum / batch;
    if (!isfinite(*loss))
        return nn_fail(err, NN_BAD_DATA, "network: the loss is not finite");
    return nn_run_backward(run, logits, run->logits_gradient, err);
}
