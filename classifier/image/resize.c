/* resize.c: a separable resampler. Each output cell of an axis is a short weighted sum of input
 * cells (its taps): the cells it covers when shrinking, the two neighbours when growing. Rows are
 * resampled as they are needed, so the scratch is two rows a thread however tall the source is. */
#include "image_internal.h"
#include "nn_run.h"
#include "ops/clones.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BAND 16 /* output rows a task */

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
    if (part > 0)
        weights[1] = (float)part;
}

static enum nn_status taps_init(struct taps *taps, int from, int to, struct nn_error *err)
{
    taps->most = from > to ? from / to + 3 : 2;
    taps->most = taps->most < from ? taps->most : from;
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

/* Each cell gets `most` taps, all inside: what it lacks weighs nothing. */
static void taps_fill(struct taps *taps, int from, int to)
{
    for (int i = 0; i < to; i++) {
        float *weights = taps->weights + (size_t)i * (size_t)taps->most;
        int over = taps->first[i] + taps->most - from;
        if (over > 0) {
            memmove(weights + over, weights, (size_t)(taps->most - over) * sizeof *weights);
            memset(weights, 0, (size_t)over * sizeof *weights);
            taps->first[i] -= over;
        }
        taps->count[i] = taps->most;
    }
}

/* to[x] = the row resampled at x, four sums at a time */
static void row_resample(const float *row, const struct taps *taps, int to_cols, float *to)
{
    int most = taps->most, x = 0;

    for (; x + 4 <= to_cols; x += 4) {
        const float *w = taps->weights + (size_t)x * (size_t)most;
        const float *a = row + taps->first[x], *b = row + taps->first[x + 1];
        const float *c = row + taps->first[x + 2], *d = row + taps->first[x + 3];
        float sum[4] = {0, 0, 0, 0};
        for (int k = 0; k < most; k++) {
            sum[0] += w[k] * a[k];
            sum[1] += w[most + k] * b[k];
            sum[2] += w[2 * most + k] * c[k];
            sum[3] += w[3 * most + k] * d[k];
        }
        for (int i = 0; i < 4; i++)
            to[x + i] = sum[i];
    }
    for (; x < to_cols; x++) {
        const float *w = taps->weights + (size_t)x * (size_t)most;
        const float *from = row + taps->first[x];
        float sum = 0;
        for (int k = 0; k < most; k++)
            sum += w[k] * from[k];
        to[x] = sum;
    }
}

NN_CLONED
static void row_add(const float *restrict row, int cols, float weight, float *restrict to)
{
    for (int x = 0; x < cols; x++)
        to[x] += weight * row[x];
}

/* Values from low..low + range to 0..1. */
NN_CLONED
static void stretch(const float *restrict row, int cols, float low, float range,
                    float *restrict own)
{
    for (int x = 0; x < cols; x++) {
        float value = (row[x] - low) / range;
        value = value > 0 ? value : 0;
        own[x] = value < 1 ? value : 1;
    }
}

struct work {
    const struct nn_resize_source *from;
    float *to;
    int to_rows, to_cols;
    struct taps horizontal, vertical;
    float *lines;   /* (threads, to_cols): the row of the source that was resampled last */
    float *scratch; /* (threads, from->cols); NULL: the values stay as they are */
};

/* The source's row y, its values from low..high to 0..1. */
static const float *row_of(const struct work *w, int y, int thread)
{
    const struct nn_resize_source *from = w->from;
    const float *row = from->pixels + (size_t)y * from->stride;

    if (!w->scratch)
        return row;
    float *own = w->scratch + (size_t)thread * (size_t)from->cols;
    stretch(row, from->cols, from->levels.low, from->levels.high - from->levels.low, own);
    return own;
}

static void band(void *context, int i, int thread)
{
    const struct work *w = context;
    const struct taps *vertical = &w->vertical;
    int last = (i + 1) * BAND < w->to_rows ? (i + 1) * BAND : w->to_rows, held = -1;
    float *line = w->lines + (size_t)thread * (size_t)w->to_cols;

    for (int y = i * BAND; y < last; y++) {
        float *row = w->to + (size_t)y * (size_t)w->to_cols;
        const float *weights = vertical->weights + (size_t)y * (size_t)vertical->most;
        for (int x = 0; x < w->to_cols; x++)
            row[x] = 0;
        for (int k = 0; k < vertical->count[y]; k++) {
            int from = vertical->first[y] + k; /* often the last one of the row above */
            if (from != held)
                row_resample(row_of(w, from, thread), &w->horizontal, w->to_cols, line);
            held = from;
            row_add(line, w->to_cols, weights[k], row);
        }
    }
}

enum nn_status nn_resize(const struct nn_resize_source *from, float *to, int to_rows, int to_cols,
                         struct nn_pool *pool, struct nn_error *err)
{
    struct work w = {.from = from, .to = to, .to_rows = to_rows, .to_cols = to_cols};
    int rows = from->rows, cols = from->cols;
    enum nn_status status;

    if (rows < 1 || cols < 1 || to_rows < 1 || to_cols < 1)
        return nn_fail(err, NN_INVALID, "resize: %d x %d to %d x %d", rows, cols, to_rows, to_cols);
    if ((uint64_t)rows * (uint64_t)cols > NN_IMAGE_MAX_PIXELS ||
        (uint64_t)to_rows * (uint64_t)to_cols > NN_IMAGE_MAX_PIXELS)
        return nn_fail(err, NN_LIMIT, "resize: %d x %d to %d x %d is over the limit", rows, cols,
                       to_rows, to_cols);
    if ((status = taps_init(&w.horizontal, cols, to_cols, err)) != NN_OK ||
        (status = taps_init(&w.vertical, rows, to_rows, err)) != NN_OK)
        goto out;
    taps_fill(&w.horizontal, cols, to_cols);
    w.lines = malloc((size_t)nn_pool_threads(pool) * (size_t)to_cols * sizeof *w.lines);
    if (!w.lines) {
        status = nn_fail(err, NN_NO_MEMORY, "resize: no memory for rows of %d", to_cols);
        goto out;
    }
    if (from->levels.high > from->levels.low) {
        w.scratch = malloc((size_t)nn_pool_threads(pool) * (size_t)cols * sizeof *w.scratch);
        if (!w.scratch) {
            status = nn_fail(err, NN_NO_MEMORY, "resize: no memory for rows of %d", cols);
            goto out;
        }
    }
    nn_pool_run(pool, (to_rows + BAND - 1) / BAND, band, &w);
out:
    free(w.lines);
    free(w.scratch);
    taps_finish(&w.horizontal);
    taps_finish(&w.vertical);
    return status;
}

enum nn_status nn_plane_resize(const float *from, int rows, int cols, float *to, int to_rows,
                               int to_cols, struct nn_pool *pool, struct nn_error *err)
{
    const struct nn_resize_source whole = {from, (size_t)(cols > 0 ? cols : 0), rows, cols, {0, 0}};

    return nn_resize(&whole, to, to_rows, to_cols, pool, err);
}
