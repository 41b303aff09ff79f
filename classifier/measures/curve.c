/* curve.c: ranks; ROC and precision-recall from one sweep over falling scores. */
#include "measures_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ranked {
    double score;
    uint32_t index;
};

static int by_falling_score(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->score > y->score || x->score < y->score)
        return x->score > y->score ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

void nn_ranking_finish(struct nn_ranking *ranking)
{
    free(ranking->order);
    free(ranking->ends);
    memset(ranking, 0, sizeof *ranking);
}

enum nn_status nn_ranking_create(const double *score, size_t count, struct nn_ranking *ranking,
                                 struct nn_error *err)
{
    size_t room = count ? count : 1;
    struct ranked *sorted = NULL;
    enum nn_status status;

    memset(ranking, 0, sizeof *ranking);
    if ((status = nn_measures_count(count, err)) != NN_OK ||
        (status = nn_measures_finite(score, count, err)) != NN_OK)
        return status;
    sorted = calloc(room, sizeof *sorted);
    ranking->order = calloc(room, sizeof *ranking->order);
    ranking->ends = calloc(room, sizeof *ranking->ends);
    if (!sorted || !ranking->order || !ranking->ends) {
        status = nn_fail(err, NN_NO_MEMORY, "no memory for %zu samples", count);
        nn_ranking_finish(ranking);
        goto out;
    }
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct ranked){score[i], (uint32_t)i};
    qsort(sorted, count, sizeof *sorted, by_falling_score);
    ranking->count = count;
    for (size_t i = 0; i < count; i++) {
        ranking->order[i] = sorted[i].index;
        ranking->ends[i] = i + 1 == count || sorted[i].score > sorted[i + 1].score;
    }
out:
    free(sorted);
    return status;
}

/* Twice the pairs (positive, negative) in the right order plus the tied ones is an integer under
 * 2^63 (no draw takes a patient more than some dozen times): the AUC is rounded once. */
void nn_ranking_areas(const struct nn_ranking *ranking, const bool *positive,
                      const uint32_t *weight, double *auc, double *average_precision)
{
    uint64_t tp = 0, fp = 0, tp_before = 0, fp_before = 0, doubled = 0, positives = 0;
    double area = 0;

    for (size_t i = 0; i < ranking->count; i++)
        positives += positive[i] ? weight ? weight[i] : 1 : 0;
    for (size_t k = 0; k < ranking->count; k++) {
        uint32_t i = ranking->order[k];
        uint64_t times = weight ? weight[i] : 1;
        tp += positive[i] ? times : 0;
        fp += positive[i] ? 0 : times;
        if (!ranking->ends[k])
            continue;
        doubled += (fp - fp_before) * (tp + tp_before);
        if (tp > tp_before)
            area += (double)(tp - tp_before) / (double)positives * ((double)tp / (double)(tp + fp));
        tp_before = tp;
        fp_before = fp;
    }
    *auc = tp && fp ? (double)doubled / (2 * (double)tp * (double)fp) : NAN;
    *average_precision = tp ? area : NAN;
}

static struct nn_figure area_figure(double value, uint64_t positives, size_t count)
{
    struct nn_figure figure = {.defined = !isnan(value), .hits = positives, .of = count};

    figure.value = figure.defined ? value : 0;
    return figure;
}

void nn_curve_finish(struct nn_curve *curve)
{
    free(curve->points);
    memset(curve, 0, sizeof *curve);
}

enum nn_status nn_curve_create(const double *score, const bool *positive, size_t count,
                               struct nn_curve *curve, struct nn_error *err)
{
    struct nn_ranking ranking;
    double auc, area;
    enum nn_status status;

    memset(curve, 0, sizeof *curve);
    if ((status = nn_ranking_create(score, count, &ranking, err)) != NN_OK)
        return status;
    size_t points = 1;
    for (size_t k = 0; k < count; k++)
        points += ranking.ends[k];
    curve->points = calloc(points, sizeof *curve->points);
    if (!curve->points) {
        status = nn_fail(err, NN_NO_MEMORY, "no memory for a curve of %zu points", points);
        goto out;
    }
    curve->points[0].threshold = INFINITY;
    curve->count = 1;
    for (size_t k = 0; k < count; k++) {
        uint32_t i = ranking.order[k];
        curve->positives += positive[i];
        curve->negatives += !positive[i];
        if (ranking.ends[k])
            curve->points[curve->count++] =
                (struct nn_curve_point){score[i], curve->positives, curve->negatives};
    }
    nn_ranking_areas(&ranking, positive, NULL, &auc, &area);
    curve->auc = area_figure(auc, curve->positives, count);
    curve->average_precision = area_figure(area, curve->positives, count);
out:
    nn_ranking_finish(&ranking);
    return status;
}
