/* Tests of mcnemar.c: paired tables, what totals alone can say, the papers' reader tables. */
#include "measures_fixture.h"

static void tables_by_the_book(void **state)
{
    struct nn_mcnemar m;

    (void)state;
    nn_mcnemar(20, 12, 2, 16, &m); /* Armitage & Berry 1994, two media for tubercle bacilli */
    assert_true(m.exact && m.p == m.p_exact);
    assert_near(m.p_exact, 0.0129395, 5e-8);
    assert_near(m.chi_square, 81. / 14, 1e-14);
    assert_near(m.p_chi_square, 0.0161571, 5e-7);
    assert_rate(m.rate_a, 32, 50);
    assert_rate(m.rate_b, 22, 50);
    assert_near(m.difference.value, 0.2, 1e-15);
    assert_int_equal(m.difference.interval.kind, NN_INTERVAL_NEWCOMBE);
    assert_near(m.difference.interval.low, 0.056156, 5e-7);
    assert_near(m.difference.interval.high, 0.329207, 5e-7);
    nn_mcnemar(36, 12, 2, 0, &m); /* Newcombe 1998, method 10 */
    assert_near(m.difference.interval.low, 0.0569, 5e-5);
    assert_near(m.difference.interval.high, 0.3404, 5e-5);
}

static void the_rule_of_25(void **state)
{
    struct nn_mcnemar m;

    (void)state;
    nn_mcnemar(0, 16, 8, 0, &m);
    assert_true(m.exact && m.p == m.p_exact);
    nn_mcnemar(0, 17, 8, 0, &m);
    assert_true(!m.exact && m.p == m.p_chi_square);
    assert_near(m.chi_square, 64. / 25, 1e-14);
    nn_mcnemar(50, 0, 0, 7, &m);
    assert_true(m.p == 1 && m.p_chi_square == 1 && m.chi_square == 0);
    nn_mcnemar(3, 40, 40, 7, &m); /* a tie is no difference: no correction below 0 */
    assert_true(m.p == 1 && m.p_exact == 1);
    nn_mcnemar(0, 0, 0, 0, &m);
    assert_false(m.difference.defined || m.rate_a.defined);
}

static void raters_may_be_swapped(void **state)
{
    struct nn_mcnemar ab, ba;
    uint64_t seed = 6;

    (void)state;
    for (int round = 0; round < 200; round++) {
        uint64_t t[4];
        for (int k = 0; k < 4; k++)
            t[k] = (uint64_t)(chance(&seed) * 30);
        nn_mcnemar(t[0], t[1], t[2], t[3], &ab);
        nn_mcnemar(t[0], t[2], t[1], t[3], &ba);
        assert_true(ab.p_exact == ba.p_exact && ab.p_chi_square == ba.p_chi_square);
        assert_near(ab.difference.interval.low, -ba.difference.interval.high, 1e-12);
        if (ab.difference.defined) {
            assert_true(ab.difference.interval.low <= ab.difference.value);
            assert_true(ab.difference.interval.high >= ab.difference.value);
        }
    }
}

/* Of every table of `count` cases with these totals: those of the smallest and the largest p. */
struct range {
    struct nn_mcnemar least, most;
    int tables;
};

static struct range tables_of(uint64_t count, uint64_t right_a, uint64_t right_b)
{
    struct range range = {.least = {.p = 2}, .most = {.p = -1}};

    for (uint64_t both = 0; both <= count; both++) {
        struct nn_mcnemar m;
        if (both > right_a || both > right_b || right_a + right_b - both > count)
            continue;
        nn_mcnemar(both, right_a - both, right_b - both, count - (right_a + right_b - both), &m);
        if (m.p < range.least.p)
            range.least = m;
        if (m.p > range.most.p)
            range.most = m;
        range.tables++;
    }
    return range;
}

/* Of the papers' readers only totals are published. */
static void what_the_papers_tables_can_say(void **state)
{
    struct range r;

    (void)state;
    /* A: "92.16 % (60 right)" of 68 is no such share: 60/68 is 88.2 %, 92.16 % would be 62.7 */
    assert_near(60. / 68, 0.882, 5e-4);
    for (int right = 0; right <= 68; right++)
        assert_true(fabs(right / 68. - 0.9216) > 5e-5);
    assert_near(66. / 68, 0.971, 5e-4);
    assert_near(67. / 68, 0.985, 5e-4);
    /* 60 right: against the surgeon every table differs, against the radiologist some do */
    r = tables_of(68, 60, 67);
    assert_int_equal(r.tables, 2);
    assert_near(r.least.p, 2 * pow(0.5, 7), 1e-15);
    assert_near(r.most.p, 20 * pow(0.5, 9), 1e-15); /* 1 of 9: 2 (1 + 9) / 512 */
    assert_true(r.most.p < 0.05);
    r = tables_of(68, 60, 66);
    assert_near(r.least.p, 2 * pow(0.5, 6), 1e-15);
    assert_near(r.most.p, 2 * 56 / 1024., 1e-14); /* 2 of 10 */
    /* were it 63 right, no table would differ from either reader */
    for (uint64_t reader = 66; reader <= 67; reader++) {
        r = tables_of(68, 63, reader);
        assert_true(r.least.p > 0.05);
    }
    /* B: 78 and 71 of 80: it depends on the cases both missed */
    r = tables_of(80, 78, 71);
    assert_int_equal(r.tables, 3);
    assert_near(r.least.p, 2 * pow(0.5, 7), 1e-15);
    assert_int_equal(r.most.only_a, 9);
    assert_int_equal(r.most.only_b, 2);
    assert_near(r.most.p, 2 * 67 / 2048., 1e-14);
    assert_true(r.least.p < 0.05 && r.most.p > 0.05);
}

static void readers_by_hand(void **state)
{
    const bool finding[3] = {true, true, false};
    const int truth[10] = {0, 0, 1, 1, 2, 2, 2, 2, 2, 2};
    const int model[10] = {0, 1, 1, 2, 2, 2, 0, 2, 2, 2};
    int reader[10] = {0, 0, 2, 2, 2, 1, 1, 2, 0, 2};
    struct nn_comparison c;
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_readers_compare(truth, model, reader, 10, finding, 3, &c, &err), NN_OK);
    /* accuracy: the model is wrong in 1, 3, 6; the reader in 2, 3, 5, 6, 8 */
    assert_int_equal(c.accuracy.both, 4);
    assert_int_equal(c.accuracy.only_a, 3);
    assert_int_equal(c.accuracy.only_b, 1);
    assert_int_equal(c.accuracy.neither, 2);
    /* any finding: in 1 the model calls the wrong one, and still finds it */
    assert_rate(c.sensitivity.rate_a, 3, 4);
    assert_rate(c.sensitivity.rate_b, 2, 4);
    assert_int_equal(c.sensitivity.only_a, 1);
    assert_rate(c.specificity.rate_a, 5, 6);
    assert_rate(c.specificity.rate_b, 3, 6);
    assert_int_equal(c.specificity.only_a, 2);
    assert_int_equal(c.specificity.neither, 1);
    assert_near(c.specificity.p, 0.5, 1e-15);
    reader[4] = 3;
    assert_int_equal(nn_readers_compare(truth, model, reader, 10, finding, 3, &c, &err),
                     NN_BAD_DATA);
    assert_non_null(strstr(err.text, "case 4"));
    reader[4] = -1;
    assert_int_equal(nn_readers_compare(truth, model, reader, 10, finding, 3, &c, &err),
                     NN_BAD_DATA);
    assert_int_equal(nn_readers_compare(truth, model, reader, 10, finding, 1, &c, &err),
                     NN_INVALID);
    assert_int_equal(
        nn_readers_compare(truth, model, reader, NN_MEASURES_MAX + 1, finding, 3, &c, &err),
        NN_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_by_the_book),
        cmocka_unit_test(the_rule_of_25),
        cmocka_unit_test(raters_may_be_swapped),

        cmocka_unit_test(what_the_papers_tables_can_say),
        cmocka_unit_test(readers_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
