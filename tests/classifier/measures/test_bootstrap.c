/* Tests of bootstrap.c: who is drawn, what the limits are, how often they hold. */
#include "measures_fixture.h"

struct probe {
    const double *value;
    const uint32_t *patient;
    const uint8_t *stratum;
    size_t count;
    uint64_t drawn_least[2], drawn_most[2]; /* patients a draw, by stratum */
    bool torn;                              /* two samples of one patient, two weights */
};

/* Figure 0: the weighted mean. Figure 1: always undefined. Figure 2: undefined when sample 0 isn't
 * drawn. Figure 3: constant. */
static void probe_compute(void *context, const uint32_t *weight, size_t count, double *figures)
{
    struct probe *p = context;
    double sum = 0, all = 0;
    uint64_t patients[2] = {0};

    for (size_t i = 0; i < count; i++) {
        bool first = true;
        sum += weight[i] * p->value[i];
        all += weight[i];
        for (size_t k = 0; p->patient && k < i; k++) {
            if (p->patient[k] != p->patient[i])
                continue;
            first = false;
            p->torn = p->torn || weight[k] != weight[i];
        }
        if (first)
            patients[p->stratum ? p->stratum[i] : 0] += weight[i];
    }
    for (int s = 0; s < 2; s++) {
        p->drawn_least[s] = patients[s] < p->drawn_least[s] ? patients[s] : p->drawn_least[s];
        p->drawn_most[s] = patients[s] > p->drawn_most[s] ? patients[s] : p->drawn_most[s];
    }
    figures[0] = all > 0 ? sum / all : NAN;
    figures[1] = NAN;
    figures[2] = weight[0] > 0 ? figures[0] : NAN;
    figures[3] = 0.25;
}

static void patients_are_drawn_whole(void **state)
{
    const double value[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    const uint32_t patient[9] = {5, 5, 1, 90, 90, 90, 3, 2, 2};
    const uint8_t stratum[9] = {1, 1, 0, 0, 0, 0, 1, 0, 0};
    struct probe p = {value, patient, stratum, 9, {99, 99}, {0, 0}, false};
    struct nn_resample over = {9, patient, stratum};
    struct nn_statistic statistic = {&p, 4, probe_compute};
    struct nn_bootstrap settings = NN_BOOTSTRAP_DEFAULT;
    struct nn_interval interval[4];
    double result[4];
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_bootstrap_run(&over, &statistic, &settings, result, interval, NULL, &err),
                     NN_OK);
    assert_near(result[0], 5, 1e-15);
    assert_false(p.torn);
    assert_true(p.drawn_least[0] == 3 && p.drawn_most[0] == 3);
    assert_true(p.drawn_least[1] == 2 && p.drawn_most[1] == 2);
    assert_int_equal(interval[0].kind, NN_INTERVAL_PERCENTILE);
    assert_int_equal(interval[0].draws, 2000);
    assert_int_equal(interval[1].kind, NN_INTERVAL_NONE);
    assert_int_equal(interval[1].draws, 0);
    assert_int_equal(interval[2].kind, NN_INTERVAL_NONE); /* a quarter of the draws lacks it */
    assert_true(interval[2].draws > 1350 && interval[2].draws < 1650);
    assert_int_equal(interval[3].kind, NN_INTERVAL_DEGENERATE);

    over.stratum = NULL;
    p.stratum = NULL;
    p.drawn_least[0] = 99;
    p.drawn_most[0] = 0;
    assert_int_equal(nn_bootstrap_run(&over, &statistic, &settings, result, interval, NULL, &err),
                     NN_OK);
    assert_true(p.drawn_least[0] == 5 && p.drawn_most[0] == 5);
}

static void seeds_and_draws(void **state)
{
    double value[40], draws[3][100], longer[300], result;
    struct probe p = {.value = value, .count = 40};
    struct nn_resample over = {40, NULL, NULL};
    struct nn_statistic statistic = {&p, 4, probe_compute};
    struct nn_bootstrap settings = {.draws = 100, .seed = 9, .level = 0.95};
    struct nn_interval interval[4];
    double results[4], wide[100 * 4], wider[300 * 4];
    uint64_t seed = 3;
    struct nn_error err;

    (void)state;
    for (int i = 0; i < 40; i++)
        value[i] = chance(&seed);
    for (int run = 0; run < 3; run++) {
        settings.seed = run == 2 ? 10 : 9;
        assert_int_equal(
            nn_bootstrap_run(&over, &statistic, &settings, results, interval, wide, &err), NN_OK);
        for (int d = 0; d < 100; d++)
            draws[run][d] = wide[d * 4];
    }
    assert_memory_equal(draws[0], draws[1], sizeof draws[0]);
    assert_memory_not_equal(draws[0], draws[2], sizeof draws[0]);
    for (int d = 1; d < 100; d++) {
        for (int other = 0; other < d; other++)
            assert_true(draws[0][d] != draws[0][other]);
    }
    settings.seed = 9;
    settings.draws = 300;
    assert_int_equal(nn_bootstrap_run(&over, &statistic, &settings, results, interval, wider, &err),
                     NN_OK);
    for (int d = 0; d < 300; d++)
        longer[d] = wider[d * 4];
    assert_memory_equal(draws[0], longer, sizeof draws[0]); /* draw d is of (seed, d) alone */
    result = results[0];
    settings.draws = 0;
    assert_int_equal(nn_bootstrap_run(&over, &statistic, &settings, results, interval, NULL, &err),
                     NN_OK);
    assert_true(results[0] == result);
    assert_int_equal(interval[0].kind, NN_INTERVAL_NONE);
}

static void settings_are_checked(void **state)
{
    const double value[4] = {1, 2, 3, 4};
    struct probe p = {.value = value, .count = 4};
    struct nn_resample over = {4, NULL, NULL};
    struct nn_statistic statistic = {&p, 4, probe_compute};
    const struct {
        int draws, figures;
        double level;
        size_t count;
        enum nn_status status;
    } wrong[] = {{99, 4, 0.95, 4, NN_INVALID},
                 {NN_DRAWS_MAX + 1, 4, 0.95, 4, NN_INVALID},
                 {-1, 4, 0.95, 4, NN_INVALID},
                 {100, 0, 0.95, 4, NN_INVALID},
                 {100, NN_FIGURES_MAX + 1, 0.95, 4, NN_INVALID},
                 {100, 4, 0, 4, NN_INVALID},
                 {100, 4, 1, 4, NN_INVALID},
                 {100, 4, NAN, 4, NN_INVALID},
                 {100, 4, 0.95, NN_MEASURES_MAX + 1, NN_LIMIT},
                 {100, 4, 0.95, 4, NN_OK}};
    struct nn_interval interval[4];
    double results[4];
    struct nn_error err;

    (void)state;
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        struct nn_bootstrap settings = {.draws = wrong[k].draws, .level = wrong[k].level};
        over.count = wrong[k].count;
        statistic.figures = wrong[k].figures;
        assert_int_equal(
            nn_bootstrap_run(&over, &statistic, &settings, results, interval, NULL, &err),
            wrong[k].status);
    }
}

/* One patient, however many images, tells nothing of others. */
static void one_patient_has_no_interval(void **state)
{
    const double value[4] = {1, 2, 3, 4};
    const uint32_t patient[4] = {6, 6, 6, 6};
    struct probe p = {.value = value, .patient = patient, .count = 4};
    struct nn_resample over = {4, patient, NULL};
    struct nn_statistic statistic = {&p, 4, probe_compute};
    struct nn_bootstrap settings = NN_BOOTSTRAP_DEFAULT;
    struct nn_interval interval[4];
    double results[4];
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_bootstrap_run(&over, &statistic, &settings, results, interval, NULL, &err),
                     NN_OK);
    assert_int_equal(interval[0].kind, NN_INTERVAL_NONE);
    assert_int_equal(interval[3].kind, NN_INTERVAL_NONE);
}

/* 40 images without an error, of 8 patients: Clopper-Pearson over the 8, not the 40. */
static void a_rate_without_error_is_exact_over_patients(void **state)
{
    bool positive[60], called[60];
    uint32_t patient[60];
    double score[60];
    struct nn_binary b = {60, score, positive, called, NULL, patient};
    struct nn_bootstrap settings = NN_BOOTSTRAP_DEFAULT;
    struct nn_binary_figures f;
    struct nn_error err;

    (void)state;
    settings.draws = 200;
    for (size_t i = 0; i < 60; i++) {
        positive[i] = i < 40;
        called[i] = i < 40 || i % 2;
        patient[i] = (uint32_t)(i < 40 ? i / 5 : i);
        score[i] = i < 40 ? 1 : 0.5;
    }
    assert_int_equal(nn_binary_measure(&b, &settings, &f, &err), NN_OK);
    assert_rate(f.sensitivity, 40, 40);
    assert_int_equal(f.sensitivity.interval.kind, NN_INTERVAL_EXACT);
    assert_near(f.sensitivity.interval.low, pow(0.025, 1.0 / 8), 1e-14);
    assert_true(f.sensitivity.interval.high == 1);
    assert_rate(f.specificity, 10, 20);
    assert_int_equal(f.specificity.interval.kind, NN_INTERVAL_PERCENTILE);
    assert_int_equal(f.auc.interval.kind, NN_INTERVAL_DEGENERATE);
    assert_near(f.auc.value, 1, 0);
    for (size_t i = 0; i < 60; i++)
        called[i] = false;
    assert_int_equal(nn_binary_measure(&b, &settings, &f, &err), NN_OK);
    assert_rate(f.specificity, 20, 20);
    assert_near(f.specificity.interval.low, pow(0.025, 1.0 / 20), 1e-14);
    for (size_t i = 40; i < 60; i++)
        called[i] = i % 2;
    assert_int_equal(nn_binary_measure(&b, &settings, &f, &err), NN_OK);
    assert_rate(f.sensitivity, 0, 40);
    assert_near(f.sensitivity.interval.high, 1 - pow(0.025, 1.0 / 8), 1e-14);
    assert_rate(f.precision, 0, 10);
    assert_near(f.precision.interval.high, 1 - pow(0.025, 1.0 / 10), 1e-14);
}

/* Injured all right, the others all wrong: drawn apart, half is right in every draw. */
static void injured_patients_are_drawn_apart(void **state)
{
    static struct nn_case_figures f;
    const bool finding[3] = {true, true, false};
    float scores[20 * 3];
    int truth[20];
    struct nn_cases cases = {
        .count = 20, .classes = 3, .scores = scores, .truth = truth, .finding = finding};
    struct nn_bootstrap settings = NN_BOOTSTRAP_DEFAULT;
    struct nn_error err;

    (void)state;
    settings.draws = 200;
    for (int i = 0; i < 20; i++) {
        truth[i] = i < 4 ? 0 : i < 10 ? 1 : 2;
        for (int c = 0; c < 3; c++)
            scores[i * 3 + c] = c == (i < 10 ? truth[i] : 1) ? 0.8f : 0.1f;
    }
    assert_int_equal(nn_cases_measure(&cases, &settings, &f, &err), NN_OK);
    assert_rate(f.right, 10, 20);
    assert_int_equal(f.right.interval.kind, NN_INTERVAL_DEGENERATE);
    assert_int_equal(f.class_[1].accuracy.interval.kind, NN_INTERVAL_DEGENERATE);
    settings.stratify = false;
    assert_int_equal(nn_cases_measure(&cases, &settings, &f, &err), NN_OK);
    assert_int_equal(f.right.interval.kind, NN_INTERVAL_PERCENTILE);
    assert_int_equal(f.class_[1].accuracy.interval.kind, NN_INTERVAL_PERCENTILE);
}

/* One dislocation among 40: a third of the draws lacks it, and macro sensitivity with it. */
static void an_average_needs_all_its_classes(void **state)
{
    static struct nn_case_figures f;
    const bool finding[3] = {true, true, false};
    float scores[40 * 3];
    int truth[40];
    struct nn_cases cases = {
        .count = 40, .classes = 3, .scores = scores, .truth = truth, .finding = finding};
    struct nn_bootstrap settings = NN_BOOTSTRAP_DEFAULT;
    struct nn_error err;

    (void)state;
    settings.draws = 400;
    for (int i = 0; i < 40; i++) {
        truth[i] = i == 0 ? 0 : i < 20 ? 1 : 2;
        for (int c = 0; c < 3; c++)
            scores[i * 3 + c] = c == (i % 5 ? truth[i] : 1) ? 0.8f : 0.1f;
    }
    assert_int_equal(nn_cases_measure(&cases, &settings, &f, &err), NN_OK);
    assert_int_equal(f.macro.sensitivity.hits, 3);
    assert_int_equal(f.macro.sensitivity.interval.kind, NN_INTERVAL_NONE);
    assert_in_range(f.macro.sensitivity.interval.draws, 220, 290); /* 1 - 1/e of them */
    assert_int_equal(f.macro.accuracy.interval.kind, NN_INTERVAL_PERCENTILE);
}

/* 300 studies of patients with 1 to 4 images that share a lean; the true sensitivity is 0.8 by
 * construction. By patient the limits hold about as often as they say; by image, too seldom. */
static void limits_hold_as_often_as_they_say(void **state)
{
    static bool positive[400], called[400];
    static uint32_t patient[400];
    int held[3] = {0};
    uint64_t seed = 11;
    struct nn_error err;

    (void)state;
    for (int round = 0; round < 300; round++) {
        size_t n = 0;
        for (uint32_t who = 0; who < 60; who++) {
            bool easy = chance(&seed) < 0.8; /* all images of a patient are told, or none */
            for (int images = 1 + (int)(chance(&seed) * 4); images > 0; images--, n++) {
                positive[n] = true;
                called[n] = easy;
                patient[n] = who;
            }
        }
        struct nn_binary b = {n, NULL, positive, called, NULL, patient};
        struct nn_bootstrap settings = {.draws = 300, .level = 0.95, .seed = (uint64_t)round};
        struct nn_binary_figures f;
        for (int kind = 0; kind < 3; kind++) {
            settings.bca = kind == 1;
            b.patient = kind == 2 ? NULL : patient;
            assert_int_equal(nn_binary_measure(&b, &settings, &f, &err), NN_OK);
            held[kind] += f.sensitivity.interval.low <= 0.8 && f.sensitivity.interval.high >= 0.8;
        }
    }
    assert_in_range(held[0], 270, 295); /* 90 to 98.3 % */
    assert_in_range(held[1], 270, 295);
    assert_in_range(held[2], 150, 262); /* correlated images taken as independent: under 87 % */
}

static void bca_moves_where_the_data_lean(void **state)
{
    double value[50];
    struct probe p = {.value = value, .count = 50};
    struct nn_resample over = {50, NULL, NULL};
    struct nn_statistic statistic = {&p, 4, probe_compute};
    struct nn_bootstrap settings = NN_BOOTSTRAP_DEFAULT;
    struct nn_interval plain[4], bca[4];
    double results[4];
    uint64_t seed = 21;
    struct nn_error err;

    (void)state;
    for (int i = 0; i < 50; i++)
        value[i] = pow(-log(1 - chance(&seed)), 2); /* a long tail to the right */
    assert_int_equal(nn_bootstrap_run(&over, &statistic, &settings, results, plain, NULL, &err),
                     NN_OK);
    settings.bca = true;
    assert_int_equal(nn_bootstrap_run(&over, &statistic, &settings, results, bca, NULL, &err),
                     NN_OK);
    assert_int_equal(plain[0].kind, NN_INTERVAL_PERCENTILE);
    assert_int_equal(bca[0].kind, NN_INTERVAL_BCA);
    assert_true(bca[0].low > plain[0].low && bca[0].high > plain[0].high);
    assert_int_equal(bca[3].kind, NN_INTERVAL_DEGENERATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patients_are_drawn_whole),
        cmocka_unit_test(seeds_and_draws),
        cmocka_unit_test(settings_are_checked),
        cmocka_unit_test(one_patient_has_no_interval),
        cmocka_unit_test(a_rate_without_error_is_exact_over_patients),
        cmocka_unit_test(injured_patients_are_drawn_apart),
        cmocka_unit_test(an_average_needs_all_its_classes),
        cmocka_unit_test(limits_hold_as_often_as_they_say),
        cmocka_unit_test(bca_moves_where_the_data_lean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
