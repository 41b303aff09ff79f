#include "store_reading.h"

#include "store_place.h"
#include "store_site.h"
#include "store_sqlite.h"

#include <stdlib.h>
#include <string.h>

/* ---- bringing up to date ---- */

#define BATCH      256 /* items of one transaction: some milliseconds */
#define BATCH_TEXT "256"

/* The study is off the list: read, here or by another's report, or withdrawn. state<=2 is what
 * the index reading_open is known by. */
#define OVER                                                                                       \
    " FROM reading CROSS JOIN place ON place.study=reading.study LEFT JOIN study ON"               \
    " study.uid=reading.study WHERE reading.state=1 AND reading.state<=2 AND (read_ms<>0 OR "      \
    "waits<>0 OR study.read<>0)"
#define LAPSED " FROM reading WHERE state=2 AND claimed_ms<?"
/* On the list with an answer, and nobody has or will read it. */
#define LACKING                                                                                    \
    " FROM place CROSS JOIN study ON study.uid=place.study WHERE read_ms=0 AND waits=0 AND"        \
    " study.read=0 AND NOT EXISTS (SELECT 1 FROM reading WHERE reading.study=place.study AND "     \
    "reading.state<=2)"

static enum store_status is_due(struct store *store, int64_t lapsed_ms, bool *due)
{
    enum store_status status =
        sql_any(store, sql_prepare(store, "SELECT 1" LACKING " LIMIT 1", ""), due);
    if (status == STORE_OK && !*due)
        status = sql_any(store, sql_prepare(store, "SELECT 1" OVER " LIMIT 1", ""), due);
    if (status == STORE_OK && !*due)
        status =
            sql_any(store, sql_prepare(store, "SELECT 1" LAPSED " LIMIT 1", "i", lapsed_ms), due);
    return status;
}

/* Some of them: who else writes waits meanwhile. */
static enum store_status cancel(struct store *store, int64_t now_ms, int64_t lapsed_ms)
{
    enum store_status status = sql_run(
        store, sql_prepare(store,
                           "UPDATE reading SET state=3,ended_ms=?1,changed_ms=?1,"
                           "why=(SELECT CASE WHEN reason='read' OR study.read<>0 THEN 'read' ELSE"
                           " 'withdrawn' END FROM place LEFT JOIN study ON study.uid=place.study"
                           " WHERE place.study=reading.study)"
                           " WHERE id IN (SELECT reading.id" OVER " LIMIT " BATCH_TEXT ")",
                           "i", now_ms));
    return status == STORE_OK
               ? sql_run(store, sql_prepare(store,
                                            "UPDATE reading SET state=3,ended_ms=?2,changed_ms=?2,"
                                            "why='lapsed' WHERE id IN (SELECT id" LAPSED
                                            "1 LIMIT " BATCH_TEXT ")",
                                            "ii", lapsed_ms, now_ms))
               : status;
}

struct lacking {
    char study[DX_UID_MAX];
    int64_t arrived_ms, number;
};

static enum store_status find_lacking(struct store *store, struct lacking list[BATCH],
                                      size_t *count)
{
    enum store_status status;
    sqlite3_stmt *rows = sql_prepare(store,
                                     "SELECT place.study,arrived_ms,1+COALESCE((SELECT MAX(number)"
                                     " FROM reading WHERE reading.study=place.study),0)" LACKING
                                     " LIMIT " BATCH_TEXT,
                                     "");
    for (*count = 0; (status = sql_row(store, rows)) == STORE_OK; ++*count) {
        struct lacking *l = &list[*count];
        sql_text(rows, 0, l->study, sizeof l->study);
        l->arrived_ms = sqlite3_column_int64(rows, 1);
        l->number = sqlite3_column_int64(rows, 2);
    }
    return status == STORE_NONE ? STORE_OK : status;
}

static enum store_status schedule(struct store *store, int64_t now_ms, store_name_reading name,
                                  void *context)
{
    struct lacking list[BATCH];
    size_t count = 0;
    enum store_status status = find_lacking(store, list, &count);
    for (size_t i = 0; status == STORE_OK && i < count; i++) {
        char uid[DX_UID_MAX];
        if (!name(context, list[i].study, list[i].arrived_ms, list[i].number, uid))
            return STORE_BROKEN;
        status = sql_run(store, sql_prepare(store,
                                            "INSERT INTO reading(uid,study,number,state,made_ms,"
                                            "changed_ms) VALUES(?1,?2,?3,1,?4,?4)",
                                            "ttii", uid, list[i].study, list[i].number, now_ms));
    }
    return status;
}

enum store_status store_readings_turn(struct store *store, int64_t now_ms, int64_t lapsed_ms,
                                      store_name_reading name, void *context)
{
    bool due;
    enum store_status status = is_due(store, lapsed_ms, &due);
    while (status == STORE_OK && due) {
        status = sql_enter(store);
        if (status != STORE_OK)
            return status;
        status = cancel(store, now_ms, lapsed_ms);
        if (status == STORE_OK)
            status = schedule(store, now_ms, name, context);
        status = sql_leave(store, status);
        if (status == STORE_OK)
            status = is_due(store, lapsed_ms, &due);
    }
    return status;
}

/* ---- the list ---- */

enum store_status store_readings(struct store *store, const struct priority_policy *policy,
                                 unsigned states, int64_t ended_ms,
                                 struct store_reading_place *list, size_t room, size_t *count)
{
    sqlite3_stmt *rows = sql_prepare(
        store,
        "SELECT item.id,rank,band,raised,strength,reason,arrived_ms," SITE_PRIORITY ",passed_ms"
        " FROM (SELECT id,study FROM reading WHERE state<=2 AND (?1>>state)&1 UNION ALL"
        " SELECT id,study FROM reading WHERE state>2 AND ended_ms>=?2 AND (?1>>state)&1) AS item"
        " CROSS JOIN place ON place.study=item.study"
        " ORDER BY " STANDS("reason", "?4,?5,?6") ",item.study,item.id LIMIT ?3",
        "iiiiii", (int64_t)states, ended_ms, (int64_t)room, (int64_t)policy->ageing_seconds,
        (int64_t)policy->delay_seconds, policy->now_ms);
    enum store_status status;
    *count = 0;
    while ((status = sql_row(store, rows)) == STORE_OK) {
        struct store_reading_place *p = &list[(*count)++];
        p->id = sqlite3_column_int64(rows, 0);
        p->place = (struct priority_place){.number = (int64_t)*count};
        place_take(rows, 1, &p->place.priority);
        p->place.arrived_ms = sqlite3_column_int64(rows, 6);
        p->place.order = (enum priority_order)sqlite3_column_int(rows, 7);
        p->place.passed_ms = sqlite3_column_int64(rows, 8);
    }
    return status == STORE_NONE ? STORE_OK : status;
}

/* ---- an item ---- */

#define COLUMNS                                                                                    \
    "id,uid,study,state,revision,changed_ms,claimed_ms,ended_ms,trans,performer,why,said"

static enum reading_why why_of(const char *word)
{
    return strcmp(word, "read") == 0        ? READING_READ
           : strcmp(word, "withdrawn") == 0 ? READING_WITHDRAWN
           : strcmp(word, "lapsed") == 0    ? READING_LAPSED
                                            : READING_BY_PERFORMER;
}

static void take(sqlite3_stmt *row, struct store_reading *r)
{
    char why[16];
    *r = (struct store_reading){.id = sqlite3_column_int64(row, 0),
                                .state = (enum reading_state)sqlite3_column_int(row, 3),
                                .revision = sqlite3_column_int64(row, 4),
                                .changed_ms = sqlite3_column_int64(row, 5),
                                .claimed_ms = sqlite3_column_int64(row, 6),
                                .ended_ms = sqlite3_column_int64(row, 7)};
    sql_text(row, 1, r->uid, sizeof r->uid);
    sql_text(row, 2, r->study, sizeof r->study);
    sql_text(row, 8, r->transaction, sizeof r->transaction);
    sql_text(row, 9, r->performer, sizeof r->performer);
    sql_text(row, 10, why, sizeof why);
    r->why = why_of(why);
}

enum store_status store_reading_find(struct store *store, const char *uid,
                                     struct store_reading *reading)
{
    sqlite3_stmt *row = sql_prepare(store, "SELECT " COLUMNS " FROM reading WHERE uid=?", "t", uid);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    take(row, reading);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

static enum store_status get_header(struct store *store, const char *study, uint8_t **attrs,
                                    size_t *bytes)
{
    sqlite3_stmt *row =
        sql_prepare(store,
                    "SELECT attrs FROM instance CROSS JOIN judgement ON judgement.instance="
                    "instance.id WHERE study=? ORDER BY instance.id DESC LIMIT 1",
                    "t", study);
    return sql_first_bytes(store, row, attrs, bytes);
}

static enum store_status get_place(struct store *store, const char *study, struct news *news)
{
    char name[32];
    struct priority place;
    struct site_order order;
    sqlite3_stmt *row =
        sql_prepare(store,
                    "SELECT rank,band,raised,strength,reason,outcome,arrived_ms,accession,"
                    "patient_id,issuer,site_priority,model,revision,changed_ms FROM place"
                    " WHERE study=?",
                    "t", study);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    place_take(row, 0, &place);
    *news = (struct news){.rank = place.rank, .raised = place.raised, .reason = place.reason};
    sql_text(row, 5, name, sizeof name);
    if (!srt_outcome_parse(name, &news->outcome))
        news->outcome = SRT_NOT_PROCESSED;
    news->received_ms = sqlite3_column_int64(row, 6);
    sql_text(row, 7, news->accession, sizeof news->accession);
    sql_text(row, 8, news->patient_id, sizeof news->patient_id);
    sql_text(row, 9, news->issuer, sizeof news->issuer);
    news->order = (enum priority_order)sqlite3_column_int(row, 10);
    sql_text(row, 11, news->model, sizeof news->model);
    news->revision = sqlite3_column_int64(row, 12);
    news->created_ms = sqlite3_column_int64(row, 13);
    (void)sqlite3_reset(row);
    memcpy(news->study, study, sizeof news->study);
    status = store_site_of(store, study, news->accession, &order);
    if (news->accession[0] == '\0')
        memcpy(news->accession, order.accession, sizeof news->accession);
    memcpy(news->placer_order, order.placer_order, sizeof news->placer_order);
    memcpy(news->filler_order, order.filler_order, sizeof news->filler_order);
    memcpy(news->procedure_id, order.procedure_id, sizeof news->procedure_id);
    return status;
}

enum store_status store_reading_get(struct store *store, int64_t id, struct store_reading *reading,
                                    struct news *news, uint8_t **attrs, size_t *attrs_bytes,
                                    uint8_t **said, size_t *said_bytes)
{
    *attrs = *said = NULL;
    *attrs_bytes = *said_bytes = 0;
    sqlite3_stmt *row = sql_prepare(store, "SELECT " COLUMNS " FROM reading WHERE id=?", "i", id);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    take(row, reading);
    bool copied = sql_bytes(row, 11, said, said_bytes);
    (void)sqlite3_reset(row);
    if (!copied)
        return STORE_BROKEN;
    status = get_place(store, reading->study, news);
    memcpy(news->workitem, reading->uid, sizeof news->workitem);
    return status == STORE_OK ? get_header(store, reading->study, attrs, attrs_bytes) : status;
}

/* ---- by its performer ---- */

enum store_status store_reading_claim(struct store *store, int64_t id, const char *transaction,
                                      const char *performer, int64_t now_ms)
{
    return sql_changed(
        store, sql_run(store, sql_prepare(store,
                                          "UPDATE reading SET state=2,trans=?2,performer=?3,"
                                          "claimed_ms=?4,changed_ms=?4 WHERE id=?1 AND state=1",
                                          "itti", id, transaction, performer, now_ms)));
}

enum store_status store_reading_say(struct store *store, int64_t id, int64_t revision,
                                    const uint8_t *said, size_t bytes, int64_t now_ms)
{
    return sql_changed(
        store,
        sql_run(store, sql_prepare(store,
                                   "UPDATE reading SET said=?1,revision=revision+1,claimed_ms=?4,"
                                   "changed_ms=?4 WHERE id=?2 AND revision=?3 AND state=2",
                                   "biii", said, bytes, id, revision, now_ms)));
}

static enum store_status end(struct store *store, int64_t id, int64_t revision,
                             enum reading_state state, int64_t now_ms)
{
    enum store_status status = sql_changed(
        store, sql_run(store, sql_prepare(store,
                                          "UPDATE reading SET state=?3,ended_ms=?4,"
                                          "changed_ms=?4 WHERE id=?1 AND revision=?2 AND"
                                          " state=2",
                                          "iiii", id, revision, (int64_t)state, now_ms)));
    if (status != STORE_OK || state != READING_COMPLETED)
        return status;
    return sql_run(store, sql_prepare(store,
                                      "UPDATE study SET read=1,place_due=1 WHERE uid="
                                      "(SELECT study FROM reading WHERE id=?)",
                                      "i", id));
}

enum store_status store_reading_end(struct store *store, int64_t id, int64_t revision,
                                    enum reading_state state, int64_t now_ms)
{
    enum store_status status = sql_enter(store);
    return status == STORE_OK ? sql_leave(store, end(store, id, revision, state, now_ms)) : status;
}
