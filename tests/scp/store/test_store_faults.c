/* The job store when the N-th call beneath it fails, N = 1 to the end: SQLite's system calls and
 * its memory, once and from then on. A step that says OK is there when the store is opened anew;
 * one that does not has changed nothing that its repetition would not; once the fault is over a
 * renewed handle does all that is left. */
#include "dx_attrs.h"
#include "scp_fixture.h"
#include "store_sqlite.h"
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum kind { OPENS, READS, WRITES, SYNCS, TRUNCATES, MAPS, UNLINKS, MEMORY, KINDS };

static struct {
    enum kind kind;
    int error;
    bool armed, ever;
    long at, count, fired, fired_on_folder;
} fault;
static sqlite3_mem_methods memory;

static bool hit(enum kind kind)
{
    if (!fault.armed || fault.kind != kind)
        return false;
    fault.count++;
    if (fault.ever ? fault.count < fault.at : fault.count != fault.at)
        return false;
    fault.fired++;
    errno = fault.error;
    return true;
}

static int failing_open(const char *path, int flags, int mode)
{
    return hit(OPENS) ? -1 : open(path, flags, mode);
}

static ssize_t failing_pread(int fd, void *bytes, size_t count, off_t at)
{
    return hit(READS) ? -1 : pread(fd, bytes, count, at);
}

static ssize_t failing_pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    return hit(WRITES) ? -1 : pwrite(fd, bytes, count, at);
}

static int failing_ftruncate(int fd, off_t size)
{
    return hit(TRUNCATES) ? -1 : ftruncate(fd, size);
}

static void *failing_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    return hit(MAPS) ? MAP_FAILED : mmap(at, size, protection, flags, fd, offset);
}

static int failing_unlink(const char *path)
{
    return hit(UNLINKS) ? -1 : unlink(path);
}

/* SQLite calls it directly: this program's is found before libc's. Nothing is cut off here, so that
 * nothing need be synced. */
int fdatasync(int fd)
{
    struct stat at;
    if (!hit(SYNCS))
        return 0;
    fault.fired_on_folder += fstat(fd, &at) == 0 && S_ISDIR(at.st_mode);
    errno = fault.error;
    return -1;
}

static void *failing_malloc(int size)
{
    return hit(MEMORY) ? NULL : memory.xMalloc(size);
}

static void *failing_realloc(void *at, int size)
{
    return hit(MEMORY) ? NULL : memory.xRealloc(at, size);
}

static void replace(const char *name, sqlite3_syscall_ptr call)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    assert_int_equal(vfs->xSetSystemCall(vfs, name, call), SQLITE_OK);
}

static void install(void)
{
    sqlite3_mem_methods failing;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory), SQLITE_OK);
    failing = memory;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
    assert_int_equal(sqlite3_initialize(), SQLITE_OK);
    replace("open", (sqlite3_syscall_ptr)failing_open);
    replace("pread64", (sqlite3_syscall_ptr)failing_pread);
    replace("pwrite64", (sqlite3_syscall_ptr)failing_pwrite);
    replace("ftruncate", (sqlite3_syscall_ptr)failing_ftruncate);
    replace("mmap", (sqlite3_syscall_ptr)failing_mmap);
    replace("unlink", (sqlite3_syscall_ptr)failing_unlink);
}

/* ---- a life of the store, in steps that may be repeated ---- */

static const struct addressee to = {.name = "pacs", .kinds = 1u << RESULT_SR};

static struct instance received(void)
{
    struct instance in = fixture_instance(1, 1, 1, "a");
    struct dx_attrs *attrs = dx_attrs_create();
    uint8_t *bytes = NULL;
    assert_non_null(attrs);
    assert_int_equal(dx_attrs_set_text(attrs, DX_TAG(0x0010, 0x0020), "LO", "P1"), DX_OK);
    assert_int_equal(dx_attrs_pack(attrs, &bytes, &in.seen_bytes), DX_OK);
    memcpy(in.seen, bytes, in.seen_bytes);
    free(bytes);
    dx_attrs_destroy(attrs);
    return in;
}

static enum store_status receive(struct store *store)
{
    struct instance in = received();
    enum store_identity identity;
    enum store_status status = store_begin(store);
    if (status != STORE_OK)
        return status;
    status = store_add_instance(store, &in, &identity);
    if (status == STORE_OK)
        status = store_association_end(store, "a");
    if (status == STORE_OK)
        return store_commit(store);
    store_rollback(store);
    return status;
}

static enum store_status judge(struct store *store)
{
    const struct judgement judgement = {.state = INSTANCE_JUDGED};
    struct instance in;
    enum store_status status = store_get_instance(store, 1, &in);
    return status == STORE_OK ? store_judge(store, in.id, &judgement) : status;
}

static enum store_status report(struct store *store)
{
    struct instance in;
    struct result result = {.kind = RESULT_SR, .outcome = SRT_FINDING, .created_ms = 5000};
    snprintf(result.uid, sizeof result.uid, "2.25.1");
    snprintf(result.series, sizeof result.series, "2.25.11");
    snprintf(result.study, sizeof result.study, "1.2.4.1");
    snprintf(result.path, sizeof result.path, "results/2.25.1.dcm");
    enum store_status status = store_get_instance(store, 1, &in);
    const struct store_report entry = {.study = "1.2.4.1",
                                       .results = &result,
                                       .count = 1,
                                       .instances = &in.id,
                                       .instance_count = 1,
                                       .to = &to,
                                       .to_count = 1};
    return status == STORE_OK ? store_add_report(store, &entry) : status;
}

static enum store_status deliver(struct store *store)
{
    struct delivery list[4];
    size_t count = 0;
    enum store_status status = store_pending(store, "pacs", INT64_MAX, INT64_MAX, list, 4, &count);
    if (status == STORE_OK && count == 1)
        status = store_delivered(store, list[0].id, list[0].result.id, 6000);
    return status;
}

static enum store_status (*const steps[])(struct store *store) = {receive, judge, report, deliver};
#define STEPS (sizeof steps / sizeof *steps)

/* What is received is there in all its tables or in none. */
static void verify_whole(const struct fixture *f)
{
    static const char *const halves[] = {
        "SELECT COUNT(*) FROM instance LEFT JOIN study ON uid=study WHERE uid IS NULL",
        "SELECT COUNT(*) FROM study WHERE uid NOT IN (SELECT study FROM instance)",
        "SELECT COUNT(*) FROM instance AS i LEFT JOIN place AS p ON p.study=i.study"
        " WHERE p.arrived_ms IS NOT i.received_ms OR p.patient_id IS NOT 'P1'",
        "SELECT COUNT(*) FROM place WHERE study NOT IN (SELECT study FROM instance)",
        "SELECT COUNT(*) FROM result WHERE id NOT IN (SELECT result FROM delivery)"};
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        sqlite3_stmt *row = NULL;
        assert_int_equal(sqlite3_prepare_v2(db, halves[i], -1, &row, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(row), SQLITE_ROW);
        if (sqlite3_column_int(row, 0) != 0)
            fail_msg("kind %d, call %ld: %s", (int)fault.kind, fault.at, halves[i]);
        sqlite3_finalize(row);
    }
    sqlite3_close(db);
}

/* What the store, opened anew and without a fault, knows of the first `done` steps. */
static void verify(const struct fixture *f, size_t done, bool all)
{
    struct store_counts counts;
    struct store *store = fixture_open(f);
    FIXTURE_OK(store_counts(store, &counts));
    store_close(store);
    verify_whole(f);
    uint64_t instances = counts.instances[INSTANCE_RECEIVED] + counts.instances[INSTANCE_JUDGED];
    assert_true(instances <= 1 && counts.reports <= 1 && counts.sent + counts.pending <= 1);
    if (done >= 1)
        assert_int_equal(instances, 1);
    if (done >= 2)
        assert_int_equal(counts.instances[INSTANCE_JUDGED], 1);
    if (done >= 3)
        assert_int_equal(counts.reports, 1);
    if (done >= 4)
        assert_int_equal(counts.sent, 1);
    if (!all)
        return;

    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(row, 0), "ok");
    sqlite3_finalize(row);
    sqlite3_close(db);
}

/* A fault ends with the first step that fails for it. Then everything must be possible again. */
static struct store *recover(const struct fixture *f, struct store *store, size_t done)
{
    char error[256] = "";
    fault.armed = false;
    verify(f, done, false);
    if (store == NULL)
        return fixture_open(f);
    if (store_renew(store, f->database, error, sizeof error) != STORE_OK)
        fail_msg("%s", error);
    return store;
}

static void live(const struct fixture *f)
{
    struct store *store = NULL;
    if (store_open(f->database, &store, NULL, 0) != STORE_OK)
        store = recover(f, NULL, 0);
    for (size_t i = 0; i < STEPS; i++) {
        long before = fault.fired - fault.fired_on_folder;
        if (steps[i](store) == STORE_OK) {
            /* A failed sync of a file is never a success; no checkpoint falls into so short a life.
             * Of a new journal's folder SQLite asks for one and does not look at what came of it.
             */
            if (fault.kind == SYNCS)
                assert_int_equal(fault.fired - fault.fired_on_folder, before);
            continue;
        }
        assert_true(fault.fired > 0);
        store = recover(f, store, i);
        FIXTURE_OK(steps[i](store));
    }
    store_close(store);
    fault.armed = false;
    verify(f, STEPS, true);
}

static void forget(const struct fixture *f)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char path[160];
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(path, sizeof path, "%s%s", f->database, ends[i]);
        (void)unlink(path);
    }
}

/* There are hundreds of writes and thousands of requests for memory: CERVIGATE_EVERY_CALL=1 tries
 * each. */
static long next_call(long n)
{
    return n < 20 || getenv("CERVIGATE_EVERY_CALL") != NULL ? n + 1 : n + n / 2;
}

/* The store is made in the life, or was `there`. */
static long try_all(const struct fixture *f, enum kind kind, int error, bool ever, bool there)
{
    long tried = 0;
    for (long n = 1;; n = next_call(n)) {
        forget(f);
        if (there)
            store_close(fixture_open(f));
        memset(&fault, 0, sizeof fault);
        fault.kind = kind;
        fault.error = error;
        fault.ever = ever;
        fault.at = n;
        fault.armed = true;
        live(f);
        tried++;
        if (fault.fired == 0)
            return tried;
    }
}

static void every_call_may_fail(void **state)
{
    static const struct {
        const char *name;
        enum kind kind;
        int error;
    } kinds[] = {
        {"open", OPENS, EMFILE}, {"pread", READS, EIO},     {"pwrite full", WRITES, ENOSPC},
        {"pwrite", WRITES, EIO}, {"fdatasync", SYNCS, EIO}, {"ftruncate", TRUNCATES, EIO},
        {"mmap", MAPS, ENOMEM},  {"unlink", UNLINKS, EIO},  {"memory", MEMORY, ENOMEM},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (int way = 0; way < 4; way++) {
            long tried = try_all(*state, kinds[i].kind, kinds[i].error, way & 1, way & 2);
            if ((way & 2) == 0) /* a store that is made needs all of them */
                assert_true(tried > 1);
            print_message("%s, %s, %s: %ld\n", kinds[i].name, way & 1 ? "from then on" : "once",
                          way & 2 ? "old store" : "new store", tried);
        }
}

/* An empty store: some hundred kilobytes. */
static void copy(const char *from, const char *name)
{
    static char bytes[4 << 20];
    FILE *file = fopen(from, "re");
    assert_non_null(file);
    size_t count = fread(bytes, 1, sizeof bytes, file);
    assert_true(count > 0 && count < sizeof bytes);
    assert_int_equal(fclose(file), 0);
    file = fopen(name, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

/* SQLite takes a whole transaction back when it has no memory, even for a text that it was asked
 * for; what comes next must not be committed by itself. */
static void what_is_received_is_whole_or_not_there(void **state)
{
    const struct fixture *f = *state;
    char empty[160];
    snprintf(empty, sizeof empty, "%s.empty", f->database);
    store_close(fixture_open(f));
    copy(f->database, empty);
    for (enum kind kind = OPENS; kind < KINDS; kind++)
        for (long n = 1;; n++) {
            forget(f);
            copy(empty, f->database);
            struct store *store = fixture_open(f);
            memset(&fault, 0, sizeof fault);
            fault.kind = kind;
            fault.error = kind == MEMORY ? ENOMEM : EIO;
            fault.at = n;
            fault.armed = true;
            enum store_status status = receive(store);
            fault.armed = false;
            verify_whole(f);
            FIXTURE_OK(status == STORE_OK ? STORE_OK : receive(store));
            verify_whole(f);
            store_close(store);
            if (fault.fired == 0) {
                verify(f, 1, true);
                print_message("kind %d: %ld\n", (int)kind, n);
                break;
            }
        }
}

static void a_transaction_that_was_taken_back_is_over(void **state)
{
    const struct fixture *f = *state;
    struct store *store = fixture_open(f);
    struct instance in = received();
    enum store_identity identity;
    struct store_counts counts;

    FIXTURE_OK(store_begin(store));
    assert_int_equal(sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_add_instance(store, &in, &identity), STORE_BROKEN);
    assert_non_null(strstr(store_error(store), "taken back"));
    assert_int_equal(store_commit(store), STORE_BROKEN);
    FIXTURE_OK(store_counts(store, &counts)); /* out of it, all goes on */
    assert_int_equal(counts.instances[INSTANCE_RECEIVED], 0);
    FIXTURE_OK(receive(store));
    store_close(store);
    verify(f, 1, true);
}

static void a_text_needs_no_memory(void **state)
{
    const struct fixture *f = *state;
    struct store *store = fixture_open(f);
    char text[80];

    FIXTURE_OK(receive(store));
    sqlite3_stmt *row =
        sql_prepare(store, "SELECT attribute(seen,?),received_ms FROM instance", "i",
                    (int64_t)DX_TAG(0x0010, 0x0020)); /* a function's text has no end of its own */
    FIXTURE_OK(sql_row(store, row));
    memset(&fault, 0, sizeof fault);
    fault.kind = MEMORY;
    fault.at = 1;
    fault.ever = fault.armed = true;
    sql_text(row, 0, text, sizeof text);
    assert_string_equal(text, "P1");
    sql_text(row, 0, text, 2); /* cut as ever */
    assert_string_equal(text, "P");
    fault.armed = false;
    sql_text(row, 1, text, sizeof text);
    assert_string_equal(text, "1001");
    assert_int_equal(sqlite3_reset(row), SQLITE_OK);
    store_close(store);
}

/* SQLite falls back to reading when the WAL cannot be opened for writing, and stays there. */
static void a_handle_that_can_only_read_is_renewed(void **state)
{
    const struct fixture *f = *state;
    char error[256] = "";
    struct store *other = fixture_open(f), *store = NULL;
    FIXTURE_OK(receive(other));
    fault.kind = OPENS;
    fault.error = ENOSPC;
    fault.count = fault.fired = 0;
    fault.at = 2; /* the database is the first, its log the second */
    fault.ever = false;
    fault.armed = true;
    FIXTURE_OK(store_open(f->database, &store, error, sizeof error));
    fault.armed = false;
    assert_int_equal(fault.fired, 1);
    assert_int_equal(judge(store), STORE_BROKEN);
    assert_int_equal(judge(store), STORE_BROKEN);
    FIXTURE_OK(store_renew(store, f->database, error, sizeof error));
    FIXTURE_OK(judge(store));
    store_close(store);
    store_close(other);
}

/* Thousands of stores are made: in memory, where there is a place for that. */
static int setup(void **state)
{
    if (fixture_setup(state) != 0)
        return -1;
    struct fixture *f = *state;
    if (access("/dev/shm", W_OK) == 0)
        snprintf(f->database, sizeof f->database, "/dev/shm/cervigate-test-%ld.sqlite",
                 (long)getpid());
    return 0;
}

static int teardown(void **state)
{
    forget(*state);
    return fixture_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_call_may_fail, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_received_is_whole_or_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(a_transaction_that_was_taken_back_is_over, setup, teardown),
        cmocka_unit_test_setup_teardown(a_text_needs_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(a_handle_that_can_only_read_is_renewed, setup, teardown),
    };
    install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
