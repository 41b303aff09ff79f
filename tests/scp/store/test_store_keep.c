/* What may go and what may not, whoever waits for it; files after their rows; orders of a person.
 */
#include "clock.h"
#include "keep_fixture.h"
#include "scp_fixture.h"
#include "store_keep.h"
#include <sqlite3.h>

#define DAY INT64_C(86400000)

static bool is_gone(struct store *store, int64_t id)
{
    struct instance in;
    FIXTURE_OK(store_get_instance(store, id, &in));
    return in.gone_ms != 0;
}

static size_t delete_rows(struct store *store, int64_t before)
{
    struct store_walk walk = {.id = 0};
    struct store_step step = {.before_ms = before, .look = 100, .most = 100};
    FIXTURE_OK(store_delete_rows(store, &walk, &step));
    return step.gone;
}

static bool is_known(struct store *store, int64_t id)
{
    struct instance in;
    enum store_status status = store_get_instance(store, id, &in);
    assert_true(status == STORE_OK || status == STORE_NONE);
    return status == STORE_OK;
}

/* A study's rows go together, and only when no file of it is there and no copy waits. */
static void rows_go_with_the_last_of_a_study(void **state)
{
    struct store *store = fixture_open(*state);
    struct result r;
    struct instance in;
    enum store_identity identity;
    int64_t first = keep_judged(store, 1, 1, 1), second = keep_judged(store, 2, 1, 9 * DAY);
    int64_t other = keep_judged(store, 3, 2, 1);
    keep_report(store, 1, 1, first, 1, 1, false);
    FIXTURE_OK(store_delivered(store, keep_delivery(store, "pacs"), 0, 1));
    keep_report(store, 2, 2, other, 1, 1, false);
    keep_report(store, 3, 1, second, 9 * DAY, 0, false);
    assert_int_equal(keep_retire(store, true, 2), 1); /* first; the other's report waits */
    assert_int_equal(delete_rows(store, INT64_MAX), 0);
    assert_int_equal(keep_retire(store, true, 10 * DAY), 1);
    assert_int_equal(delete_rows(store, INT64_MAX), 0); /* results are there */
    assert_int_equal(keep_retire(store, false, 10 * DAY), 2);
    assert_int_equal(delete_rows(store, 7), 0); /* they went at 7 */
    assert_int_equal(delete_rows(store, 8), 1); /* two objects of one study */
    assert_false(is_known(store, first) || is_known(store, second));
    assert_int_equal(store_find_result(store, "2.25.1", &r), STORE_NONE);
    assert_true(is_known(store, other));
    FIXTURE_OK(store_find_result(store, "2.25.2", &r));
    in = fixture_instance(1, 1, 1, "a");
    FIXTURE_OK(store_add_instance(store, &in, &identity));
    assert_int_equal(identity, STORE_NEW);
    store_close(store);
}

static void by_age_from_the_last_delivery(void **state)
{
    struct store *store = fixture_open(*state);
    int64_t id = keep_judged(store, 1, 1, 1 * DAY);
    keep_report(store, 1, 1, id, 1 * DAY, 2, false);
    assert_int_equal(keep_retire(store, true, INT64_MAX), 0); /* two wait */
    FIXTURE_OK(store_delivered(store, keep_delivery(store, "pacs"), 0, 2 * DAY));
    assert_int_equal(keep_retire(store, true, INT64_MAX), 0); /* one waits */
    assert_int_equal(keep_retire(store, false, INT64_MAX), 0);
    FIXTURE_OK(store_delivered(store, keep_delivery(store, "archive"), 0, 5 * DAY));
    assert_int_equal(keep_retire(store, true, 5 * DAY), 0); /* not before the last */
    assert_int_equal(keep_retire(store, false, 5 * DAY), 0);
    assert_int_equal(keep_retire(store, true, 5 * DAY + 1), 1);
    assert_true(is_gone(store, id));
    assert_int_equal(keep_retire(store, true, INT64_MAX), 0); /* once */
    assert_int_equal(keep_retire(store, false, 5 * DAY + 1), 1);
    store_close(store);
}

static void nothing_to_deliver_counts_from_receipt(void **state)
{
    struct store *store = fixture_open(*state);
    const struct judgement ignored = {.state = INSTANCE_IGNORED};
    int64_t a = keep_receive(store, 1, 1, 3 * DAY), b = keep_judged(store, 2, 2, 3 * DAY);
    FIXTURE_OK(store_judge(store, a, &ignored));
    keep_report(store, 2, 2, b, 3 * DAY, 0, false); /* shadow mode: to nobody */
    assert_int_equal(keep_retire(store, true, 3 * DAY), 0);
    assert_int_equal(keep_retire(store, true, 3 * DAY + 1), 2);
    store_close(store);
}

static void never_while_something_waits(void **state)
{
    struct store *store = fixture_open(*state);
    int64_t received = keep_receive(store, 1, 1, 1), due = keep_judged(store, 2, 2, 1);
    int64_t held = keep_judged(store, 3, 3, 1), parked = keep_judged(store, 4, 4, 1);
    int64_t sibling = keep_judged(store, 5, 5, 1), open = keep_judged(store, 6, 6, 1);
    keep_report(store, 3, 3, held, 1, 1, true);
    keep_report(store, 4, 4, parked, 1, 1, false);
    FIXTURE_OK(
        store_delivery_failed(store, keep_delivery(store, "pacs"), 2 * DAY, true, false, "no"));
    keep_report(store, 5, 5, sibling, 1, 0, false);
    keep_receive(store, 7, 5, 2); /* a late image of that study is not yet looked at */
    keep_report(store, 6, 6, open, 1, 0, false);
    struct instance in = fixture_instance(8, 8, 6, "still-open");
    enum store_identity identity;
    const struct judgement ignored = {.state = INSTANCE_IGNORED};
    FIXTURE_OK(store_add_instance(store, &in, &identity));
    FIXTURE_OK(store_judge(store, in.id, &ignored));
    assert_int_equal(keep_retire(store, true, INT64_MAX), 0);
    assert_int_equal(keep_retire(store, false, INT64_MAX), 0);

    FIXTURE_OK(store_association_end(store, "still-open"));
    assert_int_equal(keep_retire(store, true, INT64_MAX), 2);
    assert_true(is_gone(store, open) && is_gone(store, in.id));
    FIXTURE_OK(store_judge(store, received, &ignored));
    assert_int_equal(keep_retire(store, true, INT64_MAX), 1);
    assert_false(is_gone(store, due) || is_gone(store, held) || is_gone(store, parked));
    store_close(store);
}

static void parked_copies_expire_after_their_own_limit(void **state)
{
    struct store *store = fixture_open(*state);
    struct delivery list[4];
    struct store_counts counts;
    size_t count;
    int64_t id = keep_judged(store, 1, 1, DAY);
    keep_report(store, 1, 1, id, DAY, 1, false);
    FIXTURE_OK(store_delivery_failed(store, keep_delivery(store, "pacs"), 2 * DAY, true, false,
                                     "refused"));
    FIXTURE_OK(store_parked(store, list, 4, &count));
    assert_true(count == 1 && list[0].next_ms == 2 * DAY);
    assert_string_equal(list[0].last_error, "refused");
    FIXTURE_OK(store_expire_parked(store, 2 * DAY, 9, list, 4, &count));
    assert_int_equal(count, 0);
    assert_int_equal(keep_retire(store, true, INT64_MAX), 0);
    FIXTURE_OK(store_expire_parked(store, 2 * DAY + 1, 9, list, 4, &count));
    assert_true(count == 1 && list[0].state == DELIVERY_EXPIRED);
    FIXTURE_OK(store_counts(store, &counts));
    assert_true(counts.parked == 0 && counts.expired == 1);
    assert_int_equal(keep_retire(store, true, 2 * DAY),
                     1); /* from its receipt: nothing was delivered */
    store_close(store);
}

static void a_turn_is_bounded_and_a_walk_goes_on(void **state)
{
    struct store *store = fixture_open(*state);
    struct store_walk walk = {.id = 0};
    struct store_step step = {.before_ms = 1000 * DAY, .now_ms = 1, .look = 7, .most = 3};
    const struct judgement ignored = {.state = INSTANCE_IGNORED};
    size_t gone = 0, looked = 0, turns = 0;
    int64_t ids[20];
    for (int i = 0; i < 20; i++) {
        ids[i] = keep_receive(store, i + 1, i + 1, (20 - i) * DAY); /* the clock went backwards */
        if (i % 2 == 0)
            FIXTURE_OK(store_judge(store, ids[i], &ignored)); /* every other one still waits */
    }
    do {
        FIXTURE_OK(store_retire_objects(store, &walk, &step));
        assert_true(step.gone <= 3 && step.looked <= 7);
        gone += step.gone;
        looked += step.looked;
        turns++;
    } while (step.looked == 7 || step.gone == 3);
    assert_int_equal(gone, 10);
    assert_int_equal(looked, 20);
    assert_in_range(turns, 4, 5);

    step.enough = 1; /* oldest first, until there is enough */
    struct store_walk again = {.id = 0};
    for (int i = 1; i < 20; i += 2)
        FIXTURE_OK(store_judge(store, ids[i], &ignored));
    FIXTURE_OK(store_retire_objects(store, &again, &step));
    assert_int_equal(step.gone, 1);
    assert_int_equal(step.bytes, 512);
    assert_true(is_gone(store, ids[19])); /* received on day 1 */
    store_close(store);
}

/* A turn's cost does not grow with what waits: each statement goes by the index made for it. */
static void a_backlog_does_not_slow_a_turn(void **state)
{
    static const char *const backlogs[] = {
        "UPDATE instance SET state='received'",
        "UPDATE instance SET state='judged',reported=0",
        "UPDATE instance SET reported=id",
    };
    const struct fixture *f = *state;
    sqlite3 *db = NULL;
    store_close(fixture_open(f));
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(
            db,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<60000)"
            " INSERT INTO "
            "instance(state,sop_class,sop_instance,study,series,transfer_syntax,digest,"
            "path,bytes,calling,called,address,association,received_ms,rival,reported) SELECT"
            " 'judged','1','1.9.'||i,'1.8.'||i,'','',i,'objects/'||i,1,'','','','',i,0,i FROM n;"
            "INSERT INTO result(id,kind,uid,sop_class,series,study,path,digest,outcome,created_ms,"
            "report) SELECT id,'sr','2.'||id,'','',study,'results/'||id,'','',id,id FROM instance;"
            "INSERT INTO covers SELECT id,id FROM instance;"
            "INSERT INTO delivery(result,destination,state) SELECT id,'pacs','pending' FROM "
            "result",
            NULL, NULL, NULL),
        SQLITE_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sqlite3_exec(db, backlogs[i], NULL, NULL, NULL), SQLITE_OK);
        struct store *store = fixture_open(f);
        struct store_walk objects = {.time_ms = 50000}, results = objects;
        struct store_step step = {.before_ms = INT64_MAX, .now_ms = 1, .look = 256, .most = 64};
        int64_t begin = clock_monotonic_ms();
        FIXTURE_OK(store_retire_objects(store, &objects, &step));
        assert_true(step.looked == 256 && step.gone == 0);
        FIXTURE_OK(store_retire_results(store, &results, &step));
        assert_true(step.looked == 256 && step.gone == 0);
        assert_in_range(clock_monotonic_ms() - begin, 0, 1500); /* some 10; by a wrong index 8000 */
        store_close(store);
    }
    sqlite3_close(db);
}

static void bytes_add_up(void **state)
{
    struct store *store = fixture_open(*state);
    uint64_t objects, results;
    int64_t id = keep_judged(store, 1, 1, 1);
    keep_judged(store, 2, 2, 1);
    keep_report(store, 1, 1, id, 1, 0, false);
    keep_report(store, 1, 1, id, 1, 0, false); /* the same again */
    FIXTURE_OK(store_kept_bytes(store, &objects, &results));
    assert_true(objects == 1024 && results == 100);
    assert_int_equal(keep_retire(store, true, INT64_MAX), 1);
    FIXTURE_OK(store_kept_bytes(store, &objects, &results));
    assert_true(objects == 512 && results == 100);
    assert_int_equal(keep_retire(store, false, INT64_MAX), 1);
    FIXTURE_OK(store_kept_bytes(store, &objects, &results));
    assert_true(objects == 512 && results == 0);
    store_close(store);
}

/* ---- files ---- */

struct removed {
    char path[16][256];
    size_t count;
    int fails;
};

static int remember(void *context, const char *path)
{
    struct removed *removed = context;
    if (removed->fails)
        return removed->fails;
    snprintf(removed->path[removed->count++ % 16], 256, "%s", path);
    return 0;
}

/* One that a row came to want again after it was listed. */
static void a_listed_file_that_is_wanted_stays(void **state)
{
    const struct fixture *f = *state;
    struct store *store = fixture_open(f);
    struct removed removed = {.count = 0};
    struct instance in = fixture_instance(1, 1, 1, "b");
    char text[512];
    sqlite3 *db = NULL;
    size_t count;
    int failed;
    keep_judged(store, 1, 1, 1);
    snprintf(text, sizeof text, "INSERT INTO removal VALUES('%.255s')", in.path);
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    FIXTURE_OK(store_remove_files(store, 10, remember, &removed, &count, &failed));
    assert_true(count == 0 && failed == 0 && removed.count == 0);
    store_close(store);
}

static void files_go_after_the_row_says_so(void **state)
{
    struct store *store = fixture_open(*state);
    struct removed removed = {.count = 0};
    struct instance in = fixture_instance(1, 1, 1, "b");
    enum store_identity identity;
    bool wanted;
    size_t count;
    int failed;
    int64_t id = keep_judged(store, 1, 1, 1);
    keep_report(store, 1, 1, id, 1, 0, false);
    FIXTURE_OK(store_remove_files(store, 10, remember, &removed, &count, &failed));
    assert_int_equal(count, 0);
    FIXTURE_OK(store_wants_file(store, in.path, &wanted));
    assert_true(wanted);
    FIXTURE_OK(store_wants_file(store, "results/2.25.1.txt", &wanted));
    assert_true(wanted);

    FIXTURE_OK(store_begin(store)); /* a crash before the commit */
    assert_int_equal(keep_retire(store, true, INT64_MAX), 1);
    store_rollback(store);
    FIXTURE_OK(store_remove_files(store, 10, remember, &removed, &count, &failed));
    assert_int_equal(count, 0);

    assert_int_equal(keep_retire(store, true, INT64_MAX), 1);
    store_close(store);
    store = fixture_open(*state); /* a crash after it: still listed */
    removed.fails = -5;
    FIXTURE_OK(store_remove_files(store, 10, remember, &removed, &count, &failed));
    assert_true(count == 0 && failed == -5);
    removed.fails = 0;
    FIXTURE_OK(store_remove_files(store, 10, remember, &removed, &count, &failed));
    assert_int_equal(count, 2);
    assert_string_equal(removed.path[0], in.path);
    assert_string_equal(removed.path[1], "results/frame-1.rgb");
    FIXTURE_OK(store_wants_file(store, in.path, &wanted));
    assert_false(wanted);

    /* Sent again: known, starts nothing, and its bytes go again. */
    FIXTURE_OK(store_add_instance(store, &in, &identity));
    assert_true(identity == STORE_DUPLICATE && in.gone_ms != 0);
    assert_int_equal(store_next_received(store, 0, &in), STORE_NONE);
    FIXTURE_OK(store_remove_files(store, 10, remember, &removed, &count, &failed));
    assert_int_equal(count, 1);
    /* Its result stays ours. */
    assert_int_equal(keep_retire(store, false, INT64_MAX), 1);
    FIXTURE_OK(store_is_result(store, "2.25.1", &wanted));
    assert_true(wanted);
    store_close(store);
}

static void unknown_files_go_and_known_ones_stay(void **state)
{
    struct store *store = fixture_open(*state);
    struct removed removed = {.count = 0};
    struct judgement j = {.state = INSTANCE_JUDGED, .picture = "2.25.77"};
    bool gone;
    int64_t id = keep_receive(store, 1, 1, 1);
    FIXTURE_OK(store_judge(store, id, &j));
    static const char *const known[] = {
        "objects/00/0000000000000000000000000000000000000000000000000000000000000001.dcm",
        "results/2.25.77.dcm", /* its report is not made yet */
        "results/frame-1.rgb"};
    static const char *const unknown[] = {
        "objects/00/0000000000000000000000000000000000000000000000000000000000000002.dcm",
        "objects/00/0000000000000000000000000000000000000000000000000000000000000001.tmp",
        "results/2.25.78.dcm",
        "results/2.25.77.part",
        "results/frame-2.rgb",
        "results/x"};
    for (size_t i = 0; i < 3; i++) {
        FIXTURE_OK(store_remove_unwanted(store, known[i], remember, &removed, &gone));
        assert_false(gone);
    }
    for (size_t i = 0; i < 6; i++) {
        FIXTURE_OK(store_remove_unwanted(store, unknown[i], remember, &removed, &gone));
        assert_true(gone);
    }
    assert_int_equal(removed.count, 6);
    store_close(store);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(by_age_from_the_last_delivery),
        T(rows_go_with_the_last_of_a_study),
        T(nothing_to_deliver_counts_from_receipt),
        T(never_while_something_waits),
        T(parked_copies_expire_after_their_own_limit),
        T(a_turn_is_bounded_and_a_walk_goes_on),
        T(a_backlog_does_not_slow_a_turn),
        T(bytes_add_up),
        T(a_listed_file_that_is_wanted_stays),
        T(files_go_after_the_row_says_so),
        T(unknown_files_go_and_known_ones_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
