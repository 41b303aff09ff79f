/* The forms of weights that convolutions read (winograd.h): of read-only values one for all runs,
 * kept with the values; of writable ones, which may change between passes, and of folded ones the
 * run's own.
 *
 * Memory is taken when a run is created. What goes back is packed by the first backward pass: a
 * node that never explains never touches it. */
#include "memory.h"
#include "ops/ops.h"
#include "run_internal.h"
#include "values_internal.h"
#include <stdlib.h>

/* One layer's weights for one direction. */
struct nn_pack {
    int layer;
    bool backward, again; /* again: before each pass, since they may have changed */
    int parts;
    size_t size;
    struct nn_packed *slot; /* with the values, or NULL: the run's own */
    float *to;
    bool filled; /* the run's own */
};

static struct nn_pack pack_of(const struct nn_run *run, int id, bool backward)
{
    const struct nn_layer *layer = &run->layers[id];
    struct nn_pack pack = {.layer = id, .backward = backward};
    bool wanted = layer->op == NN_OP_CONV2D && run->nodes[id].live;
    if (backward)
        wanted = wanted && run->mode != NN_RUN_INFER && run->nodes[layer->from[0]].wants_gradient;
    if (wanted)
        pack.size = nn_conv2d_packed(&layer->conv, run->layers[layer->from[0]].shape, layer->shape,
                                     backward, &pack.parts);
    return pack;
}

static bool is_filled(const struct nn_pack *pack)
{
    return pack->slot != NULL ? pack->slot->filled : pack->filled;
}

static bool is_due(const struct nn_pack *pack, bool backward)
{
    return pack->backward == backward && (pack->again || !is_filled(pack));
}

static void pack_task(void *context, int i, int thread)
{
    const struct nn_run *run = context;
    const struct nn_pack *pack = run->packs;
    (void)thread;
    for (;; pack++)
        if (is_due(pack, run->packing_backward)) {
            if (i < pack->parts)
                break;
            i -= pack->parts;
        }
    const struct nn_layer *layer = &run->layers[pack->layer];
    nn_conv2d_pack(&layer->conv, run->layers[layer->from[0]].shape, layer->shape, pack->backward,
                   run->nodes[pack->layer].weight, i, pack->to);
}

void nn_pack_fill(struct nn_run *run, bool backward)
{
    int tasks = 0;
    if (run->packed[backward])
        return;
    nn_values_lock(run->values);
    for (int i = 0; i < run->pack_count; i++)
        tasks += is_due(&run->packs[i], backward) ? run->packs[i].parts : 0;
    run->packing_backward = backward;
    nn_pool_run(run->pool, tasks, pack_task, run);
    bool again = false;
    for (int i = 0; i < run->pack_count; i++) {
        struct nn_pack *pack = &run->packs[i];
        if (pack->backward != backward)
            continue;
        again = again || pack->again;
        pack->filled = true;
        if (pack->slot != NULL)
            pack->slot->filled = true;
    }
    nn_values_unlock(run->values);
    run->packed[backward] = !again;
}

/* Notes the pack; returns the floats that it still needs: of the values' memory or the run's. */
static size_t note(struct nn_run *run, struct nn_pack pack)
{
    const struct nn_node *node = &run->nodes[pack.layer];
    const struct nn_layer *layer = &run->layers[pack.layer];
    bool borrowed = node->weight == nn_values_peek(run->values, layer->weight);
    bool writable = nn_values_writable(run->values);
    bool frozen = run->mode == NN_RUN_TRAIN && run->frozen[pack.layer];
    if (borrowed && !writable)
        pack.slot = nn_values_packed(run->values, layer->weight, pack.backward);
    pack.again = borrowed && writable && !frozen;
    run->packs[run->pack_count++] = pack;
    return pack.slot != NULL && pack.slot->data != NULL ? 0 : nn_memory_floats(pack.size);
}

static void place(struct nn_run *run, float *shared, float *own)
{
    for (int i = 0; i < run->pack_count; i++) {
        struct nn_pack *pack = &run->packs[i];
        float **from = pack->slot != NULL ? &shared : &own;
        if (pack->slot != NULL && pack->slot->data != NULL) {
            pack->to = pack->slot->data;
        } else {
            pack->to = *from;
            *from += nn_memory_floats(pack->size);
            if (pack->slot != NULL)
                pack->slot->data = pack->to;
        }
        run->nodes[pack->layer].packed[pack->backward] = pack->to;
    }
}

enum nn_status nn_pack_init(struct nn_run *run, struct nn_error *err)
{
    size_t shared = 0, own = 0;
    float *shared_memory = NULL;
    run->packs = calloc(2 * (size_t)run->graph->count, sizeof *run->packs);
    if (run->packs == NULL)
        return nn_fail(err, NN_NO_MEMORY, "network: out of memory");

    nn_values_lock(run->values);
    for (int i = 0; i < run->graph->count; i++)
        for (int backward = 0; backward < 2; backward++) {
            struct nn_pack pack = pack_of(run, i, backward);
            size_t floats = pack.size > 0 ? note(run, pack) : 0;
            if (pack.size > 0 && run->packs[run->pack_count - 1].slot != NULL)
                shared += floats;
            else
                own += floats;
        }
    bool good = shared == 0 || (shared_memory = nn_values_add_memory(run->values, shared)) != NULL;
    good = good && (own == 0 || (run->pack_store = nn_memory_take(own)) != NULL);
    if (good)
        place(run, shared_memory, run->pack_store);
    nn_values_unlock(run->values);
    return good ? NN_OK : nn_fail(err, NN_NO_MEMORY, "network: out of memory");
}

void nn_pack_finish(struct nn_run *run)
{
    free(run->pack_store);
    free(run->packs);
    run->packs = NULL;
    run->pack_store = NULL;
    run->pack_count = 0;
    run->packed[0] = run->packed[1] = false;
}
