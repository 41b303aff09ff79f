/* Requests of people: entered by the admin program, answered by the analyze role. */
#include "store_sqlite.h"

#include <string.h>

static const char *const kind_names[] = {
    [REQUEST_RETRACT] = "retract", [REQUEST_REISSUE] = "reissue"};

enum store_status store_add_request(struct store *store, struct request *request)
{
    enum store_status status = sql_run(
        store,
        sql_prepare(store, "INSERT INTO request(kind,uid,reason,who,asked_ms) VALUES(?,?,?,?,?)",
                    "tttti", kind_names[request->kind], request->uid, request->reason, request->who,
                    request->asked_ms));
    request->id = sqlite3_last_insert_rowid(store->db);
    return status;
}

enum store_status store_next_request(struct store *store, struct request *request)
{
    char kind[16];
    sqlite3_stmt *row = sql_prepare(store,
                                    "SELECT id,kind,uid,reason,who,asked_ms FROM request"
                                    " WHERE answer='' ORDER BY id LIMIT 1",
                                    "");
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    *request = (struct request){.id = sqlite3_column_int64(row, 0)};
    sql_text(row, 1, kind, sizeof kind);
    request->kind =
        strcmp(kind, kind_names[REQUEST_REISSUE]) == 0 ? REQUEST_REISSUE : REQUEST_RETRACT;
    sql_text(row, 2, request->uid, sizeof request->uid);
    sql_text(row, 3, request->reason, sizeof request->reason);
    sql_text(row, 4, request->who, sizeof request->who);
    request->asked_ms = sqlite3_column_int64(row, 5);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

enum store_status store_answer_request(struct store *store, int64_t id, const char *answer)
{
    return sql_run(store,
                   sql_prepare(store, "UPDATE request SET answer=? WHERE id=?", "ti", answer, id));
}

enum store_status store_request_answer(struct store *store, int64_t id, char *answer, size_t size)
{
    sqlite3_stmt *row = sql_prepare(store, "SELECT answer FROM request WHERE id=?", "i", id);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    sql_text(row, 0, answer, size);
    (void)sqlite3_reset(row);
    return STORE_OK;
}
