/* Tests of special.c and interval.c against tabulated values and closed forms. */
#include "measures_fixture.h"

static void incomplete_beta_in_closed_form(void **state)
{
    (void)state;
    for (int k = 1; k < 100; k++) {
        double x = k / 100.0;
        assert_near(nn_beta(1, 1, x), x, 1e-15);
        assert_near(nn_beta(2, 3, x), 6 * x * x - 8 * x * x * x + 3 * x * x * x * x, 1e-14);
        assert_near(nn_beta(0.5, 0.5, x), 2 / M_PI * asin(sqrt(x)), 1e-14);
        assert_near(nn_beta(7.5, 2.25, x) + nn_beta(2.25, 7.5, 1 - x), 1, 1e-13);
    }
    /* one factor: x^a, to the last digits even far out */
    assert_near(nn_beta(300, 1, 0.1) / pow(0.1, 300), 1, 1e-11);
    assert_near(nn_beta(5e5, 5e5, 0.5), 0.5, 1e-11);
    assert_true(nn_beta(2, 3, 0) == 0 && nn_beta(2, 3, 1) == 1);
    assert_true(isnan(nn_beta(0, 1, 0.5)) && isnan(nn_beta(1, -1, 0.5)));
    assert_true(isnan(nn_beta(1, 1, NAN)) && isnan(nn_beta(1, 1, 1.1)));
}

static void beta_quantile_inverts(void **state)
{
    const double shape[4] = {1, 3.5, 40, 2000};

    (void)state;
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 4; k++) {
            for (double p = 0.005; p < 1; p += 0.165)
                assert_near(nn_beta(shape[i], shape[k], nn_beta_quantile(shape[i], shape[k], p)), p,
                            1e-11);
        }
    }
    assert_true(nn_beta_quantile(2, 2, 0) == 0 && nn_beta_quantile(2, 2, 1) == 1);
    assert_true(isnan(nn_beta_quantile(2, 2, -0.1)) && isnan(nn_beta_quantile(2, 0, 0.5)));
}

static void normal_by_the_table(void **state)
{
    (void)state;
    assert_near(nn_normal_quantile(0.975), 1.959963984540054, 1e-14);
    assert_near(nn_normal_quantile(0.001), -3.090232306167813, 1e-14);
    assert_near(nn_normal_quantile(1e-10), -6.361340902404056, 1e-13);
    assert_near(nn_normal_quantile(0.5), 0, 1e-15);
    assert_near(nn_normal_cdf(1), 0.8413447460685429, 1e-15);
    assert_near(nn_normal_cdf(nn_normal_quantile(0.3)), 0.3, 1e-15);
    assert_true(isnan(nn_normal_quantile(0)) && isnan(nn_normal_quantile(1)));
    assert_near(nn_chi_square_upper(3.841458820694124), 0.05, 1e-14);
    assert_near(nn_chi_square_upper(6.634896601021213), 0.01, 1e-14);
    assert_true(nn_chi_square_upper(0) == 1 && isnan(nn_chi_square_upper(-1)));
}

/* Against the sum of the terms. */
static void binomial_tail_is_the_sum(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 40; n += 3) {
        for (double p = 0.1; p < 1; p += 0.2) {
            double term = pow(1 - p, (double)n), under = 0;
            for (uint64_t k = 0; k <= n; k++) {
                assert_near(nn_binomial_upper(k, n, p), 1 - under, 1e-12);
                under += term;
                term *= (double)(n - k) / (double)(k + 1) * p / (1 - p);
            }
        }
    }
    assert_true(nn_binomial_upper(0, 5, 0.2) == 1 && nn_binomial_upper(6, 5, 0.2) == 0);
    assert_true(nn_binomial_upper(3, 5, 0) == 0 && nn_binomial_upper(5, 5, 1) == 1);
    assert_true(isnan(nn_binomial_upper(1, 2, -0.5)));
}

static void exact_intervals_by_the_table(void **state)
{
    struct nn_interval i = nn_interval_exact(0, 10, 0.95);

    (void)state;
    assert_int_equal(i.kind, NN_INTERVAL_EXACT);
    assert_true(i.low == 0);
    assert_near(i.high, 1 - pow(0.025, 0.1), 1e-14);
    i = nn_interval_exact(10, 10, 0.95);
    assert_near(i.low, pow(0.025, 0.1), 1e-14);
    assert_true(i.high == 1);
    i = nn_interval_exact(8, 10, 0.95); /* R: binom.test(8, 10) */
    assert_near(i.low, 0.4439045, 5e-8);
    assert_near(i.high, 0.9747893, 5e-8);
    i = nn_interval_exact(0, 5, 0.9);
    assert_near(i.high, 1 - pow(0.05, 0.2), 1e-14);
    assert_int_equal(nn_interval_exact(0, 0, 0.95).kind, NN_INTERVAL_NONE);
    assert_int_equal(nn_interval_exact(3, 2, 0.95).kind, NN_INTERVAL_NONE);
    assert_int_equal(nn_interval_exact(1, 2, 1).kind, NN_INTERVAL_NONE);
    assert_int_equal(nn_interval_exact(999999, 1000000, 0.95).kind, NN_INTERVAL_EXACT);
}

/* Each limit is the rate at which the result is just one of the rarest 2.5 %. */
static void exact_limits_are_what_they_say(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 400; n = n * 2 + 1) {
        for (uint64_t k = 1; k < n; k += 1 + n / 9) {
            struct nn_interval i = nn_interval_exact(k, n, 0.95);
            assert_near(nn_binomial_upper(k, n, i.low), 0.025, 1e-11);
            assert_near(1 - nn_binomial_upper(k + 1, n, i.high), 0.025, 1e-11);
            assert_true(i.low < (double)k / (double)n && i.high > (double)k / (double)n);
        }
    }
}

static void wilson_by_hand(void **state)
{
    struct nn_interval i = nn_interval_wilson(8, 10, 0.95); /* R: prop.test(8, 10, correct=F) */

    (void)state;
    assert_int_equal(i.kind, NN_INTERVAL_WILSON);
    assert_near(i.low, 0.4901625, 5e-8);
    assert_near(i.high, 0.9433178, 5e-8);
    assert_true(nn_interval_wilson(0, 10, 0.95).low == 0);
    assert_true(nn_interval_wilson(10, 10, 0.95).high == 1);
    assert_int_equal(nn_interval_wilson(0, 0, 0.95).kind, NN_INTERVAL_NONE);
}

static void every_kind_has_words(void **state)
{
    (void)state;
    for (int k = NN_INTERVAL_NONE; k <= NN_INTERVAL_JOINT; k++) {
        assert_string_not_equal(nn_interval_text((enum nn_interval_kind)k), "unknown");
        for (int other = 0; other < k; other++)
            assert_string_not_equal(nn_interval_text((enum nn_interval_kind)k),
                                    nn_interval_text((enum nn_interval_kind)other));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(incomplete_beta_in_closed_form),
        cmocka_unit_test(beta_quantile_inverts),
        cmocka_unit_test(normal_by_the_table),
        cmocka_unit_test(binomial_tail_is_the_sum),
        cmocka_unit_test(exact_intervals_by_the_table),
        cmocka_unit_test(exact_limits_are_what_they_say),
        cmocka_unit_test(wilson_by_hand),
        cmocka_unit_test(every_kind_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
