/* Tests of binary.c, cases.c, studies.c, subgroup.c: counts, rates, averages, refusals. */
#include "measures_fixture.h"

#include <stdio.h>

/* truth 0 0 0 1 1 2 2 2 2 2; answers 0 0 1 1 1 2 2 2 0 2 */
static const float ten_scores[30] = {.8f, .1f, .1f, .7f, .2f, .1f, .3f, .4f, .3f, .2f,
                                     .6f, .2f, .1f, .8f, .1f, .1f, .1f, .8f, .2f, .2f,
                                     .6f, .1f, .2f, .7f, .5f, .1f, .4f, 0,   .1f, .9f};
static const int ten_truth[10] = {0, 0, 0, 1, 1, 2, 2, 2, 2, 2};
static const bool findings[3] = {true, true, false};
static const double points[3] = {0.5, 0.4, 0};

static struct nn_cases ten_cases(void)
{
    return (struct nn_cases){.count = 10,
                             .classes = 3,
                             .scores = ten_scores,
                             .truth = ten_truth,
                             .finding = findings,
                             .point = points};
}

static void ten_cases_by_hand(void **state)
{
    static struct nn_case_figures f;
    const uint64_t confusion[9] = {2, 1, 0, 0, 2, 0, 1, 0, 4};
    struct nn_cases cases = ten_cases();
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_cases_measure(&cases, &no_intervals, &f, &err), NN_OK);
    assert_memory_equal(f.confusion, confusion, sizeof confusion);
    assert_rate(f.right, 8, 10);
    assert_int_equal(f.class_[0].tally.fp, 1);
    assert_rate(f.class_[0].accuracy, 8, 10);
    assert_rate(f.class_[0].sensitivity, 2, 3);
    assert_rate(f.class_[0].specificity, 6, 7);
    assert_rate(f.class_[0].precision, 2, 3);
    assert_rate(f.class_[0].f1, 4, 6);
    assert_rate(f.class_[2].sensitivity, 4, 5);
    assert_rate(f.class_[2].precision, 4, 4);
    assert_near(f.macro.sensitivity.value, (2. / 3 + 1 + 4. / 5) / 3, 1e-15);
    assert_near(f.macro.f1.value, (2. / 3 + 4. / 5 + 8. / 9) / 3, 1e-15);
    assert_near(f.macro.accuracy.value, (0.8 + 0.9 + 0.9) / 3, 1e-15);
    assert_rate(f.micro.accuracy, 26, 30);
    assert_rate(f.micro.specificity, 18, 20);
    assert_int_equal(f.macro.f1.hits, 3);
    /* at the points: class 0 is called for 0, 1 and 8, class 1 for 2, 3 and 4 */
    assert_rate(f.class_[0].point_sensitivity, 2, 3);
    assert_rate(f.class_[0].point_specificity, 6, 7);
    assert_rate(f.class_[1].point_sensitivity, 2, 2);
    assert_rate(f.class_[1].point_precision, 2, 3);
    assert_false(f.class_[2].point_sensitivity.defined);
    assert_int_equal(f.right.interval.kind, NN_INTERVAL_NONE);
}

/* A class that nobody has and nobody gets has no rate: flagged, never 0. */
static void nothing_of_nothing_is_undefined(void **state)
{
    static struct nn_case_figures f;
    const int truth[3] = {0, 0, 0};
    const float scores[9] = {.8f, .1f, .1f, .7f, .2f, .1f, .9f, 0, .1f};
    struct nn_cases cases = {
        .count = 3, .classes = 3, .scores = scores, .truth = truth, .finding = findings};
    struct nn_bootstrap settings = NN_BOOTSTRAP_DEFAULT;
    struct nn_error err;

    (void)state;
    settings.draws = 200;
    assert_int_equal(nn_cases_measure(&cases, &settings, &f, &err), NN_OK);
    assert_false(f.class_[1].sensitivity.defined);
    assert_false(f.class_[1].precision.defined);
    assert_false(f.class_[1].f1.defined);
    assert_false(f.class_[1].auc.defined);
    assert_int_equal(f.class_[1].sensitivity.interval.kind, NN_INTERVAL_NONE);
    assert_rate(f.class_[1].specificity, 3, 3);
    assert_false(f.class_[0].specificity.defined);
    assert_int_equal(f.macro.sensitivity.hits, 1);
    assert_int_equal(f.macro.sensitivity.of, 3);
    assert_near(f.macro.sensitivity.value, 1, 0);
    assert_false(f.macro.auc.defined);
    cases.count = 0;
    assert_int_equal(nn_cases_measure(&cases, &settings, &f, &err), NN_OK);
    assert_false(f.right.defined);
}

static void what_is_refused(void **state)
{
    static struct nn_case_figures f;
    float scores[30];
    int truth[10];
    struct nn_cases cases = ten_cases();
    struct nn_studies studies;
    struct nn_error err;

    (void)state;
    memcpy(scores, ten_scores, sizeof scores);
    memcpy(truth, ten_truth, sizeof truth);
    cases.scores = scores;
    cases.truth = truth;
    scores[13] = NAN;
    assert_int_equal(nn_cases_measure(&cases, &no_intervals, &f, &err), NN_BAD_DATA);
    assert_non_null(strstr(err.text, "sample 4"));
    assert_int_equal(nn_studies_create(&cases, &studies, &err), NN_BAD_DATA);
    scores[13] = INFINITY;
    assert_int_equal(nn_cases_measure(&cases, &no_intervals, &f, &err), NN_BAD_DATA);
    scores[13] = 0;
    truth[7] = 3;
    assert_int_equal(nn_cases_measure(&cases, &no_intervals, &f, &err), NN_BAD_DATA);
    assert_non_null(strstr(err.text, "sample 7"));
    truth[7] = -1;
    assert_int_equal(nn_cases_measure(&cases, &no_intervals, &f, &err), NN_BAD_DATA);
    truth[7] = 2;
    cases.classes = 1;
    assert_int_equal(nn_cases_measure(&cases, &no_intervals, &f, &err), NN_INVALID);
    cases.classes = NN_MAX_CLASSES + 1;
    assert_int_equal(nn_cases_measure(&cases, &no_intervals, &f, &err), NN_INVALID);
    cases.classes = 3;
    cases.count = NN_MEASURES_MAX + 1; /* refused before a sample is read */
    assert_int_equal(nn_cases_measure(&cases, &no_intervals, &f, &err), NN_LIMIT);
}

/* Neighbours in a struct, member by member: the padding between them may differ. */
static void assert_same(const struct nn_figure *a, const struct nn_figure *b, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        assert_true(a[k].defined == b[k].defined && a[k].hits == b[k].hits && a[k].of == b[k].of);
        assert_true(a[k].value == b[k].value && a[k].interval.kind == b[k].interval.kind);
        assert_true(a[k].interval.low == b[k].interval.low);
        assert_true(a[k].interval.high == b[k].interval.high);
        assert_int_equal(a[k].interval.draws, b[k].interval.draws);
    }
}

/* Samples in any order: the same figures, and with patient numbers the same intervals, to the
 * bit.*/
static void order_changes_nothing(void **state)
{
    static struct nn_case_figures first, second;
    static float scores[2][300 * 3];
    static int truth[2][300];
    static uint32_t patient[2][300];
    struct nn_bootstrap settings = NN_BOOTSTRAP_DEFAULT;
    uint64_t seed = 4;
    struct nn_error err;

    (void)state;
    settings.draws = 150;
    for (size_t i = 0; i < 300; i++) {
        size_t j = (i * 77 + 13) % 300; /* 77 and 300 have no common factor */
        truth[0][i] = truth[1][j] = (int)(chance(&seed) * 3);
        patient[0][i] = patient[1][j] = (uint32_t)(chance(&seed) * 90) * 7919;
        for (size_t c = 0; c < 3; c++) {
            double lean = c == (size_t)truth[0][i] ? 0.3 : 0;
            scores[0][i * 3 + c] = scores[1][j * 3 + c] =
                (float)(floor((chance(&seed) + lean) * 20) / 40);
        }
    }
    struct nn_cases cases = {300, 3, scores[0], truth[0], patient[0], NULL, findings, points};
    assert_int_equal(nn_cases_measure(&cases, &settings, &first, &err), NN_OK);
    cases = (struct nn_cases){300, 3, scores[1], truth[1], patient[1], NULL, findings, points};
    assert_int_equal(nn_cases_measure(&cases, &settings, &second, &err), NN_OK);
    assert_same(&first.right, &second.right, 1);
    assert_same(&first.macro.accuracy, &second.macro.accuracy, 7);
    assert_same(&first.micro.accuracy, &second.micro.accuracy, 2);
    for (int c = 0; c < 3; c++) {
        assert_same(&first.class_[c].accuracy, &second.class_[c].accuracy, 7);
        assert_same(&first.class_[c].point_sensitivity, &second.class_[c].point_sensitivity, 3);
    }
    assert_true(first.macro.auc.interval.low < first.macro.auc.value);
}

static void studies_take_their_worst_image(void **state)
{
    const uint32_t patient[10] = {7, 7, 7, 7, 9, 9, 4, 4, 4, 4};
    const uint32_t study[10] = {50, 50, 60, 60, 10, 10, 20, 20, 30, 20};
    struct nn_cases cases = ten_cases();
    struct nn_binary_figures f;
    struct nn_studies s;
    struct nn_error err;

    (void)state;
    cases.patient = patient;
    cases.study = study;
    assert_int_equal(nn_studies_create(&cases, &s, &err), NN_OK);
    const uint32_t rows[5] = {50, 60, 10, 20, 30}, images[5] = {2, 2, 2, 3, 1};
    assert_int_equal(s.count, 5);
    assert_memory_equal(s.study, rows, sizeof rows);
    assert_memory_equal(s.images, images, sizeof images);
    assert_int_equal(s.patient[2], 9);
    assert_near(s.score[0], 1 - (double).1f, 1e-15);
    assert_near(s.score[3], 1 - (double).6f, 1e-15);
    const bool positive[5] = {true, true, true, false, false};
    const bool called[5] = {true, true, true, false, true}; /* image 8: class 0 at 0.5 */
    assert_memory_equal(s.positive, positive, sizeof positive);
    assert_memory_equal(s.called, called, sizeof called);
    struct nn_binary binary = nn_studies_binary(&s);
    assert_int_equal(nn_binary_measure(&binary, &no_intervals, &f, &err), NN_OK);
    assert_rate(f.sensitivity, 3, 3);
    assert_rate(f.specificity, 1, 2);
    assert_rate(f.negative_value, 1, 1);
    assert_near(f.auc.value, 1, 0);
    nn_studies_finish(&s);

    cases.study = NULL;
    cases.point = NULL;
    assert_int_equal(nn_studies_create(&cases, &s, &err), NN_OK);
    assert_int_equal(s.count, 10);
    for (size_t i = 0; i < 10; i++)
        assert_false(s.called[i]);
    nn_studies_finish(&s);

    const uint32_t mixed[10] = {50, 50, 60, 60, 60, 10, 20, 20, 30, 20};
    cases.study = mixed;
    assert_int_equal(nn_studies_create(&cases, &s, &err), NN_BAD_DATA);
    assert_non_null(strstr(err.text, "study 60 belongs to patients 7 and 9"));
    assert_null(s.score);
}

/* 2 of 5 positives and 1 of 5 negatives refused: left out, or all of them wrong. */
static void refused_images_count_twice(void **state)
{
    const bool positive[10] = {1, 1, 1, 1, 1, 0, 0, 0, 0, 0};
    const bool called[10] = {1, 1, 0, 1, 1, 0, 0, 1, 0, 0};
    const bool refused[10] = {0, 0, 0, 1, 1, 1, 0, 0, 0, 0};
    const double score[10] = {.9, .8, .3, 0, 0, 0, .1, .7, .2, .2};
    struct nn_binary b = {
        .count = 10, .score = score, .positive = positive, .called = called, .refused = refused};
    struct nn_binary_figures f;
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_binary_measure(&b, &no_intervals, &f, &err), NN_OK);
    assert_int_equal(f.count, 7);
    assert_rate(f.sensitivity, 2, 3);
    assert_rate(f.specificity, 3, 4);
    assert_near(f.auc.value, 11. / 12, 1e-15);
    assert_int_equal(nn_binary_eligible(&b, &no_intervals, &f, &err), NN_OK);
    assert_int_equal(f.count, 10);
    assert_rate(f.sensitivity, 2, 5);
    assert_rate(f.specificity, 3, 5);
    assert_false(f.auc.defined);
    b.called = NULL;
    assert_int_equal(nn_binary_eligible(&b, &no_intervals, &f, &err), NN_INVALID);
    assert_int_equal(nn_binary_measure(&b, &no_intervals, &f, &err), NN_OK);
    assert_false(f.sensitivity.defined);
    assert_near(f.auc.value, 11. / 12, 1e-15);
    const bool all[10] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    b.refused = all;
    assert_int_equal(nn_binary_measure(&b, &no_intervals, &f, &err), NN_OK);
    assert_int_equal(f.count, 0);
    assert_false(f.auc.defined);
}

static void subgroups_are_told_apart(void **state)
{
    static bool positive[95], called[95], refused[95];
    static const char *keys[95];
    struct nn_binary b = {.count = 95, .positive = positive, .called = called, .refused = refused};
    struct nn_bootstrap settings = NN_BOOTSTRAP_DEFAULT;
    struct nn_subgroup *rows;
    struct nn_error err;
    size_t count;

    (void)state;
    settings.draws = 200;
    for (size_t i = 0; i < 95; i++) {
        positive[i] = i % 3 == 0;
        called[i] = i % 3 == 0 && i % 6 == 0;
        keys[i] = i < 30 ? "room 2" : i < 59 ? "room 1" : i < 61 ? (i == 59 ? "" : NULL) : "sea";
        refused[i] = i >= 93;
    }
    assert_int_equal(nn_subgroups_measure(&b, keys, &settings, &rows, &count, &err), NN_OK);
    assert_int_equal(count, 4);
    assert_string_equal(rows[0].key, "");
    assert_string_equal(rows[1].key, "room 1");
    assert_string_equal(rows[2].key, "room 2");
    assert_string_equal(rows[3].key, "sea");
    assert_int_equal(rows[0].figures.count, 2);
    assert_true(rows[0].insufficient && rows[1].insufficient);
    assert_int_equal(rows[1].figures.count, 29);
    assert_false(rows[1].figures.sensitivity.defined);
    assert_int_equal(rows[1].figures.positives, 10);
    assert_false(rows[2].insufficient);
    assert_rate(rows[2].figures.sensitivity, 5, 10);
    assert_int_equal(rows[2].figures.sensitivity.interval.kind, NN_INTERVAL_PERCENTILE);
    assert_rate(rows[2].figures.specificity, 20, 20);
    assert_int_equal(rows[2].figures.specificity.interval.kind, NN_INTERVAL_EXACT);
    assert_int_equal(rows[3].figures.count, 32);
    free(rows);
}

static void too_many_subgroups(void **state)
{
    static bool positive[NN_GROUPS_MAX + 1];
    static char names[NN_GROUPS_MAX + 1][8];
    static const char *keys[NN_GROUPS_MAX + 1];
    struct nn_binary b = {.count = NN_GROUPS_MAX + 1, .positive = positive, .called = positive};
    struct nn_subgroup *rows;
    struct nn_error err;
    size_t count;

    (void)state;
    for (size_t i = 0; i <= NN_GROUPS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "%zu", i);
        keys[i] = names[i];
    }
    assert_int_equal(nn_subgroups_measure(&b, keys, &no_intervals, &rows, &count, &err), NN_LIMIT);
    assert_null(rows);
    b.count--;
    assert_int_equal(nn_subgroups_measure(&b, keys, &no_intervals, &rows, &count, &err), NN_OK);
    assert_int_equal(count, NN_GROUPS_MAX);
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_cases_by_hand),
        cmocka_unit_test(nothing_of_nothing_is_undefined),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(order_changes_nothing),
        cmocka_unit_test(studies_take_their_worst_image),
        cmocka_unit_test(refused_images_count_twice),
        cmocka_unit_test(subgroups_are_told_apart),
        cmocka_unit_test(too_many_subgroups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
