/* measure.c: scores over a source, and what they say. */
#include "train_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MEASURE_BATCH 8

static enum nn_status scores_of_batches(struct nn_run *run, struct nn_loader *loader, int classes,
                                        float *scores, int *truth, struct nn_error *err)
{
    enum nn_status status = nn_loader_start(loader, 0, 0, err);
    size_t done = 0;
    int slot;

    for (size_t step = 0; status == NN_OK && step < loader->steps; step++) {
        if ((status = nn_loader_wait(loader, &slot, err)) != NN_OK)
            break;
        if (step + 1 < loader->steps &&
            (status = nn_loader_start(loader, 0, step + 1, err)) != NN_OK)
            break;
        size_t size = (size_t)loader->size[slot];
        memcpy(truth + done, loader->labels[slot], size * sizeof *truth);
        status = nn_run_forward(run, loader->input[slot], loader->size[slot],
                                scores + done * (size_t)classes, err);
        done += size;
    }
    for (size_t i = 0; status == NN_OK && i < done * (size_t)classes; i++) {
        if (!isfinite(scores[i]))
            status = nn_fail(err, NN_BAD_DATA, "measure: a score is not a number");
    }
    return status;
}

enum nn_status nn_measure_scores(const struct nn_graph *graph, const struct nn_values *values,
                                 const struct nn_preprocess *preprocess, int classes,
                                 const struct nn_source *source, struct nn_pool *pool,
                                 float *scores, int *truth, struct nn_error *err)
{
    struct nn_loader loader = {0};
    struct nn_run *run = NULL;
    enum nn_status status;

    status = nn_run_create(graph, values, MEASURE_BATCH, NN_RUN_INFER, pool, &run, err);
    if (status == NN_OK)
        status = nn_loader_init(&loader, source, preprocess, MEASURE_BATCH, err);
    if (status == NN_OK)
        status = scores_of_batches(run, &loader, classes, scores, truth, err);
    nn_loader_finish(&loader);
    nn_run_destroy(run);
    return status;
}

enum nn_status nn_measure(const struct nn_model *model, const struct nn_source *source,
                          struct nn_pool *pool, long *confusion, float *scores,
                          struct nn_error *err)
{
    uint64_t counts[NN_MAX_CLASSES * NN_MAX_CLASSES] = {0};
    const struct nn_model_info *info = nn_model_info(model);
    int classes = info->classes;
    float *own = scores ? NULL : calloc(source->count, (size_t)classes * sizeof *own);
    int *truth = calloc(source->count, sizeof *truth);
    float *into = scores ? scores : own;
    enum nn_status status;

    if (!truth || !into)
        status = nn_fail(err, NN_NO_MEMORY, "measure: no memory for %zu samples", source->count);
    else
        status = nn_measure_scores(nn_model_graph(model), nn_model_values(model), &info->preprocess,
                                   classes, source, pool, into, truth, err);
    for (size_t i = 0; status == NN_OK && i < source->count; i++)
        nn_model_calibrate(info, into + i * (size_t)classes);
    if (status == NN_OK)
        status = nn_confusion_count(into, truth, source->count, classes, counts, err);
    for (int k = 0; status == NN_OK && k < classes * classes; k++)
        confusion[k] = (long)counts[k];
    free(own);
    free(truth);
    return status;
}
