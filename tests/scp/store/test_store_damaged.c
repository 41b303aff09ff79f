/* A job store whose bytes are whole and whose values are not ours: each is refused, or read as what
 * it could be. Found by tests/fuzz/fuzz_store.c. */
#include "keep_fixture.h"

#include "scp_fixture.h"
#include "store_keep.h"
#include <sqlite3.h>

static void change(const struct fixture *f, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void versions_below_zero_are_refused(void **state)
{
    const struct fixture *f = *state;
    struct store *store = NULL;
    static const char *const versions[] = {"PRAGMA user_version=-1",
                                           "PRAGMA user_version=-2147483648"};
    store_close(fixture_open(f));
    for (size_t i = 0; i < 2; i++) {
        char error[256] = "";
        change(f, versions[i]);
        assert_int_equal(store_open(f->database, &store, error, sizeof error), STORE_VERSION);
        assert_null(store);
        assert_non_null(strstr(error, "not a job store of cervigate"));
    }
}

static void a_path_without_a_folder_is_given_up(void **state)
{
    const struct fixture *f = *state;
    struct store *store = fixture_open(f);
    struct kept_file file;
    size_t count = 0;
    int64_t image = keep_judged(store, 1, 1, 1000);
    (void)keep_report(store, 1, 1, image, 2000, 1, false);
    store_close(store);
    change(f, "UPDATE result SET path='nowhere'");
    store = fixture_open(f);
    FIXTURE_OK(store_kept_results(store, 0, &file, 1, &count));
    assert_int_equal(count, 1);
    assert_string_equal(file.path, "nowhere");
    FIXTURE_OK(store_give_up_path(store, file.path, 3000));
    FIXTURE_OK(store_kept_results(store, 0, &file, 1, &count));
    assert_int_equal(count, 0);
    store_close(store);
}

static bool take(void *context, const struct study *study)
{
    *(enum srt_amendment *)context = study->amendment;
    return true;
}

/* Numbers that stand for no name of an enumeration. */
static void numbers_beyond_their_names(void **state)
{
    const struct fixture *f = *state;
    static const char *const values[] = {"-1", "4", "2147483647", "9223372036854775807", "'x'"};
    struct store *store = fixture_open(f);
    int64_t image = keep_judged(store, 1, 1, 1000);
    store_close(store);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char sql[128];
        struct judgement judgement;
        uint8_t *attrs = NULL;
        enum srt_amendment amendment = SRT_BY_PERSON;
        (void)snprintf(sql, sizeof sql,
                       "UPDATE judgement SET coverage=%s;UPDATE study SET amendment=%s", values[i],
                       values[i]);
        change(f, sql);
        store = fixture_open(f);
        FIXTURE_OK(store_get_judgement(store, image, &judgement, &attrs));
        free(attrs);
        assert_int_equal(judgement.coverage, SRT_COVERAGE_UNKNOWN);
        FIXTURE_OK(store_studies_due(store, take, &amendment));
        assert_int_equal(amendment, SRT_LATE_IMAGE);
        store_close(store);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(versions_below_zero_are_refused),
        T(a_path_without_a_folder_is_given_up),
        T(numbers_beyond_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
