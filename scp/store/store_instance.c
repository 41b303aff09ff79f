/* Instances: what was received, and what analysis learnt of each. */
#include "store_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[INSTANCE_STATES] = {
    "received", "ignored", "own", "same", "judged", "not-processed", "rejection-note"};

const char *instance_state_name(enum instance_state state)
{
    return (unsigned)state < INSTANCE_STATES ? state_names[state] : "unknown";
}

static enum instance_state parse_state(const char *name)
{
    for (int i = 0; i < INSTANCE_STATES; i++)
        if (strcmp(name, state_names[i]) == 0)
            return (enum instance_state)i;
    return INSTANCE_RECEIVED;
}

#define COLUMNS                                                                                    \
    "id,state,sop_class,sop_instance,study,series,transfer_syntax,digest,path,bytes,calling,"      \
    "called,address,association,received_ms,attempts,rival,rule,reason,detail,"                    \
    "deaths,reported,withdrawn,revision,gone_ms,seen"

static void take_row(sqlite3_stmt *row, struct instance *instance)
{
    char text[64];
    *instance = (struct instance){.id = sqlite3_column_int64(row, 0)};
    sql_text(row, 1, text, sizeof text);
    instance->state = parse_state(text);
    sql_text(row, 2, instance->sop_class, sizeof instance->sop_class);
    sql_text(row, 3, instance->sop_instance, sizeof instance->sop_instance);
    sql_text(row, 4, instance->study, sizeof instance->study);
    sql_text(row, 5, instance->series, sizeof instance->series);
    sql_text(row, 6, instance->transfer_syntax, sizeof instance->transfer_syntax);
    sql_text(row, 7, instance->digest, sizeof instance->digest);
    sql_text(row, 8, instance->path, sizeof instance->path);
    instance->bytes = (uint64_t)sqlite3_column_int64(row, 9);
    sql_text(row, 10, instance->calling, sizeof instance->calling);
    sql_text(row, 11, instance->called, sizeof instance->called);
    sql_text(row, 12, instance->address, sizeof instance->address);
    sql_text(row, 13, instance->association, sizeof instance->association);
    instance->received_ms = sqlite3_column_int64(row, 14);
    instance->attempts = sqlite3_column_int(row, 15);
    instance->rival = sqlite3_column_int(row, 16) != 0;
    sql_text(row, 17, instance->rule, sizeof instance->rule);
    sql_text(row, 18, text, sizeof text);
    if (!srt_reason_parse(text, &instance->reason))
        instance->reason = SRT_REASON_NONE;
    sql_text(row, 19, instance->detail, sizeof instance->detail);
    instance->deaths = sqlite3_column_int(row, 20);
    instance->reported = sqlite3_column_int64(row, 21);
    sql_text(row, 22, instance->withdrawn, sizeof instance->withdrawn);
    instance->revision = sqlite3_column_int(row, 23);
    instance->gone_ms = sqlite3_column_int64(row, 24);
    const void *seen = sqlite3_column_blob(row, 25);
    size_t bytes = (size_t)sqlite3_column_bytes(row, 25);
    if (seen != NULL && bytes <= sizeof instance->seen) {
        memcpy(instance->seen, seen, bytes);
        instance->seen_bytes = bytes;
    }
}

static enum store_status take_one(struct store *store, sqlite3_stmt *statement,
                                  struct instance *instance)
{
    enum store_status status = sql_row(store, statement);
    if (status != STORE_OK)
        return status;
    take_row(statement, instance);
    (void)sqlite3_reset(statement);
    return STORE_OK;
}

static enum store_status touch_study(struct store *store, const struct instance *instance)
{
    enum store_status status = sql_run(
        store, sql_prepare(store, "INSERT OR IGNORE INTO study(uid,last_received_ms) VALUES(?,?)",
                           "ti", instance->study, instance->received_ms));
    bool first = status == STORE_OK && sqlite3_changes(store->db) > 0;
    if (first)
        status = hour_add(store, instance->calling, instance->received_ms);
    else if (status == STORE_OK)
        status =
            sql_run(store, sql_prepare(store, "UPDATE study SET last_received_ms=? WHERE uid=?",
                                       "it", instance->received_ms, instance->study));
    if (status != STORE_OK)
        return status;
    return sql_run(
        store,
        sql_prepare(store, "INSERT OR IGNORE INTO open_association(association,study) VALUES(?,?)",
                    "tt", instance->association, instance->study));
}

static enum store_status insert(struct store *store, struct instance *in)
{
    enum store_status status = sql_run(
        store,
        sql_prepare(store,
                    "INSERT INTO instance(state,sop_class,sop_instance,study,series,"
                    "transfer_syntax,digest,path,bytes,calling,called,address,association,"
                    "received_ms,rival,seen) VALUES('received',?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                    "tttttttittttiib", in->sop_class, in->sop_instance, in->study, in->series,
                    in->transfer_syntax, in->digest, in->path, (int64_t)in->bytes, in->calling,
                    in->called, in->address, in->association, in->received_ms, (int64_t)in->rival,
                    in->seen_bytes > 0 ? in->seen : NULL, in->seen_bytes));
    in->id = sqlite3_last_insert_rowid(store->db);
    return status == STORE_OK ? kept_add(store, "object-bytes", (int64_t)in->bytes) : status;
}

static enum store_status add(struct store *store, struct instance *instance,
                             enum store_identity *identity)
{
    struct instance known;
    enum store_status status =
        take_one(store,
                 sql_prepare(store,
                             "SELECT " COLUMNS " FROM instance WHERE sop_instance=?"
                             " ORDER BY digest=? DESC, id LIMIT 1",
                             "tt", instance->sop_instance, instance->digest),
                 &known);

    if (status == STORE_OK && strcmp(known.digest, instance->digest) == 0) {
        *identity = STORE_DUPLICATE;
        instance->id = known.id;
        instance->rival = known.rival;
        instance->gone_ms = known.gone_ms;
        status = store_count(store, "duplicates");
        return status == STORE_OK && known.gone_ms != 0 ? removal_add(store, known.path) : status;
    }
    if (status != STORE_OK && status != STORE_NONE)
        return status;

    instance->rival = status == STORE_OK;
    instance->state = INSTANCE_RECEIVED;
    instance->attempts = 0;
    instance->deaths = 0;
    instance->reported = 0;
    instance->gone_ms = 0;
    *identity = instance->rival ? STORE_RIVAL : STORE_NEW;
    status = insert(store, instance);
    if (status == STORE_OK)
        status = touch_study(store, instance);
    return status == STORE_OK ? waiting_begin(store, instance) : status;
}

enum store_status store_add_instance(struct store *store, struct instance *instance,
                                     enum store_identity *identity)
{
    enum store_status status = sql_enter(store);
    if (status == STORE_OK)
        status = sql_leave(store, add(store, instance, identity));
    return status;
}

enum store_status store_association_end(struct store *store, const char *association)
{
    return sql_run(store, sql_prepare(store, "DELETE FROM open_association WHERE association=?",
                                      "t", association));
}

static enum store_status keep_names(struct store *store, const char *const *kept, size_t count)
{
    enum store_status status = sql_exec(store, "CREATE TEMP TABLE IF NOT EXISTS kept(name TEXT);"
                                               "DELETE FROM temp.kept");
    for (size_t i = 0; status == STORE_OK && i < count; i++)
        status =
            sql_run(store, sql_prepare(store, "INSERT INTO temp.kept VALUES(?)", "t", kept[i]));
    return status;
}

#define OF_OTHERS " association NOT IN (SELECT name FROM temp.kept)"

/* MIN(id) makes the other columns those of its row (sqlite.org/lang_select.html, bare columns). */
enum store_status store_association_others(struct store *store, const char *const *kept,
                                           size_t count, store_brought *brought, void *context)
{
    struct instance first;
    enum store_status status = keep_names(store, kept, count);
    if (status != STORE_OK)
        return status;
    sqlite3_stmt *rows = sql_prepare(
        store,
        "SELECT " COLUMNS ",MIN(id),COUNT(*) FROM (SELECT * FROM open_association WHERE" OF_OTHERS
        ") CROSS JOIN instance USING(association,study) GROUP BY association,study,sop_class",
        "");
    while ((status = sql_row(store, rows)) == STORE_OK) {
        take_row(rows, &first);
        brought(context, &first, (unsigned)sqlite3_column_int(rows, 27));
    }
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status store_association_end_others(struct store *store, const char *const *kept,
                                               size_t count)
{
    enum store_status status = keep_names(store, kept, count);
    return status == STORE_OK ? sql_exec(store, "DELETE FROM open_association WHERE" OF_OTHERS)
                              : status;
}

enum store_status store_next_received(struct store *store, int64_t after, struct instance *instance)
{
    return take_one(store,
                    sql_prepare(store,
                                "SELECT " COLUMNS " FROM instance"
                                " WHERE state='received' AND id>? ORDER BY id LIMIT 1",
                                "i", after),
                    instance);
}

enum store_status store_get_instance(struct store *store, int64_t id, struct instance *instance)
{
    return take_one(store,
                    sql_prepare(store, "SELECT " COLUMNS " FROM instance WHERE id=?", "i", id),
                    instance);
}

enum store_status store_last_answer(struct store *store, const char *sop_instance, int64_t before,
                                    struct instance *instance)
{
    return take_one(store,
                    sql_prepare(store,
                                "SELECT " COLUMNS " FROM instance WHERE sop_instance=? AND id<?"
                                " AND state IN ('judged','not-processed') AND reason<>'conflict'"
                                " ORDER BY id DESC LIMIT 1",
                                "ti", sop_instance, before),
                    instance);
}

enum store_status store_last_decoded(struct store *store, const char *sop_instance, int64_t before,
                                     struct instance *instance)
{
    return take_one(store,
                    sql_prepare(store,
                                "SELECT " COLUMNS " FROM instance WHERE sop_instance=? AND id<?"
                                " AND state IN ('judged','not-processed') AND reason<>'conflict'"
                                " AND EXISTS(SELECT 1 FROM judgement WHERE instance=instance.id"
                                "  AND pixel_digest<>'') ORDER BY id DESC LIMIT 1",
                                "ti", sop_instance, before),
                    instance);
}

enum store_status store_count_attempt(struct store *store, int64_t id)
{
    enum store_status status = sql_enter_light(store);
    if (status == STORE_OK)
        status =
            sql_run(store, sql_prepare(store, "UPDATE instance SET attempts=attempts+1 WHERE id=?",
                                       "i", id));
    return sql_leave_light(store, sql_changed(store, status));
}

enum store_status store_forget_attempt(struct store *store, int64_t id)
{
    return sql_run(store, sql_prepare(store,
                                      "UPDATE instance SET attempts=attempts-1"
                                      " WHERE id=? AND attempts>0",
                                      "i", id));
}

enum store_status store_count_death(struct store *store, int64_t id)
{
    enum store_status status = sql_run(
        store, sql_prepare(store, "UPDATE instance SET deaths=deaths+1 WHERE id=?", "i", id));
    return sql_changed(store, status);
}

enum store_status store_list(struct store *store, struct instance *list, size_t room, size_t *count)
{
    *count = 0;
    sqlite3_stmt *rows = sql_prepare(
        store, "SELECT " COLUMNS " FROM instance ORDER BY id DESC LIMIT ?", "i", (int64_t)room);
    enum store_status status;
    while ((status = sql_row(store, rows)) == STORE_OK)
        if (*count < room)
            take_row(rows, &list[(*count)++]);
    return status == STORE_NONE ? STORE_OK : status;
}

#define IN_QUARANTINE " FROM instance INDEXED BY instance_quarantined WHERE " QUARANTINED

enum store_status store_quarantined(struct store *store, int64_t before, struct instance *list,
                                    size_t room, size_t *count)
{
    enum store_status status;
    sqlite3_stmt *rows =
        sql_prepare(store, "SELECT " COLUMNS IN_QUARANTINE " AND id<? ORDER BY id DESC LIMIT ?",
                    "ii", before, (int64_t)room);
    *count = 0;
    while ((status = sql_row(store, rows)) == STORE_OK)
        if (*count < room)
            take_row(rows, &list[(*count)++]);
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status store_count_quarantined(struct store *store, size_t *count)
{
    sqlite3_stmt *row = sql_prepare(store, "SELECT COUNT(*)" IN_QUARANTINE, "");
    enum store_status status = sql_row(store, row);
    *count = 0;
    if (status != STORE_OK)
        return status;
    *count = (size_t)sqlite3_column_int64(row, 0);
    (void)sqlite3_reset(row);
    return STORE_OK;
}
