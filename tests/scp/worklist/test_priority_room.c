/* Nobody waits for ever in a reading room full of findings: the bounds of priority.c, over 10^5
 * arrivals each. */
#include "priority_fixture.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- nobody waits for ever ---- */

enum { ARRIVALS = 100000, PHASE = 1000, READERS_MOST = 3 };

struct reading {
    struct priority_place place;
    int64_t takes, start, start_fcfs;
    int64_t cost, passed_last_ms; /* those who passed it: their reading time; the last began */
};

static bool is_stat(const struct reading *reading)
{
    return reading->place.order == ORDER_STAT;
}

/* Findings that come, for PHASE studies at a time, faster than they are read, then slower. */
static void fill(struct reading *readings, int readers, bool fixed, int stat_percent)
{
    struct dice dice = {5};
    int64_t now = NOW;
    for (int i = 0; i < ARRIVALS; i++) {
        double load = i / PHASE % 2 == 0 ? 1.3 : 0.6;
        double gap = -log(1 - uniform(&dice)) * 5 * (double)MINUTE / readers / load;
        bool finding = below(&dice, 100) < 85;
        struct priority_case known =
            answer(finding ? SRT_FINDING : (enum srt_outcome)below(&dice, 5));
        enum priority_order order = (enum priority_order)(ORDER_UNKNOWN + below(&dice, 4));
        known.answered = finding || below(&dice, 2) == 0;
        known.score = 0.6 + 0.4 * uniform(&dice);
        now += (int64_t)gap;
        if (below(&dice, 100) < stat_percent)
            order = ORDER_STAT;
        readings[i] = (struct reading){
            .place = {judged(known, order), order, now, .number = i},
            .takes = fixed ? 5 * MINUTE : 1 + (int64_t)(10 * (double)MINUTE * uniform(&dice))};
    }
}

static int64_t earliest(const int64_t *free_at, int readers, int *which)
{
    *which = 0;
    for (int r = 1; r < readers; r++)
        if (free_at[r] < free_at[*which])
            *which = r;
    return free_at[*which];
}

/* Nobody goes before a waiting study that came more than ageing later, nor before one that was
 * passed delay ago if it came later at all, STAT before others aside. */
static void nobody_is_passed(const struct priority_policy *policy, const struct reading *next,
                             const struct reading *const *waiting, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct priority_place *place = &waiting[i]->place;
        int64_t later = next->place.arrived_ms - place->arrived_ms;
        int64_t ago = place->passed_ms > 0 ? policy->now_ms - place->passed_ms : 0;
        if (is_stat(next) != is_stat(waiting[i]))
            continue;
        assert_true(later <= policy->ageing_seconds * INT64_C(1000));
        assert_true(later <= 0 || ago < policy->delay_seconds * INT64_C(1000));
    }
}

/* waiting came earlier than next, which is read now. */
static void pass(struct reading *waiting, const struct reading *next, int64_t now)
{
    if (is_stat(next) && !is_stat(waiting))
        return;
    if (waiting->place.passed_ms == 0)
        waiting->place.passed_ms = now;
    waiting->passed_last_ms = now;
    waiting->cost += next->takes;
}

/* given NULL: first come, first served. */
static void read_all(const struct priority_policy *given, struct reading *readings, int readers)
{
    static const struct reading *waiting[ARRIVALS];
    struct priority_policy now_of = given ? *given : (struct priority_policy){0};
    const struct priority_policy *policy = given ? &now_of : NULL;
    int64_t free_at[READERS_MOST] = {0};
    size_t count = 0;
    int arrived = 0;
    while (arrived < ARRIVALS || count > 0) {
        int which;
        int64_t now = earliest(free_at, readers, &which);
        if (count == 0 && now < readings[arrived].place.arrived_ms)
            now = readings[arrived].place.arrived_ms;
        while (arrived < ARRIVALS && readings[arrived].place.arrived_ms <= now)
            waiting[count++] = &readings[arrived++];
        now_of.now_ms = now;
        size_t best = 0;
        for (size_t i = 1; policy && i < count; i++)
            if (priority_compare(policy, &waiting[i]->place, &waiting[best]->place) < 0)
                best = i;
        struct reading *next = &readings[waiting[best]->place.number];
        for (size_t i = 0; i < best; i++)
            pass(&readings[waiting[i]->place.number], next, now);
        if (policy)
            nobody_is_passed(policy, next, waiting, count);
        for (count--; best < count; best++)
            waiting[best] = waiting[best + 1];
        *(policy ? &next->start : &next->start_fcfs) = now;
        free_at[which] = now + next->takes;
    }
}

/* The longest that a study begins later than first come, first served would let it. */
static int64_t latest(const struct reading *readings)
{
    int64_t most = 0;
    for (int i = 0; i < ARRIVALS; i++) {
        int64_t later = readings[i].start - readings[i].start_fcfs;
        most = later > most ? later : most;
    }
    return most;
}

/* The most reading time that arrives within ageing of a study. */
static int64_t busiest(const struct reading *readings)
{
    int64_t most = 0, sum = 0;
    for (int from = 0, to = 0; from < ARRIVALS; sum -= readings[from++].takes) {
        while (to < ARRIVALS && readings[to].place.arrived_ms - readings[from].place.arrived_ms <=
                                    two_hours.ageing_seconds * INT64_C(1000))
            sum += readings[to++].takes;
        most = sum > most ? sum : most;
    }
    return most;
}

/* With one reader, or readings of one length, those who passed are all that first come, first
 * served would have spared it. */
static void bounded(int readers, bool fixed)
{
    const struct priority_policy never = {.ageing_seconds = INT32_MAX, .delay_seconds = INT32_MAX};
    struct reading *readings = calloc(ARRIVALS, sizeof *readings);
    assert_non_null(readings);
    fill(readings, readers, fixed, 0);
    read_all(NULL, readings, readers);
    read_all(&two_hours, readings, readers);
    int64_t bound = busiest(readings) / readers + (fixed ? 5 : 0) * MINUTE;
    int64_t aged = latest(readings);
    read_all(&never, readings, readers);
    int64_t unaged = latest(readings);
    print_message("%d reader(s): at most %.0f min later (bound %.0f), without ageing %.0f\n",
                  readers, (double)aged / (double)MINUTE, (double)bound / (double)MINUTE,
                  (double)unaged / (double)MINUTE);
    assert_true(aged <= bound);
    assert_true(aged > bound / 3);   /* there was something to bound */
    assert_true(unaged > 2 * bound); /* and without ageing, it fails here */
    free(readings);
}

static void test_nobody_waits_for_ever(void **state)
{
    (void)state;
    bounded(1, false);
    bounded(3, true);
}

/* Findings for ever come faster than all is read: the list grows, and from delay after its first
 * passing on nobody is passed (nobody_is_passed). So those who pass it begin within delay, and it
 * begins no later than that, and what a reader was then in, against first come, first served. */
static void flood(struct reading *readings, int readers, int stat_percent, int minutes)
{
    const struct priority_policy policy = {.ageing_seconds = INT32_MAX,
                                           .delay_seconds = minutes > 0 ? minutes * 60 : INT32_MAX};
    const int64_t delay = minutes * MINUTE, longest = (readers > 1 ? 5 : 10) * MINUTE;
    int64_t within = 0, cost = 0, later = 0;
    int passed = 0;
    fill(readings, readers, readers > 1, stat_percent);
    for (int i = 1; i < ARRIVALS; i++) /* a load of 1.01 throughout */
        readings[i].place.arrived_ms = NOW + (int64_t)i * 5 * MINUTE * 100 / 101 / readers;
    read_all(NULL, readings, readers);
    for (int i = 0; i < ARRIVALS; i++)
        readings[i].place.passed_ms = readings[i].passed_last_ms = readings[i].cost = 0;
    read_all(&policy, readings, readers);
    for (int i = 0; i < ARRIVALS; i++) {
        int64_t lasted = readings[i].passed_last_ms - readings[i].place.passed_ms;
        within = lasted > within ? lasted : within;
        cost = readings[i].cost > cost ? readings[i].cost : cost;
        passed += readings[i].place.passed_ms > 0;
    }
    later = latest(readings);
    print_message(
        "%d reader(s), delay %d min: %d were passed, for %lld min, of %lld min's reading; "
        "at most %lld min later\n",
        readers, minutes, passed, (long long)(within / MINUTE), (long long)(cost / MINUTE),
        (long long)(later / MINUTE));
    if (minutes == 0) {
        assert_true(within > 1000 * 60 * MINUTE); /* there was something to bound */
        return;
    }
    assert_true(passed > ARRIVALS / 100);
    assert_true(within < delay);
    assert_true(within > delay - longest); /* many were spared */
    assert_true(cost <= readers * (delay + longest));
    if (stat_percent == 0)
        assert_true(later <= delay + longest * readers);
}

static void test_nobody_waits_longer_because_of_others(void **state)
{
    struct reading *readings = calloc(ARRIVALS, sizeof *readings);
    (void)state;
    assert_non_null(readings);
    flood(readings, 1, 0, 0);
    flood(readings, 1, 0, 120);
    flood(readings, 3, 0, 120);
    flood(readings, 3, 5, 120);
    free(readings);
}

/* Who has waited for hours because nobody read has not been passed for long: the raise is there. */
static void test_after_a_night_a_finding_is_first(void **state)
{
    const struct priority_policy policy = {
        .ageing_seconds = 86400, .delay_seconds = 3600, .now_ms = NOW};
    const struct priority_place early = {.priority = judged(answer(SRT_NO_FINDING), ORDER_ROUTINE),
                                         .order = ORDER_ROUTINE,
                                         .arrived_ms = NOW - 840 * MINUTE,
                                         .passed_ms = NOW - 59 * MINUTE};
    const struct priority_place finding = {.priority = judged(answer(SRT_FINDING), ORDER_ROUTINE),
                                           .order = ORDER_ROUTINE,
                                           .arrived_ms = NOW,
                                           .number = 1};
    struct priority_place spared = early, stat = finding;
    (void)state;
    assert_true(priority_compare(&policy, &finding, &early) < 0);
    spared.passed_ms = NOW - 60 * MINUTE;
    assert_true(priority_compare(&policy, &spared, &finding) < 0);
    stat.order = ORDER_STAT;
    assert_true(priority_compare(&policy, &stat, &spared) < 0);
}

static void test_stat_waits_for_nobody_but_stat(void **state)
{
    struct reading *readings = calloc(ARRIVALS, sizeof *readings);
    int64_t longest = 0;
    (void)state;
    assert_non_null(readings);
    fill(readings, 1, false, 5);
    read_all(&two_hours, readings, 1);
    for (int i = 0; i < ARRIVALS; i++)
        if (is_stat(&readings[i]) && readings[i].start - readings[i].place.arrived_ms > longest)
            longest = readings[i].start - readings[i].place.arrived_ms;
    print_message("STAT waits at most %.0f min\n", (double)longest / (double)MINUTE);
    assert_true(longest < 60 * MINUTE); /* 6 % of the reader's time: a few at most */
    free(readings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_waits_for_ever),
        cmocka_unit_test(test_nobody_waits_longer_because_of_others),
        cmocka_unit_test(test_after_a_night_a_finding_is_first),
        cmocka_unit_test(test_stat_waits_for_nobody_but_stat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
