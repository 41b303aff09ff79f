/* Items of the reading worklist in the job store: one that is open for each study that is unread.
 */
#include "clock.h"
#include "keep_fixture.h"
#include "open_store.h"
#include "store_place.h"
#include "store_reading.h"
#include "store_sqlite.h"

#define FINAL ((1u << READING_CANCELED) | (1u << READING_COMPLETED))
#define OPEN  ((1u << READING_SCHEDULED) | (1u << READING_IN_PROGRESS))

static void enter_places(void)
{
    struct store_case c;
    struct priority p;
    enum store_status status;
    while ((status = store_next_case(store, 0, &c)) == STORE_OK) {
        priority_of(&c.known, &p);
        FIXTURE_OK(store_place(store, &c, &p, NEWS_PRIORITY, NULL, 0, 50));
    }
    assert_int_equal(status, STORE_NONE);
}

/* A study of one judged image, on the list. */
static void placed(int study, bool finding)
{
    struct judgement j = {.state = INSTANCE_JUDGED,
                          .outcome = finding ? SRT_FINDING : SRT_NO_FINDING,
                          .alone = true,
                          .agreed = true,
                          .finding_score = finding ? 0.9 : 0,
                          .finding_point = 0.5};
    int64_t id = keep_receive(store, study, study, 1000 * study);
    FIXTURE_OK(store_judge(store, id, &j));
    enter_places();
}

static bool can_name = true;
static bool name(void *context, const char *study, int64_t arrived_ms, int64_t number,
                 char uid[DX_UID_MAX])
{
    (void)context;
    snprintf(uid, DX_UID_MAX, "2.25.%s.%d.%d", strrchr(study, '.') + 1, (int)arrived_ms,
             (int)number);
    return can_name;
}

static void turn(int64_t now, int64_t lapsed)
{
    FIXTURE_OK(store_readings_turn(store, now, lapsed, name, NULL));
}

static size_t listed(unsigned states, struct store_reading_place *list)
{
    size_t count;
    FIXTURE_OK(store_readings(store, &fixture_policy, states, 0, list, 8, &count));
    return count;
}

static struct store_reading find(const char *uid)
{
    struct store_reading r;
    FIXTURE_OK(store_reading_find(store, uid, &r));
    return r;
}

static void each_unread_study_has_one(void **state)
{
    struct store_reading_place list[8];
    (void)state;
    placed(1, false);
    placed(2, true);
    turn(100, 0);
    turn(101, 0);
    assert_int_equal(listed(OPEN, list), 2);
    assert_true(list[0].place.priority.raised && list[0].place.arrived_ms == 2000);
    assert_int_equal(listed(FINAL, list), 0);
    struct store_reading r = find("2.25.2.2000.1");
    assert_int_equal(r.state, READING_SCHEDULED);
    assert_int_equal(r.changed_ms, 100);
    assert_int_equal(store_reading_find(store, "2.25.7", &r), STORE_NONE);
}

static void one_that_cannot_be_named_is_none(void **state)
{
    struct store_reading_place list[8];
    (void)state;
    placed(1, false);
    can_name = false;
    assert_int_equal(store_readings_turn(store, 1, 0, name, NULL), STORE_BROKEN);
    can_name = true;
    assert_int_equal(listed(OPEN, list), 0);
    turn(1, 0);
    assert_int_equal(listed(OPEN, list), 1);
}

static void claimed_said_completed(void **state)
{
    struct store_reading_place list[8];
    struct store_entry entries[4];
    size_t count;
    (void)state;
    placed(1, false);
    turn(100, 0);
    struct store_reading r = find("2.25.1.1000.1");
    assert_int_equal(store_reading_say(store, r.id, 1, (const uint8_t *)"x", 1, 110), STORE_NONE);
    FIXTURE_OK(store_reading_claim(store, r.id, "2.25.5", "A at b", 120));
    assert_int_equal(store_reading_claim(store, r.id, "2.25.6", "C", 121), STORE_NONE);
    FIXTURE_OK(store_worklist(store, &fixture_policy, entries, 4, &count));
    assert_int_equal(count, 1);
    assert_string_equal(entries[0].claimed_by, "A at b");
    assert_int_equal(entries[0].claimed_ms, 120);
    FIXTURE_OK(store_reading_say(store, r.id, 1, (const uint8_t *)"said", 4, 130));
    assert_int_equal(store_reading_say(store, r.id, 1, (const uint8_t *)"late", 4, 131),
                     STORE_NONE);
    r = find(r.uid);
    assert_true(r.revision == 2 && r.claimed_ms == 130 && r.state == READING_IN_PROGRESS);
    assert_string_equal(r.transaction, "2.25.5");
    assert_int_equal(store_reading_end(store, r.id, 1, READING_COMPLETED, 140), STORE_NONE);
    FIXTURE_OK(store_reading_end(store, r.id, 2, READING_COMPLETED, 140));
    turn(141, 0); /* read, though its place says so only when analyze has looked at it */
    assert_int_equal(listed(OPEN, list), 0);
    enter_places();
    turn(142, 0);
    assert_int_equal(listed(FINAL, list), 1);
    FIXTURE_OK(store_worklist(store, &fixture_policy, entries, 4, &count));
    assert_int_equal(count, 0);
    FIXTURE_OK(store_mark_read(store, r.study, false));
    enter_places();
    turn(150, 0);
    assert_int_equal(find("2.25.1.1000.2").state, READING_SCHEDULED);
}

static void canceled_lapsed_read(void **state)
{
    (void)state;
    placed(1, false);
    turn(100, 0);
    struct store_reading r = find("2.25.1.1000.1");
    FIXTURE_OK(store_reading_claim(store, r.id, "2.25.5", "A", 120));
    FIXTURE_OK(store_reading_end(store, r.id, 1, READING_CANCELED, 130));
    turn(131, 0);
    r = find("2.25.1.1000.2");
    FIXTURE_OK(store_reading_claim(store, r.id, "2.25.5", "A", 140));
    turn(150, 140);
    assert_int_equal(find(r.uid).state, READING_IN_PROGRESS);
    turn(150, 141);
    assert_true(find(r.uid).state == READING_CANCELED && find(r.uid).why == READING_LAPSED);
    r = find("2.25.1.1000.3");
    FIXTURE_OK(store_mark_read(store, r.study, true));
    turn(160, 0);
    assert_true(find(r.uid).state == READING_CANCELED && find(r.uid).why == READING_READ);
    assert_int_equal(find(r.uid).ended_ms, 160);
    assert_int_equal(find("2.25.1.1000.1").why, READING_BY_PERFORMER);
}

/* Who reads it is not disturbed by another's report. */
static void claimed_and_read_elsewhere_stays_claimed(void **state)
{
    (void)state;
    placed(1, false);
    turn(100, 0);
    struct store_reading r = find("2.25.1.1000.1");
    FIXTURE_OK(store_reading_claim(store, r.id, "2.25.5", "A", 120));
    FIXTURE_OK(store_mark_read(store, r.study, true));
    enter_places();
    turn(130, 0);
    assert_int_equal(find(r.uid).state, READING_IN_PROGRESS);
    FIXTURE_OK(store_reading_end(store, r.id, 1, READING_COMPLETED, 140));
}

static void an_item_with_what_is_known(void **state)
{
    struct store_reading r;
    struct news news;
    uint8_t *attrs, *said;
    size_t attrs_bytes, said_bytes;
    (void)state;
    placed(1, true);
    turn(100, 0);
    r = find("2.25.1.1000.1");
    FIXTURE_OK(store_reading_claim(store, r.id, "2.25.5", "A", 120));
    FIXTURE_OK(store_reading_say(store, r.id, 1, (const uint8_t *)"said", 4, 130));
    FIXTURE_OK(store_reading_get(store, r.id, &r, &news, &attrs, &attrs_bytes, &said, &said_bytes));
    assert_true(said_bytes == 4 && memcmp(said, "said", 4) == 0);
    assert_true(news.rank == PRIORITY_HIGH && news.reason == REASON_FINDING && news.raised);
    assert_string_equal(news.workitem, r.uid);
    assert_string_equal(news.study, r.study);
    assert_int_equal(news.received_ms, 1000);
    free(attrs);
    free(said);
    assert_int_equal(
        store_reading_get(store, 77, &r, &news, &attrs, &attrs_bytes, &said, &said_bytes),
        STORE_NONE);
}

/* As after years of another program, or an import: in time, and each once. */
static void many_at_once(void **state)
{
    char sql[512];
    static struct store_reading_place list[2100];
    size_t count;
    (void)state;
    placed(1, false);
    assert_int_equal(sqlite3_exec(store->db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < 2000; i++) {
        snprintf(sql, sizeof sql,
                 "INSERT INTO study(uid,last_received_ms) VALUES('9.%d',1);INSERT INTO place SELECT"
                 " '9.%d',revision,rank,band,raised,strength,reason,outcome,answered,report,"
                 "arrived_ms+%d,changed_ms,finding_ms,read_ms,model,accession,patient_id,issuer,"
                 "site_priority,waits,passed_ms,announcements FROM place WHERE study LIKE '1.2.%%'",
                 i, i, i);
        assert_int_equal(sqlite3_exec(store->db, sql, NULL, NULL, NULL), SQLITE_OK);
    }
    assert_int_equal(sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    int64_t begin = clock_monotonic_ms();
    turn(100, 0);
    print_message("2000 items in %d ms\n", (int)(clock_monotonic_ms() - begin));
    FIXTURE_OK(store_readings(store, &fixture_policy, OPEN, 0, list, 2100, &count));
    assert_int_equal(count, 2001);
    assert_int_equal(
        sqlite3_exec(store->db, "UPDATE study SET read=1 WHERE uid LIKE '9.%'", NULL, NULL, NULL),
        SQLITE_OK);
    turn(101, 0);
    FIXTURE_OK(store_readings(store, &fixture_policy, OPEN, 0, list, 2100, &count));
    assert_int_equal(count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_unread_study_has_one, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_cannot_be_named_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(claimed_said_completed, setup, teardown),
        cmocka_unit_test_setup_teardown(canceled_lapsed_read, setup, teardown),
        cmocka_unit_test_setup_teardown(claimed_and_read_elsewhere_stays_claimed, setup, teardown),
        cmocka_unit_test_setup_teardown(many_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(an_item_with_what_is_known, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
