/* Which changes of the job store are on stable storage when they return, counted in calls of
 * fdatasync: an object's row always, an answer always; the count of an attempt and that no rule
 * wants an object are not worth one each, since a node that lost them finds them again. */
#include "scp_fixture.h"
#include "store_sqlite.h"

#include <sys/syscall.h>

static int syncs;

/* In the place of libc's, for SQLite, too. */
int fdatasync(int fd)
{
    syncs++;
    return (int)syscall(SYS_fdatasync, fd);
}

static int since(int before)
{
    return syncs - before;
}

static int64_t add(struct store *store, int number)
{
    struct instance in = fixture_instance(number, number, number, "a");
    enum store_identity identity;
    int before = syncs;
    FIXTURE_OK(store_add_instance(store, &in, &identity));
    assert_true(since(before) > 0);
    return in.id;
}

static void judge(struct store *store, int64_t id, enum instance_state state)
{
    const struct judgement judgement = {.state = state};
    FIXTURE_OK(store_judge(store, id, &judgement));
}

static int level(struct store *store)
{
    sqlite3_stmt *row;
    assert_int_equal(sqlite3_prepare_v2(store->db, "PRAGMA synchronous", -1, &row, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    int value = sqlite3_column_int(row, 0);
    sqlite3_finalize(row);
    return value;
}

static void what_is_found_again_is_not_synced(void **state)
{
    struct store *store = fixture_open(*state);
    int64_t first = add(store, 1), second = add(store, 2);

    int before = syncs;
    FIXTURE_OK(store_count_attempt(store, first));
    judge(store, first, INSTANCE_IGNORED);
    assert_int_equal(since(before), 0);

    FIXTURE_OK(store_count_attempt(store, second));
    assert_int_equal(since(before), 0);
    judge(store, second, INSTANCE_JUDGED);
    assert_true(since(before) > 0);
    assert_int_equal(level(store), 2);
    (void)add(store, 3);
    store_close(store);
}

static void failures_leave_it_synced_again(void **state)
{
    struct store *store = fixture_open(*state);
    assert_int_equal(store_count_attempt(store, 12345), STORE_NONE);
    assert_int_equal(level(store), 2);
    FIXTURE_OK(store_begin(store));
    struct instance in = fixture_instance(1, 1, 1, "a");
    enum store_identity identity;
    FIXTURE_OK(store_add_instance(store, &in, &identity));
    FIXTURE_OK(store_count_attempt(store, in.id));
    int before = syncs;
    FIXTURE_OK(store_commit(store)); /* a group is synced whole, whatever is in it */
    assert_true(since(before) > 0);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_found_again_is_not_synced, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(failures_leave_it_synced_again, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
