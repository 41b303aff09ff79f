/* The phantom's detector on attenuations that are known: Poisson's noise, blur in millimetres, the
 * log response, scatter, grid lines, collimation, texture. What an image draws of its ranges
 * (docs/phantom.md) is measured from outside: two exposures of one index have the same noise, so
 * that their difference is what the change of attenuation became. */
#include "phantom/phantom_parts.h"
#include "phantom/texture.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 96, COLS = 120, MOST = ROWS * COLS, STEADY = 4 };

/* A plane of its own attenuation before a steady one of `steady` everywhere; 0: no scatter. */
struct trial {
    struct phantom_detector detector;
    float plane[MOST], steady[STEADY * STEADY];
    float sponge[MOST], soft[MOST];
};

static struct trial *trial_of(uint64_t index, int configuration, double mm, float steady)
{
    struct trial *t = calloc(1, sizeof *t);

    assert_non_null(t);
    for (int i = 0; i < STEADY * STEADY; i++)
        t->steady[i] = steady;
    t->detector = (struct phantom_detector){.seed = 71,
                                            .index = index,
                                            .configuration = configuration,
                                            .rows = ROWS,
                                            .cols = COLS,
                                            .mm_per_pixel = mm,
                                            .grain = 1,
                                            .sponge = t->sponge,
                                            .soft = t->soft,
                                            .steady = t->steady,
                                            .steady_rows = STEADY,
                                            .steady_cols = STEADY};
    return t;
}

static void expose(struct trial *t)
{
    struct nn_error err = {0};

    assert_int_equal(nn_phantom_expose(&t->detector, t->plane, &err), NN_OK);
}

/* Even strips of attenuation, COLS / count wide. */
static void strips(struct trial *t, const float *attenuation, int count)
{
    for (int i = 0; i < MOST; i++)
        t->plane[i] = attenuation[i % COLS * count / COLS];
}

struct spread {
    double mean, deviation;
    double grain; /* without what is alike down a column: a grid's lines */
};

/* Of strip `at`, but for six pixels at its sides and the field's border. */
static struct spread look(const struct trial *t, int at, int count)
{
    int from = at * COLS / count + 6, to = (at + 1) * COLS / count - 6, n = 0;
    double sum = 0, square = 0, apart = 0;

    for (int r = 10; r < ROWS - 10; r++)
        for (int c = from; c < to; c++, n++) {
            double v = t->plane[r * COLS + c], other = t->plane[(r - 4) * COLS + c];

            sum += v;
            square += v * v;
            apart += (v - other) * (v - other) / 2;
        }
    sum /= n;
    return (struct spread){sum, sqrt(fmax(square / n - sum * sum, 0)), sqrt(apart / n)};
}

/* Noise as a deviation of attenuation `a`: the displayed one over the display's slope there, which
 * two strips beside it tell. Negative: the display is near its end. */
static double noise_at(uint64_t index, double mm, float a)
{
    const float beside[3] = {a - 0.05f, a, a + 0.05f};
    struct trial *t = trial_of(index, 0, mm, 0);
    struct spread low, here, high;
    double slope;

    strips(t, beside, 3);
    expose(t);
    low = look(t, 0, 3);
    here = look(t, 1, 3);
    high = look(t, 2, 3);
    slope = (high.mean - low.mean) / 0.1;
    free(t);
    return slope > 0.15 && here.mean > 0.2 && here.mean < 0.8 ? here.grain / slope : -1;
}

/* Variance in proportion to the quanta: exp(-a) of them and the pixel's area; relative deviation as
 * the detector tells it, but for sharpening. */
static void noise_is_poisson_s(void **state)
{
    int seen = 0;

    (void)state;
    for (uint64_t i = 0; i < 60; i++) {
        struct trial *t = trial_of(i, 0, 4, 0);
        double told = nn_phantom_noise(&t->detector) / 4, thin, thick, large;

        free(t);
        assert_true(told > 0.0013 / 4 && told < 0.0116 / 4);
        thin = noise_at(i, 4, 1.0f);
        thick = noise_at(i, 4, 1.5f);
        large = noise_at(i, 8, 1.0f);
        if (thin < 0 || thick < 0 || large < 0)
            continue;
        seen++;
        assert_true(fabs(thick / thin / exp(0.25) - 1) < 0.01);
        assert_true(fabs(thin / large / 2 - 1) < 0.04);
        assert_true(thin > 0.95 * told * exp(0.5) && thin < 2.5 * told * exp(0.5));
    }
    assert_true(seen >= 15);
}

/* Variance, mm2, of what a line a pixel wide became across itself. */
static double blur_of(uint64_t index, int configuration, double mm)
{
    struct trial *with = trial_of(index, configuration, mm, 0);
    struct trial *without = trial_of(index, configuration, mm, 0);
    double sum = 0, square = 0;

    for (int i = 0; i < MOST; i++) {
        without->plane[i] = 1.4f;
        with->plane[i] = i % COLS == COLS / 2 ? 1.45f : 1.4f;
    }
    expose(with);
    expose(without);
    for (int r = 10; r < ROWS - 10; r++)
        for (int c = 10; c < COLS - 10; c++) {
            double d = (double)with->plane[r * COLS + c] - (double)without->plane[r * COLS + c];

            sum += d;
            square += d * (c - COLS / 2) * (c - COLS / 2);
        }
    free(with);
    free(without);
    return sum > 0.02 ? square / sum * mm * mm : -1;
}

/* Less sharpening's two taps of at most a quarter (0.2 in the second) beside the pixel. */
static void blur_is_in_millimetres(void **state)
{
    static const double LOW[2] = {0.08, 0.25}, HIGH[2] = {0.52, 0.60}, MM = 0.1;

    (void)state;
    for (int configuration = 0; configuration < 2; configuration++) {
        double least = 9, most = 0;
        int seen = 0;

        for (uint64_t i = 0; i < 40; i++) {
            double blur = blur_of(i, configuration, MM);

            if (blur < 0)
                continue;
            seen++;
            assert_true(blur > LOW[configuration] * LOW[configuration] - 0.55 * MM * MM);
            assert_true(blur < 1.05 * HIGH[configuration] * HIGH[configuration]);
            least = fmin(least, blur);
            most = fmax(most, blur);
        }
        assert_true(seen >= 20);
        assert_true(sqrt(fmax(least, 0)) < LOW[configuration] + 0.1 &&
                    sqrt(most) > HIGH[configuration] - 0.1);
    }
}

/* Where the display is a straight window and nothing scatters, equal steps of attenuation are equal
 * steps of grey, which is the log response; scatter takes more of the thicker one. Its share of the
 * wide blur of A exp(-A), or a negative number where the display is none. */
static double scatter_of(uint64_t index, int configuration)
{
    static const float STEPS[6] = {0.9f, 0.95f, 1.2f, 1.25f, 1.5f, 1.55f};
    struct trial *bare = trial_of(index, configuration, 4, 0);
    struct trial *veiled = trial_of(index, configuration, 4, 1);
    double step[2][3], ratio, share = -1;

    strips(bare, STEPS, 6);
    strips(veiled, STEPS, 6);
    expose(bare);
    expose(veiled);
    for (int k = 0; k < 3; k++) {
        step[0][k] = look(bare, 2 * k + 1, 6).mean - look(bare, 2 * k, 6).mean;
        step[1][k] = look(veiled, 2 * k + 1, 6).mean - look(veiled, 2 * k, 6).mean;
    }
    if (step[0][2] > 0.01 && fabs(step[0][1] / step[0][0] - 1) < 0.01 &&
        fabs(step[0][2] / step[0][0] - 1) < 0.01 && step[1][2] > 0.005) {
        double thin = exp(-0.925), thick = exp(-1.525);

        ratio = step[1][2] / step[1][0]; /* thick / (thick + s) over thin / (thin + s) */
        share = thick * thin * (1 - ratio) / (ratio * thin - thick) / exp(-1);
    }
    free(bare);
    free(veiled);
    return share;
}

static void scatter_veils_what_is_thick(void **state)
{
    static const double LOW[2] = {0.08, 0.30}, HIGH[2] = {0.65, 0.80};

    (void)state;
    for (int configuration = 0; configuration < 2; configuration++) {
        double least = 9, most = 0;
        int windows = 0;

        for (uint64_t i = 0; i < 120; i++) {
            double share = scatter_of(i, configuration);

            if (share < 0)
                continue;
            windows++;
            assert_true(share > 0.8 * LOW[configuration] && share < 1.2 * HIGH[configuration]);
            least = fmin(least, share);
            most = fmax(most, share);
        }
        assert_true(windows >= 10);
        assert_true(least < LOW[configuration] + 0.15 && most > HIGH[configuration] - 0.15);
    }
}

/* Power of an even plane's columns at a period, over their variance; above 0.5: lines. */
static double lines_of(const struct trial *t)
{
    double column[COLS] = {0}, mean = 0, variance = 0, most = 0;
    const int from = 10, count = COLS - 20;

    for (int c = from; c < from + count; c++) {
        for (int r = 10; r < ROWS - 10; r++)
            column[c] += t->plane[r * COLS + c];
        mean += column[c] / count;
    }
    for (int c = from; c < from + count; c++)
        variance += (column[c] - mean) * (column[c] - mean);
    for (double period = 2.05; period < 6.2; period *= 1.004) {
        double a = 0, b = 0;

        for (int c = from; c < from + count; c++) {
            a += (column[c] - mean) * cos(6.283185307 * c / period);
            b += (column[c] - mean) * sin(6.283185307 * c / period);
        }
        most = fmax(most, 2 * (a * a + b * b) / count / variance);
    }
    return most;
}

static void some_have_the_lines_of_a_grid(void **state)
{
    enum { IMAGES = 240 };
    static const double SHARE[2] = {0.15, 0.25};

    (void)state;
    for (int configuration = 0; configuration < 2; configuration++) {
        int lined = 0, plain = 0;

        for (uint64_t i = 0; i < IMAGES; i++) {
            struct trial *t = trial_of(i, configuration, 6, 0);
            const float even = 1.2f;
            double power;

            strips(t, &even, 1);
            expose(t);
            power = look(t, 0, 1).deviation > 0 ? lines_of(t) : 0;
            lined += power > 0.5;
            plain += power < 0.3;
            free(t);
        }
        assert_true(lined + plain > IMAGES * 95 / 100); /* it is told apart */
        assert_true(fabs(lined / (double)IMAGES - SHARE[configuration]) < 0.07);
    }
}

/* Blades at any of the four sides, up to 4.5 % of it and their lean, mostly black. */
static void fields_are_collimated(void **state)
{
    enum { IMAGES = 200 };
    int sides[4] = {0}, black = 0, white = 0, none = 0;

    (void)state;
    for (uint64_t i = 0; i < IMAGES; i++) {
        struct trial *t = trial_of(i, 0, 6, 0);
        const float even = 1.2f;
        struct spread inside;
        int seen = 0;

        strips(t, &even, 1);
        expose(t);
        inside = look(t, 0, 1);
        for (int side = 0; side < 4; side++) {
            int r = side == 2 ? 0 : side == 3 ? ROWS - 1 : ROWS / 2;
            int c = side == 0 ? 0 : side == 1 ? COLS - 1 : COLS / 2;
            double edge = t->plane[r * COLS + c];

            if (fabs(edge - inside.mean) < 6 * inside.deviation + 0.05)
                continue;
            sides[side]++;
            seen++;
            black += edge < inside.mean;
            white += edge > inside.mean;
        }
        none += seen == 0;
        assert_true(inside.deviation < 0.05); /* ten pixels from the edge there is no blade */
        free(t);
    }
    for (int side = 0; side < 4; side++)
        assert_in_range(sides[side], IMAGES * 15 / 100, IMAGES * 45 / 100);
    assert_true(black > 3 * white && white > 0 && none > IMAGES / 10);
}

/* Trabeculae and soft tissue's mottle: alone where they are, with the root of the thickness. */
static void texture_is_where_bone_and_tissue_are(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct trial *t = trial_of(3, 0, 0.5, 0);
        const float none = 0;
        float *where = kind == 0 ? t->sponge : t->soft;
        struct spread thin, thick;

        strips(t, &none, 1);
        for (int i = 0; i < MOST; i++)
            where[i] = i % COLS < COLS / 3 ? 0 : i % COLS < 2 * COLS / 3 ? 0.2f : 0.8f;
        for (int i = 0; kind == 1 && i < MOST; i++)
            where[i] *= 200; /* mm */
        float *tile = nn_phantom_tile(nn_phantom_rng(71, 3, PHANTOM_TEXTURE));
        assert_non_null(tile);
        nn_phantom_add_texture(&t->detector, tile, t->plane);
        free(tile);
        thin = look(t, 1, 3);
        thick = look(t, 2, 3);
        assert_true(look(t, 0, 3).deviation == 0 && thin.deviation > 0);
        assert_true(thick.deviation > 1.5 * thin.deviation &&
                    thick.deviation < 2.7 * thin.deviation);
        free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_is_poisson_s),
        cmocka_unit_test(blur_is_in_millimetres),
        cmocka_unit_test(scatter_veils_what_is_thick),
        cmocka_unit_test(some_have_the_lines_of_a_grid),
        cmocka_unit_test(fields_are_collimated),
        cmocka_unit_test(texture_is_where_bone_and_tissue_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
