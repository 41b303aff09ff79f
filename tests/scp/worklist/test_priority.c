/* The policy of priority.c: each row of its table; and its properties on random
 * studies. */
#include "priority_fixture.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const enum priority_order orders[] = {ORDER_UNKNOWN, ORDER_LOW, ORDER_ROUTINE, ORDER_HIGH,
                                             ORDER_STAT};
static const enum priority_rank order_ranks[] = {PRIORITY_MEDIUM, PRIORITY_LOW, PRIORITY_MEDIUM,
                                                 PRIORITY_HIGH, PRIORITY_HIGH};
enum { ORDERS = sizeof orders / sizeof *orders };

static struct priority_place place(struct priority_case known, enum priority_order order,
                                   int64_t minutes_ago, int64_t number)
{
    return (struct priority_place){.priority = judged(known, order),
                                   .order = order,
                                   .arrived_ms = NOW - minutes_ago * MINUTE,
                                   .number = number};
}

static int compare(struct priority_place a, struct priority_place b)
{
    int order = priority_compare(&two_hours, &a, &b);
    int reverse = priority_compare(&two_hours, &b, &a);
    assert_int_equal(order<0, reverse> 0);
    return order;
}

static void first(struct priority_place a, struct priority_place b)
{
    assert_true(compare(a, b) < 0);
}

/* The row of the table, for each order. */
static void row(struct priority_case known, bool raised, enum priority_band band,
                enum priority_reason reason)
{
    for (int i = 0; i < ORDERS; i++) {
        struct priority priority = judged(known, orders[i]);
        assert_int_equal(priority.rank, raised ? PRIORITY_HIGH : order_ranks[i]);
        assert_int_equal(priority.band, band);
        assert_int_equal(priority.raised, raised);
        assert_int_equal(priority.reason, reason);
        assert_true(raised ? priority.strength > 0 && priority.strength <= 1
                           : !(priority.strength > 0 || priority.strength < 0));
    }
}

static void test_each_row_of_the_table(void **state)
{
    struct priority_case read = answer(SRT_FINDING), known = read, operated = read, muted = read;
    (void)state;
    read.read = known.known = operated.postoperative = muted.muted = true;
    row(muted, false, BAND_ROUTINE, REASON_RULE);
    row(read, false, BAND_ROUTINE, REASON_READ);
    row((struct priority_case){.score = 0.9}, false, BAND_NOT_JUDGED, REASON_WAITING);
    row(answer(SRT_NOT_PROCESSED), false, BAND_NOT_JUDGED, REASON_NOT_PROCESSED);
    row(answer(SRT_UNDETERMINED), false, BAND_NOT_JUDGED, REASON_UNDETERMINED);
    row(answer(SRT_INCOMPLETE), false, BAND_NOT_JUDGED, REASON_INCOMPLETE);
    row(answer(SRT_FINDING), true, BAND_RAISED, REASON_FINDING);
    row(known, false, BAND_ROUTINE, REASON_KNOWN);
    row(operated, false, BAND_ROUTINE, REASON_POSTOPERATIVE);
    row(answer(SRT_NO_FINDING), false, BAND_ROUTINE, REASON_NO_FINDING);
    row(answer((enum srt_outcome)99), false, BAND_NOT_JUDGED, REASON_NOT_PROCESSED);
    operated.known = true;
    row(operated, false, BAND_ROUTINE, REASON_POSTOPERATIVE);
}

/* In minutes, by which each stands earlier than it came: 0 LOW, 30 ROUTINE, 60 HIGH and STAT,
 * 112.5, 108.75 and 97.5 these findings. */
static void test_places_in_the_list(void **state)
{
    const struct priority_case finding = answer(SRT_FINDING), none = answer(SRT_NO_FINDING);
    struct priority_case read = none, weaker = finding, alone = finding;
    (void)state;
    read.read = true;
    weaker.score = 0.7;
    alone.agreed = false;
    const struct priority_place ladder[] = {
        place(none, ORDER_STAT, 125, 9),    place(finding, ORDER_STAT, 60, 8),
        place(weaker, ORDER_STAT, 60, 7),   place(none, ORDER_STAT, 100, 1),
        place(none, ORDER_STAT, 99, 0),     place(none, ORDER_LOW, 300, 5),
        place(finding, ORDER_LOW, 121, 4),  place(none, ORDER_HIGH, 120, 3),
        place(none, ORDER_ROUTINE, 149, 2), place(weaker, ORDER_UNKNOWN, 70, 6),
        place(alone, ORDER_HIGH, 80, 0),    place(none, ORDER_LOW, 177, 0),
        place(finding, ORDER_LOW, 3, 0),    place(none, ORDER_HIGH, 0, 7),
        place(none, ORDER_ROUTINE, 0, 1),   place(none, ORDER_UNKNOWN, 0, 2),
        place(none, ORDER_ROUTINE, -5, 0),  place(none, ORDER_LOW, 24, 0),
        place(read, ORDER_STAT, 500, 0),    place(read, ORDER_LOW, 400, 0),
    };
    for (size_t i = 0; i < sizeof ladder / sizeof *ladder; i++)
        for (size_t j = i + 1; j < sizeof ladder / sizeof *ladder; j++)
            first(ladder[i], ladder[j]);
    assert_int_equal(compare(ladder[3], ladder[3]), 0);
}

static void test_what_was_not_judged_stands_where_it_stood(void **state)
{
    const enum srt_outcome kept[] = {SRT_NOT_PROCESSED, SRT_UNDETERMINED, SRT_INCOMPLETE,
                                     SRT_NO_FINDING};
    const struct priority_case waiting = {0};
    struct dice dice = {1};
    (void)state;
    for (int i = 0; i < 20000; i++) {
        enum priority_order order = orders[below(&dice, ORDERS)];
        int64_t ago = below(&dice, 200);
        struct priority_place other = place(answer((enum srt_outcome)below(&dice, 5)),
                                            orders[below(&dice, ORDERS)], below(&dice, 200), 1);
        int before = compare(place(waiting, order, ago, 2), other);
        for (int k = 0; k < 4; k++)
            assert_int_equal(compare(place(answer(kept[k]), order, ago, 2), other), before);
    }
}

/* Reasons that stand beside a study never say that something is absent, and say little else. */
static void test_words(void **state)
{
    static const struct {
        const char *word;
        enum priority_order order;
    } words[] = {{"STAT", ORDER_STAT},       {"stat ", ORDER_STAT},     {"S", ORDER_STAT},
                 {" High", ORDER_HIGH},      {"A", ORDER_HIGH},         {"asap", ORDER_HIGH},
                 {"P", ORDER_HIGH},          {"C", ORDER_HIGH},         {"R", ORDER_ROUTINE},
                 {"ROUTINE", ORDER_ROUTINE}, {"MEDIUM", ORDER_ROUTINE}, {"PRN", ORDER_ROUTINE},
                 {"T", ORDER_ROUTINE},       {"TM30", ORDER_ROUTINE},   {"LOW", ORDER_LOW},
                 {"", ORDER_UNKNOWN},        {" ", ORDER_UNKNOWN},      {"STA", ORDER_UNKNOWN},
                 {"STATS", ORDER_UNKNOWN},   {"TM", ORDER_UNKNOWN},     {"TM3x", ORDER_UNKNOWN},
                 {"UNKNOWN", ORDER_UNKNOWN}};
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_int_equal(priority_order_parse(words[i].word), words[i].order);
    for (int i = 1; i < ORDERS; i++) /* names are words, and lead back */
        assert_int_equal(priority_order_parse(priority_order_name(orders[i])), orders[i]);
    assert_string_equal(priority_order_name(ORDER_UNKNOWN), "UNKNOWN");
    assert_string_equal(priority_rank_name(PRIORITY_HIGH), "HIGH");
    assert_string_equal(priority_rank_name(PRIORITY_MEDIUM), "MEDIUM");
    assert_string_equal(priority_rank_name(PRIORITY_LOW), "LOW");
    for (int reason = REASON_FINDING; reason <= REASON_READ; reason++) {
        const char *text = priority_reason_text((enum priority_reason)reason);
        assert_null(strstr(text, "bsent"));
        assert_null(strstr(text, "ormal"));
        assert_null(strpbrk(text, "0123456789"));
        assert_true(strlen(priority_reason_code((enum priority_reason)reason)) > 3);
    }
    assert_string_equal(priority_reason_code(REASON_NOT_PROCESSED), "not-processed");
    assert_non_null(strstr(priority_reason_text(REASON_NO_FINDING), "does not exclude injury"));
}

static void test_strength(void **state)
{
    static const struct {
        double score, operating_point;
        bool agreed;
        double strength;
    } rows[] = {{0.8, 0.6, true, 0.75}, {0.8, 0.6, false, 0.25}, {0.6, 0.6, true, 0.5},
                {1, 0.6, true, 1},      {1, 0.6, false, 0.5},    {0.1, 0.6, true, 0.5},
                {2, 0.6, true, 1},      {1, 1, true, 1},         {0.9, 1, true, 0.5},
                {NAN, 0.6, true, 0.5},  {0.8, NAN, false, 0},    {NAN, 1, false, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct priority_case known = answer(SRT_FINDING);
        known.score = rows[i].score;
        known.operating_point = rows[i].operating_point;
        known.agreed = rows[i].agreed;
        struct priority priority = judged(known, ORDER_ROUTINE);
        assert_true(fabs(priority.strength - rows[i].strength) < 1e-9);
        assert_true(priority.raised); /* a finding is, whatever its score */
    }
    struct priority_place none = place(answer(SRT_FINDING), ORDER_ROUTINE, 5, 1), damaged = none;
    none.priority.strength = 0;
    damaged.priority.strength = NAN;
    assert_int_equal(compare(none, damaged), 0);
    damaged.priority.strength = -5;
    assert_int_equal(compare(none, damaged), 0);
    none.priority.strength = 1;
    damaged.priority.strength = 5;
    assert_int_equal(compare(none, damaged), 0);
}

static struct priority_case any_case(struct dice *dice)
{
    static const double points[] = {0, 0.3, 0.6, 1};
    return (struct priority_case){.answered = below(dice, 6) > 0,
                                  .outcome = below(dice, 2) ? SRT_FINDING
                                                            : (enum srt_outcome)below(dice, 5),
                                  .score = below(dice, 8) ? below(dice, 11) / 10.0 : NAN,
                                  .operating_point = points[below(dice, 4)],
                                  .agreed = below(dice, 2) == 1,
                                  .known = below(dice, 8) == 0,
                                  .postoperative = below(dice, 8) == 0,
                                  .muted = below(dice, 8) == 0,
                                  .read = below(dice, 12) == 0};
}

/* Few different values, so that ties are frequent. */
static struct priority_place any_place(struct dice *dice)
{
    struct priority_case known = any_case(dice);
    struct priority_place some =
        place(known, orders[below(dice, ORDERS)], 10 * below(dice, 13), below(dice, 3));
    if (below(dice, 40) == 0)
        some.priority.strength = NAN;
    return some;
}

static void test_a_higher_score_never_stands_lower(void **state)
{
    struct dice dice = {2};
    int higher = 0;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        struct priority_case low = any_case(&dice), high;
        enum priority_order order = orders[below(&dice, ORDERS)];
        int64_t ago = below(&dice, 240);
        high = low;
        high.score = low.score + (1 - low.score) * uniform(&dice);
        struct priority_place lower = place(low, order, ago, 1), upper = place(high, order, ago, 1);
        assert_true(upper.priority.strength >= lower.priority.strength);
        assert_true(upper.priority.rank >= lower.priority.rank);
        assert_true(compare(upper, lower) <= 0);
        higher += compare(upper, lower) < 0;
    }
    assert_true(higher > 5000);
}

static void test_an_answer_only_raises(void **state)
{
    struct dice dice = {3};
    int raised = 0;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        struct priority_case known = any_case(&dice);
        enum priority_order order = orders[below(&dice, ORDERS)];
        int64_t ago = below(&dice, 240);
        known.read = false;
        struct priority_place with = place(known, order, ago, 1), other = any_place(&dice);
        struct priority_place without = place((struct priority_case){0}, order, ago, 1);
        assert_true(with.priority.rank >= order_ranks[order]);
        assert_true(compare(with, without) <= 0);
        if (compare(without, other) < 0)
            first(with, other);
        if (order == ORDER_STAT && other.order != ORDER_STAT)
            first(with, other);
        raised += compare(without, other) > 0 && compare(with, other) < 0;
    }
    assert_true(raised > 1000);
}

static double strength_of(const struct priority_place *place)
{
    return place->priority.strength > 0 ? place->priority.strength : 0; /* NAN: none */
}

/* docs/priority.md, "Bands": of raised studies the order does not count, STAT aside. */
static void test_within_a_band_the_oldest_comes_first(void **state)
{
    struct dice dice = {5};
    const int64_t quarter_ms = two_hours.ageing_seconds * 1000 / 4;
    int older = 0, stronger = 0;
    (void)state;
    for (int i = 0; i < 300000; i++) {
        struct priority_place a = any_place(&dice), b = any_place(&dice);
        bool raised = a.priority.raised,
             peers =
                 raised ? (a.order == ORDER_STAT) == (b.order == ORDER_STAT) : a.order == b.order;
        if (!peers || a.priority.band != b.priority.band || a.arrived_ms >= b.arrived_ms ||
            a.priority.reason == REASON_READ || b.priority.reason == REASON_READ)
            continue;
        bool by_age = !raised || strength_of(&a) >= strength_of(&b) ||
                      b.arrived_ms - a.arrived_ms > quarter_ms;
        if (by_age)
            first(a, b);
        older += by_age;
        stronger += compare(a, b) > 0;
    }
    assert_true(older > 10000 && stronger > 100);
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static void test_the_order_is_total(void **state)
{
    struct dice dice = {4};
    int chains = 0;
    (void)state;
    for (int i = 0; i < 300000; i++) {
        struct priority_place a = any_place(&dice), b = any_place(&dice), c = any_place(&dice);
        int ab = sign(compare(a, b)), bc = sign(compare(b, c)), ac = sign(compare(a, c));
        if (ab == 0 && bc == 0)
            assert_int_equal(ac, 0);
        else if (ab * bc >= 0) {
            assert_int_equal(ac, ab ? ab : bc);
            chains++;
        }
        if (a.number != b.number)
            assert_int_not_equal(ab, 0);
    }
    assert_true(chains > 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_row_of_the_table),
        cmocka_unit_test(test_places_in_the_list),
        cmocka_unit_test(test_what_was_not_judged_stands_where_it_stood),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_strength),
        cmocka_unit_test(test_a_higher_score_never_stands_lower),
        cmocka_unit_test(test_an_answer_only_raises),
        cmocka_unit_test(test_within_a_band_the_oldest_comes_first),
        cmocka_unit_test(test_the_order_is_total),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
