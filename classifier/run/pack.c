/* The forms of weights that convolutions read (winograd.h): of read-only values one for all runs,
 * kept with the values; of writable ones, which may change between passes, and of folded ones the
 * run's own. */
#include "ops/ops.h"
#include "pool.h"
#include "run_internal.h"
#include "values_internal.h"
#include <stdlib.h>

#define LINE 16 /* floats in a cache line */

/* One layer's weights for one direction. */
struct nn_pack {
    int layer;
    bool backward, again;
    int parts;
    size_t size;
    float *to;
};

static enum nn_status no_memory(struct nn_error *err)
{
    return nn_fail(err, NN_NO_MEMORY, "network: out of memory");
}

static struct nn_pack pack_of(const struct nn_run *run, int id, bool backward)
{
    const struct nn_layer *layer = &run->layers[id];
    struct nn_pack pack = {.layer = id, .backward = backward};
    if (layer->op != NN_OP_CONV2D || !run->nodes[id].live)
        return pack;
    bool passes_back = run->mode == NN_RUN_EXPLAIN || (run->mode == NN_RUN_TRAIN && id > 0);
    if (backward && !passes_back)
        return pack;
    pack.size = nn_conv2d_packed(&layer->conv, run->layers[layer->from[0]].shape, layer->shape,
                                 backward, &pack.parts);
    return pack;
}

static void pack_task(void *context, int i, int thread)
{
    const struct nn_run *run = context;
    const struct nn_pack *pack = run->packs;
    (void)thread;
    while (i >= pack->parts || (run->packing_again && !pack->again)) {
        i -= run->packing_again && !pack->again ? 0 : pack->parts;
        pack++;
    }
    const struct nn_layer *layer = &run->layers[pack->layer];
    nn_conv2d_pack(&layer->conv, run->layers[layer->from[0]].shape, layer->shape, pack->backward,
                   run->nodes[pack->layer].weight, i, pack->to);
}

static void pack_all(struct nn_run *run, bool again)
{
    int tasks = 0;
    for (int i = 0; i < run->pack_count; i++)
        tasks += !again || run->packs[i].again ? run->packs[i].parts : 0;
    run->packing_again = again;
    nn_pool_run(run->pool, tasks, pack_task, run);
}

void nn_pack_again(struct nn_run *run)
{
    if (run->packs_again)
        pack_all(run, true);
}

static enum nn_status add_pack(struct nn_run *run, struct nn_pack pack, struct nn_error *err)
{
    struct nn_node *node = &run->nodes[pack.layer];
    const struct nn_layer *layer = &run->layers[pack.layer];
    bool borrowed = node->weight == nn_values_peek(run->values, layer->weight);
    bool writable = nn_values_writable(run->values);
    float **kept = NULL;
    if (borrowed && !writable) {
        kept = nn_values_packed(run->values, layer->weight, pack.backward);
        node->packed[pack.backward] = *kept;
        if (*kept != NULL)
            return NN_OK;
    }
    pack.to = aligned_alloc(LINE * sizeof(float), (pack.size + LINE) / LINE * LINE * sizeof(float));
    if (pack.to == NULL)
        return no_memory(err);
    pack.again = borrowed && writable;
    node->packed[pack.backward] = pack.to;
    if (kept != NULL)
        *kept = pack.to;
    else
        run->pack_store[run->pack_store_count++] = pack.to;
    run->packs[run->pack_count++] = pack;
    run->packs_again = run->packs_again || pack.again;
    return NN_OK;
}

enum nn_status nn_pack_init(struct nn_run *run, struct nn_error *err)
{
    enum nn_status status = NN_OK;
    size_t most = 2 * (size_t)run->graph->count;
    run->packs = calloc(most, sizeof *run->packs);
    run->pack_store = calloc(most, sizeof *run->pack_store);
    if (run->packs == NULL || run->pack_store == NULL)
        return no_memory(err);

    nn_values_lock(run->values);
    for (int i = 0; i < run->graph->count && status == NN_OK; i++)
        for (int backward = 0; backward < 2 && status == NN_OK; backward++) {
            struct nn_pack pack = pack_of(run, i, backward);
            if (pack.size > 0)
                status = add_pack(run, pack, err);
        }
    pack_all(run, false);
    nn_values_unlock(run->values);
    return status;
}

void nn_pack_finish(struct nn_run *run)
{
    for (int i = 0; i < run->pack_store_count; i++)
        free(run->pack_store[i]);
    free(run->packs);
    free(run->pack_store);
    run->packs = NULL;
    run->pack_store = NULL;
    run->pack_count = run->pack_store_count = 0;
    run->packs_again = false;
}
