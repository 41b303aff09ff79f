/* texture.c: what is too fine to be modelled as solids. */
#include "texture.h"
#include <math.h>
#include <stdlib.h>

/* Bilinear, in cells. */
static float grain(const float *tile, float x, float y)
{
    float fx = floorf(x), fy = floorf(y), a = x - fx, b = y - fy;
    unsigned x0 = (unsigned)((int)fx & (PHANTOM_TILE - 1)), x1 = (x0 + 1) & (PHANTOM_TILE - 1);
    unsigned y0 = (unsigned)((int)fy & (PHANTOM_TILE - 1)), y1 = (y0 + 1) & (PHANTOM_TILE - 1);
    const float *upper = tile + y0 * PHANTOM_TILE, *lower = tile + y1 * PHANTOM_TILE;

    return (1 - b) * (upper[x0] + a * (upper[x1] - upper[x0])) +
           b * (lower[x0] + a * (lower[x1] - lower[x0]));
}

/* White noise, smoothed once with a wrapping 3 x 3 kernel. */
float *nn_phantom_tile(struct phantom_rng rng)
{
    const int n = PHANTOM_TILE, mask = PHANTOM_TILE - 1;
    float *tile = malloc(2 * (size_t)n * (size_t)n * sizeof *tile);
    float *white = tile + n * n;

    if (tile == NULL)
        return NULL;
    for (int i = 0; i < n * n; i++) {
        uint64_t bits = nn_phantom_bits(&rng);
        int sum = (int)(bits & 0xffff) + (int)(bits >> 16 & 0xffff) + (int)(bits >> 32 & 0xffff) +
                  (int)(bits >> 48);

        white[i] = ((float)sum - 131070.0f) * (1 / 37837.0f);
    }
    for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++) {
            const float *above = white + ((y - 1) & mask) * n, *at = white + y * n;
            const float *under = white + ((y + 1) & mask) * n;
            int l = (x - 1) & mask, r = (x + 1) & mask;

            /* 1 2 1 by 1 2 1: the sum of squares is 36 */
            tile[y * n + x] = (above[l] + above[r] + under[l] + under[r] +
                               2 * (above[x] + under[x] + at[l] + at[r]) + 4 * at[x]) /
                              6;
        }
    return tile;
}

/* Noise in three dimensions, integrated over a thickness, grows with its square root. */
#define TRABECULA  0.7f  /* mm, correlation */
#define TRABECULAR 0.45f /* relative deviation of attenuation */
#define OCTAVES    5
#define FINEST     1.6f /* mm */

void nn_phantom_add_texture(const struct phantom_detector *detector, const float *tile,
                            float *plane)
{
    struct phantom_rng rng = nn_phantom_rng(detector->seed, detector->index, PHANTOM_TEXTURE);
    const float mm = (float)detector->mm_per_pixel;
    const float rough = (float)nn_phantom_uniform(&rng, 0.0025, 0.011);
    const float sponge = (float)detector->grain * TRABECULAR * sqrtf(0.033f * TRABECULA);
    float at_x = (float)nn_phantom_uniform(&rng, 0, PHANTOM_TILE), turn[2], level[OCTAVES];
    float at_y = (float)nn_phantom_uniform(&rng, 0, PHANTOM_TILE);

    turn[0] = (float)nn_phantom_uniform(&rng, 0.7, 0.95);
    turn[1] = sqrtf(1 - turn[0] * turn[0]);
    for (int o = 0; o < OCTAVES; o++)
        level[o] = rough * powf(2, 0.5f * (float)o);
    for (int r = 0; r < detector->rows; r++)
        for (int c = 0; c < detector->cols; c++) {
            size_t i = (size_t)r * (size_t)detector->cols + (size_t)c;
            float x = mm * (float)c, y = mm * (float)r, sum = 0;
            float u = turn[0] * x - turn[1] * y, v = turn[1] * x + turn[0] * y;

            if (detector->sponge[i] > 1e-4f)
                sum = sponge * sqrtf(detector->sponge[i]) *
                      grain(tile, x / TRABECULA + at_y, y / TRABECULA + at_x);
            if (detector->soft[i] > 1) {
                float soft = 0, scale = 1 / FINEST;

                for (int o = 0; o < OCTAVES; o++, scale *= 0.5f)
                    soft += level[o] *
                            grain(tile, u * scale + at_x + 37.0f * (float)o, v * scale + at_y);
                sum += soft * sqrtf(detector->soft[i] * 0.01f);
            }
            plane[i] += sum;
        }
}
