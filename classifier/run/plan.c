/* Turns a graph into stages of jobs. */
#include "run_internal.h"
#include <stdlib.h>

static enum nn_status no_memory(struct nn_error *err)
{
    return nn_fail(err, NN_NO_MEMORY, "network: out of memory");
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static enum nn_status link_consumers(struct nn_run *run, struct nn_error *err)
{
    int count = run->graph->count;
    size_t edges = 0;
    for (int i = 0; i < count; i++)
        edges += (size_t)run->layers[i].from_count;
    run->consumer_store = calloc(edges + 1, sizeof *run->consumer_store);
    if (run->consumer_store == NULL)
        return no_memory(err);

    for (int i = 0; i < count; i++)
        for (int j = 0; run->nodes[i].live && j < run->layers[i].from_count; j++)
            run->nodes[run->layers[i].from[j]].consumer_count++;
    int *at = run->consumer_store;
    for (int i = 0; i < count; i++) {
        run->nodes[i].consumers = at;
        at += run->nodes[i].consumer_count;
        run->nodes[i].consumer_count = 0;
    }
    for (int i = 0; i < count; i++)
        for (int j = 0; run->nodes[i].live && j < run->layers[i].from_count; j++) {
            struct nn_node *node = &run->nodes[run->layers[i].from[j]];
            /* a layer may read one producer twice: it is one consumer */
            if (node->consumer_count == 0 || node->consumers[node->consumer_count - 1] != i)
                node->consumers[node->consumer_count++] = i;
        }
    return NN_OK;
}

static int times_in(const struct nn_layer *concat, int id)
{
    int times = 0;
    for (int i = 0; i < concat->from_count; i++)
        times += concat->from[i] == id;
    return times;
}

/* Which activations are written straight into the concat that they are part of. One whose gradient
 * is kept is spared: its parts would mask it. */
static void place_parts(struct nn_run *run)
{
    int count = run->graph->count;
    for (int i = 0; i < count; i++) {
        run->nodes[i].parent = -1;
        run->nodes[i].root = i;
        const struct nn_layer *join = &run->layers[i];
        if (!nn_is_join(join) || !run->nodes[i].live || run->keep_all || i == run->kept_gradient)
            continue;
        size_t offset = 0;
        for (int j = 0; j < join->from_count; j++) {
            int from = join->from[j];
            if (run->nodes[from].parent < 0 && run->layers[from].op != NN_OP_INPUT &&
                times_in(join, from) == 1) {
                run->nodes[from].parent = i;
                run->nodes[from].offset = offset;
            }
            offset += nn_shape_elements(run->layers[from].shape);
        }
    }
    for (int i = count - 1; i >= 0; i--) { /* parents come later in the graph */
        struct nn_node *node = &run->nodes[i];
        if (node->parent >= 0) {
            node->root = run->nodes[node->parent].root;
            node->offset += run->nodes[node->parent].offset;
        }
        node->stride = nn_shape_elements(run->layers[node->root].shape);
    }
}

static bool has_work(const struct nn_run *run, int id)
{
    const struct nn_layer *layer = &run->layers[id];
    if (layer->op == NN_OP_INPUT || !run->nodes[id].live)
        return false;
    if (!nn_is_join(layer))
        return true;
    for (int i = 0; i < layer->from_count; i++)
        if (run->nodes[layer->from[i]].parent != id)
            return true;
    return false;
}

/* A batch norm that measures the batch that it normalises. */
static bool measures(const struct nn_run *run, int id)
{
    return run->layers[id].op == NN_OP_BATCH_NORM && run->nodes[id].learns;
}

static void find_stages(struct nn_run *run)
{
    for (int i = 0; i < run->graph->count; i++) {
        const struct nn_layer *layer = &run->layers[i];
        struct nn_node *node = &run->nodes[i];
        node->learns = run->mode == NN_RUN_TRAIN && layer->weight >= 0 && !run->frozen[i];
        bool wants = run->mode == NN_RUN_EXPLAIN || node->learns;
        int stages = measures(run, i) ? 2 : has_work(run, i);
        for (int j = 0; j < layer->from_count; j++) {
            const struct nn_node *from = &run->nodes[layer->from[j]];
            node->stage = larger(node->stage, from->stage + stages);
            wants = wants || from->wants_gradient;
        }
        node->wants_gradient = run->mode != NN_RUN_INFER && node->live && wants;
    }
    for (int i = run->graph->count - 1; i >= 0; i--)
        for (int j = 0; j < run->nodes[i].consumer_count; j++) {
            int consumer = run->nodes[i].consumers[j];
            run->nodes[i].back_stage =
                larger(run->nodes[i].back_stage,
                       run->nodes[consumer].back_stage + (measures(run, consumer) ? 2 : 1));
        }
}

static int compare_jobs(const void *a, const void *b)
{
    const struct nn_job *x = a, *y = b;
    if (x->stage != y->stage)
        return x->stage < y->stage ? -1 : 1;
    if (x->cost < y->cost || x->cost > y->cost)
        return x->cost > y->cost ? -1 : 1;
    return x->layer != y->layer ? x->layer - y->layer : (int)x->kind - (int)y->kind;
}

static enum nn_status close_schedule(struct nn_schedule *schedule, struct nn_error *err)
{
    qsort(schedule->jobs, (size_t)schedule->count, sizeof *schedule->jobs, compare_jobs);
    schedule->stages = schedule->count == 0 ? 0 : schedule->jobs[schedule->count - 1].stage + 1;
    schedule->first = calloc((size_t)schedule->stages + 1, sizeof *schedule->first);
    if (schedule->first == NULL)
        return no_memory(err);

    int job = 0;
    for (int s = 0; s <= schedule->stages; s++) {
        while (job < schedule->count && schedule->jobs[job].stage < s)
            job++;
        schedule->first[s] = job;
    }
    return NN_OK;
}

static void add_job(struct nn_schedule *schedule, enum nn_job_kind kind, int layer, int stage,
                    double cost)
{
    schedule->jobs[schedule->count++] = (struct nn_job){kind, layer, stage, cost};
}

static enum nn_status schedule_jobs(struct nn_run *run, struct nn_error *err)
{
    size_t count = (size_t)run->graph->count;
    struct nn_schedule *forward = &run->forward, *backward = &run->backward;

    forward->jobs = calloc(count * 2, sizeof *forward->jobs);
    backward->jobs = calloc(count * 2, sizeof *backward->jobs);
    run->ends = calloc(count * 2, sizeof *run->ends);
    if (forward->jobs == NULL || backward->jobs == NULL || run->ends == NULL)
        return no_memory(err);

    for (int i = 0; i < run->graph->count; i++) {
        struct nn_node *node = &run->nodes[i];
        if (has_work(run, i))
            add_job(forward, NN_JOB_FORWARD, i, node->stage, nn_split_forward(run, i));
        if (node->wants_gradient)
            add_job(backward, NN_JOB_GRADIENT, i, node->back_stage, nn_split_gradient(run, i));
        if (measures(run, i)) {
            double cost = nn_split_norm(run, i);
            add_job(forward, NN_JOB_STATISTICS, i, node->stage - 1, cost);
            add_job(backward, NN_JOB_SUMS, i, node->back_stage + 1, cost);
        } else if (node->learns) {
            add_job(backward, NN_JOB_WEIGHT, i, node->back_stage + 1, nn_split_weight(run, i));
        }
    }
    enum nn_status status = close_schedule(forward, err);
    return status == NN_OK ? close_schedule(backward, err) : status;
}

/* Where batch norms keep a batch's statistics and sums. */
static enum nn_status make_statistics(struct nn_run *run, struct nn_error *err)
{
    size_t channels = 0;
    for (int i = 0; i < run->graph->count; i++)
        channels += measures(run, i) ? (size_t)run->layers[i].shape.c : 0;
    run->norm_store = calloc(2 * channels + 1, sizeof *run->norm_store);
    run->sum_store = calloc(2 * channels + 1, sizeof *run->sum_store);
    if (run->norm_store == NULL || run->sum_store == NULL)
        return no_memory(err);

    size_t at = 0;
    for (int i = 0; i < run->graph->count; i++)
        if (measures(run, i)) {
            struct nn_node *node = &run->nodes[i];
            node->mean = run->norm_store + at;
            node->variance = run->norm_store + channels + at;
            node->sum_dy = run->sum_store + at;
            node->sum_dy_xhat = run->sum_store + channels + at;
            at += (size_t)run->layers[i].shape.c;
        }
    return NN_OK;
}

enum nn_status nn_plan_init(struct nn_run *run, struct nn_error *err)
{
    run->nodes = calloc((size_t)run->graph->count, sizeof *run->nodes);
    if (run->nodes == NULL)
        return no_memory(err);

    enum nn_status status = nn_fold_init(run, err);
    if (status != NN_OK || (status = link_consumers(run, err)) != NN_OK)
        return status;
    place_parts(run);
    find_stages(run);
    if ((status = schedule_jobs(run, err)) != NN_OK ||
        (status = make_statistics(run, err)) != NN_OK)
        return status;
    status = nn_layout_init(run, err);
    return status == NN_OK ? nn_pack_init(run, err) : status;
}

void nn_plan_finish(struct nn_run *run)
{
    nn_pack_finish(run);
    free(run->nodes);
    free(run->layers);
    free(run->folded);
    free(run->consumer_store);
    free(run->norm_store);
    free(run->sum_store);
    free(run->forward.jobs);
    free(run->forward.first);
    free(run->backward.jobs);
    free(run->backward.first);
    free(run->ends);
    free(run->activations);
    free(run->gradients);
    free(run->scratch);
    run->nodes = NULL;
    run->layers = NULL;
    run->consumer_store = run->ends = NULL;
    run->forward = run->backward = (struct nn_schedule){0};
    run->folded = run->norm_store = run->activations = run->gradients = run->scratch = NULL;
    run->sum_store = NULL;
}
