/* preprocess.c: a plane of any size becomes the network's input. The one path for training, the
 * node and the tools (papers A and B: resize; the same plane in all three channels;
 * optional: the spine's region, normalised intensities, Gaussian denoising). */
#include "image_internal.h"
#include "nn_run.h"
#include "region.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SIDE    4096
#define MAX_DENOISE 16.0f
#define LEVELS      65536 /* of the histogram: exact for the 16 bits that a radiograph has at most */
#define COUNTED     64    /* rows a task of counting */
#define CHUNK       256   /* pixels */
#define EXPONENT    0x7f800000u /* all ones: no finite float */

/* Fits the source into side x side without changing its aspect, black around it, centred. */
static enum nn_status pad(const struct nn_resize_source *from, int side, float *to,
                          struct nn_pool *pool, struct nn_error *err)
{
    int longer = from->rows > from->cols ? from->rows : from->cols;
    int h = (int)lround((double)from->rows * side / longer),
        w = (int)lround((double)from->cols * side / longer);
    enum nn_status status;

    h = h < 1 ? 1 : h;
    w = w < 1 ? 1 : w;
    float *small = malloc((size_t)h * (size_t)w * sizeof *small);
    if (!small)
        return nn_fail(err, NN_NO_MEMORY, "preprocess: no memory for %d x %d", h, w);
    status = nn_resize(from, small, h, w, pool, err);
    if (status == NN_OK) {
        int top = (side - h) / 2, left = (side - w) / 2;
        memset(to, 0, (size_t)side * (size_t)side * sizeof *to);
        for (int y = 0; y < h; y++)
            memcpy(to + (size_t)(top + y) * (size_t)side + left, small + (size_t)y * (size_t)w,
                   (size_t)w * sizeof *to);
    }
    free(small);
    return status;
}

/* ---- percentiles ---- */

struct counting {
    const struct nn_resize_source *from;
    uint32_t *histogram; /* (threads, LEVELS) */
    bool *bad;           /* (threads): a value was not finite */
};

/* The level of each value; not 0 if one is not finite. Without a branch, so that it is vectorised.
 */
static uint32_t levels_of(const float *row, int count, int *level)
{
    uint32_t bad = 0;

    for (int k = 0; k < count; k++) {
        uint32_t bits;
        float value = row[k];
        memcpy(&bits, &value, sizeof bits);
        bad |= (bits & EXPONENT) == EXPONENT;
        value = value > 0 ? value : 0; /* NaN, too */
        value = value < 1 ? value : 1;
        level[k] = (int)(value * (float)(LEVELS - 1) + 0.5f);
    }
    return bad;
}

static void count_rows(void *context, int i, int thread)
{
    const struct counting *c = context;
    const struct nn_resize_source *from = c->from;
    uint32_t *histogram = c->histogram + (size_t)thread * LEVELS;
    int last = (i + 1) * COUNTED < from->rows ? (i + 1) * COUNTED : from->rows;
    uint32_t bad = 0;

    for (int y = i * COUNTED; y < last; y++) {
        const float *row = from->pixels + (size_t)y * from->stride;
        for (int x = 0; x < from->cols; x += CHUNK) {
            int level[CHUNK], count = from->cols - x < CHUNK ? from->cols - x : CHUNK;
            bad |= levels_of(row + x, count, level);
            for (int k = 0; k < count; k++)
                histogram[level[k]]++;
        }
    }
    c->bad[thread] |= bad != 0;
}

/* The level below which `part` of the counted pixels lie. */
static int level_at(const uint32_t *histogram, size_t count, double part)
{
    size_t wanted = (size_t)ceil(part * (double)count), seen = 0;

    for (int i = 0; i < LEVELS; i++) {
        seen += histogram[i];
        if (seen >= wanted && seen > 0)
            return i;
    }
    return LEVELS - 1;
}

static struct nn_levels levels_in(const uint32_t *histogram, size_t count)
{
    return (struct nn_levels){(float)level_at(histogram, count, 0.01) / (float)(LEVELS - 1),
                              (float)level_at(histogram, count, 0.99) / (float)(LEVELS - 1)};
}

enum nn_status nn_plane_of_grey(const uint16_t *grey, size_t count, float *plane,
                                struct nn_levels *levels, struct nn_error *err)
{
    uint32_t *histogram = levels ? calloc(LEVELS, sizeof *histogram) : NULL;

    if (levels && !histogram)
        return nn_fail(err, NN_NO_MEMORY, "preprocess: no memory for a histogram");
    for (size_t at = 0; at < count; at += CHUNK) {
        size_t last = count - at < CHUNK ? count : at + CHUNK;
        for (size_t i = at; i < last; i++)
            plane[i] = (float)grey[i] / (float)(LEVELS - 1);
        for (size_t i = at; histogram && i < last; i++)
            histogram[grey[i]]++;
    }
    if (levels)
        *levels = levels_in(histogram, count);
    free(histogram);
    return NN_OK;
}

/* The 1st to 99th percentile becomes 0 to 1; a flat plane stays as it is. */
static enum nn_status normalise(struct nn_resize_source *from, struct nn_pool *pool,
                                struct nn_error *err)
{
    int threads = nn_pool_threads(pool);
    size_t count = (size_t)from->rows * (size_t)from->cols;
    enum nn_status status = NN_OK;
    struct counting c = {.from = from,
                         .histogram = calloc((size_t)threads * LEVELS, sizeof *c.histogram),
                         .bad = calloc((size_t)threads, sizeof *c.bad)};

    if (!c.histogram || !c.bad) {
        status = nn_fail(err, NN_NO_MEMORY, "preprocess: no memory for a histogram");
        goto out;
    }
    nn_pool_run(pool, (from->rows + COUNTED - 1) / COUNTED, count_rows, &c);
    for (int t = 0; t < threads; t++) {
        if (c.bad[t])
            status = nn_fail(err, NN_BAD_DATA,
                             "preprocess: the plane holds a value that is not a finite number");
        for (int i = 0; t > 0 && i < LEVELS; i++)
            c.histogram[i] += c.histogram[(size_t)t * LEVELS + (size_t)i];
    }
    from->levels = levels_in(c.histogram, count);
out:
    free(c.histogram);
    free(c.bad);
    return status;
}

/* ---- denoising ---- */

static void convolve(const float *from, int side, const float *kernel, int radius, bool vertical,
                     float *to)
{
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
            float sum = 0;
            for (int k = -radius; k <= radius; k++) {
                int at = (vertical ? y : x) + k;
                at = at < 0 ? 0 : at >= side ? side - 1 : at;
                sum +=
                    kernel[k + radius] * (vertical ? from[(size_t)at * (size_t)side + (size_t)x]
                                                   : from[(size_t)y * (size_t)side + (size_t)at]);
            }
            to[(size_t)y * (size_t)side + (size_t)x] = sum;
        }
    }
}

/* A Gaussian of standard deviation sigma, cut at 3 sigma, the edge repeated. */
static void denoise(float *grey, int side, float sigma, float *scratch)
{
    float kernel[2 * 3 * (int)MAX_DENOISE + 1];
    int radius = (int)ceilf(3 * sigma);
    double sum = 0;

    for (int k = -radius; k <= radius; k++)
        sum += exp(-0.5 * k * k / ((double)sigma * (double)sigma));
    for (int k = -radius; k <= radius; k++)
        kernel[k + radius] = (float)(exp(-0.5 * k * k / ((double)sigma * (double)sigma)) / sum);
    convolve(grey, side, kernel, radius, false, scratch);
    convolve(scratch, side, kernel, radius, true, grey);
}

/* Region, normalise, fit: plane -> (side, side). */
static enum nn_status fit(const struct nn_preprocess *p, const float *plane, int cols,
                          const struct nn_box *box, const struct nn_levels *known, float *to,
                          struct nn_pool *pool, struct nn_error *err)
{
    struct nn_resize_source part = {.pixels =
                                        plane + (size_t)box->y0 * (size_t)cols + (size_t)box->x0,
                                    .stride = (size_t)cols,
                                    .rows = box->y1 - box->y0,
                                    .cols = box->x1 - box->x0};
    enum nn_status status = NN_OK;

    if (p->normalise == NN_NORMALISE_PERCENTILE && known)
        part.levels = *known;
    else if (p->normalise == NN_NORMALISE_PERCENTILE)
        status = normalise(&part, pool, err);
    if (status != NN_OK)
        return status;
    return p->fit == NN_FIT_PAD ? pad(&part, p->side, to, pool, err)
                                : nn_resize(&part, to, p->side, p->side, pool, err);
}

enum nn_status nn_model_prepare_part(const struct nn_preprocess *preprocess, const float *plane,
                                     int rows, int cols, const struct nn_levels *levels,
                                     float *input, struct nn_box *box, struct nn_pool *pool,
                                     struct nn_error *err)
{
    int side = preprocess->side;
    enum nn_status status = NN_OK;

    *box = (struct nn_box){0, 0, cols, rows};
    if (side < 1 || side > MAX_SIDE || rows < 1 || cols < 1 || !(preprocess->denoise >= 0) ||
        preprocess->denoise > MAX_DENOISE)
        return nn_fail(err, NN_INVALID, "preprocess: %d x %d to side %d, denoised by %g", rows,
                       cols, side, (double)preprocess->denoise);
    if ((uint64_t)rows * (uint64_t)cols > NN_IMAGE_MAX_PIXELS)
        return nn_fail(err, NN_LIMIT, "preprocess: %d x %d is over the limit", rows, cols);
    if (preprocess->region == NN_REGION_SPINE)
        status = nn_region_spine(plane, rows, cols, box, pool, err);

    size_t area = (size_t)side * (size_t)side;
    float *grey = input + 2 * area; /* the last channel is the scratch of the first two */
    if (status == NN_OK)
        status = fit(preprocess, plane, cols, box,
                     box->x1 - box->x0 == cols && box->y1 - box->y0 == rows ? levels : NULL, grey,
                     pool, err);
    if (status != NN_OK)
        return status;
    if (preprocess->denoise > 0)
        denoise(grey, side, preprocess->denoise, input);
    for (size_t i = 0; i < area; i++) {
        if (!isfinite(grey[i]))
            return nn_fail(err, NN_BAD_DATA,
                           "preprocess: the plane holds a value that is not a "
                           "finite number");
    }
    for (size_t c = 0; c < 3; c++) {
        float *channel = input + c * area;
        for (size_t i = 0; i < area; i++)
            channel[i] = grey[i] * preprocess->scale[c] - preprocess->mean[c];
    }
    return NN_OK;
}

enum nn_status nn_model_prepare(const struct nn_preprocess *preprocess, const float *plane,
                                int rows, int cols, float *input, struct nn_error *err)
{
    struct nn_box box;

    return nn_model_prepare_part(preprocess, plane, rows, cols, NULL, input, &box, NULL, err);
}
