/* Tests of curve.c and delong.c, with twins that look at every pair. */
#include "measures_fixture.h"

#define MOST 500

static double auc_by_pairs(const double *score, const bool *positive, size_t count)
{
    double right = 0, pairs = 0;

    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            if (!positive[i] || positive[k])
                continue;
            right += score[i] > score[k] ? 1 : score[i] < score[k] ? 0 : 0.5;
            pairs++;
        }
    }
    return right / pairs;
}

/* levels: how many different scores, so that ties are common. */
static void random_scores(uint64_t *seed, size_t count, int levels, double lean, double *score,
                          bool *positive)
{
    for (size_t i = 0; i < count; i++) {
        positive[i] = i < 2 || (i > 3 && chance(seed) < 0.3);
        score[i] = floor((chance(seed) + (positive[i] ? lean : 0)) * levels) / levels;
    }
}

static void a_curve_by_hand(void **state)
{
    const double score[6] = {.9, .4, .5, .4, .2, .1};
    const bool positive[6] = {1, 1, 0, 0, 1, 0};
    const struct nn_curve_point wanted[6] = {{INFINITY, 0, 0}, {.9, 1, 0}, {.5, 1, 1},
                                             {.4, 2, 2},       {.2, 3, 2}, {.1, 3, 3}};
    struct nn_curve c;
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_curve_create(score, positive, 6, &c, &err), NN_OK);
    assert_int_equal(c.count, 6);
    for (size_t k = 0; k < 6; k++) {
        assert_true(c.points[k].threshold == wanted[k].threshold);
        assert_int_equal(c.points[k].tp, wanted[k].tp);
        assert_int_equal(c.points[k].fp, wanted[k].fp);
    }
    assert_near(c.auc.value, 5.5 / 9, 1e-15);
    assert_near(c.average_precision.value, (1 + 2. / 4 + 3. / 5) / 3, 1e-15);
    assert_int_equal(c.positives, 3);
    nn_curve_finish(&c);
}

static void an_area_is_a_share_of_pairs(void **state)
{
    static double score[MOST], mapped[MOST];
    static bool positive[MOST];
    struct nn_curve c, again;
    uint64_t seed = 5;
    struct nn_error err;

    (void)state;
    for (int round = 0; round < 30; round++) {
        size_t count = 10 + (size_t)(chance(&seed) * (MOST - 10));
        random_scores(&seed, count, 2 + round * round, 0.2, score, positive);
        assert_int_equal(nn_curve_create(score, positive, count, &c, &err), NN_OK);
        assert_near(c.auc.value, auc_by_pairs(score, positive, count), 1e-14);
        /* a rising map changes no rank: all the same but the thresholds */
        for (size_t i = 0; i < count; i++)
            mapped[i] = exp(3 * score[i]) - 40;
        assert_int_equal(nn_curve_create(mapped, positive, count, &again, &err), NN_OK);
        assert_true(again.auc.value == c.auc.value && again.count == c.count);
        assert_true(again.average_precision.value == c.average_precision.value);
        nn_curve_finish(&again);
        /* a falling one, and positive and negative swapped, mirror it */
        for (size_t i = 0; i < count; i++)
            mapped[i] = -score[i];
        assert_int_equal(nn_curve_create(mapped, positive, count, &again, &err), NN_OK);
        assert_near(again.auc.value, 1 - c.auc.value, 1e-15);
        nn_curve_finish(&again);
        nn_curve_finish(&c);
    }
}

static void curves_that_cannot_be(void **state)
{
    double score[3] = {.1, .2, .3};
    bool positive[3] = {true, true, true};
    struct nn_curve c;
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_curve_create(score, positive, 3, &c, &err), NN_OK);
    assert_false(c.auc.defined);
    assert_near(c.average_precision.value, 1, 0);
    nn_curve_finish(&c);
    memset(positive, 0, sizeof positive);
    assert_int_equal(nn_curve_create(score, positive, 3, &c, &err), NN_OK);
    assert_false(c.auc.defined || c.average_precision.defined);
    nn_curve_finish(&c);
    assert_int_equal(nn_curve_create(score, positive, 0, &c, &err), NN_OK);
    assert_int_equal(c.count, 1);
    assert_false(c.auc.defined);
    nn_curve_finish(&c);
    score[1] = NAN;
    assert_int_equal(nn_curve_create(score, positive, 3, &c, &err), NN_BAD_DATA);
    assert_non_null(strstr(err.text, "sample 1"));
    score[1] = -INFINITY;
    assert_int_equal(nn_curve_create(score, positive, 3, &c, &err), NN_BAD_DATA);
    assert_int_equal(nn_curve_create(score, positive, NN_MEASURES_MAX + 1, &c, &err), NN_LIMIT);
}

/* A million samples, every second tied: the sums stay whole. */
static void a_million_samples(void **state)
{
    double *score = calloc(NN_MEASURES_MAX, sizeof *score);
    bool *positive = calloc(NN_MEASURES_MAX, sizeof *positive);
    struct nn_curve c;
    struct nn_error err;

    (void)state;
    assert_non_null(score);
    assert_non_null(positive);
    for (size_t i = 0; i < NN_MEASURES_MAX; i++) {
        score[i] = (double)(i / 2);
        positive[i] = i % 2;
    }
    assert_int_equal(nn_curve_create(score, positive, NN_MEASURES_MAX, &c, &err), NN_OK);
    assert_true(c.auc.value == 0.5);
    assert_int_equal(c.count, NN_MEASURES_MAX / 2 + 1);
    nn_curve_finish(&c);
    free(score);
    free(positive);
}

/* DeLong 1988, equations 2 to 6, as written: kernels of all pairs. */
static void placements_by_pairs(const double *score, const bool *positive, size_t count,
                                double *placement)
{
    for (size_t i = 0; i < count; i++) {
        double sum = 0, of = 0;
        for (size_t k = 0; k < count; k++) {
            double x = positive[i] ? score[i] : score[k], y = positive[i] ? score[k] : score[i];
            if (positive[i] == positive[k])
                continue;
            sum += x > y ? 1 : x < y ? 0 : 0.5;
            of++;
        }
        placement[i] = sum / of;
    }
}

static double covariance_by_pairs(const double *a, const double *b, const bool *positive,
                                  size_t count)
{
    double total = 0;

    for (int side = 0; side < 2; side++) {
        double n = 0, mean_a = 0, mean_b = 0, sum = 0;
        for (size_t i = 0; i < count; i++) {
            if (positive[i] != side)
                continue;
            n++;
            mean_a += a[i];
            mean_b += b[i];
        }
        for (size_t i = 0; i < count; i++)
            sum += positive[i] == side ? (a[i] - mean_a / n) * (b[i] - mean_b / n) : 0;
        total += sum / (n - 1) / n;
    }
    return total;
}

static void delong_is_its_naive_twin(void **state)
{
    static double a[MOST], b[MOST], pa[MOST], pb[MOST];
    static bool positive[MOST];
    struct nn_delong d, swapped;
    uint64_t seed = 17;
    struct nn_error err;

    (void)state;
    for (int round = 0; round < 30; round++) {
        size_t count = 12 + (size_t)(chance(&seed) * (MOST - 12));
        random_scores(&seed, count, 3 + round * round, 0.3, a, positive);
        for (size_t i = 0; i < count; i++)
            b[i] = floor((a[i] + chance(&seed)) * (5 + round)) / (5 + round);
        placements_by_pairs(a, positive, count, pa);
        placements_by_pairs(b, positive, count, pb);
        assert_int_equal(nn_delong_compare(a, b, positive, count, 0.95, &d, &err), NN_OK);
        assert_near(d.auc_a.value, auc_by_pairs(a, positive, count), 1e-13);
        assert_near(d.auc_b.value, auc_by_pairs(b, positive, count), 1e-13);
        assert_near(d.variance_a, covariance_by_pairs(pa, pa, positive, count), 1e-14);
        assert_near(d.variance_b, covariance_by_pairs(pb, pb, positive, count), 1e-14);
        assert_near(d.covariance, covariance_by_pairs(pa, pb, positive, count), 1e-14);
        assert_true(d.p_defined);
        double se = sqrt(d.variance_a + d.variance_b - 2 * d.covariance);
        assert_near(d.z, (d.auc_a.value - d.auc_b.value) / se, 1e-6);
        assert_near(d.p, 2 * nn_normal_cdf(-fabs(d.z)), 1e-13);
        assert_near(d.difference.interval.high - d.difference.interval.low,
                    2 * 1.959963984540054 * se, 1e-6);
        assert_int_equal(nn_delong_compare(b, a, positive, count, 0.95, &swapped, &err), NN_OK);
        assert_near(swapped.p, d.p, 1e-12);
        assert_near(swapped.difference.value, -d.difference.value, 1e-14);
    }
}

static void delong_where_it_cannot_tell(void **state)
{
    const double a[6] = {.9, .8, .1, .3, .85, .2}, b[6] = {9, 8, 1, 3, 8.5, 2};
    bool positive[6] = {1, 1, 0, 0, 0, 1};
    struct nn_delong d;
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_delong_compare(a, b, positive, 6, 0.95, &d, &err), NN_OK);
    assert_false(d.p_defined); /* the same order */
    assert_true(d.difference.value == 0);
    assert_int_equal(d.difference.interval.kind, NN_INTERVAL_DEGENERATE);
    assert_int_equal(d.auc_a.interval.kind, NN_INTERVAL_DELONG);
    assert_true(d.auc_a.interval.high <= 1 && d.auc_a.interval.low >= 0);
    assert_int_equal(nn_delong_compare(a, b, positive, 6, 1.5, &d, &err), NN_INVALID);
    positive[1] = positive[5] = false;
    assert_int_equal(nn_delong_compare(a, b, positive, 6, 0.95, &d, &err), NN_BAD_DATA);
    const double broken[6] = {.9, .8, NAN, .3, .85, .2};
    positive[1] = true;
    assert_int_equal(nn_delong_compare(a, broken, positive, 6, 0.95, &d, &err), NN_BAD_DATA);
}

/* Each case thrice: DeLong believes in 3n cases; the bootstrap by patient doesn't. */
static void copies_of_a_patient_are_no_evidence(void **state)
{
    static double a[MOST], b[MOST];
    static bool positive[MOST];
    static uint32_t patient[MOST];
    struct nn_bootstrap settings = NN_BOOTSTRAP_DEFAULT;
    struct nn_delong once, thrice;
    struct nn_auc_pair single, triple, same;
    uint64_t seed = 8;
    struct nn_error err;

    (void)state;
    settings.draws = 500;
    random_scores(&seed, 120, 1000, 0.35, a, positive);
    for (size_t i = 0; i < 120; i++)
        b[i] = a[i] + 0.6 * chance(&seed);
    for (size_t i = 0; i < 360; i++) {
        a[i] = a[i % 120];
        b[i] = b[i % 120];
        positive[i] = positive[i % 120];
        patient[i] = (uint32_t)(i % 120);
    }
    assert_int_equal(nn_delong_compare(a, b, positive, 120, 0.95, &once, &err), NN_OK);
    assert_int_equal(nn_delong_compare(a, b, positive, 360, 0.95, &thrice, &err), NN_OK);
    assert_true(fabs(thrice.z) > 1.6 * fabs(once.z));
    assert_int_equal(nn_auc_difference(a, b, positive, NULL, 120, &settings, &single, &err), NN_OK);
    assert_int_equal(nn_auc_difference(a, b, positive, patient, 360, &settings, &triple, &err),
                     NN_OK);
    assert_near(triple.difference.value, once.difference.value, 1e-13);
    assert_near(triple.difference.interval.low, single.difference.interval.low, 1e-13);
    assert_near(triple.difference.interval.high, single.difference.interval.high, 1e-13);
    assert_true(single.p_defined && triple.p == single.p);
    double width = once.difference.interval.high - once.difference.interval.low;
    assert_near(single.difference.interval.high - single.difference.interval.low, width,
                0.15 * width);
    assert_int_equal(nn_auc_difference(a, a, positive, NULL, 120, &settings, &same, &err), NN_OK);
    assert_false(same.p_defined);
    b[3] = NAN;
    assert_int_equal(nn_auc_difference(a, b, positive, NULL, 120, &settings, &same, &err),
                     NN_BAD_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_curve_by_hand),
        cmocka_unit_test(an_area_is_a_share_of_pairs),
        cmocka_unit_test(curves_that_cannot_be),
        cmocka_unit_test(a_million_samples),
        cmocka_unit_test(delong_is_its_naive_twin),
        cmocka_unit_test(delong_where_it_cannot_tell),
        cmocka_unit_test(copies_of_a_patient_are_no_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
