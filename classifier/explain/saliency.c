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

#define PERCENTILE 0.995

/* One pass along rows, written transposed: two passes blur both axes. Weights are renormalised at
 * the border. */
static void blur_rows(const float *from, int side, const float *weights, int radius, float *to)
{
    for (int y = 0; y < side; y++) {
        const float *row = from + (size_t)y * (size_t)side;
        for (int x = 0; x < side; x++) {
            int first = x - radius < 0 ? 0 : x - radius;
            int last = x + radius >= side ? side - 1 : x + radius;
            float sum = 0, weight = 0;
            for (int k = first; k <= last; k++) {
                float w = weights[k > x ? k - x : x - k];
                sum += w * row[k];
                weight += w;
            }
            to[(size_t)x * (size_t)side + (size_t)y] = sum / weight;
        }
    }
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static float percentile(const float *map, size_t count, float *sorted)
{
    for (size_t i = 0; i < count; i++)
        sorted[i] = map[i];
    qsort(sorted, count, sizeof *sorted, by_value);
    return sorted[(size_t)(PERCENTILE * (double)(count - 1))];
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

    if (!scratch || !weights) {
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
    blur_rows(map, side, weights, radius, scratch);
    blur_rows(scratch, side, weights, radius, map);
    *top = percentile(map, area, scratch);
out:
    free(scratch);
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
