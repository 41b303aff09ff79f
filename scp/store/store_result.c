/* Results and their deliveries, and the figures for people. */
#include "store_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const delivery_names[] = {"pending", "sent",      "parked",
                                             "held",    "cancelled", "expired"};
static const char *const kind_names[RESULT_KINDS] = {
    [RESULT_SR] = "sr",
    [RESULT_SC] = "sc",
    [RESULT_SR_COMPREHENSIVE] = "sr-comprehensive",
    [RESULT_SR_ENHANCED] = "sr-enhanced",
    [RESULT_GSPS] = "gsps",
    [RESULT_MAP] = "map",
    [RESULT_REJECTION] = "rejection",
};
static const char *const fate_names[] = {"current", "superseded", "retracted", "parked"};

const char *result_kind_name(enum result_kind kind)
{
    return (unsigned)kind < RESULT_KINDS ? kind_names[kind] : "unknown";
}

bool result_is_report(enum result_kind kind)
{
    return kind == RESULT_SR || kind == RESULT_SR_COMPREHENSIVE || kind == RESULT_SR_ENHANCED;
}

const char *result_state_name(enum result_state state)
{
    return (unsigned)state <= RESULT_PARKED ? fate_names[state] : "unknown";
}

/* Place of a name in a list; 0 when it is not there. */
static int place(const char *name, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return 0;
}

void result_take(sqlite3_stmt *row, struct result *result)
{
    char text[32];
    *result = (struct result){.id = sqlite3_column_int64(row, 0)};
    sql_text(row, 1, text, sizeof text);
    result->kind = (enum result_kind)place(text, kind_names, RESULT_KINDS);
    sql_text(row, 2, result->uid, sizeof result->uid);
    sql_text(row, 3, result->sop_class, sizeof result->sop_class);
    sql_text(row, 4, result->series, sizeof result->series);
    sql_text(row, 5, result->study, sizeof result->study);
    sql_text(row, 6, result->path, sizeof result->path);
    sql_text(row, 7, result->digest, sizeof result->digest);
    sql_text(row, 8, text, sizeof text);
    if (!srt_outcome_parse(text, &result->outcome))
        result->outcome = SRT_NOT_PROCESSED;
    result->created_ms = sqlite3_column_int64(row, 9);
    sql_text(row, 10, text, sizeof text);
    result->state = (enum result_state)place(text, fate_names, RESULT_PARKED + 1);
    result->instance = sqlite3_column_int64(row, 11);
    result->report = sqlite3_column_int64(row, 12);
    sql_text(row, 13, result->patient, sizeof result->patient);
    sql_text(row, 14, result->why, sizeof result->why);
}

/* One row, and the statement reset. */
static enum store_status take_one(struct store *store, sqlite3_stmt *row, struct result *result)
{
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    result_take(row, result);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

enum store_status result_keep(struct store *store, const struct result *r, int64_t *id, bool *added)
{
    enum store_status status = sql_run(
        store,
        sql_prepare(store,
                    "INSERT OR IGNORE INTO result(kind,uid,sop_class,series,study,path,digest,"
                    "outcome,created_ms,fate,instance,patient,why,bytes,attrs,made_of,patient_id,"
                    "issuer) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,"
                    "attribute(?15," SQL_PATIENT_ID "),attribute(?15," SQL_ISSUER "))",
                    "ttttttttititt"
                    "ibt",
                    result_kind_name(r->kind), r->uid, r->sop_class, r->series, r->study, r->path,
                    r->digest, srt_outcome_name(r->outcome), r->created_ms,
                    result_state_name(r->state), r->instance, r->patient, r->why, (int64_t)r->bytes,
                    r->attrs, r->attrs_bytes, r->made_of));
    if (status != STORE_OK)
        return status;
    *added = sqlite3_changes(store->db) > 0;
    if (*added)
        status = kept_add(store, "result-bytes", (int64_t)r->bytes);
    if (status != STORE_OK)
        return status;

    struct result kept;
    status = store_find_result(store, r->uid, &kept);
    if (status == STORE_OK)
        *id = kept.id;
    return status;
}

enum store_status result_deliver(struct store *store, int64_t id, const char *destination,
                                 enum delivery_state state, const char *error)
{
    return sql_run(store, sql_prepare(store,
                                      "INSERT OR IGNORE INTO delivery(result,destination,state,"
                                      "last_error,priority) VALUES(?1,?2,?3,?4,COALESCE("
                                      "(SELECT outcome='finding' FROM result WHERE id=?1),0))",
                                      "ittt", id, destination, delivery_names[state], error));
}

static enum store_status add_deliveries(struct store *store, int64_t id, const struct result *r,
                                        const struct store_report *report)
{
    enum store_status status = STORE_OK;
    for (size_t i = 0; status == STORE_OK && i < report->to_count; i++) {
        const struct addressee *to = &report->to[i];
        if ((to->kinds & 1u << r->kind) != 0)
            status = result_deliver(store, id, to->name,
                                    r->state == RESULT_PARKED ? DELIVERY_PARKED
                                    : to->held                ? DELIVERY_HELD
                                                              : DELIVERY_PENDING,
                                    r->why);
    }
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

static enum store_status new_version(struct store *store, const struct store_report *report)
{
    return sql_run(store, sql_prepare(store,
                                      "UPDATE study SET version=version+1,last_report=?,"
                                      "last_report_series=?,amendment=0 WHERE uid=?",
                                      "ttt", report->results[0].uid, report->results[0].series,
                                      report->study));
}

/* What the new report makes of older results. */
static enum store_status follow(struct store *store, const struct store_report *report)
{
    enum store_status status = STORE_OK;
    if (report->last != 0 && report->take_back != NULL)
        status = result_retract_report(store, report->last, report->take_back);
    else if (report->last != 0)
        status = sql_run(store, sql_prepare(store,
                                            "UPDATE result SET fate='superseded' WHERE report=?"
                                            " AND kind LIKE 'sr%' AND fate='current'",
                                            "i", report->last));
    for (size_t i = 0; status == STORE_OK && i < report->replaced_count; i++)
        status = result_retract_made_of(store, report->replaced[i], STORE_REPLACED);
    return status;
}

static enum store_status add_report(struct store *store, const struct store_report *report)
{
    int64_t sr = 0, since = 0;
    bool fresh = false;
    enum store_status status =
        latency_new_since(store, report->instances, report->instance_count, &since);
    for (size_t i = 0; status == STORE_OK && i < report->count; i++) {
        int64_t id = 0;
        bool added = false;
        status = result_keep(store, &report->results[i], &id, &added);
        if (i == 0) {
            sr = id;
            fresh = added;
        }
        if (status == STORE_OK && added)
            status = sql_run(store,
                             sql_prepare(store,
                                         "UPDATE result SET report=?1,complete_ms=?2,entered_ms=?3,"
                                         "since_ms=CASE WHEN kind LIKE 'sr%' THEN ?4 ELSE 0 END"
                                         " WHERE id=?5",
                                         "iiiii", sr, i == 0 ? report->complete_ms : 0,
                                         report->now_ms, since, id));
        if (status == STORE_OK)
            status = add_deliveries(store, id, &report->results[i], report);
    }
    for (size_t i = 0; status == STORE_OK && fresh && report->last == 0 && i < report->sample_count;
         i++)
        status = sample_add(store, sr, &report->samples[i]);
    if (status == STORE_OK && fresh) /* before it covers anything: it must not hit itself */
        status = follow(store, report);
    if (status == STORE_OK && fresh)
        status = latency_add(store, STAGE_COMPLETE, since, report->complete_ms);
    if (status == STORE_OK && fresh)
        status = latency_add(store, STAGE_STORED, since, report->now_ms);
    if (status == STORE_OK)
        status = cover(store, sr, report->instances, report->instance_count);
    return status == STORE_OK && fresh ? new_version(store, report) : status;
}

enum store_status store_add_report(struct store *store, const struct store_report *report)
{
    enum store_status status = sql_enter(store);
    if (status == STORE_OK)
        status = sql_leave(store, add_report(store, report));
    return status;
}

enum store_status store_last_report(struct store *store, const int64_t *instances, size_t count,
                                    struct result *result)
{
    struct result found = {.id = 0};
    for (size_t i = 0; i < count; i++) {
        struct result one;
        enum store_status status =
            take_one(store,
                     sql_prepare(store,
                                 "SELECT " RESULT_COLUMNS " FROM result WHERE id=(SELECT"
                                 " MAX(covers.result) FROM covers JOIN result ON"
                                 " result.id=covers.result WHERE covers.instance=?"
                                 " AND fate='current')",
                                 "i", instances[i]),
                     &one);
        if (status != STORE_OK && status != STORE_NONE)
            return status;
        if (status == STORE_OK && one.id > found.id)
            found = one;
    }
    *result = found;
    return found.id != 0 ? STORE_OK : STORE_NONE;
}

enum store_status store_report_kinds(struct store *store, int64_t sr, struct result list[3],
                                     size_t *count)
{
    enum store_status status;
    *count = 0;
    sqlite3_stmt *rows = sql_prepare(store,
                                     "SELECT " RESULT_COLUMNS " FROM result WHERE report=?"
                                     " AND kind LIKE 'sr%' ORDER BY id",
                                     "i", sr);
    while ((status = sql_row(store, rows)) == STORE_OK)
        if (*count < 3)
            result_take(rows, &list[(*count)++]);
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status store_find_result(struct store *store, const char *uid, struct result *result)
{
    return take_one(
        store, sql_prepare(store, "SELECT " RESULT_COLUMNS " FROM result WHERE uid=?", "t", uid),
        result);
}

enum store_status store_result_attrs(struct store *store, int64_t id, uint8_t **attrs,
                                     size_t *bytes)
{
    *attrs = NULL;
    *bytes = 0;
    sqlite3_stmt *row = sql_prepare(store, "SELECT attrs FROM result WHERE id=?", "i", id);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    bool copied = sql_bytes(row, 0, attrs, bytes);
    (void)sqlite3_reset(row);
    return copied ? STORE_OK : STORE_BROKEN;
}

enum store_status store_get_result(struct store *store, int64_t id, struct result *result)
{
    return take_one(store,
                    sql_prepare(store, "SELECT " RESULT_COLUMNS " FROM result WHERE id=?", "i", id),
                    result);
}

enum store_status store_is_result(struct store *store, const char *uid, bool *ours)
{
    sqlite3_stmt *row = sql_prepare(store, "SELECT 1 FROM result WHERE uid=?", "t", uid);
    return sql_any(store, row, ours);
}

enum store_status store_is_made(struct store *store, int64_t instance, const char *made_of,
                                bool *made)
{
    return sql_any(store,
                   sql_prepare(store,
                               "SELECT 1 FROM result WHERE instance=? AND instance<>0 AND made_of=?"
                               " AND fate='current'",
                               "it", instance, made_of),
                   made);
}

static enum store_status take_all(struct store *store, sqlite3_stmt *rows, struct result *list,
                                  size_t room, size_t *count)
{
    enum store_status status;
    *count = 0;
    while ((status = sql_row(store, rows)) == STORE_OK)
        if (*count < room)
            result_take(rows, &list[(*count)++]);
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status store_results(struct store *store, struct result *list, size_t room,
                                size_t *count)
{
    return take_all(store,
                    sql_prepare(store,
                                "SELECT " RESULT_COLUMNS " FROM result ORDER BY id DESC LIMIT ?",
                                "i", (int64_t)room),
                    list, room, count);
}

enum store_status store_study_results(struct store *store, const char *study, struct result *list,
                                      size_t room, size_t *count)
{
    return take_all(store,
                    sql_prepare(store,
                                "SELECT " RESULT_COLUMNS
                                " FROM result WHERE study=? ORDER BY id DESC LIMIT ?",
                                "ti", study, (int64_t)room),
                    list, room, count);
}
