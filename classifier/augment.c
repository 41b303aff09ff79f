/* augment.c: another view of the same patient (papers.md, Preprocessing 3: rotation, scaling,
 * flipping, cropping), and the differences between detectors: contrast, brightness, gamma, blur,
 * noise. Everything is a function of the random stream alone. */
#include "train_internal.h"

#include <math.h>
#include <stdlib.h>

#define PI 3.14159265358979323846

struct nn_random nn_random_of(uint64_t seed, uint64_t purpose, uint64_t epoch, uint64_t index)
{
    struct nn_random r = {seed};
    const uint64_t keys[3] = {purpose, epoch, index};

    for (int i = 0; i < 3; i++)
        r.state = nn_random_next(&r) ^ (keys[i] * 0x9e3779b97f4a7c15ull);
    return r;
}

uint64_t nn_random_next(struct nn_random *random)
{
    uint64_t z = (random->state += 0x9e3779b97f4a7c15ull);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

double nn_random_uniform(struct nn_random *random, double low, double high)
{
    return low + (high - low) * ((double)(nn_random_next(random) >> 11) * 0x1p-53);
}

double nn_random_normal(struct nn_random *random)
{
    double u = nn_random_uniform(random, 0x1p-53, 1), v = nn_random_uniform(random, 0, 1);
    return sqrt(-2 * log(u)) * cos(2 * PI * v);
}

/* Output pixel -> input pixel: rotation, scale, aspect, flip about the centre, then shift. */
struct view {
    double a, b, c, d; /* matrix: x' = a x + b y, y' = c x + d y */
    double dx, dy;     /* pixels */
};

static struct view view_of(struct nn_random *r, int rows, int cols)
{
    double angle = nn_random_uniform(r, -7, 7) * PI / 180;
    double scale = nn_random_uniform(r, 0.93, 1.08);
    double aspect = sqrt(nn_random_uniform(r, 0.93, 1.08));
    double flip = nn_random_uniform(r, 0, 1) < 0.5 ? -1 : 1;
    double sx = scale * aspect * flip, sy = scale / aspect;
    struct view v = {
        .a = sx * cos(angle), .b = -sx * sin(angle), .c = sy * sin(angle), .d = sy * cos(angle)};

    v.dx = nn_random_uniform(r, -0.04, 0.04) * cols;
    v.dy = nn_random_uniform(r, -0.04, 0.04) * rows;
    return v;
}

static float bilinear(const float *pixels, int rows, int cols, double x, double y)
{
    x = fmin(fmax(x, 0), cols - 1);
    y = fmin(fmax(y, 0), rows - 1);
    int x0 = (int)x, y0 = (int)y;
    int x1 = x0 + 1 < cols ? x0 + 1 : x0, y1 = y0 + 1 < rows ? y0 + 1 : y0;
    float fx = (float)(x - x0), fy = (float)(y - y0);
    const float *top = pixels + (size_t)y0 * (size_t)cols;
    const float *low = pixels + (size_t)y1 * (size_t)cols;

    return (top[x0] * (1 - fx) + top[x1] * fx) * (1 - fy) +
           (low[x0] * (1 - fx) + low[x1] * fx) * fy;
}

static void warp(const struct nn_plane *from, struct view v, float *to)
{
    double cx = 0.5 * (from->cols - 1), cy = 0.5 * (from->rows - 1);

    for (int y = 0; y < from->rows; y++) {
        for (int x = 0; x < from->cols; x++) {
            double px = x - cx, py = y - cy;
            to[(size_t)y * (size_t)from->cols + (size_t)x] =
                bilinear(from->pixels, from->rows, from->cols, v.a * px + v.b * py + cx + v.dx,
                         v.c * px + v.d * py + cy + v.dy);
        }
    }
}

/* The detector: gamma, contrast about the middle, brightness, noise. */
static void expose(float *pixels, size_t count, struct nn_random *r)
{
    float gamma = (float)exp(nn_random_uniform(r, -0.3, 0.3));
    float contrast = (float)nn_random_uniform(r, 0.8, 1.2);
    float brightness = (float)nn_random_uniform(r, -0.08, 0.08);
    float sigma = (float)(nn_random_uniform(r, 0, 1) < 0.5 ? 0 : nn_random_uniform(r, 0, 0.02));

    for (size_t i = 0; i < count; i++) {
        float value = powf(fmaxf(pixels[i], 0), gamma);
        value = (value - 0.5f) * contrast + 0.5f + brightness;
        if (sigma > 0)
            value += sigma * (float)nn_random_normal(r);
        pixels[i] = fminf(fmaxf(value, 0), 1);
    }
}

/* A 3 x 3 binomial blur, mixed in by `part`: a larger focal spot, a coarser detector. */
static void soften(const float *from, int rows, int cols, float part, float *to)
{
    for (int y = 0; y < rows; y++) {
        const float *row[3] = {from + (size_t)(y > 0 ? y - 1 : y) * (size_t)cols,
                               from + (size_t)y * (size_t)cols,
                               from + (size_t)(y + 1 < rows ? y + 1 : y) * (size_t)cols};
        for (int x = 0; x < cols; x++) {
            int l = x > 0 ? x - 1 : x, h = x + 1 < cols ? x + 1 : x;
            float column[3];
            for (int k = 0; k < 3; k++)
                column[k] = 0.25f * row[k][l] + 0.5f * row[k][x] + 0.25f * row[k][h];
            float soft = 0.25f * column[0] + 0.5f * column[1] + 0.25f * column[2];
            to[(size_t)y * (size_t)cols + (size_t)x] = row[1][x] + part * (soft - row[1][x]);
        }
    }
}

enum nn_status nn_augment(struct nn_plane *plane, struct nn_random random, struct nn_error *err)
{
    size_t count = (size_t)plane->rows * (size_t)plane->cols;
    float *warped = malloc(count * sizeof *warped);

    if (!warped)
        return nn_fail(err, NN_NO_MEMORY, "augment: no memory for %zu pixels", count);
    warp(plane, view_of(&random, plane->rows, plane->cols), warped);
    soften(warped, plane->rows, plane->cols, (float)nn_random_uniform(&random, 0, 1),
           plane->pixels);
    expose(plane->pixels, count, &random);
    free(warped);
    return NN_OK;
}
