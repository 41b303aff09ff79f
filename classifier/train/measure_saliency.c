/* measure_saliency.c: how strong a model's saliency usually is where it finds something. */
#include "nn_train.h"

#include <stdlib.h>

/* The finding that is drawn: the highest of those that reach their points; -1: none. */
static int finding_of(const struct nn_model_info *points, const float *score)
{
    int found = -1;
    for (int c = 0; c < points->classes; c++) {
        if (points->class_[c].finding && (double)score[c] >= points->class_[c].operating_point &&
            (found < 0 || score[c] > score[found]))
            found = c;
    }
    return found;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    if (count == 0)
        return 0;
    qsort(values, count, sizeof *values, by_value);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* One image; *used is raised when it is a finding whose saliency is not nothing. */
static enum nn_status measure_one(struct nn_judge *judge, const struct nn_model_info *points,
                                  const struct nn_source *source, size_t index, float *map,
                                  double *raw, size_t *used, struct nn_error *err)
{
    struct nn_plane plane = {0};
    struct nn_judgement judgement;
    enum nn_status status = source->load(source->context, index, 0, &plane, err);

    if (status == NN_OK)
        status = nn_judge_plane(judge, plane.pixels, plane.rows, plane.cols, &judgement, err);
    int class_ = status == NN_OK ? finding_of(points, judgement.score) : -1;
    if (class_ >= 0)
        status = nn_judge_saliency_absolute(judge, class_, map, &raw[*used], err);
    if (status == NN_OK && class_ >= 0 && raw[*used] > 0)
        (*used)++;
    nn_plane_finish(&plane);
    return status;
}

enum nn_status nn_measure_saliency_scale(const struct nn_model *model,
                                         const struct nn_model_info *points,
                                         const struct nn_source *source, struct nn_pool *pool,
                                         double *scale, size_t *images, struct nn_error *err)
{
    size_t side = (size_t)nn_model_info(model)->preprocess.side, used = 0;
    double raw[NN_SALIENCY_IMAGES];
    float *map = malloc(side * side * sizeof *map);
    struct nn_judge *judge = NULL;
    enum nn_status status = map ? nn_judge_create(model, pool, &judge, err)
                                : nn_fail(err, NN_NO_MEMORY, "saliency: no memory");

    *scale = 0;
    for (size_t i = 0; status == NN_OK && i < source->count && used < NN_SALIENCY_IMAGES; i++)
        status = measure_one(judge, points, source, i, map, raw, &used, err);
    if (status == NN_OK)
        *scale = median(raw, used);
    if (images)
        *images = used;
    nn_judge_destroy(judge);
    free(map);
    return status;
}
