/* Requests of people: entered by the admin program, answered by the analyze role. */
#include "store_keep.h"
#include "store_sqlite.h"

#include <string.h>

static const char *const kind_names[REQUEST_KINDS] = {
    [REQUEST_RETRACT] = "retract", [REQUEST_REISSUE] = "reissue", [REQUEST_RETRY] = "retry",
    [REQUEST_CANCEL] = "cancel",   [REQUEST_RELEASE] = "release", [REQUEST_FORGET] = "forget",
    [REQUEST_READ] = "read",       [REQUEST_UNREAD] = "unread",   [REQUEST_DISCARD] = "discard",
    [REQUEST_ECHO] = "echo",       [REQUEST_AGREE] = "agree",     [REQUEST_DISAGREE] = "disagree",
    [REQUEST_UNSAY] = "unsay"};

const char *request_kind_name(enum request_kind kind)
{
    return (unsigned)kind < REQUEST_KINDS ? kind_names[kind] : "unknown";
}

enum store_status store_add_request(struct store *store, struct request *request)
{
    enum store_status status = sql_run(
        store,
        sql_prepare(store,
                    "INSERT INTO request(kind,uid,reason,subject,issuer,who,asked_ms)"
                    " VALUES(?,?,?,?,?,?,?)",
                    "tttttti", request_kind_name(request->kind), request->uid, request->reason,
                    request->subject, request->issuer, request->who, request->asked_ms));
    request->id = sqlite3_last_insert_rowid(store->db);
    return status;
}

enum store_status store_next_request(struct store *store, int64_t after, struct request *request)
{
    char kind[16];
    sqlite3_stmt *row =
        sql_prepare(store,
                    "SELECT id,kind,uid,reason,who,asked_ms,subject,issuer,draft FROM request"
                    " WHERE answer='' AND kind<>'echo' AND id>? ORDER BY id LIMIT 1",
                    "i", after);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    *request = (struct request){.id = sqlite3_column_int64(row, 0), .kind = REQUEST_KINDS};
    sql_text(row, 1, kind, sizeof kind);
    for (int i = 0; i < REQUEST_KINDS; i++)
        if (strcmp(kind, kind_names[i]) == 0)
            request->kind = (enum request_kind)i;
    sql_text(row, 2, request->uid, sizeof request->uid);
    sql_text(row, 3, request->reason, sizeof request->reason);
    sql_text(row, 4, request->who, sizeof request->who);
    request->asked_ms = sqlite3_column_int64(row, 5);
    sql_text(row, 6, request->subject, sizeof request->subject);
    sql_text(row, 7, request->issuer, sizeof request->issuer);
    sql_text(row, 8, request->draft, sizeof request->draft);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

enum store_status store_draft_answer(struct store *store, int64_t id, const char *draft)
{
    return sql_run(store,
                   sql_prepare(store, "UPDATE request SET draft=?,subject='',issuer='' WHERE id=?",
                               "ti", draft, id));
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
