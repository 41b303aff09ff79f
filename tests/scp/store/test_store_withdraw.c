/* Taking back: rejected and moved images, results retracted and reissued, and the notes that are
 * due at a destination: each exactly where something was told. */
#include "scp_fixture.h"

#define KIND(kind) (1u << (kind))
static const struct addressee places[] = {
    {.name = "pacs", .kinds = KIND(RESULT_SR) | KIND(RESULT_SC)},
    {.name = "archive", .kinds = KIND(RESULT_SR)},
};
static const struct addressee patient_one = {
    .name = "pacs", .kinds = KIND(RESULT_SR), .held = true};

static struct result make(enum result_kind kind, int number, int64_t instance)
{
    struct result r = {
        .kind = kind, .outcome = SRT_FINDING, .created_ms = 5000 + number, .instance = instance};
    snprintf(r.uid, sizeof r.uid, "2.25.%d", number);
    snprintf(r.study, sizeof r.study, "1.2.4.1");
    snprintf(r.patient, sizeof r.patient, "aa");
    return r;
}

/* Image `number` of study `study`, judged. */
static int64_t judged(struct store *store, int number, int study, bool moved)
{
    struct instance in = fixture_instance(number, number + 100 * study, study, "a");
    enum store_identity identity;
    const struct judgement judgement = {.state = INSTANCE_JUDGED, .moved = moved};
    FIXTURE_OK(store_add_instance(store, &in, &identity));
    FIXTURE_OK(store_judge(store, in.id, &judgement));
    FIXTURE_OK(store_association_end(store, "a"));
    return in.id;
}

/* A report 2.25.N with a picture of the first image; sent everywhere when `sent`. */
static void report(struct store *store, int number, const int64_t *ids, size_t count, int64_t last,
                   bool sent)
{
    const struct result results[] = {make(RESULT_SR, number, 0),
                                     make(RESULT_SC, number + 1, ids[0])};
    const struct store_report report = {.study = "1.2.4.1",
                                        .results = results,
                                        .count = 2,
                                        .instances = ids,
                                        .instance_count = count,
                                        .last = last,
                                        .to = places,
                                        .to_count = 2};
    FIXTURE_OK(store_add_report(store, &report));
    for (int p = 0; p < 2 && sent; p++) {
        struct delivery list[8];
        FIXTURE_OK(store_pending(store, places[p].name, INT64_MAX, INT64_MAX, list, 8, &count));
        for (size_t i = 0; i < count; i++)
            FIXTURE_OK(store_delivered(store, list[i].id, 0, 1));
    }
}

static struct result find(struct store *store, int number)
{
    char uid[DX_UID_MAX];
    struct result result;
    snprintf(uid, sizeof uid, "2.25.%d", number);
    FIXTURE_OK(store_find_result(store, uid, &result));
    return result;
}

static size_t to_reject(struct store *store, const char *place, struct result list[8])
{
    size_t count;
    FIXTURE_OK(store_to_reject(store, place, list, 8, &count));
    return count;
}

static size_t pending(struct store *store, const char *place)
{
    struct delivery list[8];
    size_t count;
    FIXTURE_OK(store_pending(store, place, INT64_MAX, INT64_MAX, list, 8, &count));
    return count;
}

/* SOP Instance UID of image `number`. */
static const char *sop(int number, char uid[DX_UID_MAX])
{
    struct instance in = fixture_instance(number, 1, 1, "a");
    memcpy(uid, in.sop_instance, DX_UID_MAX);
    return uid;
}

static void the_only_image_rejected_takes_all_back(void **state)
{
    struct store *store = fixture_open(*state);
    struct result list[8];
    char uid[DX_UID_MAX];
    size_t hit;
    int64_t id = judged(store, 1, 1, false);
    report(store, 1, &id, 1, 0, true);

    FIXTURE_OK(store_withdraw(store, sop(1, uid), NULL, NULL, "113001", &hit));
    assert_int_equal(hit, 1);
    assert_int_equal(find(store, 1).state, RESULT_RETRACTED);
    assert_int_equal(find(store, 2).state, RESULT_RETRACTED);
    assert_string_equal(find(store, 1).why, "113001");
    assert_int_equal(fixture_due(store).count, 0);
    assert_int_equal(to_reject(store, "pacs", list), 2);
    assert_int_equal(to_reject(store, "archive", list), 1);
    assert_string_equal(list[0].uid, "2.25.1");
    assert_int_equal(to_reject(store, "nobody", list), 0);
    FIXTURE_OK(store_withdraw(store, sop(1, uid), NULL, NULL, "113001", &hit));
    assert_int_equal(hit, 0); /* once */
    store_close(store);
}

static void one_of_two_rejected_makes_the_report_due(void **state)
{
    struct store *store = fixture_open(*state);
    struct result list[8], last;
    char uid[DX_UID_MAX];
    size_t hit, count;
    int64_t *ids;
    const int64_t two[] = {judged(store, 1, 1, false), judged(store, 2, 1, false)};
    report(store, 1, two, 2, 0, true);

    FIXTURE_OK(store_withdraw(store, sop(1, uid), NULL, NULL, "113037", &hit));
    struct fixture_due due = fixture_due(store);
    assert_int_equal(due.count, 1);
    assert_int_equal(due.last.amendment, SRT_REJECTED);
    FIXTURE_OK(store_study_instances(store, "1.2.4.1", &ids, &count));
    assert_int_equal(count, 1);
    assert_int_equal(ids[0], two[1]);
    FIXTURE_OK(store_last_report(store, ids, count, &last));
    assert_string_equal(last.uid, "2.25.1"); /* amended, not gone */
    assert_int_equal(find(store, 2).state, RESULT_RETRACTED);
    report(store, 11, &two[1], 1, last.report, true);
    assert_int_equal(find(store, 1).state, RESULT_SUPERSEDED);
    assert_int_equal(fixture_due(store).count, 0);
    assert_int_equal(to_reject(store, "pacs", list), 1); /* the picture alone */
    assert_string_equal(list[0].uid, "2.25.2");
    free(ids);
    store_close(store);
}

static void what_never_went_needs_no_note(void **state)
{
    struct store *store = fixture_open(*state);
    struct result list[8];
    struct delivery job[8];
    size_t hit, count;
    char uid[DX_UID_MAX];
    int64_t id = judged(store, 1, 1, false);
    report(store, 1, &id, 1, 0, false);
    FIXTURE_OK(store_pending(store, "pacs", INT64_MAX, INT64_MAX, job, 8, &count));
    assert_int_equal(count, 2);
    FIXTURE_OK(store_delivery_failed(store, job[0].id, 0, false, true, "no answer"));

    FIXTURE_OK(store_withdraw(store, sop(1, uid), NULL, NULL, "113001", &hit));
    assert_int_equal(pending(store, "pacs"), 0);
    assert_int_equal(to_reject(store, "archive", list), 0);
    assert_int_equal(to_reject(store, "pacs", list), 1); /* it may have arrived: no answer came */
    assert_string_equal(list[0].uid, job[0].result.uid);
    FIXTURE_OK(store_delivered(store, job[1].id, 0, 1)); /* it was on its way */
    assert_int_equal(to_reject(store, "pacs", list), 2);
    store_close(store);
}

/* With a sender when it is taken back: its answer says whether a note is due; without an answer one
 * is. */
static void what_is_with_a_sender(void **state)
{
    struct store *store = fixture_open(*state);
    struct result list[8];
    struct delivery job[8];
    size_t hit, count;
    char uid[DX_UID_MAX];
    int64_t id = judged(store, 1, 1, false);
    report(store, 1, &id, 1, 0, false);
    FIXTURE_OK(store_pending(store, "pacs", INT64_MAX, INT64_MAX, job, 8, &count));
    assert_int_equal(count, 2);
    FIXTURE_OK(store_deliveries_offered(store, job, 2));
    FIXTURE_OK(store_withdraw(store, sop(1, uid), NULL, NULL, "113001", &hit));
    assert_int_equal(store_deliveries_offered(store, job, 2), STORE_NONE); /* it may go no more */
    assert_int_equal(to_reject(store, "pacs", list), 0);
    FIXTURE_OK(store_delivery_failed(store, job[0].id, 0, false, false, "unreached"));
    assert_int_equal(to_reject(store, "pacs", list), 0);
    FIXTURE_OK(store_deliveries_lost(store, "archive"));
    assert_int_equal(to_reject(store, "pacs", list), 0);
    FIXTURE_OK(store_deliveries_lost(store, "pacs")); /* the sender died */
    assert_int_equal(to_reject(store, "pacs", list), 1);
    assert_string_equal(list[0].uid, job[1].result.uid);
    store_close(store);
}

/* Nothing that comes after it takes back that the destination may have it. */
static void what_may_be_there_stays_so(void **state)
{
    struct store *store = fixture_open(*state);
    struct result list[8];
    struct delivery job[8];
    size_t hit, count;
    char uid[DX_UID_MAX];
    int64_t id = judged(store, 1, 1, false);
    report(store, 1, &id, 1, 0, false);
    FIXTURE_OK(store_pending(store, "pacs", INT64_MAX, INT64_MAX, job, 8, &count));
    for (int turn = 0; turn < 2; turn++) /* the first was never answered for */
        FIXTURE_OK(store_deliveries_offered(store, job, 1));
    FIXTURE_OK(store_delivery_failed(store, job[0].id, 0, false, false, "unreached"));
    FIXTURE_OK(store_delivery_waits(store, job[0].id, 0, 1, "not there"));
    FIXTURE_OK(store_delivery_unsent(store, job[0].id));
    FIXTURE_OK(store_delivery_failed(store, job[0].id, 0, true, false, "refused"));
    FIXTURE_OK(store_deliveries_offered(store, &job[1], 1));
    FIXTURE_OK(store_delivery_unsent(store, job[1].id));
    FIXTURE_OK(store_deliveries_offered(store, &job[1], 1));
    FIXTURE_OK(store_delivery_waits(store, job[1].id, 0, 1, "not there"));
    FIXTURE_OK(store_withdraw(store, sop(1, uid), NULL, NULL, "113001", &hit));
    assert_int_equal(to_reject(store, "pacs", list), 1);
    assert_string_equal(list[0].uid, job[0].result.uid); /* parked, and perhaps there */
    store_close(store);
}

static void a_note_is_made_once(void **state)
{
    struct store *store = fixture_open(*state);
    struct result list[8], note = make(RESULT_REJECTION, 50, 0);
    char uid[DX_UID_MAX];
    size_t hit;
    int64_t id = judged(store, 1, 1, false);
    report(store, 1, &id, 1, 0, true);
    FIXTURE_OK(store_withdraw(store, sop(1, uid), NULL, NULL, "113001", &hit));
    size_t count = to_reject(store, "pacs", list);
    note.only = "pacs";
    FIXTURE_OK(store_add_rejection(store, &note, list, count));
    assert_int_equal(to_reject(store, "pacs", list), 0);
    assert_int_equal(to_reject(store, "archive", list), 1);
    assert_int_equal(pending(store, "pacs"), 1);
    assert_int_equal(pending(store, "archive"), 0);
    store_close(store);
}

static void a_moved_image_leaves_its_old_study(void **state)
{
    struct store *store = fixture_open(*state);
    struct instance old;
    int64_t id = judged(store, 1, 1, false);
    report(store, 1, &id, 1, 0, true);
    int64_t now = judged(store, 1, 2, true);
    assert_int_not_equal(now, id);
    FIXTURE_OK(store_get_instance(store, id, &old));
    assert_string_equal(old.withdrawn, STORE_REPLACED);
    assert_int_equal(find(store, 1).state, RESULT_RETRACTED);
    struct fixture_due due = fixture_due(store);
    assert_int_equal(due.count, 1);
    assert_string_equal(due.last.uid, "1.2.4.2");
    store_close(store);
}

static void rejected_before_it_came(void **state)
{
    struct store *store = fixture_open(*state);
    struct instance late;
    char uid[DX_UID_MAX];
    size_t hit;
    FIXTURE_OK(store_withdraw(store, sop(1, uid), NULL, NULL, "113001", &hit));
    assert_int_equal(hit, 0);
    int64_t id = judged(store, 1, 1, false);
    FIXTURE_OK(store_get_instance(store, id, &late));
    assert_string_equal(late.withdrawn, "113001");
    assert_int_equal(fixture_due(store).count, 0);
    store_close(store);
}

static void a_note_reaches_only_its_own_study(void **state)
{
    struct store *store = fixture_open(*state);
    char uid[DX_UID_MAX];
    size_t hit;
    (void)judged(store, 1, 1, false);
    FIXTURE_OK(store_withdraw(store, sop(1, uid), "1.2.4.2", NULL, "113001", &hit));
    assert_int_equal(hit, 0);
    FIXTURE_OK(store_withdraw(store, sop(1, uid), "1.2.4.1", NULL, "113001", &hit));
    assert_int_equal(hit, 1);
    store_close(store);
}

static void a_person_retracts_and_reissues(void **state)
{
    struct store *store = fixture_open(*state);
    struct result list[8];
    struct instance image;
    int64_t id = judged(store, 1, 1, false);
    report(store, 1, &id, 1, 0, true);

    assert_int_equal(store_retract(store, "2.25.99", "113037"), STORE_NONE);
    FIXTURE_OK(store_retract(store, "2.25.1", "113037"));
    assert_int_equal(find(store, 1).state, RESULT_RETRACTED);
    assert_int_equal(find(store, 2).state, RESULT_RETRACTED);
    assert_int_equal(to_reject(store, "pacs", list), 2);
    assert_int_equal(fixture_due(store).count, 0);

    FIXTURE_OK(store_reissue(store, "2.25.1"));
    FIXTURE_OK(store_next_received(store, 0, &image)); /* judged anew, under a new identity */
    assert_int_equal(image.id, id);
    assert_int_equal(image.revision, 1);
    assert_string_equal(image.withdrawn, "");
    store_close(store);
}

static void a_current_one_is_told_again(void **state)
{
    struct store *store = fixture_open(*state);
    int64_t id = judged(store, 1, 1, false);
    report(store, 1, &id, 1, 0, true);
    FIXTURE_OK(store_reissue(store, "2.25.2"));
    struct fixture_due due = fixture_due(store);
    assert_int_equal(due.count, 1);
    assert_int_equal(due.last.amendment, SRT_BY_PERSON);
    assert_int_equal(pending(store, "pacs"), 1); /* the picture, as it is */
    store_close(store);
}

static void a_picture_alone_is_retracted(void **state)
{
    struct store *store = fixture_open(*state);
    int64_t id = judged(store, 1, 1, false);
    report(store, 1, &id, 1, 0, true);
    FIXTURE_OK(store_retract(store, "2.25.2", "113001"));
    assert_int_equal(find(store, 1).state, RESULT_CURRENT);
    assert_int_equal(find(store, 2).state, RESULT_RETRACTED);
    store_close(store);
}

static void held_until_another_reports(void **state)
{
    struct store *store = fixture_open(*state);
    int64_t id = judged(store, 1, 1, false);
    const struct result sr = make(RESULT_SR, 1, 0);
    const struct store_report report = {.study = "1.2.4.1",
                                        .results = &sr,
                                        .count = 1,
                                        .instances = &id,
                                        .instance_count = 1,
                                        .to = &patient_one,
                                        .to_count = 1};
    FIXTURE_OK(store_add_report(store, &report));
    assert_int_equal(pending(store, "pacs"), 0);
    struct instance in = fixture_instance(7, 7, 1, "a");
    enum store_identity identity;
    const struct judgement others = {.state = INSTANCE_IGNORED, .others_report = true};
    FIXTURE_OK(store_add_instance(store, &in, &identity));
    FIXTURE_OK(store_judge(store, in.id, &others));
    assert_int_equal(pending(store, "pacs"), 1);
    store_close(store);
}

static void parked_ones_never_go(void **state)
{
    struct store *store = fixture_open(*state);
    struct store_counts counts;
    int64_t id = judged(store, 1, 1, false);
    struct result sr = make(RESULT_SR, 1, 0);
    sr.state = RESULT_PARKED;
    snprintf(sr.why, sizeof sr.why, "self-check: no Patient ID");
    const struct store_report report = {.study = "1.2.4.1",
                                        .results = &sr,
                                        .count = 1,
                                        .instances = &id,
                                        .instance_count = 1,
                                        .to = places,
                                        .to_count = 2};
    FIXTURE_OK(store_add_report(store, &report));
    assert_int_equal(pending(store, "pacs"), 0);
    FIXTURE_OK(store_counts(store, &counts));
    assert_int_equal(counts.parked, 2);
    assert_string_equal(find(store, 1).why, "self-check: no Patient ID");
    store_close(store);
}

static void requests_are_answered_in_order(void **state)
{
    struct store *store = fixture_open(*state);
    struct request one = {.kind = REQUEST_RETRACT, .uid = "2.25.1", .reason = "113001", .who = "a"};
    struct request two = {.kind = REQUEST_REISSUE, .uid = "2.25.1", .who = "b"}, next;
    char answer[64];
    FIXTURE_OK(store_add_request(store, &one));
    FIXTURE_OK(store_add_request(store, &two));
    FIXTURE_OK(store_next_request(store, 0, &next));
    assert_int_equal(next.id, one.id);
    assert_int_equal(next.kind, REQUEST_RETRACT);
    assert_string_equal(next.reason, "113001");
    FIXTURE_OK(store_request_answer(store, one.id, answer, sizeof answer));
    assert_string_equal(answer, "");
    FIXTURE_OK(store_answer_request(store, one.id, "retracted"));
    FIXTURE_OK(store_request_answer(store, one.id, answer, sizeof answer));
    assert_string_equal(answer, "retracted");
    FIXTURE_OK(store_next_request(store, 0, &next));
    assert_int_equal(next.kind, REQUEST_REISSUE);
    FIXTURE_OK(store_answer_request(store, two.id, "reissued"));
    assert_int_equal(store_next_request(store, 0, &next), STORE_NONE);
    store_close(store);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_only_image_rejected_takes_all_back),
        T(one_of_two_rejected_makes_the_report_due),
        T(what_never_went_needs_no_note),
        T(what_is_with_a_sender),
        T(what_may_be_there_stays_so),
        T(a_note_is_made_once),
        T(a_moved_image_leaves_its_old_study),
        T(rejected_before_it_came),
        T(a_note_reaches_only_its_own_study),
        T(a_person_retracts_and_reissues),
        T(a_current_one_is_told_again),
        T(a_picture_alone_is_retracted),
        T(held_until_another_reports),
        T(parked_ones_never_go),
        T(requests_are_answered_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
