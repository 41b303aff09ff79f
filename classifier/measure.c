/* measure.c: scores over a source, and what they say (papers.md, Measures). */
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

static int highest(const float *scores, int classes)
{
    int top = 0;

    for (int i = 1; i < classes; i++) {
        if (scores[i] > scores[top])
            top = i;
    }
    return top;
}

static enum nn_status count_answers(const float *scores, const int *truth, size_t count,
                                    int classes, long *confusion, struct nn_error *err)
{
    memset(confusion, 0, (size_t)classes * (size_t)classes * sizeof *confusion);
    for (size_t i = 0; i < count; i++) {
        if (truth[i] < 0 || truth[i] >= classes)
            return nn_fail(err, NN_BAD_DATA, "sample %zu: class %d of %d", i, truth[i], classes);
        confusion[truth[i] * classes + highest(scores + i * (size_t)classes, classes)]++;
    }
    return NN_OK;
}

enum nn_status nn_measure(const struct nn_model *model, const struct nn_source *source,
                          struct nn_pool *pool, long *confusion, float *scores,
                          struct nn_error *err)
{
    int classes = model->info.classes;
    float *own = scores ? NULL : calloc(source->count, (size_t)classes * sizeof *own);
    int *truth = calloc(source->count, sizeof *truth);
    enum nn_status status;

    if (!truth || (!scores && !own))
        status = nn_fail(err, NN_NO_MEMORY, "measure: no memory for %zu samples", source->count);
    else
        status = nn_measure_scores(model->graph, model->values, &model->info.preprocess, classes,
                                   source, pool, scores ? scores : own, truth, err);
    for (size_t i = 0; status == NN_OK && i < source->count; i++)
        nn_model_calibrate(&model->info, (scores ? scores : own) + i * (size_t)classes);
    if (status == NN_OK)
        status =
            count_answers(scores ? scores : own, truth, source->count, classes, confusion, err);
    free(own);
    free(truth);
    return status;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

double nn_operating_point(const float *scores, const int *truth, size_t count, int classes,
                          int class_, int none, double specificity, double floor)
{
    float *negatives = calloc(count ? count : 1, sizeof *negatives);
    size_t found = 0;
    double point = floor;

    if (!negatives)
        return 1.0; /* no memory: the point that never calls a finding by accident */
    for (size_t i = 0; i < count; i++) {
        if (truth[i] == none)
            negatives[found++] = scores[i * (size_t)classes + (size_t)class_];
    }
    if (found > 0) {
        qsort(negatives, found, sizeof *negatives, by_value);
        size_t under = (size_t)ceil(specificity * (double)found);
        /* strictly above the last score that has to stay under it */
        double last = under > 0 ? (double)negatives[under - 1] : 0;
        point = under > 0 ? fmin(nextafter(last, 1), 1) : floor;
    }
    free(negatives);
    return fmax(point, floor);
}

/* Mann-Whitney: the share of pairs (positive, negative) that the score orders rightly. */
static double area_under_curve(const float *scores, const int *truth, size_t count, int classes,
                               int class_)
{
    double right = 0;
    long positives = 0, negatives = 0;

    for (size_t i = 0; i < count; i++) {
        positives += truth[i] == class_;
        negatives += truth[i] != class_;
        for (size_t k = 0; truth[i] == class_ && k < count; k++) {
            if (truth[k] == class_)
                continue;
            float p = scores[i * (size_t)classes + (size_t)class_];
            float n = scores[k * (size_t)classes + (size_t)class_];
            right += p > n ? 1 : p == n ? 0.5 : 0;
        }
    }
    return positives && negatives ? right / ((double)positives * (double)negatives) : 0;
}

enum nn_status nn_measures_fill(struct nn_model_info *info, const float *scores, const int *truth,
                                size_t count, struct nn_error *err)
{
    struct nn_measures *m = &info->measures;
    enum nn_status status = count_answers(scores, truth, count, info->classes, m->confusion, err);

    for (int c = 0; status == NN_OK && c < info->classes; c++) {
        long tp = 0, fn = 0, tn = 0, fp = 0;
        if (!info->class_[c].finding)
            continue;
        for (size_t i = 0; i < count; i++) {
            float score = scores[i * (size_t)info->classes + (size_t)c];
            bool called = (double)score >= info->class_[c].operating_point;
            tp += called && truth[i] == c;
            fp += called && truth[i] != c;
            fn += !called && truth[i] == c;
            tn += !called && truth[i] != c;
        }
        m->finding[c].sensitivity = tp + fn ? (double)tp / (double)(tp + fn) : 0;
        m->finding[c].specificity = tn + fp ? (double)tn / (double)(tn + fp) : 0;
        m->finding[c].auc = area_under_curve(scores, truth, count, info->classes, c);
    }
    info->measured = status == NN_OK;
    return status;
}
