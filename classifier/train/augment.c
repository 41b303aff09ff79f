/* augment.c: another view of the same patient: rotation, scaling, flipping, cropping
 * ("Classification of Cervical Spine Fracture using Deep Learning", B.Tech. report, 2024, names
 * these), and the differences between detectors: contrast, brightness, gamma, blur,
 * noise. Everything is a function of the random stream and the ranges alone; what has no range
 * takes its number from the stream all the same, so that one option does not change another's
 * draws. */
#include "mix_internal.h"
#include "train_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846

struct nn_random nn_random_of(uint64_t seed, uint64_t purpose, uint64_t epoch, uint64_t index)
{
    struct nn_random r = {seed};
    const uint64_t keys[3] = {purpose, epoch, index};

    for (int i = 0; i < 3; i++)
        r.state = nn_random_next(&r) ^ (keys[i] * NN_MIX_STEP);
    return r;
}

uint64_t nn_random_next(struct nn_random *random)
{
    return nn_mix_next(&random->state);
}

static double uniform(struct nn_random *random, double low, double high)
{
    return low + (high - low) * ((double)(nn_random_next(random) >> 11) * 0x1p-53);
}

static double normal(struct nn_random *random)
{
    double u = uniform(random, 0x1p-53, 1), v = uniform(random, 0, 1);
    return sqrt(-2 * log(u)) * cos(2 * PI * v);
}

/* Output pixel -> input pixel: rotation, scale, aspect, flip about the centre, then shift. */
struct view {
    double a, b, c, d; /* matrix: x' = a x + b y, y' = c x + d y */
    double dx, dy;     /* pixels */
};

/* A factor; a range that is all zero is none. */
static double factor_of(struct nn_random *r, double low, double high)
{
    bool none = low == 0 && high == 0;

    return uniform(r, none ? 1 : low, none ? 1 : high);
}

static struct view view_of(struct nn_random *r, const struct nn_augmentation *how, int rows,
                           int cols)
{
    double angle = uniform(r, -how->rotation, how->rotation) * PI / 180;
    double scale = factor_of(r, how->scale_low, how->scale_high);
    double aspect = sqrt(factor_of(r, how->aspect_low, how->aspect_high));
    double flip = uniform(r, 0, 1) < how->flip ? -1 : 1;
    double sx = scale * aspect * flip, sy = scale / aspect;
    struct view v = {
        .a = sx * cos(angle), .b = -sx * sin(angle), .c = sy * sin(angle), .d = sy * cos(angle)};

    v.dx = uniform(r, -how->shift, how->shift) * cols;
    v.dy = uniform(r, -how->shift, how->shift) * rows;
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
static void expose(float *pixels, size_t count, const struct nn_augmentation *how,
                   struct nn_random *r)
{
    float gamma = (float)exp(uniform(r, -how->gamma, how->gamma));
    float contrast = (float)uniform(r, 1 - how->contrast, 1 + how->contrast);
    float brightness = (float)uniform(r, -how->brightness, how->brightness);
    float sigma = (float)(uniform(r, 0, 1) < 0.5 ? 0 : uniform(r, 0, how->noise));

    if (gamma == 1 && contrast == 1 && brightness == 0 && sigma == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        float value = powf(fmaxf(pixels[i], 0), gamma);
        value = (value - 0.5f) * contrast + 0.5f + brightness;
        if (sigma > 0)
            value += sigma * (float)normal(r);
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

/* A window of at least 1 - crop of each side, anywhere. */
static enum nn_status crop(struct nn_plane *plane, double part, struct nn_random *r,
                           struct nn_error *err)
{
    double down = uniform(r, 0, part), across = uniform(r, 0, part);
    int rows = (int)lround(plane->rows * (1 - down)),
        cols = (int)lround(plane->cols * (1 - across));

    rows = rows < 1 ? 1 : rows;
    cols = cols < 1 ? 1 : cols;
    int top = (int)lround((plane->rows - rows) * uniform(r, 0, 1));
    int left = (int)lround((plane->cols - cols) * uniform(r, 0, 1));
    float *window = malloc((size_t)rows * (size_t)cols * sizeof *window);
    if (!window)
        return nn_fail(err, NN_NO_MEMORY, "augment: no memory for %d x %d", rows, cols);
    for (int y = 0; y < rows; y++)
        memcpy(window + (size_t)y * (size_t)cols,
               plane->pixels + (size_t)(top + y) * (size_t)plane->cols + (size_t)left,
               (size_t)cols * sizeof *window);
    free(plane->pixels);
    *plane = (struct nn_plane){rows, cols, window};
    return NN_OK;
}

struct nn_augmentation nn_augmentation_default(void)
{
    return (struct nn_augmentation){.rotation = 7,
                                    .scale_low = 0.93,
                                    .scale_high = 1.08,
                                    .aspect_low = 0.93,
                                    .aspect_high = 1.08,
                                    .shift = 0.04,
                                    .flip = 0.5,
                                    .blur = 1,
                                    .gamma = 0.3,
                                    .contrast = 0.2,
                                    .brightness = 0.08,
                                    .noise = 0.02};
}

bool nn_augmentation_is_none(const struct nn_augmentation *how)
{
    bool shape = how->rotation != 0 || how->scale_low != 0 || how->scale_high != 0 ||
                 how->aspect_low != 0 || how->aspect_high != 0 || how->shift != 0 ||
                 how->flip != 0 || how->crop != 0;
    bool levels = how->blur != 0 || how->gamma != 0 || how->contrast != 0 || how->brightness != 0 ||
                  how->noise != 0;

    return !shape && !levels;
}

enum nn_status nn_augment(struct nn_plane *plane, const struct nn_augmentation *how,
                          struct nn_random random, struct nn_error *err)
{
    struct nn_random own = {random.state ^ 0x2545f4914f6cdd1dull}; /* crop's stream */
    enum nn_status status = NN_OK;

    if (how->crop > 0 && (status = crop(plane, how->crop, &own, err)) != NN_OK)
        return status;
    size_t count = (size_t)plane->rows * (size_t)plane->cols;
    float *warped = malloc(count * sizeof *warped);
    if (!warped)
        return nn_fail(err, NN_NO_MEMORY, "augment: no memory for %zu pixels", count);
    warp(plane, view_of(&random, how, plane->rows, plane->cols), warped);
    soften(warped, plane->rows, plane->cols, (float)uniform(&random, 0, how->blur), plane->pixels);
    expose(plane->pixels, count, how, &random);
    free(warped);
    return NN_OK;
}
