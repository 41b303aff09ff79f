/* The histograms of how long studies take, and the history with the same moments. */
#include "keep_fixture.h"
#include "open_store.h"
#include "store_latency.h"
#include "store_place.h"

static struct store_latency seen[STORE_STAGES];

static void check(enum store_stage stage, uint64_t count, int64_t sum_ms)
{
    FIXTURE_OK(store_latencies(store, seen));
    assert_int_equal(seen[stage].count, count);
    assert_int_equal(seen[stage].sum_ms, sum_ms);
    uint64_t all = 0;
    for (int i = 0; i <= STORE_LATENCY_BOUNDS; i++)
        all += seen[stage].bucket[i];
    assert_int_equal(all, count);
}

/* keep_receive: received at 1000 * number */
static int64_t judged(int number, int64_t now_ms)
{
    const struct judgement judgement = {.state = INSTANCE_JUDGED, .now_ms = now_ms};
    int64_t id = keep_receive(store, number, 1, 1000 * number);
    FIXTURE_OK(store_judge(store, id, &judgement));
    return id;
}

static void report(int number, const int64_t *ids, size_t count, int64_t last, int64_t now_ms)
{
    static const struct addressee to = {.name = "pacs", .kinds = ~0u};
    struct result r = {.kind = RESULT_SR, .outcome = SRT_FINDING, .created_ms = 5000};
    snprintf(r.uid, sizeof r.uid, "2.25.%d", number);
    snprintf(r.study, sizeof r.study, "1.2.4.1");
    const struct store_report made = {.study = r.study,
                                      .results = &r,
                                      .count = 1,
                                      .instances = ids,
                                      .instance_count = count,
                                      .last = last,
                                      .to = &to,
                                      .to_count = 1,
                                      .complete_ms = now_ms - 10,
                                      .now_ms = now_ms};
    FIXTURE_OK(store_add_report(store, &made));
}

static int64_t due(void)
{
    struct delivery list[4];
    size_t count;
    FIXTURE_OK(store_pending(store, "pacs", INT64_MAX, INT64_MAX, list, 4, &count));
    assert_true(count > 0);
    return list[count - 1].id;
}

static void each_stage_counts_once(void **state)
{
    (void)state;
    int64_t ids[3] = {judged(1, 1300), judged(2, 2250)};
    check(STAGE_ANALYSED, 2, 550);
    assert_true(seen[STAGE_ANALYSED].bucket[0] == 1 && seen[STAGE_ANALYSED].bucket[1] == 1);
    report(1, ids, 2, 0, 20000);
    check(STAGE_COMPLETE, 1, 17990); /* since the latest image */
    check(STAGE_STORED, 1, 18000);
    assert_int_equal(seen[STAGE_STORED].bucket[7], 1);

    int64_t delivery = due();
    FIXTURE_OK(store_delivery_stored(store, delivery, 0, 21000));
    FIXTURE_OK(store_ask_commitment(store, &delivery, 1, "1.2.9", 30000));
    check(STAGE_SENT, 1, 19000);
    FIXTURE_OK(store_commitment(store, "1.2.9", "2.25.1", 0, "", 25000));
    check(STAGE_COMMITTED, 1, 23000);

    ids[2] = judged(3, 3100); /* a late one: the amended report is as late as that */
    report(2, ids, 3, 1, 30000);
    check(STAGE_STORED, 2, 18000 + 27000);
    FIXTURE_OK(store_delivered(store, due(), 0, 31000));
    check(STAGE_SENT, 2, 19000 + 28000);
    check(STAGE_COMMITTED, 1, 23000);
}

static void what_is_no_new_study_does_not_count(void **state)
{
    (void)state;
    int64_t id = judged(1, 1300);
    report(1, &id, 1, 0, 20000);
    report(2, &id, 1, 1, 900000); /* corrected: no new image */
    check(STAGE_STORED, 1, 19000);
    int64_t delivery = due();
    FIXTURE_OK(store_delivered(store, delivery, 0, 901000));
    check(STAGE_SENT, 0, 0);
    const struct judgement again = {.state = INSTANCE_JUDGED};
    FIXTURE_OK(store_judge(store, id, &again)); /* nothing is said of when */
    check(STAGE_ANALYSED, 1, 300);
}

static void later_than_all_bounds(void **state)
{
    (void)state;
    (void)judged(1, 1000 + 86400000);
    (void)judged(2, 2000 + 86400001);
    (void)judged(3, 1); /* the clock was set back */
    check(STAGE_ANALYSED, 3, 2 * INT64_C(86400000) + 1);
    assert_int_equal(seen[STAGE_ANALYSED].bucket[STORE_LATENCY_BOUNDS - 1], 1);
    assert_int_equal(seen[STAGE_ANALYSED].bucket[STORE_LATENCY_BOUNDS], 1);
    assert_int_equal(seen[STAGE_ANALYSED].bucket[0], 1);
}

static void history_has_every_stage(void **state)
{
    (void)state;
    static const struct store_history expected[] = {{.at_ms = 1000, .what = HAPPENED_RECEIVED},
                                                    {.at_ms = 19990, .what = HAPPENED_COMPLETE},
                                                    {.at_ms = 20000, .what = HAPPENED_REPORTED},
                                                    {.at_ms = 21000, .what = HAPPENED_SENT},
                                                    {.at_ms = 25000, .what = HAPPENED_COMMITTED}};
    struct store_history list[8];
    size_t count;
    int64_t id = judged(1, 1300);
    report(1, &id, 1, 0, 20000);
    int64_t delivery = due();
    FIXTURE_OK(store_delivery_stored(store, delivery, 0, 21000));
    FIXTURE_OK(store_study_history(store, "1.2.4.1", list, 8, &count));
    assert_int_equal(count, 4); /* sent, while nobody has committed to it */
    FIXTURE_OK(store_ask_commitment(store, &delivery, 1, "1.2.9", 30000));
    FIXTURE_OK(store_commitment(store, "1.2.9", "2.25.1", 0, "", 25000));
    FIXTURE_OK(store_study_history(store, "1.2.4.1", list, 8, &count));
    assert_int_equal(count, 5);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(list[i].at_ms, expected[i].at_ms);
        assert_int_equal(list[i].what, expected[i].what);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_stage_counts_once),
        TEST(what_is_no_new_study_does_not_count),
        TEST(later_than_all_bounds),
        TEST(history_has_every_stage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
