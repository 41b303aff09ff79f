/* The job store's instances and studies: identity, order, what is due, and what a crash leaves. */
#include "scp_fixture.h"
#include <limits.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

static int64_t add(struct store *store, int sop, int digest, int study, const char *association,
                   enum store_identity expected)
{
    struct instance in = fixture_instance(sop, digest, study, association);
    enum store_identity identity = STORE_RIVAL;
    FIXTURE_OK(store_add_instance(store, &in, &identity));
    assert_int_equal(identity, expected);
    assert_int_equal(in.rival, expected == STORE_RIVAL);
    return in.id;
}

static void judge(struct store *store, int64_t id, enum instance_state state)
{
    const struct judgement judgement = {.state = state};
    FIXTURE_OK(store_judge(store, id, &judgement));
}

static void what_is_added_can_be_read(void **state)
{
    struct store *store = fixture_open(*state);
    struct instance in = fixture_instance(7, 8, 9, "assoc"), out;
    enum store_identity identity;
    FIXTURE_OK(store_add_instance(store, &in, &identity));
    FIXTURE_OK(store_get_instance(store, in.id, &out));
    assert_int_equal(out.state, INSTANCE_RECEIVED);
    assert_string_equal(out.sop_class, in.sop_class);
    assert_string_equal(out.sop_instance, in.sop_instance);
    assert_string_equal(out.study, in.study);
    assert_string_equal(out.series, in.series);
    assert_string_equal(out.transfer_syntax, in.transfer_syntax);
    assert_string_equal(out.digest, in.digest);
    assert_string_equal(out.path, in.path);
    assert_string_equal(out.calling, in.calling);
    assert_string_equal(out.called, in.called);
    assert_string_equal(out.address, in.address);
    assert_string_equal(out.association, "assoc");
    assert_int_equal(out.bytes, 512);
    assert_int_equal(out.received_ms, in.received_ms);
    assert_int_equal(out.reason, SRT_REASON_NONE);
    assert_int_equal(store_get_instance(store, in.id + 1, &out), STORE_NONE);
    store_close(store);
}

static void who_only_reads_changes_nothing(void **state)
{
    struct store *store = fixture_open(*state), *reader = fixture_open(*state);
    int64_t id = add(store, 1, 1, 1, "a", STORE_NEW);
    struct instance in = fixture_instance(2, 2, 1, "b"), out;
    const struct judgement judgement = {.state = INSTANCE_JUDGED};
    enum store_identity identity;
    FIXTURE_OK(store_only_reads(reader));
    assert_int_equal(store_add_instance(reader, &in, &identity), STORE_BROKEN);
    assert_int_equal(store_judge(reader, id, &judgement), STORE_BROKEN);
    FIXTURE_OK(store_get_instance(reader, id, &out));
    assert_int_equal(out.state, INSTANCE_RECEIVED);
    judge(store, id, INSTANCE_JUDGED);
    FIXTURE_OK(store_get_instance(reader, id, &out));
    assert_int_equal(out.state, INSTANCE_JUDGED);
    store_close(reader);
    store_close(store);
}

static void duplicates_and_rivals(void **state)
{
    struct store *store = fixture_open(*state);
    struct instance first;
    struct store_counts counts;
    int64_t a = add(store, 1, 1, 1, "a", STORE_NEW);
    assert_int_equal(add(store, 1, 1, 1, "b", STORE_DUPLICATE), a);
    int64_t b = add(store, 1, 2, 1, "b", STORE_RIVAL);
    assert_int_not_equal(a, b);
    struct instance again = fixture_instance(1, 2, 1, "c");
    enum store_identity identity;
    FIXTURE_OK(store_add_instance(store, &again, &identity));
    assert_int_equal(identity, STORE_DUPLICATE);
    assert_true(again.rival);
    FIXTURE_OK(store_get_instance(store, a, &first));
    assert_false(first.rival);
    assert_int_equal(store_get_instance(store, again.id + 1, &first), STORE_NONE);
    FIXTURE_OK(store_counts(store, &counts));
    assert_int_equal(counts.instances[INSTANCE_RECEIVED], 2);
    assert_int_equal(counts.duplicates, 2);
    store_close(store);
}

static void received_in_order(void **state)
{
    struct store *store = fixture_open(*state);
    struct instance in;
    int64_t a = add(store, 1, 1, 1, "a", STORE_NEW), b = add(store, 2, 2, 1, "a", STORE_NEW);
    FIXTURE_OK(store_next_received(store, 0, &in));
    assert_int_equal(in.id, a);
    FIXTURE_OK(store_next_received(store, a, &in));
    assert_int_equal(in.id, b);
    assert_int_equal(store_next_received(store, b, &in), STORE_NONE);
    judge(store, a, INSTANCE_IGNORED);
    FIXTURE_OK(store_next_received(store, 0, &in));
    assert_int_equal(in.id, b);
    FIXTURE_OK(store_count_attempt(store, b));
    FIXTURE_OK(store_count_attempt(store, b));
    FIXTURE_OK(store_get_instance(store, b, &in));
    assert_int_equal(in.attempts, 2);
    assert_int_equal(in.deaths, 0);
    FIXTURE_OK(store_count_death(store, b));
    FIXTURE_OK(store_get_instance(store, b, &in));
    assert_int_equal(in.deaths, 1);
    assert_int_equal(in.attempts, 2);
    assert_int_equal(store_count_death(store, 99), STORE_NONE);
    assert_int_equal(store_count_attempt(store, 99), STORE_NONE);
    for (int i = 0; i < 3; i++)
        FIXTURE_OK(store_forget_attempt(store, b));
    FIXTURE_OK(store_get_instance(store, b, &in));
    assert_int_equal(in.attempts, 0);
    store_close(store);
}

static void what_has_no_uid_is_in_no_report(void **state)
{
    struct store *store = fixture_open(*state);
    int64_t *ids;
    size_t count;
    struct instance in;
    const struct judgement nameless = {.state = INSTANCE_NOT_PROCESSED, .nameless = true};
    int64_t a = add(store, 1, 1, 1, "a", STORE_NEW), b = add(store, 2, 2, 1, "a", STORE_NEW);
    FIXTURE_OK(store_judge(store, a, &nameless));
    judge(store, b, INSTANCE_JUDGED);
    FIXTURE_OK(store_get_instance(store, a, &in));
    assert_true(in.reported < 0);
    FIXTURE_OK(store_study_instances(store, in.study, &ids, &count));
    assert_int_equal(count, 1);
    assert_int_equal(ids[0], b);
    free(ids);
    store_close(store);
}

static void judgements_come_back_to_the_bit(void **state)
{
    struct store *store = fixture_open(*state);
    static const uint8_t attrs[] = {0, 1, 2, 0, 255};
    int64_t id = add(store, 1, 1, 1, "a", STORE_NEW);
    struct judgement in = {
        .state = INSTANCE_NOT_PROCESSED,
        .rule = "cspine",
        .reason = SRT_WRONG_VIEW,
        .detail = "a frontal view",
        .attrs = attrs,
        .attrs_bytes = sizeof attrs,
        .pixel_digest = "aa",
        .patient_digest = "bb",
        .opinion = {{.score = {0.1, 1.0 / 3, 1e-300, -0.0}, .classes = 4, .model_digest = "cc"},
                    {.score = {0.75}, .classes = 1, .model_digest = "dd"}},
        .coverage = SRT_COVERAGE_SHORT,
        .region = {0.5f, 1.25f, 1e-3f, 7.0f},
        .region_points = 2,
        .picture = "2.25.7",
        .gsps = "2.25.8",
        .map = "2.25.9",
        .first_computed_ms = 123456789012345};
    struct judgement out;
    struct instance instance;
    uint8_t *kept = NULL;
    FIXTURE_OK(store_judge(store, id, &in));
    FIXTURE_OK(store_get_judgement(store, id, &out, &kept));
    assert_int_equal(out.state, INSTANCE_NOT_PROCESSED);
    assert_int_equal(out.reason, SRT_WRONG_VIEW);
    assert_string_equal(out.detail, "a frontal view");
    assert_int_equal(out.attrs_bytes, sizeof attrs);
    assert_memory_equal(kept, attrs, sizeof attrs);
    for (int m = 0; m < 2; m++) {
        assert_int_equal(out.opinion[m].classes, in.opinion[m].classes);
        assert_memory_equal(out.opinion[m].score, in.opinion[m].score, sizeof in.opinion[m].score);
        assert_string_equal(out.opinion[m].model_digest, in.opinion[m].model_digest);
    }
    assert_int_equal(out.coverage, SRT_COVERAGE_SHORT);
    assert_int_equal(out.region_points, 2);
    assert_memory_equal(out.region, in.region, 4 * sizeof *in.region);
    assert_string_equal(out.picture, "2.25.7");
    assert_string_equal(out.gsps, "2.25.8");
    assert_string_equal(out.map, "2.25.9");
    assert_int_equal(out.first_computed_ms, in.first_computed_ms);
    free(kept);
    FIXTURE_OK(store_get_instance(store, id, &instance));
    assert_string_equal(instance.rule, "cspine");
    assert_int_equal(instance.reason, SRT_WRONG_VIEW);
    assert_int_equal(store_judge(store, 99, &in), STORE_NONE);
    assert_int_equal(store_get_judgement(store, 99, &out, &kept), STORE_NONE);
    assert_null(kept);
    store_close(store);
}

static void a_study_is_due_when_all_is_looked_at_and_nobody_sends(void **state)
{
    struct store *store = fixture_open(*state);
    int64_t a = add(store, 1, 1, 1, "a", STORE_NEW);
    assert_int_equal(fixture_due(store).count, 0); /* received */
    judge(store, a, INSTANCE_JUDGED);
    assert_int_equal(fixture_due(store).count, 0); /* association open */
    FIXTURE_OK(store_association_end(store, "other"));
    assert_int_equal(fixture_due(store).count, 0);
    FIXTURE_OK(store_association_end(store, "a"));
    assert_int_equal(fixture_due(store).count, 1);
    assert_string_equal(fixture_due(store).last.uid, "1.2.4.1");
    assert_int_equal(fixture_due(store).last.last_received_ms, 1001);

    int64_t b = add(store, 5, 5, 1, "b", STORE_NEW); /* a late one */
    assert_int_equal(fixture_due(store).count, 0);
    FIXTURE_OK(store_association_end_others(store, NULL, 0));
    assert_int_equal(fixture_due(store).count, 0); /* not looked at */
    judge(store, b, INSTANCE_IGNORED);
    assert_int_equal(fixture_due(store).count, 1);
    assert_int_equal(fixture_due(store).last.last_received_ms, 1005);
    store_close(store);
}

/* After a reload: those of an earlier life end, those that are served now do not. */
static void others_associations_end(void **state)
{
    static const char *const kept[] = {"mine", "mine, too"};
    struct store *store = fixture_open(*state);
    judge(store, add(store, 1, 1, 1, "mine", STORE_NEW), INSTANCE_JUDGED);
    judge(store, add(store, 2, 2, 2, "an earlier one", STORE_NEW), INSTANCE_JUDGED);
    assert_int_equal(fixture_due(store).count, 0);
    FIXTURE_OK(store_association_end_others(store, kept, 2));
    assert_int_equal(fixture_due(store).count, 1);
    assert_string_equal(fixture_due(store).last.uid, "1.2.4.2");
    FIXTURE_OK(store_association_end_others(store, NULL, 0));
    assert_int_equal(fixture_due(store).count, 2);
    store_close(store);
}

/* An administrator's /var/spool that leads to another disk. */
static void a_spool_behind_a_link(void **state)
{
    const struct fixture *f = *state;
    char link[PATH_MAX], path[PATH_MAX], error[256] = "";
    struct store *store = NULL;
    snprintf(link, sizeof link, "%.200s/link", f->folder);
    assert_int_equal(symlink(f->spool, link), 0);
    snprintf(path, sizeof path, "%.220s/jobs.sqlite", link);
    assert_int_equal(store_open(path, &store, error, sizeof error), STORE_OK);
    add(store, 1, 1, 1, "a", STORE_NEW);
    store_close(store);
    store = fixture_open(f);
    assert_int_equal(add(store, 1, 1, 1, "a", STORE_DUPLICATE), 1);
    store_close(store);
    snprintf(path, sizeof path, "%.200s/elsewhere", f->folder);
    assert_int_equal(rename(f->database, path), 0);
    assert_int_equal(symlink(path, f->database), 0);
    /* the file itself is no link of others */
    assert_int_not_equal(store_open(f->database, &store, error, sizeof error), STORE_OK);
}

static void ignored_and_nameless_studies_are_never_due(void **state)
{
    struct store *store = fixture_open(*state);
    static const enum instance_state quiet[] = {INSTANCE_IGNORED, INSTANCE_OWN, INSTANCE_SAME};
    for (int i = 0; i < 3; i++)
        judge(store, add(store, i, i, i, "a", STORE_NEW), quiet[i]);
    judge(store, add(store, 9, 9, -1, "a", STORE_NEW), INSTANCE_JUDGED);
    FIXTURE_OK(store_association_end_others(store, NULL, 0));
    assert_int_equal(fixture_due(store).count, 0);
    store_close(store);
}

static bool once(void *context, const struct study *study)
{
    (void)study;
    ++*(int *)context;
    return false;
}

static void callbacks_may_stop_and_write(void **state)
{
    struct store *store = fixture_open(*state);
    int64_t *ids = NULL;
    size_t count = 0;
    int calls = 0;
    for (int i = 0; i < 40; i++)
        judge(store, add(store, i, i, i % 20, "a", STORE_NEW),
              i % 2 ? INSTANCE_JUDGED : INSTANCE_NOT_PROCESSED);
    FIXTURE_OK(store_association_end_others(store, NULL, 0));
    assert_int_equal(fixture_due(store).count, 20);
    FIXTURE_OK(store_studies_due(store, once, &calls));
    assert_int_equal(calls, 1);
    FIXTURE_OK(store_study_instances(store, "1.2.4.3", &ids, &count));
    assert_int_equal(count, 2);
    assert_true(ids[0] < ids[1]);
    free(ids);
    FIXTURE_OK(store_study_instances(store, "none", &ids, &count));
    assert_int_equal(count, 0);
    free(ids);
    store_close(store);
}

static void list_is_newest_first(void **state)
{
    struct store *store = fixture_open(*state);
    struct instance list[3];
    size_t count;
    for (int i = 0; i < 5; i++)
        (void)add(store, i, i, 1, "a", STORE_NEW);
    FIXTURE_OK(store_list(store, list, 3, &count));
    assert_int_equal(count, 3);
    assert_string_equal(list[0].sop_instance, "1.2.3.4");
    assert_string_equal(list[2].sop_instance, "1.2.3.2");
    FIXTURE_OK(store_list(store, list, 0, &count));
    assert_int_equal(count, 0);
    store_close(store);
}

static void a_group_is_all_or_nothing(void **state)
{
    const struct fixture *f = *state;
    struct store *store = fixture_open(f), *other = fixture_open(f);
    struct store_counts counts;
    FIXTURE_OK(store_begin(store));
    (void)add(store, 1, 1, 1, "a", STORE_NEW);
    (void)add(store, 2, 2, 1, "a", STORE_NEW);
    FIXTURE_OK(store_counts(other, &counts));
    assert_int_equal(counts.instances[INSTANCE_RECEIVED], 0);
    store_rollback(store);
    FIXTURE_OK(store_begin(store));
    (void)add(store, 3, 3, 1, "a", STORE_NEW);
    FIXTURE_OK(store_commit(store));
    FIXTURE_OK(store_counts(other, &counts));
    assert_int_equal(counts.instances[INSTANCE_RECEIVED], 1);
    store_rollback(store); /* nothing open: nothing happens */
    store_close(store);
    store_close(other);
    store_close(NULL);
}

/* A child is killed at a random moment of its work: every commit that it told of is there, and no
 * half of a group. */
static void what_was_committed_survives_kill(void **state)
{
    const struct fixture *f = *state;
    store_close(fixture_open(f));
    for (int round = 0; round < 10; round++) {
        int told[2];
        assert_int_equal(pipe(told), 0);
        pid_t pid = fork();
        if (pid == 0) {
            struct store *store = fixture_open(f);
            for (int i = 0;; i += 2) {
                struct instance one = fixture_instance(round * 100000 + i, i, 1, "a");
                struct instance two = fixture_instance(round * 100000 + i + 1, i + 1, 1, "a");
                enum store_identity identity;
                if (store_begin(store) != STORE_OK ||
                    store_add_instance(store, &one, &identity) != STORE_OK ||
                    store_add_instance(store, &two, &identity) != STORE_OK ||
                    store_commit(store) != STORE_OK || write(told[1], "x", 1) != 1)
                    _exit(1);
            }
        }
        close(told[1]);
        usleep((useconds_t)(5000 + round * 3000));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);

        char byte[1024];
        int64_t acknowledged = 0;
        ssize_t n;
        while ((n = read(told[0], byte, sizeof byte)) > 0)
            acknowledged += n;
        close(told[0]);
        struct store *store = fixture_open(f);
        static struct instance list[4096];
        size_t count, ours = 0;
        FIXTURE_OK(store_list(store, list, 4096, &count));
        for (size_t i = 0; i < count; i++)
            ours += atoi(list[i].sop_instance + 6) / 100000 == round;
        assert_true((int64_t)ours >= 2 * acknowledged && ours % 2 == 0);
        store_close(store);
    }
}

static void run_sql(const struct fixture *f, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void other_versions_and_files_are_refused(void **state)
{
    const struct fixture *f = *state;
    struct store *store = NULL;
    char error[256] = "";
    store_close(fixture_open(f));
    store_close(fixture_open(f)); /* again: nothing to migrate */
    run_sql(f, "PRAGMA user_version=9999");
    assert_int_equal(store_open(f->database, &store, error, sizeof error), STORE_VERSION);
    assert_null(store);
    assert_non_null(strstr(error, "9999"));
    run_sql(f, "PRAGMA user_version=1; PRAGMA application_id=7");
    assert_int_equal(store_open(f->database, &store, error, sizeof error), STORE_VERSION);
    assert_int_equal(store_open("/nonexistent/jobs.sqlite", &store, error, sizeof error),
                     STORE_BROKEN);
    assert_non_null(strstr(error, "/nonexistent/jobs.sqlite"));
    assert_int_equal(store_open("/nonexistent/jobs.sqlite", &store, NULL, 0), STORE_BROKEN);
}

static void the_journal_is_a_wal_and_all_has_names(void **state)
{
    const struct fixture *f = *state;
    store_close(fixture_open(f));
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(row, 0), "wal");
    sqlite3_finalize(row);
    sqlite3_close(db);
    for (int i = 0; i < STORE_BROKEN + 1; i++)
        assert_true(strlen(store_status_text((enum store_status)i)) > 0);
    for (int i = 0; i < INSTANCE_STATES; i++)
        assert_true(strlen(instance_state_name((enum instance_state)i)) > 0);
}

static void a_failure_has_a_sentence(void **state)
{
    const struct fixture *f = *state;
    struct store *store = fixture_open(f);
    struct instance in = fixture_instance(1, 1, 1, "a");
    enum store_identity identity;
    FIXTURE_OK(store_begin(store));
    assert_int_equal(store_begin(store), STORE_BROKEN); /* a group in a group */
    assert_true(strlen(store_error(store)) > 0);
    store_rollback(store);
    FIXTURE_OK(store_add_instance(store, &in, &identity));
    store_close(store);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_added_can_be_read),
        T(who_only_reads_changes_nothing),
        T(duplicates_and_rivals),
        T(received_in_order),
        T(what_has_no_uid_is_in_no_report),
        T(judgements_come_back_to_the_bit),
        T(a_study_is_due_when_all_is_looked_at_and_nobody_sends),
        T(ignored_and_nameless_studies_are_never_due),
        T(callbacks_may_stop_and_write),
        T(list_is_newest_first),
        T(others_associations_end),
        T(a_spool_behind_a_link),
        T(a_group_is_all_or_nothing),
        T(what_was_committed_survives_kill),
        T(other_versions_and_files_are_refused),
        T(the_journal_is_a_wal_and_all_has_names),
        T(a_failure_has_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
