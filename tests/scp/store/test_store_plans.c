/* No statement of the hot paths reads a whole table: what an object, a study or a second costs must
 * not grow with what the store remembers. Every function that the roles call for each is called
 * once; then SQLite is asked how it would run each statement that this prepared. Plans depend on
 * the schema alone (nothing ever runs ANALYZE), so an empty store tells what a full one would. */
#include "clock.h"
#include "keep_fixture.h"
#include "scp_fixture.h"
#include "store_health.h"
#include "store_inquiry.h"
#include "store_place.h"
#include "store_reading.h"
#include "store_reconcile.h"
#include "store_site.h"
#include "store_sqlite.h"
#include <ctype.h>

/* Tables with a row or more for every object, study or order that ever came. */
static const char *const large[] = {"instance",   "judgement",      "study",       "result",
                                    "covers",     "delivery",       "sample",      "inquiry",
                                    "site_order", "site_message",   "news",        "reading",
                                    "look",       "site_accession", "site_patient"};
/* Partial indexes over what waits, not over what was: reading all of one is reading the work. */
static const char *const small[] = {
    "instance_received", "instance_study_received", "instance_due",     "delivery_pending",
    "delivery_parked",   "delivery_retracted",      "result_retracted", "reading_open",
    "study_place_due",   "site_accession_due",      "site_patient_due"};

static bool begins_with_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    return strncmp(text, word, length) == 0 && !isalnum((unsigned char)text[length]) &&
           text[length] != '_';
}

static bool is_scan_of_all(const char *plan)
{
    static const char *const by[] = {" USING INDEX ", " USING COVERING INDEX "};
    if (strncmp(plan, "SCAN ", 5) != 0)
        return false;
    for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
        const char *index = strstr(plan, by[i]);
        for (size_t j = 0; index != NULL && j < sizeof small / sizeof *small; j++)
            if (begins_with_word(index + strlen(by[i]), small[j]))
                return false;
    }
    for (size_t i = 0; i < sizeof large / sizeof *large; i++)
        if (begins_with_word(plan + 5, large[i]))
            return true;
    return false;
}

static int scans(sqlite3 *db, const char *sql)
{
    char explain[8192];
    sqlite3_stmt *rows;
    int found = 0;
    assert_true(snprintf(explain, sizeof explain, "EXPLAIN QUERY PLAN %s", sql) <
                (int)sizeof explain);
    assert_int_equal(sqlite3_prepare_v2(db, explain, -1, &rows, NULL), SQLITE_OK);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        const char *plan = (const char *)sqlite3_column_text(rows, 3);
        if (is_scan_of_all(plan)) {
            print_error("%s\n    in %s\n", plan, sql);
            found++;
        }
    }
    (void)sqlite3_finalize(rows);
    return found;
}

static int scans_of_all_prepared(struct store *store, int *statements)
{
    int found = 0;
    *statements = store->cached;
    for (int i = 0; i < store->cached; i++)
        found += scans(store->db, store->cache[i].sql);
    return found;
}

static void an_object(struct store *store)
{
    enum store_identity identity;
    struct instance in = fixture_instance(1, 1, 1, "a"), out;
    bool ours, wanted;
    FIXTURE_OK(store_begin(store));
    FIXTURE_OK(store_add_instance(store, &in, &identity)); /* new */
    FIXTURE_OK(store_add_instance(store, &in, &identity)); /* duplicate */
    in = fixture_instance(1, 2, 1, "a");
    FIXTURE_OK(store_add_instance(store, &in, &identity)); /* rival */
    FIXTURE_OK(store_count(store, "refused"));
    FIXTURE_OK(store_association_end(store, "a"));
    FIXTURE_OK(store_association_end_others(store, NULL, 0));
    FIXTURE_OK(store_count_association(store, 1000, false));
    FIXTURE_OK(store_commit(store));

    FIXTURE_OK(store_next_received(store, 0, &out));
    FIXTURE_OK(store_count_attempt(store, out.id));
    FIXTURE_OK(store_forget_attempt(store, out.id));
    FIXTURE_OK(store_count_death(store, out.id));
    FIXTURE_OK(store_is_result(store, "2.25.1", &ours));
    assert_int_equal(store_last_answer(store, in.sop_instance, in.id, &out), STORE_NONE);
    const struct judgement judgement = {
        .state = INSTANCE_JUDGED, .moved = true, .others_report = true};
    FIXTURE_OK(store_judge(store, in.id, &judgement));
    FIXTURE_OK(store_wants_file(store, "objects/aa/aa.dcm", &wanted));
}

/* What orders name: accession, study, filler's and placer's number. */
static void a_sites_orders(struct store *store)
{
    const struct site_order orders[] = {
        {.accession = "A", .study = "1.2.4.1"},
        {.study = "1.2.4.1", .filler_order = "F"},
        {.accession = "A", .placer_order = "P"},
        {.accession = "A"},
        {.accession = "B"},
        {.study = "1.2.4.2"},
        {.accession = "B", .study = "1.2.4.2"},
        {.filler_order = "F"},
        {.placer_order = "P"},
        {.accession = "C", .placer_order = "P", .changed = true, .patients = "\\P1"},
        {.accession = "A", .cancelled = true},
        {.study = "1.2.4.1", .cancelled = true},
        {.filler_order = "F", .cancelled = true},
        {.placer_order = "P", .cancelled = true}};
    struct site_order known;
    size_t studies, missing;
    FIXTURE_OK(store_site_orders(store, "m", orders, sizeof orders / sizeof *orders, 1000, &studies,
                                 &missing));
    FIXTURE_OK(store_site_of(store, "1.2.4.1", "A", &known));
    FIXTURE_OK(store_site_unread(store, "1.2.4.1"));
    struct store_walk walk = {0};
    struct store_step step = {.before_ms = INT64_MAX, .look = 20};
    FIXTURE_OK(store_site_expire(store, &walk, &step, INT64_MAX));
}

/* An accession number that a message changed, and studies that are looked for at a workflow
 * manager.
 */
static void what_the_site_says_later(struct store *store)
{
    struct site_renamed due = {.row = 0};
    struct site_thing *things;
    struct news news;
    size_t count;
    uint8_t *attrs;
    FIXTURE_OK(store_next_renamed(store, &due));
    FIXTURE_OK(store_things_called(store, &due, &things, &count));
    site_things_free(things, count);
    FIXTURE_OK(store_renamed_done(store, &due));
    FIXTURE_OK(store_renamed_of(store, due.was, "", "P1", &due));
    assert_int_equal(store_next_look(store, "ris", 1000, 1, &news, &attrs, &count), STORE_NONE);
    FIXTURE_OK(store_look_asked(store, "ris", "1.2.4.1", 1));
    FIXTURE_OK(store_look_read(store, "ris", "1.2.4.1"));
}

static void a_merge(struct store *store)
{
    struct site_patient patient = {.nows = 1, .priors = 1, .now = {{"P2"}}, .prior = {{"P1"}}};
    struct site_id who = {"P2", "", ""}, list[SITE_IDS_MOST];
    struct site_told told;
    struct site_due due;
    unsigned count;
    bool said;
    (void)keep_receive(store, 9, 9, 1000);
    FIXTURE_OK(store_site_patients(store, "p", &patient, 1, "", 1000, &told));
    FIXTURE_OK(store_next_patient(store, &due));
    FIXTURE_OK(store_is_said(store, "P1", &said));
    FIXTURE_OK(store_aliases_of(store, &who, "", "", 1, "", list, &count));
    assert_int_equal(count, 2);
}

/* Looked at each second; reading the list of what is unread is reading the work. */
static void an_inquiry(struct store *store)
{
    struct store_inquiry of = {.study = "1.2.4.1"}, none;
    struct store_inquiry_state state;
    bool stands;
    assert_int_equal(store_next_inquiry(store, 0, 1, 2, &none), STORE_NONE);
    FIXTURE_OK(store_inquiry_stands(store, &of, &stands));
    FIXTURE_OK(store_inquiry_asked(store, &of, false, 1, "none"));
    FIXTURE_OK(store_inquiry_peer(store, "away", 1));
    FIXTURE_OK(store_inquiry_state(store, 0, &state));
    FIXTURE_OK(store_inquiry_peer(store, "", 1));
}

static bool ignore_study(void *context, const struct study *study)
{
    (void)context;
    (void)study;
    return true;
}

static void a_study(struct store *store)
{
    struct result result, list[3];
    struct judgement judgement;
    struct delivery deliveries[4];
    size_t count;
    int64_t *ids = NULL, id = keep_judged(store, 2, 2, 1000);
    uint8_t *attrs = NULL;
    bool ours;
    FIXTURE_OK(store_studies_due(store, ignore_study, NULL));
    FIXTURE_OK(store_study_instances(store, "1.2.4.2", &ids, &count));
    free(ids);
    FIXTURE_OK(store_get_judgement(store, id, &judgement, &attrs));
    free(attrs);
    int64_t report = keep_report(store, 2, 2, id, 1000, 2, true);
    FIXTURE_OK(store_last_report(store, &id, 1, &result));
    FIXTURE_OK(store_report_kinds(store, report, list, &count));
    FIXTURE_OK(store_get_result(store, report, &result));
    FIXTURE_OK(store_find_result(store, "2.25.2", &result));
    FIXTURE_OK(store_is_result(store, "2.25.2", &ours));
    FIXTURE_OK(store_result_images(store, &result, &ids, &count));
    free(ids);
    FIXTURE_OK(store_result_attrs(store, report, &attrs, &count));
    free(attrs);

    id = keep_judged(store, 3, 3, 1000);
    (void)keep_report(store, 3, 3, id, 1000, 2, false);
    FIXTURE_OK(store_pending(store, "pacs", INT64_MAX, INT64_MAX, deliveries, 4, &count));
    assert_int_equal(count, 1);
    FIXTURE_OK(store_deliveries_offered(store, deliveries, 1));
    FIXTURE_OK(store_deliveries_lost(store, "pacs"));
    FIXTURE_OK(store_delivery_unsent(store, deliveries[0].id));
    FIXTURE_OK(store_delivery_failed(store, deliveries[0].id, 0, false, false, "later"));
    FIXTURE_OK(store_delivered(store, deliveries[0].id, 0, 2000));
    FIXTURE_OK(store_to_reject(store, "pacs", list, 3, &count));
}

/* A delivery that waits for its images, then for the destination's commitment. */
static void a_commitment(struct store *store)
{
    struct delivery list[4];
    size_t count;
    bool read;
    int64_t id = keep_judged(store, 4, 4, 1000);
    (void)keep_report(store, 4, 4, id, 1000, 2, false);
    FIXTURE_OK(store_pending(store, "pacs", INT64_MAX, INT64_MAX, list, 4, &count));
    assert_int_equal(count, 1);
    FIXTURE_OK(store_study_read(store, "1.2.4.4", &read));
    FIXTURE_OK(store_delivery_waits(store, list[0].id, 1, 1, "not there"));
    FIXTURE_OK(store_delivery_may_be_there(store, "1.2.4.4", &count));
    assert_int_equal(count, 1);
    FIXTURE_OK(store_delivery_may_be_there(store, "1.2.4.4", &count)); /* it is due already */
    assert_int_equal(count, 0);
    FIXTURE_OK(store_delivery_stored(store, list[0].id, 0, 1));
    FIXTURE_OK(store_uncommitted(store, "pacs", INT64_MAX, INT64_MAX, list, 4, &count));
    assert_int_equal(count, 1);
    FIXTURE_OK(store_ask_commitment(store, &list[0].id, 1, "2.25.77", 2));
    FIXTURE_OK(store_commitment_unasked(store, list[0].id, 3, "later"));
    FIXTURE_OK(store_commitment(store, "2.25.77", list[0].result.uid, 0x0112, "lost", 4));
    FIXTURE_OK(store_delivery_stored(store, list[0].id, 0, 5));
    FIXTURE_OK(store_ask_commitment(store, &list[0].id, 1, "2.25.78", 6));
    FIXTURE_OK(store_commitment(store, "2.25.78", list[0].result.uid, 0, "", 7));
    FIXTURE_OK(store_delivery_dropped(store, list[0].id, "late"));
}

/* What the roles look at whether or not something came, and a little retention. */
static void a_second(struct store *store)
{
    struct store_oldest oldest;
    struct store_alarm alarm = {.name = "n", .subject = "s"}, alarms[2];
    struct store_sample samples[2];
    struct store_selftest selftest;
    struct request request;
    struct delivery parked[2];
    struct store_refused refused[2];
    struct store_walk walk = {0}, walk2 = {0};
    struct store_step step = {.before_ms = 1, .now_ms = 2, .look = 10, .most = 10}, step2 = step;
    uint64_t objects, results;
    size_t count;
    int64_t last;
    FIXTURE_OK(store_oldest(store, &oldest));
    FIXTURE_OK(store_set_alarm(store, &alarm, true));
    FIXTURE_OK(store_alarms(store, alarms, 2, &count));
    FIXTURE_OK(store_first_samples(store, STORE_SERIES_STUDY, 0, samples, 2, &count, &last));
    FIXTURE_OK(store_last_samples(store, STORE_SERIES_STUDY, 0, samples, 2, &count));
    assert_int_equal(store_last_selftest(store, &selftest), STORE_NONE);
    assert_int_equal(store_next_request(store, 0, &request), STORE_NONE);
    FIXTURE_OK(store_recall(store, "x", &last));
    FIXTURE_OK(store_memorise(store, "x", 1));
    FIXTURE_OK(store_kept_bytes(store, &objects, &results));
    FIXTURE_OK(store_retire_objects(store, &walk, &step));
    FIXTURE_OK(store_retire_results(store, &walk2, &step2));
    FIXTURE_OK(store_expire_parked(store, 1, 2, parked, 2, &count));
    FIXTURE_OK(store_parked(store, parked, 2, &count));
    FIXTURE_OK(store_refused(store, refused, 2, &count));
}

static bool name_item(void *context, const char *study, int64_t arrived_ms, int64_t number,
                      char uid[DX_UID_MAX])
{
    (void)context;
    (void)arrived_ms;
    (void)snprintf(uid, DX_UID_MAX, "2.25.%zu%d", strlen(study), (int)number);
    return true;
}

/* Who asks for the reading worklist. */
static void a_reader(struct store *store)
{
    struct store_reading_place list[4];
    struct store_reading reading;
    size_t count;
    FIXTURE_OK(store_readings_turn(store, 5, 1, name_item, NULL));
    FIXTURE_OK(store_readings(store, &fixture_policy, 0x1e, 0, list, 4, &count));
    assert_int_equal(store_reading_find(store, "2.25.7", &reading), STORE_NONE);
    assert_int_equal(store_reading_claim(store, 7, "1", "A", 1), STORE_NONE);
    assert_int_equal(store_reading_say(store, 7, 1, NULL, 0, 1), STORE_NONE);
    assert_int_equal(store_reading_end(store, 7, 1, READING_COMPLETED, 1), STORE_NONE);
}

static void no_hot_statement_reads_a_table(void **state)
{
    struct store *store = fixture_open(*state);
    int statements;
    an_object(store);
    a_sites_orders(store);
    what_the_site_says_later(store);
    an_inquiry(store);
    a_study(store);
    a_commitment(store);
    a_second(store);
    a_reader(store);
    a_merge(store);
    int found = scans_of_all_prepared(store, &statements);
    print_message("%d statements looked at\n", statements);
    assert_in_range(statements, 65, STORE_STATEMENTS);
    assert_int_equal(found, 0);
    store_close(store);
}

/* What the trigger does when a study's row goes: EXPLAIN tells nothing of triggers. */
static void a_study_goes(void **state)
{
    struct store *store = fixture_open(*state);
    assert_int_equal(scans(store->db, "DELETE FROM news WHERE study='1.2.4.1'"), 0);
    assert_int_equal(scans(store->db, "DELETE FROM reading WHERE study='1.2.4.1'"), 0);
    assert_int_equal(scans(store->db, "DELETE FROM look WHERE study='1.2.4.1'"), 0);
    assert_int_equal(scans(store->db, "DELETE FROM site_order WHERE study='1' AND study<>''"), 0);
    store_close(store);
}

/* The guard can fail: the query that was slow once, without its INDEXED BY, and a plain one. */
static void a_scan_is_seen(void **state)
{
    struct store *store = fixture_open(*state);
    assert_true(is_scan_of_all("SCAN instance"));
    assert_true(is_scan_of_all("SCAN result USING INDEX result_kept"));
    assert_false(is_scan_of_all("SCAN instance USING COVERING INDEX instance_due"));
    assert_false(is_scan_of_all("SEARCH instance USING INDEX instance_study (study=?)"));
    assert_false(is_scan_of_all("SCAN alarm"));
    assert_int_equal(scans(store->db, "SELECT id FROM instance WHERE calling='x'"), 1);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_hot_statement_reads_a_table, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_study_goes, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_scan_is_seen, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
