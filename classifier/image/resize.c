/* resize.c: a separable resampler. Each output cell of an axis is a short weighted sum of input
 * cells (its taps): the cells it covers when shrinking, the two neighbours when growing. Rows are
 * resampled as they are needed, so the scratch is one output row however tall the source is. */
#include "nn_image.h"

#include <math.h>
#include <stdlib.h>

struct taps {
    int *first;     /* (to) first input cell */
    int *count;     /* (to) */
    float *weights; /* (to, most) */
    int most;
};

static void taps_finish(struct taps *taps)
{
    free(taps->first);
    free(taps->count);
    free(taps->weights);
}

/* Output cell i covers [i, i + 1) * ratio of the input; a cell's weight is its covered part. */
static void taps_shrink(struct taps *taps, int from, int to, int i)
{
    double ratio = (double)from / to;
    double begin = i * ratio, end = (i + 1) * ratio;
    int first = (int)floor(begin);
    int last = (int)ceil(end) - 1;

    if (last >= from)
        last = from - 1;
    taps->first[i] = first;
    taps->count[i] = last - first + 1;
    for (int k = first; k <= last; k++) {
        double covered = fmin(end, k + 1) - fmax(begin, k);
        taps->weights[(size_t)i * (size_t)taps->most + (size_t)(k - first)] =
            (float)(fmax(covered, 0.0) / ratio);
    }
}

static void taps_grow(struct taps *taps, int from, int to, int i)
{
    double centre = (i + 0.5) * (double)from / to - 0.5;
    int first = (int)floor(centre);
    double part = centre - first;
    float *weights = taps->weights + (size_t)i * (size_t)taps->most;

    if (first < 0) {
        first = 0;
        part = 0;
    }
    if (first >= from - 1) {
        first = from - 1;
        part = 0;
    }
    taps->first[i] = first;
    taps->count[i] = part > 0 ? 2 : 1;
    weights[0] = (float)(1.0 - part);
    weights[1] = (float)part;
}

static enum nn_status taps_init(struct taps *taps, int from, int to, struct nn_error *err)
{
    taps->most = from > to ? from / to + 3 : 2;
    taps->first = calloc((size_t)to, sizeof *taps->first);
    taps->count = calloc((size_t)to, sizeof *taps->count);
    taps->weights = calloc((size_t)to * (size_t)taps->most, sizeof *taps->weights);
    if (!taps->first || !taps->count || !taps->weights)
        return nn_fail(err, NN_NO_MEMORY, "resize: no memory for %d to %d", from, to);
    for (int i = 0; i < to; i++) {
        if (from > to)
            taps_shrink(taps, from, to, i);
        else
            taps_grow(taps, from, to, i);
    }
    return NN_OK;
}

/* to[x] += weight * (row resampled at x) */
static void row_add(const float *row, const struct taps *taps, int to_cols, float weight, float *to)
{
    for (int x = 0; x < to_cols; x++) {
        const float *w = taps->weights + (size_t)x * (size_t)taps->most;
        const float *from = row + taps->first[x];
        float sum = 0;
        for (int k = 0; k < taps->count[x]; k++)
            sum += w[k] * from[k];
        to[x] += weight * sum;
    }
}

enum nn_status nn_plane_resize(const float *from, int rows, int cols, float *to, int to_rows,
                               int to_cols, struct nn_error *err)
{
    struct taps horizontal = {0}, vertical = {0};
    enum nn_status status;

    if (rows < 1 || cols < 1 || to_rows < 1 || to_cols < 1)
        return nn_fail(err, NN_INVALID, "resize: %d x %d to %d x %d", rows, cols, to_rows, to_cols);
    if ((uint64_t)rows * (uint64_t)cols > NN_IMAGE_MAX_PIXELS ||
        (uint64_t)to_rows * (uint64_t)to_cols > NN_IMAGE_MAX_PIXELS)
        return nn_fail(err, NN_LIMIT, "resize: %d x %d to %d x %d is over the limit", rows, cols,
                       to_rows, to_cols);
    if ((status = taps_init(&horizontal, cols, to_cols, err)) != NN_OK ||
        (status = taps_init(&vertical, rows, to_rows, err)) != NN_OK)
        goto out;
    for (int y = 0; y < to_rows; y++) {
        float *row = to + (size_t)y * (size_t)to_cols;
        const float *w = vertical.weights + (size_t)y * (size_t)vertical.most;
        for (int x = 0; x < to_cols; x++)
            row[x] = 0;
        for (int k = 0; k < vertical.count[y]; k++)
            row_add(from + (size_t)(vertical.first[y] + k) * (size_t)cols, &horizontal, to_cols,
                    w[k], row);
    }
out:
    taps_finish(&horizontal);
    taps_finish(&vertical);
    return status;
}
