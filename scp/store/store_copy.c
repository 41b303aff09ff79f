/* Copies of the whole store, for backups. */
#include "store_keep.h"
#include "store_sqlite.h"

#include <stdio.h>
#include <string.h>

/* All pages in one step: a reader of the write-ahead log does not hold up the writer, and a copy in
 * several steps would start anew with every commit of another process. */
static enum store_status copy_pages(struct store *store, sqlite3 *to)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", store->db, "main");
    if (backup == NULL) {
        (void)snprintf(store->error, sizeof store->error, "copy: %s", sqlite3_errmsg(to));
        return STORE_BROKEN;
    }
    (void)sqlite3_backup_step(backup, -1);
    int code = sqlite3_backup_finish(backup);
    if (code == SQLITE_OK)
        return STORE_OK;
    (void)snprintf(store->error, sizeof store->error, "copy: %s", sqlite3_errmsg(to));
    return (code & 0xff) == SQLITE_FULL   ? STORE_FULL
           : (code & 0xff) == SQLITE_BUSY ? STORE_BUSY
                                          : STORE_BROKEN;
}

enum store_status store_copy(struct store *store, const char *path)
{
    sqlite3 *to = NULL;
    char real[PATH_MAX];
    int code = SQLITE_CANTOPEN;
    if (sql_path(path, real))
        code = sqlite3_open_v2(real, &to,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW |
                                   SQLITE_OPEN_EXRESCODE,
                               NULL);
    enum store_status status = STORE_BROKEN;
    if (code == SQLITE_OK)
        status = copy_pages(store, to);
    else
        (void)snprintf(store->error, sizeof store->error, "copy: %s", sqlite3_errstr(code));
    (void)sqlite3_close(to);
    return status;
}

static enum store_status trim(struct store *store, bool with_objects, int64_t now_ms)
{
    enum store_status status = sql_exec(store, "DELETE FROM open_association;DELETE FROM removal");
    if (status != STORE_OK || with_objects)
        return status;
    status = sql_run(store, sql_prepare(store,
                                        "UPDATE instance SET gone_ms=? WHERE gone_ms=0"
                                        " AND state<>'received'",
                                        "i", now_ms));
    return status == STORE_OK
               ? sql_exec(store, "UPDATE counter SET value=(SELECT COALESCE(SUM(bytes),0) FROM"
                                 " instance WHERE gone_ms=0) WHERE name='object-bytes'")
               : status;
}

enum store_status store_trim_copy(struct store *store, bool with_objects, int64_t now_ms)
{
    enum store_status status = sql_enter(store);
    if (status == STORE_OK)
        status = sql_leave(store, trim(store, with_objects, now_ms));
    return status;
}

static enum store_status give_up(struct store *store, const char *path, int64_t now_ms)
{
    bool object = strncmp(path, "objects/", strlen("objects/")) == 0;
    const char *slash = strrchr(path, '/'); /* a damaged row may have none */
    char name[65];
    (void)snprintf(name, sizeof name, "%.64s", slash != NULL ? slash + 1 : path);
    enum store_status status = sql_run(
        store,
        object ? sql_prepare(store, "UPDATE instance SET gone_ms=? WHERE digest=? AND gone_ms=0",
                             "it", now_ms, name)
               : sql_prepare(store, "UPDATE result SET gone_ms=? WHERE path=? AND gone_ms=0", "it",
                             now_ms, path));
    return status == STORE_OK
               ? sql_exec(store, "UPDATE counter SET value=(SELECT COALESCE(SUM(bytes),0) FROM"
                                 " instance WHERE gone_ms=0) WHERE name='object-bytes';"
                                 "UPDATE counter SET value=(SELECT COALESCE(SUM(bytes),0) FROM"
                                 " result WHERE gone_ms=0) WHERE name='result-bytes'")
               : status;
}

enum store_status store_give_up_path(struct store *store, const char *path, int64_t now_ms)
{
    enum store_status status = sql_enter(store);
    if (status == STORE_OK)
        status = sql_leave(store, give_up(store, path, now_ms));
    return status;
}

enum store_status store_verify(struct store *store)
{
    sqlite3_stmt *row = sql_prepare(store, "PRAGMA quick_check(1)", "");
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return STORE_BROKEN;
    char text[200];
    sql_text(row, 0, text, sizeof text);
    (void)sqlite3_reset(row);
    if (strcmp(text, "ok") == 0)
        return STORE_OK;
    (void)snprintf(store->error, sizeof store->error, "the database is damaged: %s", text);
    return STORE_BROKEN;
}
