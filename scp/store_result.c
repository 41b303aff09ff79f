/* Results and their deliveries, and the figures for people. */
#include "store_sqlite.h"

#include <stdio.h>
#include <string.h>

static const char *const delivery_names[] = {"pending", "sent", "parked"};

#define RESULT_COLUMNS "result.id,kind,uid,sop_class,series,study,path,digest,outcome,created_ms"

static void take_result(sqlite3_stmt *row, struct result *result)
{
    char text[32];
    *result = (struct result){.id = sqlite3_column_int64(row, 0)};
    sql_text(row, 1, text, sizeof text);
    result->kind = strcmp(text, "sr") == 0 ? RESULT_SR : RESULT_SC;
    sql_text(row, 2, result->uid, sizeof result->uid);
    sql_text(row, 3, result->sop_class, sizeof result->sop_class);
    sql_text(row, 4, result->series, sizeof result->series);
    sql_text(row, 5, result->study, sizeof result->study);
    sql_text(row, 6, result->path, sizeof result->path);
    sql_text(row, 7, result->digest, sizeof result->digest);
    sql_text(row, 8, text, sizeof text);
    result->outcome = SRT_NOT_PROCESSED;
    (void)srt_outcome_parse(text, &result->outcome);
    result->created_ms = sqlite3_column_int64(row, 9);
}

/* id of the result with this uid, added when it is not there; added says which. */
static enum store_status keep_result(struct store *store, const struct result *r, int64_t *id,
                                     bool *added)
{
    enum store_status status = sql_run(
        store,
        sql_prepare(store,
                    "INSERT OR IGNORE INTO result(kind,uid,sop_class,series,study,path,"
                    "digest,outcome,created_ms) VALUES(?,?,?,?,?,?,?,?,?)",
                    "ttttttt"
                    "ti",
                    r->kind == RESULT_SR ? "sr" : "sc", r->uid, r->sop_class, r->series, r->study,
                    r->path, r->digest, srt_outcome_name(r->outcome), r->created_ms));
    if (status != STORE_OK)
        return status;
    *added = sqlite3_changes(store->db) > 0;

    sqlite3_stmt *row = sql_prepare(store, "SELECT id FROM result WHERE uid=?", "t", r->uid);
    status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    *id = sqlite3_column_int64(row, 0);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

static enum store_status add_deliveries(struct store *store, int64_t id,
                                        const char *const *destinations, const bool *wants,
                                        size_t count)
{
    enum store_status status = STORE_OK;
    for (size_t i = 0; status == STORE_OK && i < count; i++)
        if (wants[i])
            status = sql_run(store,
                             sql_prepare(store,
                                         "INSERT OR IGNORE INTO delivery(result,destination,state)"
                                         " VALUES(?,?,'pending')",
                                         "it", id, destinations[i]));
    return status;
}

static enum store_status cover(struct store *store, int64_t report, const int64_t *instances,
                               size_t count)
{
    enum store_status status = STORE_OK;
    for (size_t i = 0; status == STORE_OK && i < count; i++) {
        status = sql_run(
            store, sql_prepare(store, "INSERT OR IGNORE INTO covers(result,instance) VALUES(?,?)",
                               "ii", report, instances[i]));
        if (status == STORE_OK)
            status = sql_run(store, sql_prepare(store, "UPDATE instance SET reported=? WHERE id=?",
                                                "ii", report, instances[i]));
    }
    return status;
}

static enum store_status new_version(struct store *store, const char *study,
                                     const struct result *report)
{
    return sql_run(store, sql_prepare(store,
                                      "UPDATE study SET version=version+1,last_report=?,"
                                      "last_report_series=? WHERE uid=?",
                                      "ttt", report->uid, report->series, study));
}

enum store_status store_add_report(struct store *store, const char *study,
                                   const struct result *results, size_t count,
                                   const int64_t *instances, size_t instance_count,
                                   const char *const *destinations, const bool *wants_sr,
                                   const bool *wants_sc, size_t destination_count)
{
    enum store_status status = sql_enter(store);
    if (status != STORE_OK)
        return status;

    for (size_t i = 0; status == STORE_OK && i < count; i++) {
        bool added = false, report = results[i].kind == RESULT_SR;
        int64_t id = 0;
        status = keep_result(store, &results[i], &id, &added);
        if (status == STORE_OK)
            status = add_deliveries(store, id, destinations, report ? wants_sr : wants_sc,
                                    destination_count);
        if (status == STORE_OK && report)
            status = cover(store, id, instances, instance_count);
        if (status == STORE_OK && report && added)
            status = new_version(store, study, &results[i]);
    }
    return sql_leave(store, status);
}

enum store_status store_get_result(struct store *store, int64_t id, struct result *result)
{
    sqlite3_stmt *row =
        sql_prepare(store, "SELECT " RESULT_COLUMNS " FROM result WHERE id=?", "i", id);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    take_result(row, result);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

enum store_status store_is_result(struct store *store, const char *uid, bool *ours)
{
    sqlite3_stmt *row = sql_prepare(store, "SELECT 1 FROM result WHERE uid=?", "t", uid);
    enum store_status status = sql_row(store, row);
    *ours = status == STORE_OK;
    if (status == STORE_OK)
        (void)sqlite3_reset(row);
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status store_pending(struct store *store, const char *destination, struct delivery *list,
                                size_t room, size_t *count)
{
    *count = 0;
    sqlite3_stmt *rows =
        sql_prepare(store,
                    "SELECT " RESULT_COLUMNS ",delivery.id,destination,attempts,next_ms,last_error"
                    " FROM delivery JOIN result ON result.id=delivery.result"
                    " WHERE state='pending' AND destination=? ORDER BY next_ms,delivery.id LIMIT ?",
                    "ti", destination, (int64_t)room);
    enum store_status status;
    while ((status = sql_row(store, rows)) == STORE_OK) {
        if (*count == room)
            continue;
        struct delivery *delivery = &list[(*count)++];
        take_result(rows, &delivery->result);
        delivery->id = sqlite3_column_int64(rows, 10);
        sql_text(rows, 11, delivery->destination, sizeof delivery->destination);
        delivery->state = DELIVERY_PENDING;
        delivery->attempts = sqlite3_column_int(rows, 12);
        delivery->next_ms = sqlite3_column_int64(rows, 13);
        sql_text(rows, 14, delivery->last_error, sizeof delivery->last_error);
    }
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status store_delivered(struct store *store, int64_t delivery, int64_t now_ms)
{
    enum store_status status =
        sql_run(store, sql_prepare(store,
                                   "UPDATE delivery SET state='sent',done_ms=?,"
                                   "attempts=attempts+1,last_error='' WHERE id=?",
                                   "ii", now_ms, delivery));
    return status == STORE_OK && sqlite3_changes(store->db) == 0 ? STORE_NONE : status;
}

enum store_status store_delivery_failed(struct store *store, int64_t delivery, int64_t next_ms,
                                        bool park, const char *error)
{
    enum delivery_state state = park ? DELIVERY_PARKED : DELIVERY_PENDING;
    enum store_status status =
        sql_run(store, sql_prepare(store,
                                   "UPDATE delivery SET state=?,next_ms=?,attempts=attempts+1,"
                                   "last_error=? WHERE id=? AND state<>'sent'",
                                   "titi", delivery_names[state], next_ms, error, delivery));
    return status == STORE_OK && sqlite3_changes(store->db) == 0 ? STORE_NONE : status;
}

enum store_status store_results(struct store *store, struct result *list, size_t room,
                                size_t *count)
{
    *count = 0;
    sqlite3_stmt *rows =
        sql_prepare(store, "SELECT " RESULT_COLUMNS " FROM result ORDER BY id DESC LIMIT ?", "i",
                    (int64_t)room);
    enum store_status status;
    while ((status = sql_row(store, rows)) == STORE_OK)
        if (*count < room)
            take_result(rows, &list[(*count)++]);
    return status == STORE_NONE ? STORE_OK : status;
}
