/* preprocess.c: a plane of any size becomes the network's input. The one path for training, the
 * node and the tools (papers.md, Preprocessing: resize; the same plane in all three channels;
 * optional: the spine's region, normalised intensities, Gaussian denoising). */
#include "region.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SIDE    4096
#define MAX_DENOISE 16.0f
#define LEVELS      65536 /* of the histogram: exact for the 16 bits that a radiograph has at most */

/* Fits the plane into side x side without changing its aspect, black around it, centred. */
static enum nn_status pad(const float *plane, int rows, int cols, int side, float *to,
                          struct nn_error *err)
{
    int longer = rows > cols ? rows : cols;
    int h = (int)lround((double)rows * side / longer),
        w = (int)lround((double)cols * side / longer);
    enum nn_status status;

    h = h < 1 ? 1 : h;
    w = w < 1 ? 1 : w;
    float *small = malloc((size_t)h * (size_t)w * sizeof *small);
    if (!small)
        return nn_fail(err, NN_NO_MEMORY, "preprocess: no memory for %d x %d", h, w);
    status = nn_plane_resize(plane, rows, cols, small, h, w, err);
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

/* The 1st to 99th percentile becomes 0 to 1; a flat plane stays as it is. */
static enum nn_status normalise(float *pixels, size_t count, struct nn_error *err)
{
    uint32_t *histogram = calloc(LEVELS, sizeof *histogram);

    if (!histogram)
        return nn_fail(err, NN_NO_MEMORY, "preprocess: no memory for a histogram");
    for (size_t i = 0; i < count; i++) {
        float value = pixels[i];
        if (!isfinite(value)) {
            free(histogram);
            return nn_fail(err, NN_BAD_DATA,
                           "preprocess: the plane holds a value that is not a finite number");
        }
        value = value < 0 ? 0 : value > 1 ? 1 : value;
        histogram[(int)(value * (float)(LEVELS - 1) + 0.5f)]++;
    }
    float low = (float)level_at(histogram, count, 0.01) / (float)(LEVELS - 1);
    float high = (float)level_at(histogram, count, 0.99) / (float)(LEVELS - 1);
    free(histogram);
    for (size_t i = 0; high > low && i < count; i++) {
        float value = (pixels[i] - low) / (high - low);
        pixels[i] = value < 0 ? 0 : value > 1 ? 1 : value;
    }
    return NN_OK;
}

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

/* The box's pixels, in rows without gaps. */
static float *cut(const float *plane, int cols, const struct nn_box *box)
{
    size_t width = (size_t)(box->x1 - box->x0), height = (size_t)(box->y1 - box->y0);
    float *part = malloc(width * height * sizeof *part);

    for (size_t y = 0; part && y < height; y++)
        memcpy(part + y * width, plane + ((size_t)box->y0 + y) * (size_t)cols + (size_t)box->x0,
               width * sizeof *part);
    return part;
}

/* Region, normalise, fit: plane -> (side, side). */
static enum nn_status fit(const struct nn_preprocess *p, const float *plane, int cols,
                          const struct nn_box *box, float *to, struct nn_error *err)
{
    int height = box->y1 - box->y0, width = box->x1 - box->x0;
    bool copied = p->normalise != NN_NORMALISE_NONE || width < cols;
    float *own = copied ? cut(plane, cols, box) : NULL;
    const float *from = copied ? own : plane + (size_t)box->y0 * (size_t)cols;
    enum nn_status status = NN_OK;

    if (copied && !own)
        return nn_fail(err, NN_NO_MEMORY, "preprocess: no memory for %d x %d", height, width);
    if (p->normalise == NN_NORMALISE_PERCENTILE)
        status = normalise(own, (size_t)height * (size_t)width, err);
    if (status == NN_OK)
        status = p->fit == NN_FIT_PAD
                     ? pad(from, height, width, p->side, to, err)
                     : nn_plane_resize(from, height, width, to, p->side, p->side, err);
    free(own);
    return status;
}

enum nn_status nn_model_prepare_part(const struct nn_preprocess *preprocess, const float *plane,
                                     int rows, int cols, float *input, struct nn_box *box,
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
        status = nn_region_spine(plane, rows, cols, box, err);

    size_t area = (size_t)side * (size_t)side;
    float *grey = input + 2 * area; /* the last channel is the scratch of the first two */
    if (status == NN_OK)
        status = fit(preprocess, plane, cols, box, grey, err);
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

    return nn_model_prepare_part(preprocess, plane, rows, cols, input, &box, err);
}
