/* What goes next: urgent first, then the oldest that is due; at a rate, in hours. */
#include "clock.h"
#include "deliver_choose.h"
#include "scp_fixture.h"
#include "store_keep.h"
#include <sqlite3.h>
#include <time.h>

#define MINUTE 60000

static void a_rate_is_kept(void **state)
{
    struct rate_bucket bucket = {.filled_ms = 0};
    size_t sent = 0;
    (void)state;
    assert_int_equal(rate_allows(&bucket, 0, 5), SENDER_BATCH);
    for (int64_t ms = 1; ms < 10 * MINUTE; ms += 50) {
        size_t some = rate_allows(&bucket, 30, ms);
        rate_take(&bucket, 30, some);
        sent += some;
    }
    assert_in_range(sent, 30 + 9 * 30, 30 + 10 * 30); /* a minute's at once, then 30 a minute */
    bucket = (struct rate_bucket){.filled_ms = 0};
    (void)rate_allows(&bucket, 2, 1);
    rate_take(&bucket, 2, 2);
    assert_int_equal(rate_allows(&bucket, 2, 1 + MINUTE / 2 - 100), 0);
    assert_int_equal(rate_allows(&bucket, 2, 1 + MINUTE / 2 + 100), 1);
    assert_int_equal(rate_allows(&bucket, 2, 1000L * MINUTE), 2); /* no more is saved */
}

static int64_t at(int hour, int minute)
{
    return (20000LL * 86400 + hour * 3600 + minute * 60) * 1000;
}

static void hours_are_kept(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
    assert_true(window_is_open(NULL, at(12, 0)));
    assert_false(window_is_open("22:00-06:00", at(21, 59)));
    assert_true(window_is_open("22:00-06:00", at(22, 0)));
    assert_true(window_is_open("22:00-06:00", at(5, 59)));
    assert_false(window_is_open("22:00-06:00", at(6, 0)));
    assert_true(window_is_open("08:30-17:15", at(17, 14)));
    assert_false(window_is_open("08:30-17:15", at(17, 15)));
    assert_int_equal(setenv("TZ", "XYZ-2", 1), 0); /* two hours before UTC */
    tzset();
    assert_true(window_is_open("22:00-06:00", at(20, 0)));
    assert_false(window_is_open("22:00-06:00", at(4, 0)));
}

static void add_to(sqlite3 *db, int study, int id, const char *outcome, int64_t next_ms)
{
    char sql[700];
    snprintf(sql, sizeof sql,
             "INSERT INTO result(id,kind,uid,sop_class,series,study,path,digest,outcome,created_ms)"
             " VALUES(%d,'sc','2.25.%d','1.2','1','%d','p','d','%s',1);"
             "INSERT INTO delivery(id,result,destination,state,next_ms,priority)"
             " VALUES(%d,%d,'pacs','pending',%lld,%d)",
             id, id, study, outcome, id, id, (long long)next_ms, strcmp(outcome, "finding") == 0);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* Of a study of its own. */
static void add(sqlite3 *db, int id, const char *outcome, int64_t next_ms)
{
    add_to(db, id, id, outcome, next_ms);
}

static void expect_next(struct store *store, const struct conf_destination *to,
                        const int64_t *expected, size_t count)
{
    static struct delivery job[SENDER_BATCH];
    struct send_batch batch;
    FIXTURE_OK(choose_jobs(store, to, SENDER_BATCH, NULL, &batch, job));
    assert_int_equal(batch.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(batch.job[i].delivery, expected[i]);
        assert_int_equal(job[i].id, expected[i]);
    }
}

static void order(void **state)
{
    const struct fixture *f = *state;
    const struct conf_peer peer = {.name = "pacs"};
    struct conf_destination to = {
        .peer = &peer, .retry_most_seconds = 300, .look = CONF_LOOK_NEVER};
    static struct delivery job[SENDER_BATCH];
    struct store *store = fixture_open(f);
    struct send_batch batch;
    sqlite3 *db = NULL;
    int64_t now = clock_utc_ms();
    char closed[48];
    struct tm local;
    time_t seconds = (time_t)(now / 1000) + 2 * 3600;
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    add(db, 1, "no-finding", 0);
    add(db, 2, "no-finding", now - 1000);
    add(db, 3, "finding", 0);
    add(db, 4, "no-finding", now + 100000);                    /* put off */
    add(db, 6, "no-finding", now + 10LL * 365 * 86400 * 1000); /* a clock that was set back */
    expect_next(store, &to, (const int64_t[]){3, 1, 2}, 3);    /* 6 was put off behind 4 */
    FIXTURE_OK(store_delivery_failed(store, 4, now - 1, false, false, ""));

    expect_next(store, &to, (const int64_t[]){3, 1, 2, 4, 6}, 5);
    FIXTURE_OK(choose_jobs(store, &to, 2, NULL, &batch, job));
    assert_int_equal(batch.count, 2);

    localtime_r(&seconds, &local); /* opens in two hours */
    snprintf(closed, sizeof closed, "%02d:%02d-%02d:%02d", local.tm_hour, local.tm_min,
             (local.tm_hour + 1) % 24, local.tm_min);
    to.window = closed;
    FIXTURE_OK(choose_jobs(store, &to, SENDER_BATCH, NULL, &batch, job));
    assert_int_equal(batch.count, 1); /* the finding */
    assert_int_equal(batch.job[0].delivery, 3);
    sqlite3_close(db);
    store_close(store);
}

/* What was put off keeps its order, and holds up nothing but what was put off, and its own study.
 */
static void order_of_what_was_put_off(void **state)
{
    const struct fixture *f = *state;
    const struct conf_peer peer = {.name = "pacs"};
    const struct conf_destination to = {
        .peer = &peer, .retry_most_seconds = 300, .look = CONF_LOOK_NEVER};
    struct store *store = fixture_open(f);
    static struct delivery job[SENDER_BATCH];
    struct send_batch batch;
    sqlite3 *db = NULL;
    int64_t now = clock_utc_ms(), later = now + 100000;
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    add_to(db, 1, 1, "finding", later); /* a report; 2, 3: its pictures */
    add_to(db, 1, 2, "finding", now - 1000);
    add_to(db, 1, 3, "finding", 0);
    add_to(db, 4, 4, "finding", 0);
    add_to(db, 5, 5, "finding", now - 1000);
    add_to(db, 6, 6, "no-finding", now - 1000);
    add_to(db, 7, 7, "no-finding", 0);
    expect_next(store, &to, (const int64_t[]){4, 7}, 2);

    FIXTURE_OK(store_delivery_waits(store, 5, now - 1, now, "no images")); /* its own affair */
    expect_next(store, &to, (const int64_t[]){4, 5, 7}, 3);
    FIXTURE_OK(store_delivery_waits(store, 5, later, now, "no images"));
    expect_next(store, &to, (const int64_t[]){4, 7}, 2);

    FIXTURE_OK(store_delivery_failed(store, 1, now - 1, false, false, "")); /* due */
    FIXTURE_OK(choose_jobs(store, &to, SENDER_BATCH, NULL, &batch, job));
    const int64_t expected[] = {1, 2, 3, 4, 6, 7}, follows[] = {0, 1, 2, 0, 0, 0};
    assert_int_equal(batch.count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(batch.job[i].delivery, expected[i]);
        assert_int_equal(batch.job[i].follows, follows[i]);
    }
    FIXTURE_OK(
        store_delivery_failed(store, 1, later, true, false, "refused")); /* parked: holds nothing */
    expect_next(store, &to, (const int64_t[]){2, 3, 4, 6, 7}, 5);

    /* A finding does not wait for what was no finding of its study. */
    FIXTURE_OK(store_delivery_failed(store, 7, later, false, false, ""));
    add_to(db, 7, 8, "finding", 0);
    add_to(db, 7, 9, "no-finding", 0);
    expect_next(store, &to, (const int64_t[]){2, 3, 4, 8, 6}, 5);

    /* Nor goes a picture before its report, which is due and waits for 7. */
    add_to(db, 10, 10, "no-finding", now - 1000);
    add_to(db, 10, 11, "no-finding", 0);
    expect_next(store, &to, (const int64_t[]){2, 3, 4, 8, 6}, 5);
    sqlite3_close(db);
    store_close(store);
}

static void commitment(void **state)
{
    const struct fixture *f = *state;
    const struct conf_peer peer = {.name = "pacs"};
    const struct conf_destination to = {.peer = &peer,
                                        .retry_most_seconds = 300,
                                        .look = CONF_LOOK_NEVER,
                                        .commitment_seconds = 60};
    static struct delivery job[SENDER_BATCH];
    struct store *store = fixture_open(f);
    struct send_batch batch, again;
    sqlite3 *db = NULL;
    int64_t now = clock_utc_ms();
    size_t count;
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    for (int i = 1; i <= 3; i++)
        add(db, i, "finding", 0);
    FIXTURE_OK(choose_commitment(store, &to, &batch, job));
    assert_int_equal(batch.count, 0); /* nothing is there yet */
    for (int i = 1; i <= 3; i++)
        FIXTURE_OK(store_delivery_stored(store, i, 0, now - 10000));
    FIXTURE_OK(choose_jobs(store, &to, SENDER_BATCH, NULL, &again, job));
    assert_int_equal(again.count, 0);
    FIXTURE_OK(choose_commitment(store, &to, &batch, job));
    assert_int_equal(batch.count, 3);
    assert_true(dx_uid_is_valid(batch.transaction));
    FIXTURE_OK(choose_commitment(store, &to, &again, job));
    assert_int_equal(again.count, 0); /* asked, not overdue */

    const char *t = batch.transaction;
    assert_int_equal(store_commitment(store, "2.25.5", "2.25.1", 0, "", now), STORE_NONE);
    assert_int_equal(store_commitment(store, "", "2.25.1", 0, "", now), STORE_NONE);
    FIXTURE_OK(store_commitment(store, t, "2.25.1", 0, "", now));
    assert_int_equal(store_commitment(store, t, "2.25.1", 0, "", now), STORE_NONE);
    FIXTURE_OK(
        store_commitment(store, t, "2.25.2", 0x0112, "no such object instance", now - 60000));
    FIXTURE_OK(choose_jobs(store, &to, SENDER_BATCH, NULL, &again, job));
    assert_int_equal(again.count, 1); /* it is sent again */
    assert_string_equal(job[0].result.uid, "2.25.2");
    for (int i = 1; i < STORE_UNCOMMITTED_MOST; i++) {
        FIXTURE_OK(store_delivery_stored(store, 2, 0, now - 10000));
        FIXTURE_OK(choose_commitment(store, &to, &batch, job));
        FIXTURE_OK(
            store_commitment(store, batch.transaction, "2.25.2", 0x0112, "why", now - 60000));
    }
    FIXTURE_OK(store_parked(store, job, SENDER_BATCH, &count));
    assert_int_equal(count, 1);
    assert_string_equal(job[0].last_error, "why");
    sqlite3_close(db);
    store_close(store);
}

/* Overdue: anew, under another UID; an answer to one of the requests before counts all the same. */
static void an_earlier_request(void **state)
{
    const struct fixture *f = *state;
    const struct conf_peer peer = {.name = "pacs"};
    const struct conf_destination to = {
        .peer = &peer, .retry_most_seconds = 300, .commitment_seconds = 60};
    static struct delivery job[SENDER_BATCH];
    struct store *store = fixture_open(f);
    struct send_batch asked[3];
    sqlite3 *db = NULL;
    int64_t now = clock_utc_ms();
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    add(db, 1, "finding", 0);
    FIXTURE_OK(store_delivery_stored(store, 1, 0, now - 10000));
    for (int i = 0; i < 3; i++) {
        FIXTURE_OK(choose_commitment(store, &to, &asked[i], job));
        assert_int_equal(asked[i].count, 1);
        assert_int_equal(sqlite3_exec(db, "UPDATE delivery SET next_ms=1", NULL, NULL, NULL),
                         SQLITE_OK);
    }
    const char *first = asked[0].transaction, *last = asked[2].transaction;
    assert_string_not_equal(first, asked[1].transaction);
    assert_string_not_equal(first, last);
    assert_int_equal(store_commitment(store, "2.25", "2.25.1", 0, "", now), STORE_NONE);
    assert_int_equal(store_commitment(store, first, "2.25.2", 0, "", now), STORE_NONE);
    FIXTURE_OK(store_commitment(store, first, "2.25.1", 0, "", now));
    assert_int_equal(store_commitment(store, last, "2.25.1", 0, "", now), STORE_NONE);
    sqlite3_close(db);
    store_close(store);
}

static int delivery_number(sqlite3 *db, const char *what, int id)
{
    char sql[128];
    sqlite3_stmt *row = NULL;
    snprintf(sql, sizeof sql, "SELECT %s FROM delivery WHERE id=%d", what, id);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    int number = sqlite3_column_int(row, 0);
    sqlite3_finalize(row);
    return number;
}

/* What was cancelled on its way is known to be there all the same, so that a note takes it back;
 * without commitment nothing stays behind; what was put off waits longer than a time-out. */
static void ends_of_commitment(void **state)
{
    const struct fixture *f = *state;
    const struct conf_peer peer = {.name = "pacs"};
    const struct conf_destination to = {.peer = &peer,
                                        .retry_most_seconds = 300,
                                        .look = CONF_LOOK_NEVER,
                                        .commitment_seconds = 60};
    static struct delivery job[SENDER_BATCH];
    struct store *store = fixture_open(f);
    struct send_batch batch;
    sqlite3 *db = NULL;
    int64_t now = clock_utc_ms();
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    for (int i = 1; i <= 3; i++)
        add(db, i, "finding", 0);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE delivery SET state='cancelled' WHERE id=1", NULL, NULL, NULL),
        SQLITE_OK);
    for (int i = 1; i <= 3; i++)
        FIXTURE_OK(store_delivery_stored(store, i, 0, now - 10000));
    assert_int_equal(delivery_number(db, "attempts", 1), 1);
    assert_int_equal(delivery_number(db, "state='cancelled'", 1), 1);

    FIXTURE_OK(choose_commitment(store, &to, &batch, job));
    assert_int_equal(batch.count, 2);
    FIXTURE_OK(store_commitment_unasked(store, 2, now + 300 * 1000, "later"));
    FIXTURE_OK(store_commitment_unasked(store, 3, now + 300 * 1000, "later"));
    FIXTURE_OK(choose_commitment(store, &to, &batch, job));
    assert_int_equal(batch.count, 0);

    size_t count;
    FIXTURE_OK(store_commitment_waived(store, "pacs", &count));
    assert_int_equal(count, 2);
    assert_int_equal(delivery_number(db, "state='sent'", 2), 1);
    assert_int_equal(delivery_number(db, "state='cancelled'", 1), 1);

    /* asked each second: it needs nobody's lock when there is nothing to do */
    store_patience(store, 0);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    FIXTURE_OK(store_commitment_waived(store, "pacs", &count));
    assert_int_equal(count, 0);
    sqlite3_close(db);
    store_close(store);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_is_kept),
        cmocka_unit_test(hours_are_kept),
        T(order),
        T(order_of_what_was_put_off),
        T(commitment),
        T(an_earlier_request),
        T(ends_of_commitment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
