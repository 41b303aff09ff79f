#include "picture_canvas.h"
#include <math.h>
#include <stdlib.h>

/* Control points at equal steps of lightness, about 10 of 100 each, and all on the yellow side of
 * what a deuteranope or a protanope sees, so that none of them looks like the radiograph's grey. */
static const struct colour scale[] = {
    {140, 40, 0},   {176, 60, 0},   {208, 84, 0},   {235, 115, 0},
    {250, 155, 10}, {255, 195, 40}, {255, 230, 90},
};
enum { SCALE_STEPS = sizeof scale / sizeof scale[0] - 1 };

static uint8_t mix(uint8_t a, uint8_t b, float t)
{
    return (uint8_t)((float)a + ((float)b - (float)a) * t + 0.5f);
}

/* 0 at the threshold, 1 at a strength of 1. */
static float above(float strength)
{
    float t = (strength - PICTURE_THRESHOLD) / (1.0f - PICTURE_THRESHOLD);
    return t > 0.0f ? t < 1.0f ? t : 1.0f : 0.0f;
}

struct colour colour_of_strength(float strength)
{
    float at = above(strength) * (float)SCALE_STEPS;
    int step = (int)at < SCALE_STEPS ? (int)at : SCALE_STEPS - 1;
    float t = at - (float)step;
    struct colour low = scale[step], high = scale[step + 1];
    return (struct colour){mix(low.r, high.r, t), mix(low.g, high.g, t), mix(low.b, high.b, t)};
}

float colour_cover(float strength)
{
    return strength >= PICTURE_THRESHOLD ? 0.3f + 0.25f * above(strength) : 0.0f;
}

static float at_edge(const float *map, int side, int x, int y)
{
    x = x < 0 ? 0 : x >= side ? side - 1 : x;
    y = y < 0 ? 0 : y >= side ? side - 1 : y;
    return map[y * side + x];
}

/* One axis: where pixel `at` of a part that begins at `begin`, is `size` long and lies in the
 * middle of `square` is in the map; the middle of its first pixel is 0. */
static float to_map(float at, float begin, float size, float square, int side)
{
    return (at + 0.5f - begin + (square - size) / 2.0f) * (float)side / square - 0.5f;
}

static bool within(float at, float begin, float end)
{
    return at + 0.5f >= begin && at + 0.5f <= end;
}

float colour_map_at(const float *map, int side, enum nn_fit fit, struct colour_part part, float x,
                    float y)
{
    float height = part.bottom - part.top, width = part.right - part.left;
    float longer = fmaxf(height, width); /* padded: the part lies in a square of it */
    if (!within(x, part.left, part.right) || !within(y, part.top, part.bottom))
        return 0.0f;
    float u = to_map(x, part.left, width, fit == NN_FIT_PAD ? longer : width, side);
    float v = to_map(y, part.top, height, fit == NN_FIT_PAD ? longer : height, side);
    int u0 = (int)floorf(u), v0 = (int)floorf(v);
    float fu = u - (float)u0, fv = v - (float)v0;
    float top = at_edge(map, side, u0, v0) * (1.0f - fu) + at_edge(map, side, u0 + 1, v0) * fu;
    float low =
        at_edge(map, side, u0, v0 + 1) * (1.0f - fu) + at_edge(map, side, u0 + 1, v0 + 1) * fu;
    return top * (1.0f - fv) + low * fv;
}

bool colour_columns_init(struct colour_columns *c)
{
    size_t width = (size_t)c->width;
    float part_w = c->part.right - c->part.left, part_h = c->part.bottom - c->part.top;
    float square = c->fit == NN_FIT_PAD ? fmaxf(part_w, part_h) : part_w;
    c->first = malloc(width * sizeof *c->first);
    c->share = malloc(width * sizeof *c->share);
    if (!c->first || !c->share) {
        colour_columns_finish(c);
        return false;
    }
    for (int x = 0; x < c->width; x++) {
        float u = to_map((float)x, c->part.left, part_w, square, c->side);
        u = fminf(fmaxf(u, 0.0f), (float)(c->side - 1)); /* the edge is repeated */
        c->first[x] = within((float)x, c->part.left, c->part.right) ? (int)u : -1;
        c->share[x] = u - floorf(u);
    }
    return true;
}

void colour_columns_finish(struct colour_columns *c)
{
    free(c->first);
    free(c->share);
    c->first = NULL;
    c->share = NULL;
}

/* A row of the map between two of its own; whether anything in it is drawn. */
static bool take_line(const struct colour_columns *c, int y, float *line)
{
    float part_w = c->part.right - c->part.left, part_h = c->part.bottom - c->part.top;
    float square = c->fit == NN_FIT_PAD ? fmaxf(part_w, part_h) : part_h, most = 0.0f;
    if (!within((float)y, c->part.top, c->part.bottom))
        return false;
    float v = to_map((float)y, c->part.top, part_h, square, c->side);
    v = fminf(fmaxf(v, 0.0f), (float)(c->side - 1));
    int v0 = (int)v, next = v0 + 1 < c->side ? v0 + 1 : v0;
    const float *upper = c->map + (size_t)v0 * (size_t)c->side;
    const float *lower = c->map + (size_t)next * (size_t)c->side;
    float share = v - (float)v0;
    for (int u = 0; u < c->side; u++) {
        line[u] = upper[u] * (1.0f - share) + lower[u] * share;
        most = line[u] > most ? line[u] : most;
    }
    return most >= PICTURE_THRESHOLD;
}

/* Red, green and blue at once, and a fourth that nobody looks at. */
typedef float four __attribute__((vector_size(16)));
typedef int32_t four_whole __attribute__((vector_size(16)));

static four whole_of(four v)
{
    return __builtin_convertvector(__builtin_convertvector(v, four_whole), four);
}

/* colour_cover of colour_of_strength over a pixel, number by number. */
static void mix_pixel(uint8_t *rgb, float strength)
{
    float over = above(strength), at = over * (float)SCALE_STEPS, cover = 0.3f + 0.25f * over;
    int step = (int)at < SCALE_STEPS ? (int)at : SCALE_STEPS - 1;
    const struct colour *low = scale + step, *high = low + 1;
    four from = {low->r, low->g, low->b}, to = {high->r, high->g, high->b};
    four colour = whole_of(from + (to - from) * (at - (float)step) + 0.5f);
    four under = {rgb[0], rgb[1], rgb[2]};
    four_whole mixed = __builtin_convertvector(under + cover * (colour - under) + 0.5f, four_whole);
    for (int i = 0; i < 3; i++)
        rgb[i] = (uint8_t)mixed[i];
}

void colour_row(const struct colour_columns *c, int y, float *line, uint8_t *rgb)
{
    if (!take_line(c, y, line))
        return;
    for (int x = 0; x < c->width; x++) {
        int first = c->first[x];
        if (first < 0)
            continue;
        int next = first + 1 < c->side ? first + 1 : first;
        if (line[first] < PICTURE_THRESHOLD && line[next] < PICTURE_THRESHOLD) {
            while (x + 1 < c->width && c->first[x + 1] == first)
                x++;
            continue;
        }
        float strength = line[first] + c->share[x] * (line[next] - line[first]);
        if (strength >= PICTURE_THRESHOLD)
            mix_pixel(rgb + (size_t)x * 3, strength);
    }
}
