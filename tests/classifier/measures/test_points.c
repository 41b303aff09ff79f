/* Tests of point.c, sample_size.c, everyday.c: where to cut, how many are needed, what it means. */
#include "measures_fixture.h"

/* Of one finding, class 0, and "none", class 1. */
static double point_of(const double *score, const bool *positive, size_t count, double specificity)
{
    float *scores = calloc(count, 2 * sizeof *scores);
    int *truth = calloc(count, sizeof *truth);

    assert_true(scores != NULL && truth != NULL);
    for (size_t i = 0; i < count; i++) {
        scores[2 * i] = (float)score[i];
        truth[i] = positive[i] ? 0 : 1;
    }
    double point = nn_operating_point(scores, truth, count, 2, 0, 1, specificity, 0);
    free(scores);
    free(truth);
    return point;
}

static void points_by_hand(void **state)
{
    const double score[9] = {.875, .75, .75, .25, .625, .5, .25, .125, .0625};
    const bool positive[9] = {1, 1, 1, 1, 0, 0, 0, 0, 0};

    (void)state;
    double point = point_of(score, positive, 9, .8);
    assert_true(point > .5 && point < .5000001);
    point = point_of(score, positive, 9, .81);
    assert_true(point > .625 && point < .6250001);
    assert_true(point_of(score, positive, 4, .95) == 0); /* none without a finding */
}

/* Against every possible cut; targets that are exact shares are met exactly, not one too many. */
static void points_are_the_best(void **state)
{
    double score[200];
    bool positive[200];
    uint64_t seed = 2;

    (void)state;
    for (int i = 0; i < 200; i++) {
        positive[i] = i % 2;
        score[i] = floor((chance(&seed) + (i % 2 ? 0.3 : 0)) * 32) / 32;
    }
    for (int target = 1; target <= 100; target++) {
        double point = point_of(score, positive, 200, target / 100.0);
        int hits = 0, under = 0;
        for (int i = 0; i < 200; i++) {
            hits += positive[i] && score[i] >= point;
            under += !positive[i] && score[i] < point;
        }
        assert_true(under >= target);
        for (int k = 0; k < 200; k++) {
            int tp = 0, tn = 0;
            for (int i = 0; i < 200; i++) {
                tp += positive[i] && score[i] >= score[k];
                tn += !positive[i] && score[i] < score[k];
            }
            assert_true(tn < target || tp <= hits);
        }
    }
}

/* The plan against its definition: n patients, each result's exact interval, its chance. */
static double power_of(uint64_t n, double rate, double limit)
{
    double power = 0;

    for (uint64_t k = 0; k <= n; k++) {
        if (nn_interval_exact(k, n, 0.95).low > limit)
            power += nn_binomial_upper(k, n, rate) - nn_binomial_upper(k + 1, n, rate);
    }
    return power;
}

static void plans_keep_their_promise(void **state)
{
    const double wanted[3][2] = {{0.95, 0.80}, {0.90, 0.75}, {0.99, 0.90}};
    struct nn_plan plan;
    struct nn_error err;

    (void)state;
    for (int k = 0; k < 3; k++) {
        double rate = wanted[k][0], limit = wanted[k][1];
        assert_int_equal(nn_plan_rate(rate, limit, 0.95, 0.8, &plan, &err), NN_OK);
        assert_near(plan.power, power_of(plan.n, rate, limit), 1e-9);
        for (uint64_t n = 1; n < plan.n; n++)
            assert_true(power_of(n, rate, limit) < 0.8);
        assert_true(plan.always >= plan.n);
        if (plan.always > plan.n)
            assert_true(power_of(plan.always - 1, rate, limit) < 0.8);
        for (uint64_t n = plan.always; n < plan.always + 20; n++)
            assert_true(power_of(n, rate, limit) >= 0.8);
        assert_true(nn_interval_exact(plan.n - plan.most_errors, plan.n, 0.95).low > limit);
        assert_true(nn_interval_exact(plan.n - plan.most_errors - 1, plan.n, 0.95).low <= limit);
    }
    /* without an error: the limit is 0.025^(1/n) > 0.95 from n = 72 */
    assert_int_equal(nn_plan_rate(1, 0.95, 0.95, 0.8, &plan, &err), NN_OK);
    assert_int_equal(plan.n, 72);
    assert_int_equal(plan.always, 72);
    assert_int_equal(plan.most_errors, 0);
    assert_true(pow(0.025, 1 / 72.) > 0.95 && pow(0.025, 1 / 71.) < 0.95);
}

static void plans_that_cannot_be(void **state)
{
    const double wrong[7][4] = {{0.9, 0.9, 0.95, 0.8}, {0.8, 0.9, 0.95, 0.8}, {1.1, 0.9, 0.95, 0.8},
                                {0.9, 0, 0.95, 0.8},   {0.9, 0.8, 1, 0.8},    {0.9, 0.8, 0.95, 1},
                                {NAN, 0.8, 0.95, 0.8}};
    struct nn_plan plan;
    uint64_t expected, assured;
    struct nn_error err;

    (void)state;
    for (int k = 0; k < 7; k++)
        assert_int_equal(
            nn_plan_rate(wrong[k][0], wrong[k][1], wrong[k][2], wrong[k][3], &plan, &err),
            NN_INVALID);
    assert_int_equal(nn_plan_rate(0.9001, 0.9, 0.95, 0.8, &plan, &err), NN_LIMIT);
    assert_int_equal(nn_plan_total(10, 0, 0.95, &expected, &assured, &err), NN_INVALID);
    assert_int_equal(nn_plan_total(10, 1.5, 0.95, &expected, &assured, &err), NN_INVALID);
    assert_int_equal(nn_plan_total(10, 0.5, 1, &expected, &assured, &err), NN_INVALID);
    assert_int_equal(nn_plan_total(1u << 30, 0.001, 0.95, &expected, &assured, &err), NN_LIMIT);
}

static void totals_at_a_prevalence(void **state)
{
    const double prevalence[4] = {0.005, 0.02, 0.05, 0.35};
    uint64_t expected, assured;
    struct nn_error err;

    (void)state;
    for (int k = 0; k < 4; k++) {
        assert_int_equal(nn_plan_total(72, prevalence[k], 0.95, &expected, &assured, &err), NN_OK);
        assert_int_equal(expected, (uint64_t)ceil(72 / prevalence[k] - 1e-9));
        assert_true(assured > expected);
        assert_true(nn_binomial_upper(72, assured, prevalence[k]) >= 0.95);
        assert_true(nn_binomial_upper(72, assured - 1, prevalence[k]) < 0.95);
    }
    assert_int_equal(nn_plan_total(72, 1, 0.95, &expected, &assured, &err), NN_OK);
    assert_true(expected == 72 && assured == 72);
    assert_int_equal(nn_plan_total(1, 0.5, 0.95, &expected, &assured, &err), NN_OK);
    assert_true(expected == 2 && assured == 5); /* 1 - 1/32 */
    assert_int_equal(nn_plan_total(0, 0.5, 0.95, &expected, &assured, &err), NN_OK);
    assert_true(expected == 0 && assured == 0);
}

static struct nn_figure rate(uint64_t hits, uint64_t of)
{
    struct nn_figure f = nn_figure_rate(hits, of);

    f.interval = nn_interval_exact(hits, of, 0.95);
    return f;
}

static void everyday_by_hand(void **state)
{
    struct nn_figure sensitivity = rate(95, 100), specificity = rate(180, 200);
    struct nn_everyday e;
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_everyday_measure(&sensitivity, &specificity, 0.02, 50, &e, &err), NN_OK);
    assert_near(e.true_alerts_a_day.value, 0.95, 1e-14);
    assert_near(e.missed_a_day.value, 0.05, 1e-14);
    assert_near(e.alerts_a_day.value, 0.95 + 4.9, 1e-13);
    assert_near(e.false_per_true.value, 4.9 / 0.95, 1e-12);
    assert_near(e.positive_value.value, 0.95 / 5.85, 1e-14);
    assert_near(e.negative_value.value, 44.1 / 44.15, 1e-14);
    double se_low = sensitivity.interval.low, sp_low = specificity.interval.low;
    double se_high = sensitivity.interval.high, sp_high = specificity.interval.high;
    assert_int_equal(e.positive_value.interval.kind, NN_INTERVAL_JOINT);
    assert_near(e.positive_value.interval.low,
                0.02 * se_low / (0.02 * se_low + 0.98 * (1 - sp_low)), 1e-14);
    assert_near(e.alerts_a_day.interval.high, 50 * (0.02 * se_high + 0.98 * (1 - sp_low)), 1e-12);
    assert_near(e.alerts_a_day.interval.low, 50 * (0.02 * se_low + 0.98 * (1 - sp_high)), 1e-12);
    assert_near(e.missed_a_day.interval.high, 1 - se_low, 1e-14);
}

static void everyday_without_alerts(void **state)
{
    struct nn_figure none = rate(0, 10), all = rate(10, 10), undefined = nn_figure_rate(0, 0);
    struct nn_figure bare = nn_figure_rate(9, 10);
    struct nn_everyday e;
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_everyday_measure(&none, &all, 0.02, 50, &e, &err), NN_OK);
    assert_false(e.positive_value.defined || e.false_per_true.defined);
    assert_int_equal(e.false_per_true.interval.kind, NN_INTERVAL_NONE);
    assert_true(e.alerts_a_day.defined && e.alerts_a_day.value == 0);
    assert_near(e.negative_value.value, 0.98, 1e-15);
    assert_int_equal(nn_everyday_measure(&undefined, &all, 0.02, 50, &e, &err), NN_OK);
    assert_false(e.alerts_a_day.defined || e.negative_value.defined);
    assert_int_equal(nn_everyday_measure(&bare, &all, 0.02, 50, &e, &err), NN_OK);
    assert_true(e.positive_value.defined && e.positive_value.value == 1);
    assert_int_equal(e.positive_value.interval.kind, NN_INTERVAL_NONE);
    assert_int_equal(nn_everyday_measure(&bare, &all, 0, 50, &e, &err), NN_INVALID);
    assert_int_equal(nn_everyday_measure(&bare, &all, 1, 50, &e, &err), NN_INVALID);
    assert_int_equal(nn_everyday_measure(&bare, &all, 0.1, 0, &e, &err), NN_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_by_hand),           cmocka_unit_test(points_are_the_best),
        cmocka_unit_test(plans_keep_their_promise), cmocka_unit_test(plans_that_cannot_be),
        cmocka_unit_test(totals_at_a_prevalence),   cmocka_unit_test(everyday_by_hand),
        cmocka_unit_test(everyday_without_alerts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
