/* Turns a graph into stages of jobs and a memory layout. */
#include "run_internal.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define LINE 16 /* floats in a cache line */

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
    const struct nn_graph *graph = run->graph;
    size_t edges = 0;
    for (int i = 0; i < graph->count; i++)
        edges += (size_t)graph->layers[i].from_count;
    run->consumer_store = calloc(edges + 1, sizeof *run->consumer_store);
    if (run->consumer_store == NULL)
        return no_memory(err);

    for (int i = 0; i < graph->count; i++)
        for (int j = 0; j < graph->layers[i].from_count; j++)
            run->nodes[graph->layers[i].from[j]].consumer_count++;
    int *at = run->consumer_store;
    for (int i = 0; i < graph->count; i++) {
        run->nodes[i].consumers = at;
        at += run->nodes[i].consumer_count;
        run->nodes[i].consumer_count = 0;
    }
    for (int i = 0; i < graph->count; i++)
        for (int j = 0; j < graph->layers[i].from_count; j++) {
            struct nn_node *node = &run->nodes[graph->layers[i].from[j]];
            /* a concat may hold one producer twice: it is one consumer */
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

/* Which activations are written straight into the concat that they are part of. */
static void place_parts(struct nn_run *run)
{
    const struct nn_graph *graph = run->graph;
    for (int i = 0; i < graph->count; i++) {
        run->nodes[i].parent = -1;
        run->nodes[i].root = i;
        const struct nn_layer *concat = &graph->layers[i];
        if (concat->op != NN_OP_CONCAT || run->keep_all)
            continue;
        size_t offset = 0;
        for (int j = 0; j < concat->from_count; j++) {
            int from = concat->from[j];
            if (run->nodes[from].parent < 0 && graph->layers[from].op != NN_OP_INPUT &&
                times_in(concat, from) == 1) {
                run->nodes[from].parent = i;
                run->nodes[from].offset = offset;
            }
            offset += nn_shape_elements(graph->layers[from].shape);
        }
    }
    for (int i = graph->count - 1; i >= 0; i--) { /* parents come later in the graph */
        struct nn_node *node = &run->nodes[i];
        if (node->parent >= 0) {
            node->root = run->nodes[node->parent].root;
            node->offset += run->nodes[node->parent].offset;
        }
        node->stride = nn_shape_elements(graph->layers[node->root].shape);
    }
}

static bool has_work(const struct nn_run *run, int id)
{
    const struct nn_layer *layer = &run->graph->layers[id];
    if (layer->op == NN_OP_INPUT)
        return false;
    if (layer->op != NN_OP_CONCAT)
        return true;
    for (int i = 0; i < layer->from_count; i++)
        if (run->nodes[layer->from[i]].parent != id)
            return true;
    return false;
}

static void find_stages(struct nn_run *run)
{
    const struct nn_graph *graph = run->graph;
    for (int i = 0; i < graph->count; i++) {
        const struct nn_layer *layer = &graph->layers[i];
        struct nn_node *node = &run->nodes[i];
        bool wants = run->mode == NN_RUN_EXPLAIN || layer->weight >= 0;
        for (int j = 0; j < layer->from_count; j++) {
            const struct nn_node *from = &run->nodes[layer->from[j]];
            node->stage = larger(node->stage, from->stage + (has_work(run, i) ? 1 : 0));
            wants = wants || from->wants_gradient;
        }
        node->wants_gradient = run->mode != NN_RUN_INFER && wants;
    }
    for (int i = graph->count - 1; i >= 0; i--)
        for (int j = 0; j < run->nodes[i].consumer_count; j++)
            run->nodes[i].back_stage = larger(
                run->nodes[i].back_stage, run->nodes[run->nodes[i].consumers[j]].back_stage + 1);
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

static enum nn_status schedule_jobs(struct nn_run *run, struct nn_error *err)
{
    const struct nn_graph *graph = run->graph;
    struct nn_schedule *forward = &run->forward, *backward = &run->backward;

    forward->jobs = calloc((size_t)graph->count, sizeof *forward->jobs);
    backward->jobs = calloc((size_t)graph->count * 2, sizeof *backward->jobs);
    run->ends = calloc((size_t)graph->count * 2, sizeof *run->ends);
    if (forward->jobs == NULL || backward->jobs == NULL || run->ends == NULL)
        return no_memory(err);

    for (int i = 0; i < graph->count; i++) {
        struct nn_node *node = &run->nodes[i];
        if (has_work(run, i))
            forward->jobs[forward->count++] =
                (struct nn_job){NN_JOB_FORWARD, i, node->stage, nn_split_forward(graph, i, node)};
        if (!node->wants_gradient)
            continue;
        backward->jobs[backward->count++] = (struct nn_job){NN_JOB_GRADIENT, i, node->back_stage,
                                                            nn_split_gradient(graph, i, node)};
        if (run->mode == NN_RUN_TRAIN && graph->layers[i].weight >= 0)
            backward->jobs[backward->count++] = (struct nn_job){
                NN_JOB_WEIGHT, i, node->back_stage + 1, nn_split_weight(graph, i, node)};
    }
    enum nn_status status = close_schedule(forward, err);
    return status == NN_OK ? close_schedule(backward, err) : status;
}

/* A buffer and the stages during which it is alive. */
struct item {
    int root, begin, end;
    size_t size, offset;
};

static int by_size(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return x->root - y->root;
}

static int by_offset(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return x->root - y->root;
}

/* Largest first, each at the lowest offset where nothing alive at the same time lies. `placed` is
 * kept sorted by offset. Returns the size of the whole. */
static size_t pack(struct item *items, int count, struct item *placed)
{
    size_t total = 0;
    qsort(items, (size_t)count, sizeof *items, by_size);
    for (int i = 0; i < count; i++) {
        size_t at = 0;
        for (int j = 0; j < i; j++) {
            bool together = placed[j].begin <= items[i].end && items[i].begin <= placed[j].end;
            if (together && placed[j].offset < at + items[i].size &&
                at < placed[j].offset + placed[j].size)
                at = placed[j].offset + placed[j].size;
        }
        items[i].offset = at;
        placed[i] = items[i];
        qsort(placed, (size_t)i + 1, sizeof *placed, by_offset);
        if (at + items[i].size > total)
            total = at + items[i].size;
    }
    return total;
}

/* Lifetime of one layer's activation in forward stages. */
static void activation_life(const struct nn_run *run, int id, int *begin, int *end)
{
    const struct nn_node *node = &run->nodes[id];
    *begin = node->stage;
    *end = node->stage;
    for (int i = 0; i < node->consumer_count; i++)
        *end = larger(*end, run->nodes[node->consumers[i]].stage);
    if (run->mode != NN_RUN_INFER || run->keep_all || id == run->graph->count - 1)
        *end = INT_MAX;
}

/* Lifetime of its gradient in backward stages: read by its producers and by its weights. */
static void gradient_life(const struct nn_run *run, int id, int *begin, int *end)
{
    const struct nn_layer *layer = &run->graph->layers[id];
    const struct nn_node *node = &run->nodes[id];
    *begin = node->back_stage;
    *end = layer->weight >= 0 ? node->back_stage + 1 : node->back_stage;
    for (int i = 0; i < layer->from_count; i++)
        *end = larger(*end, run->nodes[layer->from[i]].back_stage);
    if (layer->op == NN_OP_INPUT)
        *end = INT_MAX;
}

/* Lays out one kind of buffer for all roots and points the nodes at it. */
static enum nn_status lay_out(struct nn_run *run, bool gradients, float **arena,
                              struct nn_error *err)
{
    int layers = run->graph->count, count = 0;
    enum nn_status status = NN_OK;
    struct item *items = calloc((size_t)layers, sizeof *items);
    struct item *placed = calloc((size_t)layers, sizeof *placed);
    int *slot = calloc((size_t)layers, sizeof *slot);
    if (items == NULL || placed == NULL || slot == NULL) {
        status = no_memory(err);
        goto out;
    }

    for (int i = layers - 1; i >= 0; i--) { /* a root comes before its parts */
        struct nn_node *node = &run->nodes[i];
        int begin, end;
        if (gradients && !node->wants_gradient)
            continue;
        (gradients ? gradient_life : activation_life)(run, i, &begin, &end);
        if (node->root == i) {
            size_t size = node->stride * (size_t)run->max_batch;
            slot[i] = count;
            items[count++] = (struct item){i, begin, end, (size + LINE - 1) / LINE * LINE, 0};
        }
        struct item *item = &items[slot[node->root]];
        item->begin = begin < item->begin ? begin : item->begin;
        item->end = larger(item->end, end);
    }
    size_t total = pack(items, count, placed);
    *arena = aligned_alloc(LINE * sizeof(float), (total + LINE) / LINE * LINE * sizeof(float));
    if (*arena == NULL) {
        status = no_memory(err);
        goto out;
    }
    for (int i = 0; i < count; i++)
        for (int j = 0; j < layers; j++) {
            struct nn_node *node = &run->nodes[j];
            if (node->root != items[i].root)
                continue;
            if (gradients)
                node->gradient = *arena + items[i].offset + node->offset;
            else
                node->activation = *arena + items[i].offset + node->offset;
            if (!gradients)
                node->held = items[i].end == INT_MAX;
        }

out:
    free(items);
    free(placed);
    free(slot);
    return status;
}

static enum nn_status make_scratch(struct nn_run *run, struct nn_error *err)
{
    size_t size = LINE;
    for (int i = 0; i < run->graph->count; i++) {
        size_t needed = nn_split_scratch(run->graph, i, &run->nodes[i], run->mode != NN_RUN_INFER);
        size = needed > size ? needed : size;
    }
    run->scratch_size = (size + LINE - 1) / LINE * LINE;
    size_t threads = run->pool == NULL ? 1 : (size_t)nn_pool_threads(run->pool);
    run->scratch = aligned_alloc(LINE * sizeof(float), run->scratch_size * threads * sizeof(float));
    return run->scratch == NULL ? no_memory(err) : NN_OK;
}

enum nn_status nn_plan_init(struct nn_run *run, struct nn_error *err)
{
    run->nodes = calloc((size_t)run->graph->count, sizeof *run->nodes);
    if (run->nodes == NULL)
        return no_memory(err);

    enum nn_status status = link_consumers(run, err);
    if (status != NN_OK)
        return status;
    place_parts(run);
    find_stages(run);
    if ((status = schedule_jobs(run, err)) != NN_OK ||
        (status = lay_out(run, false, &run->activations, err)) != NN_OK)
        return status;
    if (run->mode != NN_RUN_INFER && (status = lay_out(run, true, &run->gradients, err)) != NN_OK)
        return status;
    return make_scratch(run, err);
}

void nn_plan_finish(struct nn_run *run)
{
    free(run->nodes);
    free(run->consumer_store);
    free(run->forward.jobs);
    free(run->forward.first);
    free(run->backward.jobs);
    free(run->backward.first);
    free(run->ends);
    free(run->activations);
    free(run->gradients);
    free(run->scratch);
    run->nodes = NULL;
    run->consumer_store = NULL;
    run->forward = run->backward = (struct nn_schedule){0};
    run->ends = NULL;
    run->activations = run->gradients = run->scratch = NULL;
}
