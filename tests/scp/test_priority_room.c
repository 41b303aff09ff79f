/* Nobody waits for ever in a reading room full of findings (docs/priority.md, "Ageing: the bound").
 * The seed is fixed: a failure comes back. */
#include "priority_fixture.h"

enum { ARRIVALS = 100000, PHASE = 1000, READERS_MOST = 3 };

struct reading {
    struct priority_place place;
    int64_t takes, start, start_fcfs;
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
            .place = {judged(known, order), order, now, i},
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

/* Nobody goes before a waiting study that came more than ageing later, STAT before others aside. */
static void nobody_is_passed(const struct priority_policy *policy, const struct reading *next,
                             const struct reading *const *waiting, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t later = next->place.arrived_ms - waiting[i]->place.arrived_ms;
        if (is_stat(next) == is_stat(waiting[i]))
            assert_true(later <= policy->ageing_seconds * INT64_C(1000));
    }
}

/* policy NULL: first come, first served. */
static void read_all(const struct priority_policy *policy, struct reading *readings, int readers)
{
    static const struct reading *waiting[ARRIVALS];
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
        size_t best = 0;
        for (size_t i = 1; policy && i < count; i++)
            if (priority_compare(policy, &waiting[i]->place, &waiting[best]->place) < 0)
                best = i;
        struct reading *next = &readings[waiting[best]->place.number];
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
    const struct priority_policy never = {.ageing_seconds = INT32_MAX};
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
        cmocka_unit_test(test_stat_waits_for_nobody_but_stat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
