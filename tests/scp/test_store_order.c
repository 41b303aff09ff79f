/* Orders of a person: judged again, cancelled, released; what cannot be done is said. */
#include "keep_fixture.h"
#include "scp_fixture.h"

static void only_what_was_not_processed_is_retried(void **state)
{
    struct store *store = fixture_open(*state);
    const struct judgement failed = {.state = INSTANCE_NOT_PROCESSED,
                                     .reason = SRT_SOFTWARE_FAILURE};
    char answer[STORE_ANSWER_MAX];
    struct instance in;
    int64_t good = keep_judged(store, 1, 1, 1), bad = keep_receive(store, 2, 2, 1);
    FIXTURE_OK(store_count_death(store, bad));
    FIXTURE_OK(store_judge(store, bad, &failed));
    keep_report(store, 2, 2, bad, 1, 0, false);
    FIXTURE_OK(store_retry(store, good, answer));
    assert_string_equal(answer, "only what was not processed can be retried");
    FIXTURE_OK(store_retry(store, 99, answer));
    assert_string_equal(answer, "there is no job 99");
    FIXTURE_OK(store_retry(store, bad, answer));
    assert_string_equal(answer, "retried");
    FIXTURE_OK(store_next_received(store, 0, &in));
    assert_true(in.id == bad && in.deaths == 0 && in.attempts == 0 && in.reported == 0);
    const struct judgement fine = {.state = INSTANCE_JUDGED};
    FIXTURE_OK(store_judge(store, bad, &fine));
    assert_int_equal(fixture_due(store).count, 2); /* the other is due for its first */
    assert_int_equal(fixture_due(store).last.amendment, SRT_BY_PERSON);

    FIXTURE_OK(store_judge(store, bad, &failed));
    keep_report(store, 3, 2, bad, 1, 0, false);
    assert_int_equal(keep_retire(store, true, INT64_MAX), 1);
    FIXTURE_OK(store_retry(store, bad, answer));
    assert_string_equal(answer, "its file is no longer here (retention)");
    store_close(store);
}

static void jobs_and_deliveries_are_cancelled(void **state)
{
    struct store *store = fixture_open(*state);
    char answer[STORE_ANSWER_MAX];
    struct instance in;
    struct delivery list[4];
    size_t count;
    int64_t waits = keep_receive(store, 1, 1, 1), told = keep_judged(store, 2, 2, 1);
    keep_report(store, 2, 2, told, 1, 2, false);
    FIXTURE_OK(store_cancel_job(store, waits, answer));
    assert_string_equal(answer, "cancelled, it will not be judged: 0 deliveries");
    FIXTURE_OK(store_get_instance(store, waits, &in));
    assert_int_equal(in.state, INSTANCE_IGNORED);
    FIXTURE_OK(store_cancel_job(store, waits, answer));
    assert_string_equal(answer, "nothing of it waits");
    int64_t one = keep_delivery(store, "pacs");
    FIXTURE_OK(store_cancel_delivery(store, one, answer));
    assert_string_equal(answer, "cancelled");
    FIXTURE_OK(store_cancel_delivery(store, one, answer));
    assert_string_equal(answer, "it is cancelled");
    FIXTURE_OK(store_cancel_delivery(store, 99, answer));
    assert_string_equal(answer, "there is no delivery d99");
    FIXTURE_OK(store_delivery_failed(store, one, 5, false, "late")); /* its batch was under way */
    FIXTURE_OK(store_pending(store, "pacs", INT64_MAX, INT64_MAX, list, 4, &count));
    assert_int_equal(count, 0);
    FIXTURE_OK(store_cancel_job(store, told, answer));
    assert_string_equal(answer, "cancelled: 1 deliveries");
    assert_int_equal(keep_retire(store, true, INT64_MAX), 2);
    store_close(store);
}

static void parked_deliveries_are_released(void **state)
{
    struct store *store = fixture_open(*state);
    char answer[STORE_ANSWER_MAX];
    struct delivery list[4];
    size_t count;
    int64_t id = keep_judged(store, 1, 1, 1);
    keep_report(store, 1, 1, id, 1, 2, false);
    int64_t pacs = keep_delivery(store, "pacs"), archive = keep_delivery(store, "archive");
    FIXTURE_OK(store_release_delivery(store, pacs, answer));
    assert_string_equal(answer, "it is pending, not parked");
    FIXTURE_OK(store_delivery_failed(store, pacs, 5, true, "no"));
    FIXTURE_OK(store_release_delivery(store, pacs, answer));
    assert_string_equal(answer, "released");
    assert_int_equal(keep_delivery(store, "pacs"), pacs);
    FIXTURE_OK(store_delivery_failed(store, pacs, 5, true, "no"));
    FIXTURE_OK(store_delivery_failed(store, archive, 5, true, "no"));
    FIXTURE_OK(store_expire_parked(store, 6, 7, list, 1, &count)); /* one of them */
    FIXTURE_OK(store_release_job(store, id, answer));
    assert_string_equal(answer, "released: 2 deliveries");
    FIXTURE_OK(store_release_job(store, id, answer));
    assert_string_equal(answer, "nothing of it is parked that could be sent");
    FIXTURE_OK(store_delivery_failed(store, pacs, 5, true, "no"));
    FIXTURE_OK(store_retract(store, "2.25.1", "113001"));
    FIXTURE_OK(store_release_delivery(store, pacs, answer));
    assert_string_equal(answer, "its result was taken back");
    store_close(store);
}

/* What did not pass our own check is not sent, whoever asks. */
static void a_bad_result_is_never_released(void **state)
{
    struct store *store = fixture_open(*state);
    const struct addressee to = {"pacs", 1u << RESULT_SR, false};
    char answer[STORE_ANSWER_MAX];
    struct delivery list[2];
    size_t count;
    int64_t id = keep_judged(store, 1, 1, 1);
    const struct result bad = {.kind = RESULT_SR,
                               .state = RESULT_PARKED,
                               .uid = "2.25.5",
                               .study = "1.2.4.1",
                               .created_ms = 3,
                               .why = "self-check: it says Normal"};
    const struct store_report all = {.study = "1.2.4.1",
                                     .results = &bad,
                                     .count = 1,
                                     .instances = &id,
                                     .instance_count = 1,
                                     .to = &to,
                                     .to_count = 1};
    FIXTURE_OK(store_add_report(store, &all));
    FIXTURE_OK(store_parked(store, list, 2, &count));
    assert_true(count == 1 && list[0].next_ms == 3);
    assert_string_equal(list[0].last_error, bad.why);
    FIXTURE_OK(store_release_delivery(store, list[0].id, answer));
    assert_string_equal(answer, "it did not pass our own check: it is never sent");
    FIXTURE_OK(store_release_job(store, id, answer));
    assert_string_equal(answer, "nothing of it is parked that could be sent");
    store_close(store);
}

static void a_retracted_report_cannot_be_made_anew_without_its_images(void **state)
{
    struct store *store = fixture_open(*state);
    int64_t id = keep_judged(store, 1, 1, 1);
    keep_report(store, 1, 1, id, 1, 0, false);
    FIXTURE_OK(store_retract(store, "2.25.1", "113001"));
    assert_int_equal(keep_retire(store, true, INT64_MAX), 1);
    assert_int_equal(store_reissue(store, "2.25.1"), STORE_NONE);
    store_close(store);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(only_what_was_not_processed_is_retried),
        T(jobs_and_deliveries_are_cancelled),
        T(parked_deliveries_are_released),
        T(a_bad_result_is_never_released),
        T(a_retracted_report_cannot_be_made_anew_without_its_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
