/* One path from plane to input: channels, mean, fit, refusals. */
#include "nn_fixture.h"
#include "nn_image.h"
#include "nn_run.h"

static void every_channel_is_scaled_minus_its_mean(void **state)
{
    const struct nn_preprocess p = {.side = 2, .scale = {255, 255, 255}, .mean = {104, 117, 123}};
    const float plane[4] = {0, 0.25f, 0.5f, 1};
    float input[12];
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_model_prepare(&p, plane, 2, 2, input, &err), NN_OK);
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < 4; i++)
            assert_float_equal(input[4 * c + i], plane[i] * 255 - p.mean[c], 1e-4f);
    }
}

static void padding_keeps_the_aspect(void **state)
{
    const struct nn_preprocess p = {
        .side = 4, .fit = NN_FIT_PAD, .scale = {1, 1, 1}, .mean = {0, 0, 0}};
    const float plane[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    float input[48];
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_model_prepare(&p, plane, 2, 4, input, &err), NN_OK);
    for (int y = 0; y < 4; y++) {
        for (int x = 0; x < 4; x++)
            assert_float_equal(input[4 * y + x], y == 1 || y == 2 ? 1.0f : 0.0f, 1e-6f);
    }
    assert_int_equal(nn_model_prepare(&p, plane, 8, 1, input, &err), NN_OK);
    assert_float_equal(input[1], 1.0f, 1e-6f);
    assert_float_equal(input[0], 0.0f, 1e-6f);
    assert_float_equal(input[2], 0.0f, 1e-6f);
}

static void what_is_not_a_number_is_refused(void **state)
{
    const struct nn_preprocess p = {
        .side = 2, .fit = NN_FIT_STRETCH, .scale = {1, 1, 1}, .mean = {0, 0, 0}};
    const float bad[2][4] = {{0, NAN, 0, 0}, {0, 0, INFINITY, 0}};
    float input[12];
    struct nn_error err;

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(nn_model_prepare(&p, bad[i], 2, 2, input, &err), NN_BAD_DATA);
}

/* 200 grey levels of which the lowest and highest are few: they become 0 and 1, and what is beyond
 * is cut. */
static void percentiles_become_the_range(void **state)
{
    const struct nn_preprocess p = {
        .side = 20, .scale = {1, 1, 1}, .normalise = NN_NORMALISE_PERCENTILE};
    float plane[400], input[1200];
    struct nn_error err;

    (void)state;
    for (int i = 0; i < 400; i++)
        plane[i] = 0.25f + 0.5f * (float)i / 399;
    plane[0] = 0;
    plane[399] = 1;
    assert_int_equal(nn_model_prepare(&p, plane, 20, 20, input, &err), NN_OK);
    float low = plane[3], high = plane[395]; /* the 4th and the 396th of 400 */
    for (int i = 0; i < 400; i++)
        assert_float_equal(input[i], fminf(fmaxf((plane[i] - low) / (high - low), 0), 1), 1e-4f);
    for (int i = 0; i < 400; i++) /* another exposure, the same input */
        plane[i] = 0.1f + 0.5f * plane[i];
    float again[1200];
    assert_int_equal(nn_model_prepare(&p, plane, 20, 20, again, &err), NN_OK);
    for (int i = 0; i < 1200; i++)
        assert_float_equal(input[i], again[i], 2e-4f);
    for (int i = 0; i < 400; i++)
        plane[i] = 0.5f;
    assert_int_equal(nn_model_prepare(&p, plane, 20, 20, input, &err), NN_OK);
    assert_float_equal(input[7], 0.5f, 0);
    plane[9] = NAN;
    assert_int_equal(nn_model_prepare(&p, plane, 20, 20, input, &err), NN_BAD_DATA);
}

/* As it would be if every value were taken through the levels first, on any number of threads, and
 * whether the levels are counted or told. */
static void threads_and_levels_change_no_bit(void **state)
{
    enum { ROWS = 517, COLS = 331, SIDE = 48, AREA = 3 * SIDE * SIDE };
    static uint16_t grey[ROWS * COLS];
    static float plane[ROWS * COLS], stretched[ROWS * COLS], expected[AREA], input[AREA];
    struct nn_preprocess p = {.side = SIDE,
                              .scale = {255, 255, 255},
                              .mean = {104, 117, 123},
                              .normalise = NN_NORMALISE_PERCENTILE};
    struct nn_levels levels;
    struct nn_box box;
    struct nn_error err;
    uint64_t random = 11;

    (void)state;
    for (int i = 0; i < ROWS * COLS; i++) {
        float value = fixture_random(&random);
        grey[i] = (uint16_t)(65535 * value * value);
    }
    assert_int_equal(nn_plane_of_grey(grey, ROWS * COLS, plane, &levels, &err), NN_OK);
    assert_true(levels.low > 0 && levels.high < 1 && levels.low < levels.high);
    for (int i = 0; i < ROWS * COLS; i++) {
        assert_float_equal(plane[i], (float)grey[i] / 65535.0f, 0);
        float value = (plane[i] - levels.low) / (levels.high - levels.low);
        stretched[i] = value < 0 ? 0 : value > 1 ? 1 : value;
    }
    for (int fit = 0; fit < 2; fit++) {
        p.fit = fit == 0 ? NN_FIT_STRETCH : NN_FIT_PAD;
        struct nn_preprocess plain = p;
        plain.normalise = NN_NORMALISE_NONE;
        assert_int_equal(nn_model_prepare(&plain, stretched, ROWS, COLS, expected, &err), NN_OK);
        for (int threads = 0; threads <= 3; threads++) {
            struct nn_pool *pool = threads > 0 ? nn_pool_create(threads) : NULL;
            for (int told = 0; told < 2; told++) {
                memset(input, 0, sizeof input);
                assert_int_equal(nn_model_prepare_part(&p, plane, ROWS, COLS, told ? &levels : NULL,
                                                       input, &box, pool, &err),
                                 NN_OK);
                assert_memory_equal(input, expected, sizeof input);
            }
            assert_int_equal(
                nn_model_prepare_part(&plain, stretched, ROWS, COLS, NULL, input, &box, pool, &err),
                NN_OK);
            assert_memory_equal(input, expected, sizeof input);
            nn_pool_destroy(pool);
        }
    }
    plane[ROWS * COLS - 1] = NAN;
    assert_int_equal(nn_model_prepare(&p, plane, ROWS, COLS, input, &err), NN_BAD_DATA);
    plane[ROWS * COLS - 1] = -INFINITY;
    assert_int_equal(nn_model_prepare(&p, plane, ROWS, COLS, input, &err), NN_BAD_DATA);
}

/* A point becomes the Gaussian, sums stay, noise falls. */
static void denoising_is_a_gaussian(void **state)
{
    const struct nn_preprocess p = {.side = 32, .scale = {1, 1, 1}, .denoise = 1.5f};
    float plane[1024] = {0}, input[3072];
    struct nn_error err;
    double sum = 0;

    (void)state;
    plane[16 * 32 + 16] = 1;
    assert_int_equal(nn_model_prepare(&p, plane, 32, 32, input, &err), NN_OK);
    for (int i = 0; i < 1024; i++)
        sum += (double)input[i];
    assert_true(fabs(sum - 1) < 1e-5);
    double ratio = (double)input[16 * 32 + 18] / (double)input[16 * 32 + 16];
    assert_true(fabs(ratio - exp(-0.5 * 4 / 2.25)) < 1e-4);
    assert_float_equal(input[18 * 32 + 16], input[16 * 32 + 18], 1e-7f);
    assert_float_equal(input[1024 + 16 * 32 + 18], input[16 * 32 + 18], 0);
    struct nn_preprocess bad = p;
    bad.denoise = -1;
    assert_int_equal(nn_model_prepare(&bad, plane, 32, 32, input, &err), NN_INVALID);
    bad.denoise = NAN;
    assert_int_equal(nn_model_prepare(&bad, plane, 32, 32, input, &err), NN_INVALID);
    bad.denoise = 17;
    assert_int_equal(nn_model_prepare(&bad, plane, 32, 32, input, &err), NN_INVALID);
}

static void sizes_are_checked(void **state)
{
    struct nn_preprocess p = {
        .side = 2, .fit = NN_FIT_STRETCH, .scale = {1, 1, 1}, .mean = {0, 0, 0}};
    const float plane[1] = {0.5f};
    float input[12];
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_model_prepare(&p, plane, 1, 1, input, &err), NN_OK);
    assert_float_equal(input[11], 0.5f, 1e-6f);
    assert_int_equal(nn_model_prepare(&p, plane, 0, 1, input, &err), NN_INVALID);
    p.side = 0;
    assert_int_equal(nn_model_prepare(&p, plane, 1, 1, input, &err), NN_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_channel_is_scaled_minus_its_mean),
        cmocka_unit_test(padding_keeps_the_aspect),
        cmocka_unit_test(what_is_not_a_number_is_refused),
        cmocka_unit_test(percentiles_become_the_range),
        cmocka_unit_test(threads_and_levels_change_no_bit),
        cmocka_unit_test(denoising_is_a_gaussian),
        cmocka_unit_test(sizes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
