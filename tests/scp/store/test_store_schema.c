/* Job stores of older programs become this one's, with all that they knew; newer ones are refused.
 */
#include "dx_attrs.h"
#include "scp_fixture.h"
#include "store_health.h"
#include "store_keep.h"
#include "store_place.h"
#include <sqlite3.h>

static void run(sqlite3 *db, const char *sql)
{
    char *error = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s", error);
}

/* A store of an older version, as schema/N.sql has it, with a patient's attributes. */
static void make_old(const struct fixture *f, int version)
{
    char path[512], *text;
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    struct dx_attrs *attrs = dx_attrs_create();
    uint8_t *bytes = NULL;
    size_t count = 0, size = 65536, n;
    snprintf(path, sizeof path, CERVIGATE_SOURCE_DIR "/tests/scp/store/schema/%d.sql", version);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    text = calloc(1, size);
    assert_non_null(text);
    n = fread(text, 1, size - 1, file);
    assert_true(n > 1000 && n < size - 1);
    fclose(file);

    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0010, 0x0020), "LO", "ID-1"), DX_OK);
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0010, 0x0021), "LO", "HERE"), DX_OK);
    assert_int_equal(dx_attrs_pack(attrs, &bytes, &count), DX_OK);
    dx_attrs_destroy(attrs);
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    run(db, "PRAGMA journal_mode=WAL");
    run(db, text);
    assert_int_equal(sqlite3_prepare_v2(db, "UPDATE judgement SET attrs=?", -1, &statement, NULL),
                     SQLITE_OK);
    sqlite3_bind_blob(statement, 1, bytes, (int)count, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    free(bytes);
    free(text);
}

static void check_migrated(const struct fixture *f, int version)
{
    struct store *store = fixture_open(f);
    struct instance in;
    struct judgement j;
    struct result result;
    struct delivery list[4];
    struct store_forgotten count;
    uint8_t *attrs = NULL;
    uint64_t objects, results;
    size_t n;
    const struct store_patient patient = {"ID-1", "HERE"}, stranger = {"ID-1", "THERE"};

    FIXTURE_OK(store_verify(store));
    FIXTURE_OK(store_get_instance(store, 1, &in));
    assert_int_equal(in.state, INSTANCE_JUDGED);
    assert_int_equal(in.gone_ms, 0);
    assert_int_equal(in.reported, 1);
    FIXTURE_OK(store_get_judgement(store, 1, &j, &attrs));
    assert_true(j.opinion[0].classes == 2 && j.opinion[0].score[1] == 0.75);
    assert_int_equal(j.opinion[1].classes, version == 1 ? 0 : 2);
    free(attrs);
    FIXTURE_OK(store_next_received(store, 0, &in));
    assert_int_equal(in.id, 2);
    FIXTURE_OK(store_find_result(store, "2.25.1", &result));
    assert_true(result.state == RESULT_CURRENT && result.report == 1);
    FIXTURE_OK(store_pending(store, "archive", INT64_MAX, INT64_MAX, list, 4, &n));
    assert_int_equal(n, 1);
    FIXTURE_OK(store_parked(store, list, 4, &n));
    assert_true(n == 1 && list[0].next_ms == 3000);
    FIXTURE_OK(store_kept_bytes(store, &objects, &results));
    assert_true(objects == 768 && results == 0);
    FIXTURE_OK(store_count_patient(store, &patient, &count));
    assert_true(count.objects == 1 && count.results == 1 && count.deliveries == 2);
    FIXTURE_OK(store_count_patient(store, &stranger, &count));
    assert_int_equal(count.objects, 0);
    if (version >= 2) {
        struct request request;
        FIXTURE_OK(store_next_request(store, 0, &request));
        assert_true(request.kind == REQUEST_REISSUE && strcmp(request.who, "mary") == 0);
    }
    store_close(store);
}

static void from_version_1(void **state)
{
    make_old(*state, 1);
    check_migrated(*state, 1);
    check_migrated(*state, 1); /* once */
}

static void from_version_2(void **state)
{
    make_old(*state, 2);
    check_migrated(*state, 2);
}

static void from_version_3(void **state)
{
    struct store_selftest selftest;
    make_old(*state, 3);
    check_migrated(*state, 3);
    struct store *store = fixture_open(*state);
    assert_int_equal(store_last_selftest(store, &selftest), STORE_NONE);
    store_close(store);
}

static void from_version_4(void **state)
{
    struct instance in;
    make_old(*state, 4);
    check_migrated(*state, 4);
    struct store *store = fixture_open(*state);
    FIXTURE_OK(store_get_instance(store, 2, &in));
    assert_int_equal(in.seen_bytes, 0); /* not known: it will be parsed */
    store_close(store);
}

static void from_version_5(void **state)
{
    struct store_case known;
    make_old(*state, 5);
    check_migrated(*state, 5);
    struct store *store = fixture_open(*state);
    assert_int_equal(store_next_case(store, 0, &known),
                     STORE_NONE); /* nobody's place is told anew */
    store_close(store);
}

/* Back to each version that has a way, and anew: the same node. */
static void there_and_back(void **state)
{
    const struct fixture *f = *state;
    for (int version = STORE_OLDEST; version <= STORE_NEWEST; version++) {
        struct instance in = fixture_instance(version + 10, version + 10, 3, "b");
        enum store_identity identity;
        if (version == STORE_OLDEST)
            make_old(f, 1);
        struct store *store = fixture_open(f);
        memcpy(in.seen, "header", 6);
        in.seen_bytes = 6;
        FIXTURE_OK(store_add_instance(store, &in, &identity));
        FIXTURE_OK(store_get_instance(store, in.id, &in));
        assert_int_equal(in.seen_bytes, 6);
        FIXTURE_OK(store_downgrade(store, version));
        FIXTURE_OK(store_checkpoint(store));
        store_close(store);

        sqlite3 *db = NULL;
        sqlite3_stmt *row = NULL;
        assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &row, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(row), SQLITE_ROW);
        assert_int_equal(sqlite3_column_int(row, 0), version);
        sqlite3_finalize(row);
        sqlite3_close(db);
        store = fixture_open(f);
        FIXTURE_OK(store_get_instance(store, in.id, &in));
        assert_int_equal(in.state, INSTANCE_RECEIVED);
        assert_int_equal(in.seen_bytes, version >= 5 ? 6 : 0);
        FIXTURE_OK(store_verify(store));
        store_close(store);
    }
}

static void list_schema(const char *database, char list[32768])
{
    sqlite3 *db = NULL;
    sqlite3_stmt *rows = NULL;
    list[0] = '\0';
    assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT type||name||COALESCE(sql,'') FROM sqlite_schema"
                                        " ORDER BY type,name",
                                        -1, &rows, NULL),
                     SQLITE_OK);
    while (sqlite3_step(rows) == SQLITE_ROW)
        strncat(list, (const char *)sqlite3_column_text(rows, 0), 32768 - strlen(list) - 1);
    sqlite3_finalize(rows);
    sqlite3_close(db);
    assert_true(strlen(list) > 2000 && strlen(list) < 32767);
    for (char *a = list; *a; a++) /* the fixtures have line ends between statements */
        if (*a == '\n')
            *a = ' ';
}

/* What goes back is what the older program made, to the letter. */
static void an_older_one_is_what_the_older_program_made(void **state)
{
    static char made[32768], back[32768];
    struct fixture *f = *state;
    for (int version = STORE_OLDEST; version < STORE_NEWEST; version++) {
        snprintf(f->database, sizeof f->database, "%s/made%d.sqlite", f->spool, version);
        make_old(f, version);
        list_schema(f->database, made);
        struct store *store = fixture_open(f);
        FIXTURE_OK(store_downgrade(store, version));
        store_close(store);
        list_schema(f->database, back);
        assert_string_equal(back, made);
    }
}

/* A new store has the tables that a migrated one has, to the letter. */
static void all_ways_lead_to_one_schema(void **state)
{
    static char list[STORE_NEWEST][32768];
    struct fixture *f = *state;
    for (int version = 0; version < STORE_NEWEST; version++) {
        snprintf(f->database, sizeof f->database, "%s/v%d.sqlite", f->spool, version);
        if (version > 0)
            make_old(f, version);
        store_close(fixture_open(f));
        list_schema(f->database, list[version]);
    }
    for (int version = 2; version < STORE_NEWEST; version++)
        assert_string_equal(list[1], list[version]);
    assert_int_equal(strlen(list[0]), strlen(list[1]));
    assert_null(strstr(list[0], "delivery_commitment")); /* nobody asks for it: only written */
}

static void a_newer_one_is_refused(void **state)
{
    const struct fixture *f = *state;
    sqlite3 *db = NULL;
    struct store *store = NULL;
    char error[256] = "";
    store_close(fixture_open(f));
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    run(db, "PRAGMA user_version=7");
    sqlite3_close(db);
    assert_int_equal(store_open(f->database, &store, error, sizeof error), STORE_VERSION);
    assert_null(store);
    assert_non_null(strstr(error, "schema version 7 is newer than this program's 6"));
}

/* A migration that is cut off leaves the old version, whole. */
static void a_migration_that_fails_changes_nothing(void **state)
{
    const struct fixture *f = *state;
    sqlite3 *db = NULL;
    struct store *store = NULL;
    char error[256] = "";
    make_old(f, 2);
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    run(db, "CREATE TABLE memo(name)"); /* the last but few steps of version 3 cannot be done */
    sqlite3_close(db);
    assert_int_equal(store_open(f->database, &store, error, sizeof error), STORE_BROKEN);
    assert_non_null(strstr(error, "memo"));
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    run(db, "DROP TABLE memo");
    sqlite3_close(db);
    check_migrated(f, 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(from_version_1),
        T(from_version_2),
        T(from_version_3),
        T(from_version_4),
        T(from_version_5),
        T(there_and_back),
        T(an_older_one_is_what_the_older_program_made),
        T(all_ways_lead_to_one_schema),
        T(a_newer_one_is_refused),
        T(a_migration_that_fails_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
