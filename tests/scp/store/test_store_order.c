/* Orders of a person: judged again, cancelled, released; what cannot be done is said. */
#include "asks.h"
#include "keep_fixture.h"
#include "scp_fixture.h"
#include "store_contact.h"
#include "store_health.h"
#include <sys/socket.h>
#include <unistd.h>

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
    FIXTURE_OK(
        store_delivery_failed(store, one, 5, false, false, "late")); /* its batch was under way */
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
    FIXTURE_OK(store_delivery_failed(store, pacs, 5, true, false, "no"));
    FIXTURE_OK(store_release_delivery(store, pacs, answer));
    assert_string_equal(answer, "released");
    assert_int_equal(keep_delivery(store, "pacs"), pacs);
    FIXTURE_OK(store_delivery_failed(store, pacs, 5, true, false, "no"));
    FIXTURE_OK(store_delivery_failed(store, archive, 5, true, false, "no"));
    FIXTURE_OK(store_expire_parked(store, 6, 7, list, 1, &count)); /* one of them */
    FIXTURE_OK(store_release_job(store, id, answer));
    assert_string_equal(answer, "released: 2 deliveries");
    FIXTURE_OK(store_release_job(store, id, answer));
    assert_string_equal(answer, "nothing of it is parked that could be sent");
    FIXTURE_OK(store_delivery_failed(store, pacs, 5, true, false, "no"));
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

static void judge(struct store *store, int64_t id, enum srt_reason reason)
{
    const struct judgement failed = {.state = INSTANCE_NOT_PROCESSED, .reason = reason};
    FIXTURE_OK(store_judge(store, id, &failed));
}

static void quarantine_holds_what_failed_for_a_technical_reason(void **state)
{
    struct store *store = fixture_open(*state);
    struct instance list[4];
    char answer[STORE_ANSWER_MAX];
    uint64_t objects, results, before;
    size_t count;
    int64_t ids[3];
    const enum srt_reason reasons[] = {SRT_SOFTWARE_FAILURE, SRT_WRONG_VIEW, SRT_UNDECODABLE};
    for (int i = 0; i < 3; i++) {
        ids[i] = keep_receive(store, i + 1, i + 1, 1);
        judge(store, ids[i], reasons[i]);
    }
    FIXTURE_OK(store_quarantined(store, INT64_MAX, list, 4, &count));
    assert_true(count == 2 && list[0].id == ids[2] && list[1].id == ids[0]);
    FIXTURE_OK(store_quarantined(store, ids[2], list, 4, &count));
    assert_true(count == 1 && list[0].id == ids[0]);
    FIXTURE_OK(store_discard(store, ids[0], 9, answer));
    assert_string_equal(answer, "its study's report is not written yet: try again in a minute");
    keep_report(store, 1, 1, ids[0], 1, 0, false);
    FIXTURE_OK(store_kept_bytes(store, &before, &results));
    FIXTURE_OK(store_discard(store, ids[0], 9, answer));
    assert_string_equal(answer, "discarded");
    FIXTURE_OK(store_kept_bytes(store, &objects, &results));
    FIXTURE_OK(store_get_instance(store, ids[0], &list[0]));
    assert_true(list[0].gone_ms == 9 && list[0].state == INSTANCE_NOT_PROCESSED);
    assert_int_equal(before - objects, list[0].bytes);
    FIXTURE_OK(store_discard(store, ids[0], 10, answer));
    assert_string_equal(answer, "its file is no longer here");
    FIXTURE_OK(store_retry(store, ids[0], answer));
    assert_string_equal(answer, "its file is no longer here (retention)");
    FIXTURE_OK(store_count_quarantined(store, &count));
    assert_int_equal(count, 1);
    int64_t good = keep_judged(store, 9, 9, 1);
    FIXTURE_OK(store_discard(store, good, 9, answer));
    assert_string_equal(answer, "only what was not processed can be discarded");
    store_close(store);
}

/* An alarm of each station, until they are discarded. */
static void objects_in_conflict_are_counted(void **state)
{
    struct store *store = fixture_open(*state);
    const struct judgement conflict = {.state = INSTANCE_NOT_PROCESSED, .reason = SRT_CONFLICT},
                           large = {.state = INSTANCE_NOT_PROCESSED, .reason = SRT_TOO_LARGE};
    char answer[STORE_ANSWER_MAX];
    struct store_conflicts list[4];
    size_t count;
    int64_t id[5];
    for (int i = 0; i < 5; i++) {
        struct instance in = fixture_instance(i, i, i, "a");
        enum store_identity identity;
        snprintf(in.calling, sizeof in.calling, i == 0 ? "CR" : "DX");
        FIXTURE_OK(store_add_instance(store, &in, &identity));
        id[i] = in.id;
        if (i < 4)
            FIXTURE_OK(store_judge(store, in.id, i < 3 ? &conflict : &large));
    }
    FIXTURE_OK(store_conflicts(store, list, 4, &count));
    assert_int_equal(count, 2);
    assert_true(strcmp(list[0].station, "CR") == 0 && list[0].count == 1 && list[0].last == id[0]);
    assert_true(strcmp(list[1].station, "DX") == 0 && list[1].count == 2 && list[1].last == id[2]);
    FIXTURE_OK(store_conflicts(store, list, 1, &count));
    assert_int_equal(count, 1);
    keep_report(store, 1, 0, id[0], 1, 0, false);
    FIXTURE_OK(store_discard(store, id[0], 9, answer));
    assert_string_equal(answer, "discarded");
    FIXTURE_OK(store_conflicts(store, list, 4, &count));
    assert_true(count == 1 && strcmp(list[0].station, "DX") == 0);
    store_close(store);
}

static void contacts_and_echoes_are_remembered(void **state)
{
    struct store *store = fixture_open(*state);
    struct store_contact list[4];
    struct request echo = {.kind = REQUEST_ECHO,
                           .subject = "destination/pacs",
                           .who = "console:ada"},
                   other = {.kind = REQUEST_READ, .uid = "1.2"}, next;
    size_t count;
    FIXTURE_OK(store_contacted(store, CONTACT_DESTINATION, "pacs", "", 5));
    FIXTURE_OK(store_contacted(store, CONTACT_DESTINATION, "pacs", "nobody there", 7));
    FIXTURE_OK(store_contacted(store, CONTACT_ANNOUNCEMENT, "pacs", "", 8)); /* another */
    FIXTURE_OK(store_add_request(store, &echo));
    FIXTURE_OK(store_add_request(store, &other));
    FIXTURE_OK(store_next_request(store, 0, &next)); /* analyze passes echoes over */
    assert_int_equal(next.kind, REQUEST_READ);
    assert_int_equal(store_next_echo(store, CONTACT_ANNOUNCEMENT, &next), STORE_NONE);
    FIXTURE_OK(store_next_echo(store, CONTACT_DESTINATION, &next));
    assert_true(next.id == echo.id && strcmp(next.who, "console:ada") == 0);
    FIXTURE_OK(store_answer_echo(store, &next, CONTACT_DESTINATION, "answered in 3 ms", true, 9));
    assert_int_equal(store_next_echo(store, CONTACT_DESTINATION, &next), STORE_NONE);
    FIXTURE_OK(store_contacts(store, list, 4, &count));
    assert_int_equal(count, 2);
    const struct store_contact *c = &list[list[0].kind == CONTACT_DESTINATION ? 0 : 1];
    assert_true(c->good_ms == 9 && c->bad_ms == 7 && c->echo_ms == 9);
    assert_string_equal(c->why, "nobody there");
    assert_string_equal(c->echo, "answered in 3 ms");
    assert_string_equal(c->echo_who, "console:ada");
    store_close(store);
}

/* What a console that was taken over could send: nothing of it is entered. */
static void asks_that_are_none_are_refused(void **state)
{
    struct fixture *f = *state;
    struct store *store = fixture_open(f);
    const struct conf_peer pacs = {.name = "pacs"};
    const struct conf_destination to = {.peer = &pacs};
    struct ask bad[] = {{.kind = ASK_SELFTEST + 1},
                        {.kind = ASK_RETRY, .subject = "d7"},
                        {.kind = ASK_RETRY, .subject = "07"},
                        {.kind = ASK_RETRY},
                        {.kind = ASK_CANCEL, .subject = "7'; DROP TABLE study"},
                        {.kind = ASK_DISCARD, .subject = "q../../etc/passwd"},
                        {.kind = ASK_DISCARD, .subject = "d7"},
                        {.kind = ASK_ECHO, .subject = "destination/elsewhere"},
                        {.kind = ASK_ECHO, .subject = "worklist/pacs"},
                        {.kind = ASK_READ, .uid = "1..2"},
                        {.kind = ASK_RETRY, .subject = "7", .who = "a b"},
                        {.kind = ASK_RETRY, .subject = "7"}};
    size_t count = sizeof bad / sizeof *bad;
    memset(bad[count - 1].subject, '7', sizeof bad->subject); /* without an end */
    struct request request;
    struct ask_taken taken;
    bool selftest;
    int pair[2];
    f->conf.destinations = &to;
    f->conf.destination_count = 1;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
    const struct node node = {.conf = &f->conf,
                              .asks_console = pair[0],
                              .asks_analyze = pair[1],
                              .wake_analyze = -1,
                              .wake_deliver = -1,
                              .wake_announce = -1};
    for (size_t i = 0; i < count; i++) {
        assert_true(asks_send(&node, &bad[i]));
        FIXTURE_OK(asks_take(&node, store, &selftest));
        assert_true(asks_receive(&node, &taken) && taken.request == 0 && taken.answer[0] == '\0');
        assert_false(selftest);
    }
    assert_int_equal(store_next_request(store, 0, &request), STORE_NONE);
    assert_int_equal(store_next_echo(store, CONTACT_DESTINATION, &request), STORE_NONE);
    const struct ask good = {.kind = ASK_RELEASE, .subject = "d7", .who = "console:ada"};
    assert_true(asks_send(&node, &good));
    FIXTURE_OK(asks_take(&node, store, &selftest));
    FIXTURE_OK(store_next_request(store, 0, &request));
    assert_true(request.kind == REQUEST_RELEASE && strcmp(request.subject, "d7") == 0);
    (void)close(pair[0]);
    (void)close(pair[1]);
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
        T(quarantine_holds_what_failed_for_a_technical_reason),
        T(objects_in_conflict_are_counted),
        T(contacts_and_echoes_are_remembered),
        T(asks_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
