/* saliency.c: the input's gradient becomes a map (Simonyan et al. 2014, section 3.1): the largest
 * absolute value over the channels of each pixel.
 *
 * Single pixels of that map are noise (a rectified network's gradient jumps between neighbours), so
 * it is smoothed by a Gaussian whose standard deviation is NN_SALIENCY_SIGMA of the side: wide
 * enough that the map of an image and of its lossy copy agree, narrow enough to tell two vertebrae
 * apart. Then the 99.5th percentile becomes 1, or the model's scale does. */
#include "model/model_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PERCENTILE 0.995

/* What the weights that lie inside sum to, at each place of a line. */
static void sum_weights(const float *weights, int radius, int side, float *sums)
{
    for (int x = 0; x < side; x++) {
        int first = x < radius ? -x : -radius, last = side - 1 - x < radius ? side - 1 - x : radius;
        sums[x] = 0;
        for (int k = first; k <= last; k++)
            sums[x] += weights[k < 0 ? -k : k];
    }
}

/* to[x] = sum of weights[|k|] * from[x + k] over what lies inside. */
static void blur_row(const float *from, int side, const float *weights, int radius,
                     const float *sums, float *to)
{
    memset(to, 0, (size_t)side * sizeof *to);
    for (int k = -radius; k <= radius; k++) {
        float weight = weights[k < 0 ? -k : k];
        int first = k < 0 ? -k : 0, last = k > 0 ? side - k : side;
        for (int x = first; x < last; x++)
            to[x] += weight * from[x + k];
    }
    for (int x = 0; x < side; x++)
        to[x] /= sums[x];
}

static void blur_column(const float *from, int side, const float *weights, int radius, float sum,
                        int y, float *to)
{
    int first = y < radius ? -y : -radius, last = side - 1 - y < radius ? side - 1 - y : radius;

    memset(to, 0, (size_t)side * sizeof *to);
    for (int k = first; k <= last; k++) {
        float weight = weights[k < 0 ? -k : k];
        const float *row = from + (size_t)(y + k) * (size_t)side;
        for (int x = 0; x < side; x++)
            to[x] += weight * row[x];
    }
    for (int x = 0; x < side; x++)
        to[x] /= sum;
}

/* In place, across and then down; weights are renormalised at the border. */
static void blur(float *map, int side, const float *weights, int radius, const float *sums,
                 float *scratch)
{
    for (int y = 0; y < side; y++)
        blur_row(map + (size_t)y * (size_t)side, side, weights, radius, sums,
                 scratch + (size_t)y * (size_t)side);
    for (int y = 0; y < side; y++)
        blur_column(scratch, side, weights, radius, sums[y], y, map + (size_t)y * (size_t)side);
}

/* The value that PERCENTILE of the others do not exceed, digit by digit: the bits of floats that
 * are not negative are in their order. */
static float percentile(const float *map, size_t count)
{
    size_t rank = (size_t)(PERCENTILE * (double)(count - 1));
    uint32_t known = 0, digit;
    float value;

    for (int shift = 24; shift >= 0; shift -= 8) {
        size_t counts[256] = {0};
        for (size_t i = 0; i < count; i++) {
            uint32_t bits;
            memcpy(&bits, &map[i], sizeof bits);
            if ((uint64_t)bits >> (shift + 8) == known)
                counts[bits >> shift & 255]++;
        }
        for (digit = 0; rank >= counts[digit]; digit++)
            rank -= counts[digit];
        known = known << 8 | digit;
    }
    memcpy(&value, &known, sizeof value);
    return value;
}

enum nn_status nn_saliency_raw(const float *gradient, int channels, int side, float *map,
                               float *top, struct nn_error *err)
{
    enum nn_status status = NN_OK;
    size_t area = (size_t)side * (size_t)side;
    double sigma = NN_SALIENCY_SIGMA * side;
    int radius = (int)ceil(3 * sigma);
    float *scratch = malloc(area * sizeof *scratch);
    float *weights = malloc(((size_t)radius + 1) * sizeof *weights);
    float *sums = malloc((size_t)side * sizeof *sums);

    if (!scratch || !weights || !sums) {
        status = nn_fail(err, NN_NO_MEMORY, "saliency: no memory for side %d", side);
        goto out;
    }
    for (int i = 0; i <= radius; i++)
        weights[i] = (float)exp(-0.5 * i * i / (sigma * sigma));
    for (size_t i = 0; i < area; i++) {
        float most = 0;
        for (int c = 0; c < channels; c++) {
            float g = fabsf(gradient[(size_t)c * area + i]);
            most = g > most || isnan(g) ? g : most;
        }
        if (!isfinite(most)) {
            status = nn_fail(err, NN_BAD_DATA, "saliency: the gradient is not a number");
            goto out;
        }
        map[i] = most;
    }
    sum_weights(weights, radius, side, sums);
    blur(map, side, weights, radius, sums, scratch);
    *top = percentile(map, area);
out:
    free(scratch);
    free(sums);
    free(weights);
    return status;
}

/* A map without any gradient stays black; it is not stretched from rounding noise. */
enum nn_status nn_saliency_map(const float *gradient, int channels, int side, float *map,
                               struct nn_error *err)
{
    float top;
    size_t area = (size_t)side * (size_t)side;
    enum nn_status status = nn_saliency_raw(gradient, channels, side, map, &top, err);

    for (size_t i = 0; status == NN_OK && i < area; i++)
        map[i] = top > 0 ? fminf(map[i] / top, 1.0f) : 0.0f;
    return status;
}
