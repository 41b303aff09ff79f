/* The job store on SQLite: the handle, statements, transactions.
 *
 * WAL with synchronous=FULL: a commit is on stable storage when it returns; readers never wait for
 * the writer. Every change takes the write lock at its start (BEGIN IMMEDIATE), so it waits by
 * [wait_for_lock] there and nowhere later. One that SQLite took back by itself is over: nothing of
 * what was to follow in it is done [is_taken_back]. */
#include "store_sqlite.h"

#include "clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUSY_FAST 20 /* waits of 0.2 ms, then of 2 ms: a commit takes a few milliseconds */

const char *store_status_text(enum store_status status)
{
    switch (status) {
#define X(code, text)                                                                              \
    case code:                                                                                     \
        return text;
        STORE_STATUS_MAP(X)
#undef X
    }
    return "unknown status";
}

const char *store_error(const struct store *store)
{
    return store->error;
}

enum store_status sql_fail(struct store *store, int code)
{
    (void)snprintf(store->error, sizeof store->error, "%s", sqlite3_errmsg(store->db));
    switch (code & 0xff) {
    case SQLITE_FULL:
        return STORE_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STORE_BUSY;
    default:
        return STORE_BROKEN;
    }
}

static sqlite3_stmt *find(struct store *store, const char *sql)
{
    for (int i = 0; i < store->cached; i++)
        if (store->cache[i].sql == sql)
            return store->cache[i].statement;
    if (store->cached == STORE_STATEMENTS) {
        (void)snprintf(store->error, sizeof store->error, "too many statements");
        return NULL;
    }

    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
    if (code != SQLITE_OK) {
        (void)sql_fail(store, code);
        return NULL;
    }
    store->cache[store->cached].sql = sql;
    store->cache[store->cached++].statement = statement;
    return statement;
}

sqlite3_stmt *sql_prepare(struct store *store, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement = find(store, sql);
    if (statement == NULL)
        return NULL;
    (void)sqlite3_reset(statement);

    va_list args;
    va_start(args, types);
    int code = SQLITE_OK;
    for (int i = 1; code == SQLITE_OK && types[i - 1] != '\0'; i++) {
        if (types[i - 1] == 't') {
            code =
                sqlite3_bind_text(statement, i, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
        } else if (types[i - 1] == 'i') {
            code = sqlite3_bind_int64(statement, i, va_arg(args, int64_t));
        } else if (types[i - 1] == 'd') {
            code = sqlite3_bind_double(statement, i, va_arg(args, double));
        } else {
            const void *bytes = va_arg(args, const void *);
            size_t count = va_arg(args, size_t);
            code = sqlite3_bind_blob64(statement, i, bytes, count, SQLITE_TRANSIENT);
        }
    }
    va_end(args);
    if (code == SQLITE_OK)
        return statement;
    (void)sql_fail(store, code);
    return NULL;
}

/* Without memory, or after an error of the disk, SQLite takes the whole transaction back, and each
 * later statement would be committed by itself. */
static bool is_taken_back(struct store *store)
{
    if (!store->begun || sqlite3_get_autocommit(store->db) == 0)
        return false;
    (void)snprintf(store->error, sizeof store->error,
                   "the transaction was taken back: no memory, or an error of the disk");
    return true;
}

enum store_status sql_row(struct store *store, sqlite3_stmt *statement)
{
    if (statement == NULL || is_taken_back(store))
        return STORE_BROKEN;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return STORE_OK;
    enum store_status status = code == SQLITE_DONE ? STORE_NONE : sql_fail(store, code);
    (void)sqlite3_reset(statement);
    return status;
}

enum store_status sql_run(struct store *store, sqlite3_stmt *statement)
{
    enum store_status status = sql_row(store, statement);
    if (status == STORE_OK)
        (void)sqlite3_reset(statement);
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status sql_any(struct store *store, sqlite3_stmt *statement, bool *any)
{
    enum store_status status = sql_row(store, statement);
    *any = status == STORE_OK;
    if (status == STORE_OK)
        (void)sqlite3_reset(statement);
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status sql_changed(struct store *store, enum store_status status)
{
    return status == STORE_OK && sqlite3_changes(store->db) == 0 ? STORE_NONE : status;
}

bool sql_bytes(sqlite3_stmt *statement, int column, uint8_t **bytes, size_t *count)
{
    int n = sqlite3_column_bytes(statement, column);
    *bytes = n > 0 ? malloc((size_t)n) : NULL;
    *count = *bytes != NULL ? (size_t)n : 0;
    if (*bytes != NULL)
        memcpy(*bytes, sqlite3_column_blob(statement, column), *count);
    return n <= 0 || *bytes != NULL;
}

enum store_status sql_first_bytes(struct store *store, sqlite3_stmt *statement, uint8_t **bytes,
                                  size_t *count)
{
    enum store_status status = sql_row(store, statement);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    bool copied = sql_bytes(statement, 0, bytes, count);
    (void)sqlite3_reset(statement);
    return copied ? STORE_OK : STORE_BROKEN;
}

void sql_text(sqlite3_stmt *statement, int column, char *text, size_t size)
{
    /* sqlite3_column_text needs memory, for the text's end, and is NULL without; this does not */
    const char *value = sqlite3_column_blob(statement, column);
    int count = value != NULL ? sqlite3_column_bytes(statement, column) : 0;
    (void)snprintf(text, size, "%.*s", count, value != NULL ? value : "");
}

bool sql_path(const char *path, char real[PATH_MAX])
{
    char folder[PATH_MAX], whole[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path);
    if (length >= sizeof folder) {
        errno = ENAMETOOLONG;
        return false;
    }
    (void)snprintf(folder, sizeof folder, "%.*s", (int)length, path);
    if (realpath(slash == NULL ? "." : length == 0 ? "/" : folder, whole) == NULL)
        return false;
    int n = snprintf(real, PATH_MAX, "%s/%s", whole, slash == NULL ? path : slash + 1);
    errno = ENAMETOOLONG;
    return n >= 0 && n < PATH_MAX;
}

bool sql_grow(void **list, size_t *capacity, size_t count, size_t element)
{
    if (count < *capacity)
        return true;
    size_t more = *capacity == 0 ? 16 : *capacity * 2;
    void *larger = reallocarray(*list, more, element);
    if (larger == NULL)
        return false;
    *list = larger;
    *capacity = more;
    return true;
}

enum store_status sql_ids(struct store *store, sqlite3_stmt *rows, int64_t **ids, size_t *count)
{
    size_t capacity = 0;
    enum store_status status;
    *ids = NULL;
    *count = 0;
    while ((status = sql_row(store, rows)) == STORE_OK) {
        if (!sql_grow((void **)ids, &capacity, *count, sizeof **ids)) {
            (void)sqlite3_reset(rows);
            status = STORE_BROKEN;
            break;
        }
        (*ids)[(*count)++] = sqlite3_column_int64(rows, 0);
    }
    if (status == STORE_NONE)
        return STORE_OK;
    free(*ids);
    *ids = NULL;
    *count = 0;
    return status;
}

enum store_status sql_exec(struct store *store, const char *sql)
{
    if (is_taken_back(store))
        return STORE_BROKEN;
    int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? STORE_OK : sql_fail(store, code);
}

/* After a light transaction; where that fails nothing more is begun. */
static enum store_status be_full(struct store *store)
{
    if (!store->is_light)
        return STORE_OK;
    enum store_status status = sql_exec(store, "PRAGMA synchronous=FULL");
    store->is_light = status != STORE_OK;
    return status;
}

static enum store_status begin(struct store *store)
{
    enum store_status status = be_full(store);
    if (status == STORE_OK)
        status = sql_exec(store, "BEGIN IMMEDIATE");
    store->begun = status == STORE_OK;
    return status;
}

enum store_status store_begin(struct store *store)
{
    enum store_status status = begin(store);
    store->in_group = status == STORE_OK;
    return status;
}

enum store_status store_commit(struct store *store)
{
    enum store_status status = sql_exec(store, "COMMIT");
    if (status == STORE_OK)
        store->begun = store->in_group = false;
    else
        store_rollback(store); /* keeps the sentence: nothing of a failed commit may live on */
    return status;
}

void store_rollback(struct store *store)
{
    if (sqlite3_get_autocommit(store->db) == 0)
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    store->begun = store->in_group = false;
}

enum store_status sql_enter(struct store *store)
{
    return store->in_group ? STORE_OK : begin(store);
}

enum store_status sql_leave(struct store *store, enum store_status status)
{
    if (store->in_group)
        return status;
    if (status == STORE_OK)
        return store_commit(store);
    store_rollback(store);
    return status;
}

enum store_status sql_enter_light(struct store *store)
{
    if (store->in_group)
        return STORE_OK;
    enum store_status status = sql_exec(store, "PRAGMA synchronous=NORMAL");
    if (status != STORE_OK)
        return status;
    store->is_light = true;
    status = sql_exec(store, "BEGIN IMMEDIATE");
    store->begun = status == STORE_OK;
    return status;
}

enum store_status sql_leave_light(struct store *store, enum store_status status)
{
    if (store->in_group)
        return status;
    status = sql_leave(store, status);
    enum store_status full = be_full(store);
    return status == STORE_OK ? full : status;
}

/* SQLite's own handler sleeps up to 100 ms at a time, while receivers wait for their answers. */
static int wait_for_lock(void *context, int waits)
{
    struct store *store = context;
    if (waits == 0)
        store->waits_since_ms = clock_monotonic_ms();
    else if (clock_monotonic_ms() - store->waits_since_ms > store->patience_ms)
        return 0;
    const struct timespec pause = {.tv_nsec = waits < BUSY_FAST ? 200000 : 2000000};
    (void)nanosleep(&pause, NULL);
    return 1;
}

void store_patience(struct store *store, int64_t ms)
{
    store->patience_ms = ms;
}

static enum store_status prepare_connection(struct store *store, const char *path)
{
    char real[PATH_MAX];
    int code = SQLITE_CANTOPEN;
    if (sql_path(path, real))
        code = sqlite3_open_v2(real, &store->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW |
                                   SQLITE_OPEN_EXRESCODE,
                               NULL);
    if (code != SQLITE_OK) {
        if (store->db != NULL)
            (void)sql_fail(store, code);
        return STORE_BROKEN;
    }
    (void)sqlite3_busy_handler(store->db, wait_for_lock, store);
    enum store_status status = sql_exec(store, "PRAGMA journal_mode=WAL");
    if (status == STORE_OK)
        status = sql_exec(store, "PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON;"
                                 "PRAGMA trusted_schema=OFF;PRAGMA cell_size_check=ON;"
                                 "PRAGMA secure_delete=ON"); /* what goes is overwritten */
    if (status == STORE_OK)
        status = patient_functions(store);
    if (status == STORE_OK)
        status = place_functions(store);
    return status == STORE_OK ? schema_migrate(store) : status;
}

enum store_status store_open(const char *path, struct store **store, char *error, size_t error_size)
{
    *store = NULL;
    struct store *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        if (error != NULL)
            (void)snprintf(error, error_size, "out of memory");
        return STORE_BROKEN;
    }

    opened->patience_ms = STORE_PATIENCE_MS;
    enum store_status status = prepare_connection(opened, path);
    if (status != STORE_OK) {
        if (error != NULL)
            (void)snprintf(error, error_size, "%s: %s", path,
                           opened->error[0] != '\0' ? opened->error : store_status_text(status));
        store_close(opened);
        return status;
    }
    *store = opened;
    return STORE_OK;
}

enum store_status store_only_reads(struct store *store)
{
    return sql_exec(store, "PRAGMA query_only=ON");
}

static void disconnect(struct store *store)
{
    for (int i = 0; i < store->cached; i++)
        (void)sqlite3_finalize(store->cache[i].statement);
    (void)sqlite3_close(store->db);
}

enum store_status store_renew(struct store *store, const char *path, char *error, size_t error_size)
{
    struct store *fresh = NULL;
    enum store_status status = store_open(path, &fresh, error, error_size);
    if (status != STORE_OK)
        return status;
    disconnect(store);
    *store = *fresh;
    free(fresh);
    return STORE_OK;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    disconnect(store);
    free(store);
}
