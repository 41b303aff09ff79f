/* Tests of calibrate.c: temperature, likelihood, reliability. */
#include "measures_fixture.h"

#define COUNT 4000

static float scores[COUNT * 3], other[COUNT * 3];
static int truth[COUNT];

/* Scores that mean what they say, then sharpened: p^sharp, so that T = sharp undoes it. */
static void make(uint64_t seed, double sharp)
{
    for (size_t i = 0; i < COUNT; i++) {
        double p[3], sum = 0, at;
        for (int c = 0; c < 3; c++)
            sum += p[c] = exp(2 * chance(&seed) * (c + 1));
        at = chance(&seed) * sum;
        truth[i] = at < p[0] ? 0 : at < p[0] + p[1] ? 1 : 2;
        sum = 0;
        for (int c = 0; c < 3; c++)
            sum += p[c] = pow(p[c], sharp);
        for (int c = 0; c < 3; c++)
            scores[i * 3 + (size_t)c] = (float)(p[c] / sum);
    }
}

static double ece_of_top(const float *of, enum nn_binning binning)
{
    static double probability[COUNT];
    static bool right[COUNT];
    static struct nn_reliability r;

    for (size_t i = 0; i < COUNT; i++) {
        int top = 0;
        for (int c = 1; c < 3; c++)
            top = of[i * 3 + (size_t)c] > of[i * 3 + (size_t)top] ? c : top;
        probability[i] = (double)of[i * 3 + (size_t)top];
        right[i] = top == truth[i];
    }
    assert_int_equal(nn_reliability_measure(probability, right, COUNT, 15, binning, &r, NULL),
                     NN_OK);
    return r.ece;
}

static void temperature_undoes_sharpening(void **state)
{
    const double sharp[3] = {0.5, 1, 3};
    struct nn_error err;

    (void)state;
    for (int k = 0; k < 3; k++) {
        struct nn_temperature fit, again;
        double nll, brier, at_fit;
        make(77, sharp[k]);
        assert_int_equal(nn_temperature_fit(scores, truth, COUNT, 3, &fit, &err), NN_OK);
        assert_near(fit.temperature / sharp[k], 1, 0.08); /* the noise of 4000 samples */
        assert_false(fit.at_bound);
        assert_true(fit.nll_after <= fit.nll_before);
        assert_int_equal(nn_likelihood(scores, truth, COUNT, 3, &nll, &brier, &err), NN_OK);
        assert_near(nll, fit.nll_before, 1e-6);
        assert_int_equal(nn_temperature_apply(scores, COUNT, 3, fit.temperature, other, &err),
                         NN_OK);
        assert_int_equal(nn_likelihood(other, truth, COUNT, 3, &at_fit, &brier, &err), NN_OK);
        assert_near(at_fit, fit.nll_after, 1e-6);
        assert_int_equal(nn_temperature_fit(other, truth, COUNT, 3, &again, &err), NN_OK);
        assert_near(again.temperature, 1, 1e-4);
        /* a little warmer or colder is worse: it is the least */
        for (int side = 0; side < 2; side++) {
            double near = fit.temperature * (side ? 1.02 : 0.98);
            assert_int_equal(nn_temperature_apply(scores, COUNT, 3, near, other, &err), NN_OK);
            assert_int_equal(nn_likelihood(other, truth, COUNT, 3, &nll, &brier, &err), NN_OK);
            assert_true(nll > at_fit);
        }
    }
    assert_int_equal(nn_temperature_apply(scores, COUNT, 3, 3, other, &err), NN_OK);
    for (int binning = 0; binning < 2; binning++) {
        assert_true(ece_of_top(scores, (enum nn_binning)binning) > 0.06);
        assert_true(ece_of_top(other, (enum nn_binning)binning) < 0.03);
    }
}

static void temperature_at_its_bounds(void **state)
{
    const float right[4] = {.9f, .1f, .2f, .8f}, even[4] = {.5f, .5f, .5f, .5f};
    const float sure[4] = {1, 0, 0, 1};
    const int good[2] = {0, 1}, bad[2] = {1, 0};
    struct nn_temperature fit;
    float out[4];
    double nll, brier;
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_temperature_fit(right, good, 2, 2, &fit, &err), NN_OK);
    assert_true(fit.at_bound && fit.temperature == 0.01);
    assert_int_equal(nn_temperature_fit(right, bad, 2, 2, &fit, &err), NN_OK);
    assert_true(fit.at_bound && fit.temperature == 100);
    assert_int_equal(nn_temperature_fit(even, good, 2, 2, &fit, &err), NN_OK);
    assert_true(!fit.at_bound && fit.temperature == 1);
    /* a score of 0 for the truth is bad, not endless */
    assert_int_equal(nn_likelihood(sure, bad, 2, 2, &nll, &brier, &err), NN_OK);
    assert_near(nll, -log(0x1p-126), 1e-12);
    assert_near(brier, 2, 0);
    assert_int_equal(nn_temperature_apply(sure, 2, 2, 2, out, &err), NN_OK);
    assert_true(out[0] > 0.999f && out[0] + out[1] == 1);
    assert_int_equal(nn_temperature_apply(sure, 2, 2, 0, out, &err), NN_INVALID);
    assert_int_equal(nn_temperature_apply(sure, 2, 2, NAN, out, &err), NN_INVALID);
    const float logits[4] = {3, -1, 0.5f, 0.5f}, broken[4] = {1, NAN, 0, 1};
    assert_int_equal(nn_temperature_fit(logits, good, 2, 2, &fit, &err), NN_BAD_DATA);
    assert_int_equal(nn_temperature_fit(broken, good, 2, 2, &fit, &err), NN_BAD_DATA);
    assert_int_equal(nn_temperature_fit(right, good, 0, 2, &fit, &err), NN_BAD_DATA);
}

static void bins_by_hand(void **state)
{
    const double p[7] = {0, 0.1, 0.5, 0.5, 0.74, 0.75, 1};
    const bool event[7] = {0, 1, 1, 0, 1, 1, 1};
    struct nn_reliability r;
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_reliability_measure(p, event, 7, 4, NN_BINS_EQUAL_WIDTH, &r, &err), NN_OK);
    assert_int_equal(r.bin[0].count, 2);
    assert_int_equal(r.bin[0].events, 1);
    assert_near(r.bin[0].mean, 0.05, 1e-15);
    assert_int_equal(r.bin[1].count, 0);
    assert_near(r.bin[1].low, 0.25, 0);
    assert_int_equal(r.bin[2].count, 3);
    assert_near(r.bin[2].mean, 0.58, 1e-15);
    assert_int_equal(r.bin[3].count, 2);
    assert_near(r.ece, (2 * 0.45 + 3 * (2. / 3 - 0.58) + 2 * 0.125) / 7, 1e-14);
    assert_near(r.worst, 0.45, 1e-15);
    assert_near(r.brier, (0.81 + 0.25 + 0.25 + 0.26 * 0.26 + 0.0625) / 7, 1e-15);

    assert_int_equal(nn_reliability_measure(p, event, 7, 3, NN_BINS_EQUAL_COUNT, &r, &err), NN_OK);
    assert_int_equal(r.bin[0].count, 4); /* 0, 0.1 and the 0.5s, which stay together */
    assert_int_equal(r.bin[1].count, 1);
    assert_int_equal(r.bin[2].count, 2);
    assert_near(r.bin[0].high, 0.5, 0);
    assert_near(r.bin[2].low, 0.75, 0);
    assert_near(r.ece, (4 * 0.225 + 1 * 0.26 + 2 * 0.125) / 7, 1e-14);
}

static void bins_that_cannot_be(void **state)
{
    double p[2] = {0.5, 0.6};
    const bool event[2] = {0, 1};
    static struct nn_reliability r;
    struct nn_error err;
    const double wrong[4] = {-0.1, 1.1, NAN, INFINITY};

    (void)state;
    assert_int_equal(nn_reliability_measure(p, event, 2, 0, NN_BINS_EQUAL_WIDTH, &r, &err),
                     NN_INVALID);
    assert_int_equal(
        nn_reliability_measure(p, event, 2, NN_BINS_MAX + 1, NN_BINS_EQUAL_WIDTH, &r, &err),
        NN_INVALID);
    assert_int_equal(nn_reliability_measure(p, event, 0, 10, NN_BINS_EQUAL_WIDTH, &r, &err),
                     NN_BAD_DATA);
    for (int k = 0; k < 4; k++) {
        p[1] = wrong[k];
        assert_int_equal(nn_reliability_measure(p, event, 2, 10, NN_BINS_EQUAL_COUNT, &r, &err),
                         NN_BAD_DATA);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(temperature_undoes_sharpening),
        cmocka_unit_test(temperature_at_its_bounds),
        cmocka_unit_test(bins_by_hand),
        cmocka_unit_test(bins_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
