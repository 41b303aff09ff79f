#include "picture_canvas.h"
#include <math.h>
#include <stdlib.h>

/* Control points at equal steps of lightness: black-violet, purple, red, orange, pale yellow. */
static const struct colour scale[] = {
    {0, 0, 4},     {27, 12, 65},   {74, 12, 107}, {120, 28, 109}, {165, 44, 96},
    {207, 68, 70}, {237, 105, 37}, {251, 155, 6}, {247, 209, 61}, {252, 255, 164},
};
enum { SCALE_STEPS = sizeof scale / sizeof scale[0] - 1 };

static uint8_t mix(uint8_t a, uint8_t b, float t)
{
    return (uint8_t)lrintf((float)a + ((float)b - (float)a) * t);
}

struct colour colour_of_strength(float strength)
{
    /* The dark end says "nothing here", and the anatomy says that better: start above it. */
    float at = (0.2f + 0.8f * fminf(fmaxf(strength, 0.0f), 1.0f)) * (float)SCALE_STEPS;
    int step = (int)at < SCALE_STEPS ? (int)at : SCALE_STEPS - 1;
    float t = at - (float)step;
    struct colour low = scale[step], high = scale[step + 1];
    return (struct colour){mix(low.r, high.r, t), mix(low.g, high.g, t), mix(low.b, high.b, t)};
}

float colour_cover(float strength)
{
    float t = fminf(fmaxf((strength - 0.22f) / 0.65f, 0.0f), 1.0f);
    return 0.62f * t * t * (3.0f - 2.0f * t);
}

/* One pass of a Gaussian along lines of `side` values, `step` apart, edges repeated. */
static void smooth_lines(const float *from, float *to, int side, int step, int line_step,
                         const float *weight, int radius)
{
    for (int line = 0; line < side; line++) {
        for (int i = 0; i < side; i++) {
            float sum = 0.0f;
            for (int k = -radius; k <= radius; k++) {
                int j = i + k < 0 ? 0 : i + k >= side ? side - 1 : i + k;
                sum += weight[k + radius] * from[line * line_step + j * step];
            }
            to[line * line_step + i * step] = sum;
        }
    }
}

float *colour_smooth_map(const float *map, int side)
{
    enum { RADIUS_MAX = 16 };
    float sigma = (float)side / 64.0f, weight[2 * RADIUS_MAX + 1], total = 0.0f;
    int radius = (int)ceilf(2.5f * sigma);
    if (radius > RADIUS_MAX)
        radius = RADIUS_MAX;
    for (int k = -radius; k <= radius; k++)
        total += weight[k + radius] = expf(-0.5f * (float)(k * k) / (sigma * sigma));
    for (int k = 0; k <= 2 * radius; k++)
        weight[k] /= total;

    size_t count = (size_t)side * (size_t)side;
    float *across = malloc(count * sizeof *across), *out = malloc(count * sizeof *out);
    if (!across || !out) {
        free(across);
        free(out);
        return NULL;
    }
    smooth_lines(map, across, side, 1, side, weight, radius);
    smooth_lines(across, out, side, side, 1, weight, radius);
    free(across);

    float most = 0.0f;
    for (size_t i = 0; i < count; i++)
        most = fmaxf(most, out[i]);
    for (size_t i = 0; i < count && most > 0.0f; i++)
        out[i] /= most;
    return out;
}

static float at_edge(const float *map, int side, int x, int y)
{
    x = x < 0 ? 0 : x >= side ? side - 1 : x;
    y = y < 0 ? 0 : y >= side ? side - 1 : y;
    return map[y * side + x];
}

float colour_map_at(const float *map, int side, enum nn_fit fit, struct colour_part part, float x,
                    float y)
{
    float height = part.bottom - part.top, width = part.right - part.left;
    x -= part.left;
    y -= part.top;
    if (x + 0.5f < 0.0f || x + 0.5f > width || y + 0.5f < 0.0f || y + 0.5f > height)
        return 0.0f;
    if (fit == NN_FIT_PAD) { /* the image lies centred in a square of its longer side */
        float square = fmaxf(height, width);
        x += (square - width) / 2.0f;
        y += (square - height) / 2.0f;
        height = width = square;
    }
    float u = (x + 0.5f) * (float)side / width - 0.5f;
    float v = (y + 0.5f) * (float)side / height - 0.5f;
    int u0 = (int)floorf(u), v0 = (int)floorf(v);
    float fu = u - (float)u0, fv = v - (float)v0;
    float top = at_edge(map, side, u0, v0) * (1.0f - fu) + at_edge(map, side, u0 + 1, v0) * fu;
    float low =
        at_edge(map, side, u0, v0 + 1) * (1.0f - fu) + at_edge(map, side, u0 + 1, v0 + 1) * fu;
    return top * (1.0f - fv) + low * fv;
}
