/* Where activations and gradients lie: what is never alive at the same time shares memory. */
#include "memory.h"
#include "run_internal.h"
#include <limits.h>
#include <stdlib.h>

#define LINE 16 /* floats in a cache line */

static enum nn_status no_memory(struct nn_error *err)
{
    return nn_fail(err, NN_NO_MEMORY, "network: out of memory");
}

static int larger(int a, int b)
{
    return a > b ? a : b;
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

/* The layers whose values a loss is made of. */
static bool is_of_a_loss(const struct nn_run *run, int id)
{
    const struct nn_graph *graph = run->graph;
    if (id == nn_graph_scores(graph))
        return true;
    for (int i = 0; i < graph->auxiliary_count; i++) {
        if (id == graph->auxiliaries[i].softmax || id == graph->auxiliaries[i].scores)
            return true;
    }
    return false;
}

/* Whether `consumer` looks at its input again when it passes a gradient back (backward.c). */
static bool looks_at_input(const struct nn_run *run, int consumer, int id)
{
    const struct nn_node *node = &run->nodes[consumer];
    switch (run->layers[consumer].op) {
    case NN_OP_MAX_POOL:
    case NN_OP_LRN:
    case NN_OP_SILU:
    case NN_OP_CLIP:
        return run->nodes[id].wants_gradient;
    case NN_OP_MUL: /* for the other factor */
        return node->wants_gradient;
    default:
        return node->learns;
    }
}

static bool looks_at_output(const struct nn_run *run, int id)
{
    const struct nn_layer *layer = &run->layers[id];
    if (layer->relu)
        return run->nodes[id].wants_gradient;
    if (layer->op == NN_OP_MAX_POOL || layer->op == NN_OP_SIGMOID || layer->op == NN_OP_SOFTMAX)
        return run->nodes[layer->from[0]].wants_gradient;
    return false;
}

static bool outlives_forward(const struct nn_run *run, int id)
{
    const struct nn_node *node = &run->nodes[id];
    if (run->mode == NN_RUN_EXPLAIN || run->keep_all || id == run->graph->count - 1)
        return true;
    if (run->mode == NN_RUN_INFER)
        return false;
    bool held = is_of_a_loss(run, id) || looks_at_output(run, id);
    for (int i = 0; i < node->consumer_count; i++)
        held = held || looks_at_input(run, node->consumers[i], id);
    return held;
}

/* Lifetime of one layer's activation in forward stages. */
static void activation_life(const struct nn_run *run, int id, int *begin, int *end)
{
    const struct nn_node *node = &run->nodes[id];
    *begin = node->stage;
    *end = node->stage;
    for (int i = 0; i < node->consumer_count; i++)
        *end = larger(*end, run->nodes[node->consumers[i]].stage);
    if (outlives_forward(run, id))
        *end = INT_MAX;
}

/* Lifetime of its gradient in backward stages: read by its producers, and by its weights or sums in
 * the next stage. */
static void gradient_life(const struct nn_run *run, int id, int *begin, int *end)
{
    const struct nn_layer *layer = &run->layers[id];
    const struct nn_node *node = &run->nodes[id];
    *begin = node->back_stage;
    *end = node->learns ? node->back_stage + 1 : node->back_stage;
    for (int i = 0; i < layer->from_count; i++)
        *end = larger(*end, run->nodes[layer->from[i]].back_stage);
    if (layer->op == NN_OP_INPUT || id == run->kept_gradient)
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
        if (!node->live || (gradients && !node->wants_gradient))
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
    *arena = nn_memory_take(total);
    *(gradients ? &run->gradient_floats : &run->activation_floats) = total;
    if (*arena == NULL) {
        status = no_memory(err);
        goto out;
    }
    for (int i = 0; i < count; i++)
        for (int j = 0; j < layers; j++) {
            struct nn_node *node = &run->nodes[j];
            if (!node->live || node->root != items[i].root || (gradients && !node->wants_gradient))
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
        size_t needed = run->nodes[i].live ? nn_split_scratch(run, i) : 0;
        size = needed > size ? needed : size;
    }
    run->scratch_size = (size + LINE - 1) / LINE * LINE;
    size_t threads = run->pool == NULL ? 1 : (size_t)nn_pool_threads(run->pool);
    run->scratch = aligned_alloc(LINE * sizeof(float), run->scratch_size * threads * sizeof(float));
    return run->scratch == NULL ? no_memory(err) : NN_OK;
}

enum nn_status nn_layout_init(struct nn_run *run, struct nn_error *err)
{
    enum nn_status status = lay_out(run, false, &run->activations, err);
    if (status == NN_OK && run->mode != NN_RUN_INFER)
        status = lay_out(run, true, &run->gradients, err);
    return status == NN_OK ? make_scratch(run, err) : status;
}
