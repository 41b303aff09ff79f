/* point.c: operating points, and the measures that a model folder keeps. */
#include "measures_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The least k of n with k/n >= target: counted, since target * n may land a hair above k. */
static size_t least_part(double target, size_t n)
{
    size_t k = (size_t)floor(target * (double)n);

    while (k > 0 && (double)(k - 1) / (double)n >= target)
        k--;
    while (k < n && (double)k / (double)n < target)
        k++;
    return k;
}

double nn_operating_point(const float *scores, const int *truth, size_t count, int classes,
                          int class_, int none, double specificity, double floor_)
{
    double *negatives = calloc(count ? count : 1, sizeof *negatives);
    double point = floor_;
    size_t found = 0;

    if (!negatives)
        return 1.0; /* no memory: the point that never calls a finding by accident */
    for (size_t i = 0; i < count; i++) {
        if (truth[i] == none)
            negatives[found++] = (double)scores[i * (size_t)classes + (size_t)class_];
    }
    if (found > 0 && specificity > 0) {
        nn_measures_sort(negatives, found);
        /* strictly above the last score that has to stay under it */
        size_t under = least_part(fmin(specificity, 1), found);
        point = fmin(nextafter(negatives[under - 1], INFINITY), 1);
    }
    free(negatives);
    return fmax(point, floor_);
}

double nn_operating_point_usual(const float *scores, const int *truth, size_t count, int classes,
                                int class_, int none)
{
    return nn_operating_point(scores, truth, count, classes, class_, none, 0.95,
                              classes == 3 ? 0.2 : 0.6 / classes);
}

static enum nn_status measure_finding(struct nn_model_info *info, int class_, const float *scores,
                                      const int *truth, size_t count, double *score, bool *positive,
                                      struct nn_error *err)
{
    struct nn_measures *m = &info->measures;
    uint64_t tp = 0, tn = 0, positives = 0;
    struct nn_curve curve;
    enum nn_status status;

    for (size_t i = 0; i < count; i++) {
        score[i] = (double)scores[i * (size_t)info->classes + (size_t)class_];
        positive[i] = truth[i] == class_;
        bool called = score[i] >= info->class_[class_].operating_point;
        positives += positive[i];
        tp += positive[i] && called;
        tn += !positive[i] && !called;
    }
    if ((status = nn_curve_create(score, positive, count, &curve, err)) != NN_OK)
        return status;
    m->finding[class_].sensitivity = nn_figure_rate(tp, positives).value;
    m->finding[class_].specificity = nn_figure_rate(tn, count - positives).value;
    m->finding[class_].auc = curve.auc.value;
    nn_curve_finish(&curve);
    return NN_OK;
}

enum nn_status nn_measures_fill(struct nn_model_info *info, const float *scores, const int *truth,
                                size_t count, struct nn_error *err)
{
    uint64_t confusion[NN_MAX_CLASSES * NN_MAX_CLASSES];
    double *score = NULL;
    bool *positive = NULL;
    enum nn_status status = nn_confusion_count(scores, truth, count, info->classes, confusion, err);

    info->measured = false;
    if (status != NN_OK)
        return status;
    for (int k = 0; k < info->classes * info->classes; k++)
        info->measures.confusion[k] = (long)confusion[k];
    score = calloc(count ? count : 1, sizeof *score);
    positive = calloc(count ? count : 1, sizeof *positive);
    if (!score || !positive)
        status = nn_fail(err, NN_NO_MEMORY, "no memory for %zu samples", count);
    for (int c = 0; status == NN_OK && c < info->classes; c++) {
        if (info->class_[c].finding)
            status = measure_finding(info, c, scores, truth, count, score, positive, err);
    }
    free(score);
    free(positive);
    info->measured = status == NN_OK;
    return status;
}
