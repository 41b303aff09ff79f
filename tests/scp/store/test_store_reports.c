/* The job store's results and deliveries: nothing twice, nothing forgotten, counts that add up. */
#include "scp_fixture.h"

#define KIND(kind) (1u << (kind))
static const struct addressee places[] = {
    {.name = "pacs", .kinds = KIND(RESULT_SR) | KIND(RESULT_SC)},
    {.name = "archive", .kinds = KIND(RESULT_SR)},
};

static struct result make(enum result_kind kind, int number)
{
    struct result r = {.kind = kind, .outcome = SRT_FINDING, .created_ms = 5000 + number};
    snprintf(r.uid, sizeof r.uid, "2.25.%d", number);
    snprintf(r.sop_class, sizeof r.sop_class, "1.2.840.10008.5.1.4.1.1.88.34");
    snprintf(r.series, sizeof r.series, "2.25.1%d", number);
    snprintf(r.study, sizeof r.study, "1.2.4.1");
    snprintf(r.path, sizeof r.path, "results/2.25.%d.dcm", number);
    snprintf(r.digest, sizeof r.digest, "%064x", (unsigned)number);
    return r;
}

static int64_t judged(struct store *store, int number)
{
    struct instance in = fixture_instance(number, number, 1, "a");
    enum store_identity identity;
    const struct judgement judgement = {.state = INSTANCE_JUDGED};
    FIXTURE_OK(store_add_instance(store, &in, &identity));
    FIXTURE_OK(store_judge(store, in.id, &judgement));
    FIXTURE_OK(store_association_end(store, "a"));
    return in.id;
}

static void report(struct store *store, const struct result *results, size_t count, int64_t id)
{
    const struct store_report report = {.study = "1.2.4.1",
                                        .results = results,
                                        .count = count,
                                        .instances = &id,
                                        .instance_count = 1,
                                        .to = places,
                                        .to_count = 2};
    FIXTURE_OK(store_add_report(store, &report));
}

static size_t pending(struct store *store, const char *place, struct delivery list[8])
{
    size_t count;
    FIXTURE_OK(store_pending(store, place, INT64_MAX, INT64_MAX, list, 8, &count));
    return count;
}

static void a_report_goes_to_those_who_want_it(void **state)
{
    struct store *store = fixture_open(*state);
    struct delivery list[8];
    const struct result results[] = {make(RESULT_SR, 2), make(RESULT_SC, 1)};
    report(store, results, 2, judged(store, 1));

    assert_int_equal(pending(store, "pacs", list), 2);
    assert_int_equal(list[1].result.kind, RESULT_SC);
    assert_string_equal(list[0].result.uid, "2.25.2");
    assert_string_equal(list[0].result.path, "results/2.25.2.dcm");
    assert_string_equal(list[0].result.series, "2.25.12");
    assert_int_equal(list[0].result.outcome, SRT_FINDING);
    assert_int_equal(list[0].result.report, list[1].result.report);
    assert_int_equal(list[0].next_ms, 0);
    assert_int_equal(pending(store, "archive", list), 1);
    assert_int_equal(list[0].result.kind, RESULT_SR);
    assert_int_equal(pending(store, "nobody", list), 0);
    assert_int_equal(fixture_due(store).count, 0);
    store_close(store);
}

static void a_late_image_makes_the_next_version(void **state)
{
    struct store *store = fixture_open(*state);
    const struct result one = make(RESULT_SR, 1), two = make(RESULT_SR, 2);
    report(store, &one, 1, judged(store, 1));
    int64_t late = judged(store, 2);
    struct fixture_due seen = fixture_due(store);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.last.version, 1);
    assert_string_equal(seen.last.last_report, "2.25.1");
    assert_string_equal(seen.last.last_report_series, "2.25.11");
    report(store, &two, 1, late);
    assert_int_equal(fixture_due(store).count, 0);

    const struct judgement again = {.state = INSTANCE_JUDGED}; /* judged anew: due again */
    FIXTURE_OK(store_judge(store, late, &again));
    assert_int_equal(fixture_due(store).last.version, 2);
    store_close(store);
}

static void the_same_report_again_changes_nothing(void **state)
{
    struct store *store = fixture_open(*state);
    struct delivery list[8];
    struct store_counts counts;
    const struct result one = make(RESULT_SR, 1);
    int64_t id = judged(store, 1);
    report(store, &one, 1, id);
    assert_int_equal(pending(store, "pacs", list), 1);
    FIXTURE_OK(store_delivered(store, list[0].id, 0, 1));
    report(store, &one, 1, id);
    assert_int_equal(pending(store, "pacs", list), 0);
    FIXTURE_OK(store_counts(store, &counts));
    assert_int_equal(counts.reports, 1);
    const struct judgement again = {.state = INSTANCE_JUDGED};
    FIXTURE_OK(store_judge(store, id, &again));
    assert_int_equal(fixture_due(store).last.version, 1);
    store_close(store);
}

static void failures_put_off_park_and_keep_order(void **state)
{
    struct store *store = fixture_open(*state);
    struct delivery list[8];
    const struct result results[] = {make(RESULT_SR, 1), make(RESULT_SC, 2), make(RESULT_SC, 3)};
    report(store, results, 3, judged(store, 1));
    assert_int_equal(pending(store, "pacs", list), 3);
    int64_t first = list[0].id, second = list[1].id;

    FIXTURE_OK(store_delivery_failed(store, first, 0, false, false, "unreached"));
    assert_int_equal(pending(store, "pacs", list), 3);
    assert_int_equal(list[0].id, first); /* the peer was away: the order stays */
    assert_int_equal(list[0].attempts, 1);
    assert_string_equal(list[0].last_error, "unreached");
    FIXTURE_OK(store_delivery_failed(store, first, 9000, false, false, "A700"));
    assert_int_equal(pending(store, "pacs", list), 3);
    assert_int_equal(list[0].next_ms, 9000);
    size_t due = 0;
    FIXTURE_OK(store_pending(store, "pacs", 8999, 1000000, list, 8, &due));
    assert_int_equal(due, 0); /* its pictures do not go before it */
    FIXTURE_OK(store_pending(store, "pacs", 9000, 1000000, list, 8, &due));
    assert_int_equal(due, 3);
    assert_int_equal(list[0].id, first);
    FIXTURE_OK(store_delivery_failed(store, second, 9000, true, false, "A900"));
    assert_int_equal(pending(store, "pacs", list), 2);

    FIXTURE_OK(store_delivered(store, first, 0, 1));
    assert_int_equal(store_delivery_failed(store, first, 0, false, false, "late"), STORE_NONE);
    assert_int_equal(store_delivered(store, 999, 0, 1), STORE_NONE);
    store_close(store);
}

static void counts_add_up_after_reopening(void **state)
{
    const struct fixture *f = *state;
    struct store *store = fixture_open(f);
    struct delivery list[8];
    struct store_counts c;
    const struct result results[] = {make(RESULT_SR, 1), make(RESULT_SC, 2)};
    report(store, results, 2, judged(store, 1));
    assert_int_equal(pending(store, "pacs", list), 2);
    FIXTURE_OK(store_delivered(store, list[0].id, 0, 1));
    FIXTURE_OK(store_delivery_failed(store, list[1].id, 1, true, false, "refused"));
    FIXTURE_OK(store_count(store, "refused"));
    FIXTURE_OK(store_count(store, "refused"));
    store_close(store);

    store = fixture_open(f);
    FIXTURE_OK(store_counts(store, &c));
    assert_int_equal(c.instances[INSTANCE_JUDGED], 1);
    assert_int_equal(c.reports, 1);
    assert_int_equal(c.pictures, 1);
    assert_int_equal(c.sent, 1);
    assert_int_equal(c.parked, 1);
    assert_int_equal(c.pending, 1); /* the archive's */
    assert_int_equal(c.refused, 2);
    assert_int_equal(c.oldest_pending_ms, 5001);
    store_close(store);
}

static void results_are_recognised(void **state)
{
    struct store *store = fixture_open(*state);
    struct result list[2];
    size_t count;
    bool ours = true;
    const struct result results[] = {make(RESULT_SR, 1), make(RESULT_SC, 2), make(RESULT_SC, 3)};
    FIXTURE_OK(store_is_result(store, "2.25.3", &ours));
    assert_false(ours);
    report(store, results, 3, judged(store, 1));
    FIXTURE_OK(store_is_result(store, "2.25.3", &ours));
    assert_true(ours);
    FIXTURE_OK(store_results(store, list, 2, &count));
    assert_int_equal(count, 2);
    assert_string_equal(list[0].uid, "2.25.3");
    store_close(store);
}

/* A report that cannot be written as a whole is not written at all. */
static void a_report_is_all_or_nothing(void **state)
{
    struct store *store = fixture_open(*state);
    struct store_counts counts;
    const struct result one = make(RESULT_SR, 1);
    const int64_t nobody = 12345; /* no such instance: the foreign key refuses */
    (void)judged(store, 1);
    const struct store_report broken = {.study = "1.2.4.1",
                                        .results = &one,
                                        .count = 1,
                                        .instances = &nobody,
                                        .instance_count = 1,
                                        .to = places,
                                        .to_count = 2};
    assert_int_equal(store_add_report(store, &broken), STORE_BROKEN);
    FIXTURE_OK(store_counts(store, &counts));
    assert_int_equal(counts.reports + counts.pending, 0);
    assert_int_equal(fixture_due(store).count, 1);
    store_close(store);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_report_goes_to_those_who_want_it),
        T(a_late_image_makes_the_next_version),
        T(the_same_report_again_changes_nothing),
        T(failures_put_off_park_and_keep_order),
        T(counts_add_up_after_reopening),
        T(results_are_recognised),
        T(a_report_is_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
