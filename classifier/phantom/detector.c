/* detector.c: attenuation -> exposure with scatter, quantum noise and blur -> log response ->
 * display.
 *
 * Intensity I = exp(-A); scatter is a share of the widely blurred I; noise has variance ~ I
 * (Poisson in its normal limit), fewer quanta in a smaller pixel; the display subtracts part of the
 * wide blur (the range compression of digital systems) and goes through a sigmoid (bone white). */
#include "phantom_parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

struct exposure {
    float scatter, noise, blur, sharpen;  /* share, relative at I = 1 and 1 mm, mm, weight */
    float centre, slope, compress, black; /* display */
    float border[4], border_turn, border_level;
};

static struct exposure sample_exposure(uint64_t seed, uint64_t index)
{
    struct phantom_rng rng = nn_phantom_rng(seed, index, PHANTOM_DETECTOR);
    struct exposure e;

    e.scatter = (float)nn_phantom_uniform(&rng, 0.15, 0.6);
    e.noise = (float)exp(nn_phantom_uniform(&rng, log(0.0015), log(0.009)));
    e.blur = (float)nn_phantom_uniform(&rng, 0.1, 0.45);
    e.sharpen = (float)nn_phantom_uniform(&rng, 0, 0.12);
    e.centre = (float)nn_phantom_normal(&rng, -0.34, 0.28);
    e.slope = (float)nn_phantom_uniform(&rng, 1.5, 2.5);
    e.compress = (float)nn_phantom_uniform(&rng, 0.15, 0.55);
    e.black = (float)nn_phantom_uniform(&rng, 0, 0.04);
    for (int i = 0; i < 4; i++)
        e.border[i] =
            nn_phantom_chance(&rng, 0.35) ? (float)nn_phantom_uniform(&rng, 0, 0.045) : -1;
    e.border_turn = (float)nn_phantom_normal(&rng, 0, 0.008);
    e.border_level = nn_phantom_chance(&rng, 0.85) ? 0 : (float)nn_phantom_uniform(&rng, 0.7, 1);
    return e;
}

/* exp and log by polynomial on the split float: vectorised, the same bits on every machine. */
static inline float quick_exp(float x)
{
    float t = x * 1.44269504f, f;
    int32_t whole, bits;
    float scale;

    t = t < -120 ? -120 : t > 120 ? 120 : t;
    whole = (int32_t)(t + (t < 0 ? -0.5f : 0.5f));
    f = (t - (float)whole) * 0.69314718f;
    bits = (whole + 127) * (1 << 23);
    memcpy(&scale, &bits, sizeof scale);
    return scale *
           (1 + f * (1 + f * (0.5f + f * (0.16666667f + f * (0.04166667f + f * 0.0083333f)))));
}

static inline float quick_log(float x)
{
    int32_t bits, power;
    float m, z, z2;

    memcpy(&bits, &x, sizeof bits);
    power = (bits >> 23) - 127;
    bits = (bits & 0x7fffff) | 0x3f800000;
    memcpy(&m, &bits, sizeof m);
    z = (m - 1.41421356f) / (m + 1.41421356f);
    z2 = z * z;
    return ((float)power + 0.5f) * 0.69314718f +
           2 * z * (1 + z2 * (0.33333333f + z2 * (0.2f + z2 * 0.14285714f)));
}

/* A plane shrunk by `cell` and blurred: what scatter and range compression need. */
struct coarse {
    int rows, cols, cell;
    float *mean, *spare;
};

static void shrink(const struct phantom_canvas *canvas, struct coarse *coarse)
{
    for (int y = 0; y < coarse->rows; y++)
        for (int x = 0; x < coarse->cols; x++) {
            int y1 = (y + 1) * coarse->cell, x1 = (x + 1) * coarse->cell, n = 0;
            float sum = 0;

            y1 = y1 < canvas->rows ? y1 : canvas->rows;
            x1 = x1 < canvas->cols ? x1 : canvas->cols;
            for (int r = y * coarse->cell; r < y1; r++)
                for (int c = x * coarse->cell; c < x1; c++, n++)
                    sum += canvas->plane[(size_t)r * (size_t)canvas->cols + (size_t)c];
            coarse->mean[y * coarse->cols + x] = sum / (float)n;
        }
}

/* One box pass along lines of `count` values `step` apart, edges repeated. */
static void box_pass(const float *from, float *to, int count, int step, int radius)
{
    float sum = 0;

    for (int i = -radius; i <= radius; i++)
        sum += from[(i < 0 ? 0 : i >= count ? count - 1 : i) * step];
    for (int i = 0; i < count; i++) {
        int in = i + radius + 1, out = i - radius;

        to[i * step] = sum / (float)(2 * radius + 1);
        sum += from[(in >= count ? count - 1 : in) * step] - from[(out < 0 ? 0 : out) * step];
    }
}

static void widen(struct coarse *coarse, int radius)
{
    for (int pass = 0; pass < 2; pass++) {
        for (int y = 0; y < coarse->rows; y++)
            box_pass(coarse->mean + y * coarse->cols, coarse->spare + y * coarse->cols,
                     coarse->cols, 1, radius);
        for (int x = 0; x < coarse->cols; x++)
            box_pass(coarse->spare + x, coarse->mean + x, coarse->rows, coarse->cols, radius);
    }
}

/* Row r of the coarse plane at full width, bilinear. */
static void unfold(const struct coarse *coarse, int r, int cols, float *out)
{
    float y = ((float)r + 0.5f) / (float)coarse->cell - 0.5f;
    int y0 = y < 0 ? 0 : (int)y, y1 = y0 + 1 < coarse->rows ? y0 + 1 : coarse->rows - 1;
    float b = y < 0 ? 0 : y - (float)y0;
    const float *upper = coarse->mean + y0 * coarse->cols,
                *lower = coarse->mean + y1 * coarse->cols;

    for (int c = 0; c < cols; c++) {
        float x = ((float)c + 0.5f) / (float)coarse->cell - 0.5f, a;
        int x0 = x < 0 ? 0 : (int)x, x1;

        a = x < 0 ? 0 : x - (float)x0;
        x1 = x0 + 1 < coarse->cols ? x0 + 1 : coarse->cols - 1;
        out[c] = (1 - b) * (upper[x0] + a * (upper[x1] - upper[x0])) +
                 b * (lower[x0] + a * (lower[x1] - lower[x0]));
    }
}

static void add_scatter_and_noise(struct phantom_canvas *canvas, const struct coarse *coarse,
                                  const struct exposure *e, struct phantom_rng rng)
{
    float sigma = e->noise / (float)canvas->view.mm_per_pixel;

    for (int r = 0; r < canvas->rows; r++) {
        float *row = canvas->plane + (size_t)r * (size_t)canvas->cols;

        unfold(coarse, r, canvas->cols, canvas->scratch);
        for (int c = 0; c < canvas->cols; c++) {
            uint64_t bits = nn_phantom_bits(&rng);
            int sum = (int)(bits & 0xffff) + (int)(bits >> 16 & 0xffff) +
                      (int)(bits >> 32 & 0xffff) + (int)(bits >> 48);
            float mean = row[c] + e->scatter * canvas->scratch[c];
            float value = mean + sigma * sqrtf(mean) * ((float)sum - 131070.0f) * (1 / 37837.0f);

            row[c] = value > 1e-5f ? value : 1e-5f;
        }
    }
}

/* at + w (left + right - 2 at), down the columns and along the rows, in place: blurs for w in
 * 0..0.25 (variance 2 w), sharpens for w < 0. */
static void three_taps(struct phantom_canvas *canvas, float w)
{
    int cols = canvas->cols;
    float *above = canvas->scratch;

    memcpy(above, canvas->plane, (size_t)cols * sizeof *above);
    for (int r = 0; r < canvas->rows; r++) {
        float *row = canvas->plane + (size_t)r * (size_t)cols;
        const float *under = r + 1 < canvas->rows ? row + cols : row;
        float left;

        for (int c = 0; c < cols; c++) {
            float at = row[c];

            row[c] = at + w * (above[c] + under[c] - 2 * at);
            above[c] = at;
        }
        left = row[0];
        for (int c = 0; c < cols; c++) {
            float at = row[c], right = c + 1 < cols ? row[c + 1] : at;

            row[c] = at + w * (left + right - 2 * at);
            left = at;
        }
    }
}

static void blur(struct phantom_canvas *canvas, float sigma)
{
    int passes = (int)ceilf(sigma * sigma / 0.5f);

    for (int pass = 0; pass < passes; pass++)
        three_taps(canvas, sigma * sigma / (2 * (float)passes));
}

static void display(struct phantom_canvas *canvas, const struct coarse *coarse,
                    const struct exposure *e, float reference)
{
    float centre = reference + e->centre;

    for (int r = 0; r < canvas->rows; r++) {
        float *row = canvas->plane + (size_t)r * (size_t)canvas->cols;

        unfold(coarse, r, canvas->cols, canvas->scratch);
        for (int c = 0; c < canvas->cols; c++) {
            float a = row[c] - e->compress * (canvas->scratch[c] - centre);
            float v = 1 / (1 + quick_exp(-e->slope * (a - centre)));

            row[c] = e->black + (1 - e->black) * v;
        }
    }
}

/* Collimator blades: at most a few per cent of a side, never over C1..C7's margin. */
static void collimate(struct phantom_canvas *canvas, const struct exposure *e)
{
    float rows = (float)canvas->rows, cols = (float)canvas->cols;

    for (int r = 0; r < canvas->rows; r++)
        for (int c = 0; c < canvas->cols; c++) {
            float x = ((float)c + 0.5f) / cols + e->border_turn * ((float)r / rows - 0.5f);
            float y = ((float)r + 0.5f) / rows - e->border_turn * ((float)c / cols - 0.5f);
            float inside = fminf(fminf(x - e->border[0], 1 - x - e->border[1]),
                                 fminf(y - e->border[2], 1 - y - e->border[3]));
            float *at = &canvas->plane[(size_t)r * (size_t)canvas->cols + (size_t)c];

            inside = inside * cols * 0.7f + 0.5f;
            inside = inside < 0 ? 0 : inside > 1 ? 1 : inside;
            *at = e->border_level + inside * (*at - e->border_level);
            *at = *at < 0 ? 0 : *at > 1 ? 1 : *at;
        }
}

enum nn_status nn_phantom_expose(struct phantom_canvas *canvas, uint64_t seed, uint64_t index,
                                 struct nn_error *err)
{
    struct exposure e = sample_exposure(seed, index);
    double mm = canvas->view.mm_per_pixel;
    size_t pixels = (size_t)canvas->rows * (size_t)canvas->cols;
    struct coarse coarse = {.cell = (int)nn_phantom_clamp(3.0 / mm, 1, 64)};
    int radius = (int)nn_phantom_clamp(10.0 / (mm * coarse.cell), 1, 64);

    coarse.rows = (canvas->rows + coarse.cell - 1) / coarse.cell;
    coarse.cols = (canvas->cols + coarse.cell - 1) / coarse.cell;
    coarse.mean = malloc(2 * (size_t)coarse.rows * (size_t)coarse.cols * sizeof *coarse.mean);
    if (coarse.mean == NULL)
        return nn_fail(err, NN_NO_MEMORY, "phantom: out of memory");
    coarse.spare = coarse.mean + (size_t)coarse.rows * (size_t)coarse.cols;
    for (size_t i = 0; i < pixels; i++)
        canvas->plane[i] = quick_exp(-canvas->plane[i]);
    shrink(canvas, &coarse);
    widen(&coarse, radius);
    add_scatter_and_noise(canvas, &coarse, &e, nn_phantom_rng(seed, index, PHANTOM_NOISE));
    blur(canvas, fminf((float)(e.blur / mm), 8));
    for (size_t i = 0; i < pixels; i++)
        canvas->plane[i] = -quick_log(canvas->plane[i]);
    three_taps(canvas, -e.sharpen);
    shrink(canvas, &coarse);
    widen(&coarse, radius);
    display(canvas, &coarse, &e, 2.0f);
    collimate(canvas, &e);
    free(coarse.mean);
    return NN_OK;
}
