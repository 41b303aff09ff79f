/* detector.c: attenuation -> exposure with scatter, quantum noise and blur -> log response ->
 * display.
 *
 * Primary intensity I = exp(-A); scatter is born where A exp(-A) is large (single scatter along a
 * ray, Ohnesorge et al., Eur Radiol 9 (1999) 563) and spreads over centimetres; noise has variance
 * ~ I (Poisson in its normal limit), fewer quanta in a smaller pixel; the display subtracts part of
 * the wide blur of the log signal (the range compression of digital systems) and goes through a
 * sigmoid or a window (bone white). Scatter, range and exposure are the steady plane's: the
 * uninjured twin's at a quarter of the resolution. */
#include "texture.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

struct exposure {
    float scatter, noise, blur, sharpen;  /* share, relative at I = 1 and 1 mm, mm, weight */
    float centre, slope, compress, black; /* display */
    float grid, grid_step;                /* lines of a resting grid: depth, pixels */
    float border[4], border_turn, border_level;
    bool window; /* straight with clipped ends, in place of the sigmoid */
};

struct range {
    double low, high;
};
/* Each configuration's own. The first, which training draws from, spans more than one system does:
 * what a network learns must not hang on one detector. The second is an older computed radiography
 * system's: noisier, softer, with less scatter rejection and mostly a straight window. */
static const struct ranges {
    struct range scatter, noise, blur, sharpen, centre, slope, compress, black;
    double window, grid;
} RANGES[2] = {{{0.08, 0.65},
                {0.0014, 0.0115},
                {0.08, 0.52},
                {0, 0.25},
                {-0.85, 0.3},
                {1.4, 3.2},
                {0.0, 0.65},
                {0, 0.09},
                0.30,
                0.15},
               {{0.30, 0.80},
                {0.0050, 0.0140},
                {0.25, 0.60},
                {0.05, 0.2},
                {-0.9, 0.5},
                {1.3, 2.6},
                {0.0, 0.4},
                {0.02, 0.10},
                0.70,
                0.25}};

static float pick(struct phantom_rng *rng, struct range range)
{
    return (float)nn_phantom_uniform(rng, range.low, range.high);
}

static struct exposure sample_exposure(const struct phantom_detector *detector)
{
    struct phantom_rng rng = nn_phantom_rng(detector->seed, detector->index, PHANTOM_DETECTOR);
    const struct ranges *ranges = &RANGES[detector->configuration != 0];
    struct exposure e;

    e.scatter = pick(&rng, ranges->scatter);
    e.noise = expf(pick(&rng, (struct range){log(ranges->noise.low), log(ranges->noise.high)}));
    e.blur = pick(&rng, ranges->blur);
    e.sharpen = pick(&rng, ranges->sharpen);
    e.centre = pick(&rng, ranges->centre);
    e.slope = pick(&rng, ranges->slope);
    e.compress = pick(&rng, ranges->compress);
    e.black = pick(&rng, ranges->black);
    e.window = nn_phantom_chance(&rng, ranges->window);
    e.grid = nn_phantom_chance(&rng, ranges->grid) ? pick(&rng, (struct range){0.002, 0.008}) : 0;
    e.grid_step = pick(&rng, (struct range){2.1, 6});
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

/* The steady plane's own grid: what scatter and range compression need. */
struct coarse {
    int rows, cols;
    float step; /* pixels of the image a cell */
    float *mean, *spare;
};

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
    float y = ((float)r + 0.5f) / coarse->step - 0.5f;
    int y0 = y < 0 ? 0 : (int)y, y1 = y0 + 1 < coarse->rows ? y0 + 1 : coarse->rows - 1;
    float b = y < 0 ? 0 : y - (float)y0;
    const float *upper = coarse->mean + y0 * coarse->cols,
                *lower = coarse->mean + y1 * coarse->cols;

    for (int c = 0; c < cols; c++) {
        float x = ((float)c + 0.5f) / coarse->step - 0.5f, a;
        int x0 = x < 0 ? 0 : (int)x, x1;

        a = x < 0 ? 0 : x - (float)x0;
        x1 = x0 + 1 < coarse->cols ? x0 + 1 : coarse->cols - 1;
        out[c] = (1 - b) * (upper[x0] + a * (upper[x1] - upper[x0])) +
                 b * (lower[x0] + a * (lower[x1] - lower[x0]));
    }
}

/* In: attenuation; out: intensity with scatter and noise. */
static void add_scatter_and_noise(const struct phantom_detector *detector, float *plane,
                                  const struct coarse *scatter, const struct exposure *e,
                                  float *line)
{
    struct phantom_rng rng = nn_phantom_rng(detector->seed, detector->index, PHANTOM_GRAIN);
    float sigma = detector->quiet ? 0 : e->noise / (float)detector->mm_per_pixel;
    float turn = 6.2831853f / e->grid_step;

    for (int r = 0; r < detector->rows; r++) {
        float *row = plane + (size_t)r * (size_t)detector->cols;

        unfold(scatter, r, detector->cols, line);
        for (int c = 0; c < detector->cols; c++) {
            uint64_t bits = nn_phantom_bits(&rng);
            int sum = (int)(bits & 0xffff) + (int)(bits >> 16 & 0xffff) +
                      (int)(bits >> 32 & 0xffff) + (int)(bits >> 48);
            float mean = quick_exp(-row[c]) + e->scatter * line[c];
            float value;

            if (e->grid > 0)
                mean *= 1 + e->grid * sinf(turn * (float)c);
            value = mean + sigma * sqrtf(mean) * ((float)sum - 131070.0f) * (1 / 37837.0f);
            row[c] = value > 2e-5f ? value : 2e-5f;
        }
    }
}

/* at + w (left + right - 2 at), down the columns and along the rows, in place: blurs for w in
 * 0..0.25 (variance 2 w), sharpens for w < 0. */
static void three_taps(const struct phantom_detector *detector, float *plane, float w, float *above)
{
    int cols = detector->cols;

    memcpy(above, plane, (size_t)cols * sizeof *above);
    for (int r = 0; r < detector->rows; r++) {
        float *row = plane + (size_t)r * (size_t)cols;
        const float *under = r + 1 < detector->rows ? row + cols : row;
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

static int blur_passes(float sigma)
{
    return (int)ceilf(sigma * sigma / 0.5f);
}

static float blur_sigma(const struct phantom_detector *detector, const struct exposure *e)
{
    return fminf(e->blur / (float)detector->mm_per_pixel, 8);
}

int nn_phantom_reach(const struct phantom_detector *detector)
{
    struct exposure e = sample_exposure(detector);

    return blur_passes(blur_sigma(detector, &e)) + 1;
}

static void display(const struct phantom_detector *detector, float *plane,
                    const struct coarse *wide, const struct exposure *e, float reference,
                    float *line)
{
    float centre = reference + e->centre;

    for (int r = 0; r < detector->rows; r++) {
        float *row = plane + (size_t)r * (size_t)detector->cols;

        unfold(wide, r, detector->cols, line);
        for (int c = 0; c < detector->cols; c++) {
            float a = row[c] - e->compress * (line[c] - centre) - centre, v;

            if (e->window) {
                v = 0.5f + 0.27f * e->slope * a;
                v = v < 0 ? 0 : v > 1 ? 1 : v;
            } else {
                v = 1 / (1 + quick_exp(-e->slope * a));
            }
            row[c] = e->black + (1 - e->black) * v;
        }
    }
}

/* Collimator blades: at most a few per cent of a side. */
static void collimate(const struct phantom_detector *detector, float *plane,
                      const struct exposure *e)
{
    float rows = (float)detector->rows, cols = (float)detector->cols;

    for (int r = 0; r < detector->rows; r++)
        for (int c = 0; c < detector->cols; c++) {
            float x = ((float)c + 0.5f) / cols + e->border_turn * ((float)r / rows - 0.5f);
            float y = ((float)r + 0.5f) / rows - e->border_turn * ((float)c / cols - 0.5f);
            float inside = fminf(fminf(x - e->border[0], 1 - x - e->border[1]),
                                 fminf(y - e->border[2], 1 - y - e->border[3]));
            float *at = &plane[(size_t)r * (size_t)detector->cols + (size_t)c];

            inside = inside * cols * 0.7f + 0.5f;
            inside = inside < 0 ? 0 : inside > 1 ? 1 : inside;
            *at = e->border_level + inside * (*at - e->border_level);
            *at = *at < 0 ? 0 : *at > 1 ? 1 : *at;
        }
}

/* The exposure that a system's automatics choose: what two fifths of the body's pixels lie under,
 * its densest parts (shoulders) left out. */
static float reference_of(const struct phantom_detector *detector)
{
    enum { BINS = 256 };
    int count[BINS] = {0}, all = 0, seen = 0;
    size_t cells = (size_t)detector->steady_rows * (size_t)detector->steady_cols;

    for (size_t i = 0; i < cells; i++) {
        float a = detector->steady[i];

        if (a > 0.6f && a < 4.5f) {
            count[(int)(a * (BINS / 5.0f)) & (BINS - 1)]++;
            all++;
        }
    }
    for (int b = 0; b < BINS; b++) {
        seen += count[b];
        if (seen * 5 >= all * 2 && all > 0)
            return ((float)b + 0.5f) * (5.0f / BINS);
    }
    return 2.0f;
}

/* Wide blurs of the steady plane: scatter, and the log signal. */
static void prepare(const struct phantom_detector *detector, const struct exposure *e,
                    struct coarse *scatter, struct coarse *wide)
{
    const size_t cells = (size_t)scatter->rows * (size_t)scatter->cols;
    const double step = scatter->step * detector->mm_per_pixel;
    const int radius = (int)nn_phantom_clamp(14.0 / step, 1, 64);

    for (size_t i = 0; i < cells; i++)
        scatter->mean[i] = detector->steady[i] * quick_exp(-detector->steady[i]);
    widen(scatter, radius);
    for (size_t i = 0; i < cells; i++) {
        float value = quick_exp(-detector->steady[i]) + e->scatter * scatter->mean[i];

        wide->mean[i] = -quick_log(value > 2e-5f ? value : 2e-5f);
    }
    widen(wide, radius);
}

double nn_phantom_noise(const struct phantom_detector *detector)
{
    return (double)sample_exposure(detector).noise;
}

enum nn_status nn_phantom_expose(const struct phantom_detector *detector, float *plane,
                                 struct nn_error *err)
{
    const struct exposure e = sample_exposure(detector);
    const size_t pixels = (size_t)detector->rows * (size_t)detector->cols;
    const size_t cells = (size_t)detector->steady_rows * (size_t)detector->steady_cols;
    const float sigma = blur_sigma(detector, &e);
    float *room = malloc((3 * cells + (size_t)detector->cols) * sizeof *room), *line;
    float *tile = nn_phantom_tile(nn_phantom_rng(detector->seed, detector->index, PHANTOM_TEXTURE));
    struct coarse scatter = {detector->steady_rows, detector->steady_cols,
                             (float)detector->cols / (float)detector->steady_cols, room, NULL};
    struct coarse wide = scatter;

    if (room == NULL || tile == NULL) {
        free(room);
        free(tile);
        return nn_fail(err, NN_NO_MEMORY, "phantom: out of memory");
    }
    wide.mean = room + cells;
    wide.spare = scatter.spare = room + 2 * cells;
    line = room + 3 * cells;
    nn_phantom_add_texture(detector, tile, plane);
    prepare(detector, &e, &scatter, &wide);
    add_scatter_and_noise(detector, plane, &scatter, &e, line);
    for (int passes = blur_passes(sigma), pass = 0; pass < passes; pass++)
        three_taps(detector, plane, sigma * sigma / (2 * (float)passes), line);
    for (size_t i = 0; i < pixels; i++)
        plane[i] = -quick_log(plane[i] > 2e-5f ? plane[i] : 2e-5f);
    three_taps(detector, plane, -e.sharpen, line);
    display(detector, plane, &wide, &e, reference_of(detector), line);
    collimate(detector, plane, &e);
    free(room);
    free(tile);
    return NN_OK;
}
