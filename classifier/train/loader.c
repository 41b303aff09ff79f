/* loader.c: batches, one ahead of the training. The order of samples is a function of (seed,
 * epoch), each sample of (source, seed, epoch, index): the thread changes when, never what. */
#include "train_internal.h"

#include <stdlib.h>
#include <string.h>

#define ENOUGH 4

enum { PURPOSE_ORDER = 1, PURPOSE_AUGMENT = 2 };

enum nn_status nn_loader_init(struct nn_loader *loader, const struct nn_source *source,
                              const struct nn_preprocess *preprocess, int batch,
                              struct nn_error *err)
{
    size_t side = (size_t)preprocess->side;
    size_t input = (size_t)batch * 3 * side * side;

    *loader = (struct nn_loader){.source = source, .preprocess = preprocess, .batch = batch};
    if (source->count == 0 || batch < 1)
        return nn_fail(err, NN_INVALID, "loader: %zu samples in batches of %d", source->count,
                       batch);
    loader->steps = (source->count + (size_t)batch - 1) / (size_t)batch;
    loader->order = calloc(source->count, sizeof *loader->order);
    bool full = loader->order != NULL;
    for (int i = 0; i < 2; i++) {
        loader->input[i] = malloc(input * sizeof *loader->input[i]);
        loader->labels[i] = calloc((size_t)batch, sizeof *loader->labels[i]);
        full = full && loader->input[i] && loader->labels[i];
    }
    if (!full)
        return nn_fail(err, NN_NO_MEMORY, "loader: no memory for batches of %d", batch);
    return NN_OK;
}

enum nn_status nn_loader_places(struct nn_loader *loader, int rows, int cols, struct nn_error *err)
{
    size_t bytes = (size_t)loader->batch * (size_t)rows * (size_t)cols;

    loader->place_rows = rows;
    loader->place_cols = cols;
    for (int i = 0; i < 2; i++)
        if (!(loader->places[i] = malloc(bytes)))
            return nn_fail(err, NN_NO_MEMORY, "loader: no memory for %d x %d places", rows, cols);
    return NN_OK;
}

void nn_loader_finish(struct nn_loader *loader)
{
    if (loader->running)
        pthread_join(loader->thread, NULL);
    free(loader->order);
    for (int i = 0; i < 2; i++) {
        free(loader->input[i]);
        free(loader->labels[i]);
        free(loader->places[i]);
    }
    *loader = (struct nn_loader){0};
}

static size_t group_of(const struct nn_source *source)
{
    return source->group > 0 ? source->group : 1;
}

/* Groups are shuffled, their members stay neighbours; a last, incomplete group stays last. */
static void order_epoch(struct nn_loader *loader, uint64_t epoch)
{
    size_t group = group_of(loader->source), groups = loader->source->count / group;

    if (loader->ordered && loader->order_epoch == epoch)
        return;
    for (size_t i = 0; i < loader->source->count; i++)
        loader->order[i] = i;
    struct nn_random r = nn_random_of(loader->seed, PURPOSE_ORDER, epoch, 0);
    for (size_t i = groups; loader->shuffle && i > 1; i--) {
        size_t k = (size_t)(nn_random_next(&r) % i);
        for (size_t m = 0; m < group; m++) {
            size_t *a = &loader->order[(i - 1) * group + m], *b = &loader->order[k * group + m];
            size_t held = *a;
            *a = *b;
            *b = held;
        }
    }
    loader->ordered = true;
    loader->order_epoch = epoch;
}

/* Augmenting the millions of pixels of a detector costs more than learning from them: what is
 * longer than ENOUGH network sides is averaged down to that first. */
static enum nn_status reduce(struct nn_plane *plane, int side, struct nn_error *err)
{
    int longer = plane->rows > plane->cols ? plane->rows : plane->cols, most = ENOUGH * side;

    if (longer <= most)
        return NN_OK;
    int rows = (int)((int64_t)plane->rows * most / longer);
    int cols = (int)((int64_t)plane->cols * most / longer);
    struct nn_plane small = {rows < 1 ? 1 : rows, cols < 1 ? 1 : cols, NULL};
    small.pixels = malloc((size_t)small.rows * (size_t)small.cols * sizeof *small.pixels);
    if (!small.pixels)
        return nn_fail(err, NN_NO_MEMORY, "loader: no memory for %d x %d", small.rows, small.cols);
    enum nn_status status = nn_plane_resize(plane->pixels, plane->rows, plane->cols, small.pixels,
                                            small.rows, small.cols, NULL, err);
    if (status == NN_OK) {
        nn_plane_finish(plane);
        *plane = small;
    } else {
        nn_plane_finish(&small);
    }
    return status;
}

static enum nn_status load_sample(struct nn_loader *loader, size_t index, float *input, int *label)
{
    struct nn_plane plane = {0};
    enum nn_status status;

    *label = loader->source->label(loader->source->context, index, loader->epoch);
    status =
        loader->source->load(loader->source->context, index, loader->epoch, &plane, &loader->error);
    bool augmented = !nn_augmentation_is_none(&loader->augmentation);
    if (status == NN_OK && augmented)
        status = reduce(&plane, loader->preprocess->side, &loader->error);
    if (status == NN_OK && augmented)
        status = nn_augment(&plane, &loader->augmentation,
                            nn_random_of(loader->seed, PURPOSE_AUGMENT, loader->epoch,
                                         index / group_of(loader->source)),
                            &loader->error);
    if (status == NN_OK)
        status = nn_model_prepare(loader->preprocess, plane.pixels, plane.rows, plane.cols, input,
                                  &loader->error);
    nn_plane_finish(&plane);
    return status;
}

static void *load_batch(void *context)
{
    struct nn_loader *loader = context;
    size_t side = (size_t)loader->preprocess->side, sample = 3 * side * side;
    size_t first = loader->step * (size_t)loader->batch;
    size_t left = loader->source->count - first;
    int size = left < (size_t)loader->batch ? (int)left : loader->batch;

    loader->status = NN_OK;
    for (int i = 0; i < size && loader->status == NN_OK; i++) {
        size_t index = loader->order[first + (size_t)i];
        loader->status =
            load_sample(loader, index, loader->input[loader->slot] + (size_t)i * sample,
                        &loader->labels[loader->slot][i]);
        if (loader->place_rows > 0)
            loader->source->places(loader->source->context, index, loader->epoch,
                                   loader->place_rows, loader->place_cols,
                                   loader->places[loader->slot] +
                                       i * loader->place_rows * loader->place_cols);
    }
    loader->size[loader->slot] = size;
    return NULL;
}

enum nn_status nn_loader_start(struct nn_loader *loader, uint64_t epoch, size_t step,
                               struct nn_error *err)
{
    order_epoch(loader, epoch);
    loader->slot = 1 - loader->slot;
    loader->epoch = epoch;
    loader->step = step;
    loader->error = (struct nn_error){0};
    if (pthread_create(&loader->thread, NULL, load_batch, loader) != 0)
        return nn_fail(err, NN_NO_MEMORY, "loader: cannot start a thread");
    loader->running = true;
    return NN_OK;
}

enum nn_status nn_loader_wait(struct nn_loader *loader, int *slot, struct nn_error *err)
{
    pthread_join(loader->thread, NULL);
    loader->running = false;
    *slot = loader->slot;
    if (loader->status != NN_OK && err)
        *err = loader->error;
    return loader->status;
}
