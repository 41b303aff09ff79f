/* Whom the node talks to, and how it went. */
#include "store_contact.h"

#include "store_sqlite.h"
#include <string.h>

static const char *const kind_names[CONTACT_KINDS] = {
    [CONTACT_DESTINATION] = "destination",
    [CONTACT_ANNOUNCEMENT] = "announcement",
    [CONTACT_WORKLIST] = "worklist",
};

const char *contact_kind_name(enum contact_kind kind)
{
    return (unsigned)kind < CONTACT_KINDS ? kind_names[kind] : "unknown";
}

const char *contact_name_of(enum contact_kind kind, const char *subject)
{
    size_t length = strlen(kind_names[kind]);
    return strncmp(subject, kind_names[kind], length) == 0 && subject[length] == '/'
               ? subject + length + 1
               : NULL;
}

static enum store_status contacted(struct store *store, enum contact_kind kind, const char *name,
                                   const char *why, int64_t now_ms)
{
    if (why[0] == '\0')
        return sql_run(store, sql_prepare(store,
                                          "INSERT INTO contact(kind,name,good_ms) VALUES(?,?,?)"
                                          " ON CONFLICT(kind,name) DO UPDATE SET"
                                          " good_ms=excluded.good_ms",
                                          "tti", kind_names[kind], name, now_ms));
    return sql_run(store, sql_prepare(store,
                                      "INSERT INTO contact(kind,name,bad_ms,why) VALUES(?,?,?,?)"
                                      " ON CONFLICT(kind,name) DO UPDATE SET"
                                      " bad_ms=excluded.bad_ms,why=excluded.why",
                                      "ttit", kind_names[kind], name, now_ms, why));
}

enum store_status store_contacted(struct store *store, enum contact_kind kind, const char *name,
                                  const char *why, int64_t now_ms)
{
    enum store_status status = sql_enter_light(store);
    if (status != STORE_OK)
        return status;
    return sql_leave_light(store, contacted(store, kind, name, why, now_ms));
}

static void take(sqlite3_stmt *row, struct store_contact *contact)
{
    char kind[16];
    *contact = (struct store_contact){.kind = CONTACT_KINDS};
    sql_text(row, 0, kind, sizeof kind);
    for (int i = 0; i < CONTACT_KINDS; i++)
        if (strcmp(kind, kind_names[i]) == 0)
            contact->kind = (enum contact_kind)i;
    sql_text(row, 1, contact->name, sizeof contact->name);
    contact->good_ms = sqlite3_column_int64(row, 2);
    contact->bad_ms = sqlite3_column_int64(row, 3);
    sql_text(row, 4, contact->why, sizeof contact->why);
    contact->echo_ms = sqlite3_column_int64(row, 5);
    sql_text(row, 6, contact->echo_who, sizeof contact->echo_who);
    sql_text(row, 7, contact->echo, sizeof contact->echo);
}

enum store_status store_contacts(struct store *store, struct store_contact *list, size_t room,
                                 size_t *count)
{
    enum store_status status;
    sqlite3_stmt *rows = sql_prepare(store,
                                     "SELECT kind,name,good_ms,bad_ms,why,echo_ms,echo_who,echo"
                                     " FROM contact",
                                     "");
    *count = 0;
    while ((status = sql_row(store, rows)) == STORE_OK)
        if (*count < room)
            take(rows, &list[(*count)++]);
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status store_next_echo(struct store *store, enum contact_kind kind,
                                  struct request *request)
{
    sqlite3_stmt *row = sql_prepare(store,
                                    "SELECT id,who,asked_ms,subject FROM request WHERE answer=''"
                                    " AND kind='echo' AND subject LIKE ?||'/%' ORDER BY id LIMIT 1",
                                    "t", kind_names[kind]);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    *request = (struct request){.id = sqlite3_column_int64(row, 0), .kind = REQUEST_ECHO};
    sql_text(row, 1, request->who, sizeof request->who);
    request->asked_ms = sqlite3_column_int64(row, 2);
    sql_text(row, 3, request->subject, sizeof request->subject);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

static enum store_status answer_echo(struct store *store, const struct request *request,
                                     enum contact_kind kind, const char *answer, bool good,
                                     int64_t now_ms)
{
    const char *name = contact_name_of(kind, request->subject);
    enum store_status status = store_answer_request(store, request->id, answer);
    if (status == STORE_OK)
        status = contacted(store, kind, name, good ? "" : answer, now_ms);
    if (status == STORE_OK)
        status = sql_run(store, sql_prepare(store,
                                            "UPDATE contact SET echo_ms=?,echo_who=?,echo=?"
                                            " WHERE kind=? AND name=?",
                                            "itttt", now_ms, request->who, answer, kind_names[kind],
                                            name));
    return status;
}

enum store_status store_answer_echo(struct store *store, const struct request *request,
                                    enum contact_kind kind, const char *answer, bool good,
                                    int64_t now_ms)
{
    enum store_status status = sql_enter(store);
    if (status != STORE_OK)
        return status;
    return sql_leave(store, answer_echo(store, request, kind, answer, good, now_ms));
}
