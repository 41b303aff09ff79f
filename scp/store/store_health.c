/* What the node remembers of itself. */
#include "store_health.h"
#include "store_keep.h"
#include "store_sqlite.h"

#include <stdlib.h>
#include <string.h>

#define SELFTESTS_KEPT 1000

/* ---- samples ---- */

enum store_status sample_add(struct store *store, int64_t report, const struct store_sample *s)
{
    return sql_run(store,
                   sql_prepare(store,
                               "INSERT OR IGNORE INTO sample(report,series,at_ms,hit,score)"
                               " VALUES(?,?,?,?,?)",
                               "itiid", report, s->series, s->at_ms, (int64_t)s->hit, s->score));
}

enum store_status store_count_association(struct store *store, int64_t at_ms, bool refused)
{
    return sql_run(store, sql_prepare(store,
                                      "INSERT INTO sample(report,series,at_ms,hit,score)"
                                      " VALUES(NULL,'" STORE_SERIES_ASSOCIATION "',?,?,0.0)",
                                      "ii", at_ms, (int64_t)refused));
}

static enum store_status take_samples(struct store *store, sqlite3_stmt *rows,
                                      struct store_sample *list, size_t room, size_t *count,
                                      int64_t *last)
{
    enum store_status status;
    *count = 0;
    while ((status = sql_row(store, rows)) == STORE_OK) {
        if (*count == room)
            continue;
        struct store_sample *sample = &list[(*count)++];
        *sample = (struct store_sample){.at_ms = sqlite3_column_int64(rows, 2),
                                        .hit = sqlite3_column_int(rows, 3) != 0,
                                        .score = sqlite3_column_double(rows, 4)};
        sql_text(rows, 1, sample->series, sizeof sample->series);
        *last = sqlite3_column_int64(rows, 0);
    }
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status store_first_samples(struct store *store, const char *series, int64_t since_ms,
                                      struct store_sample *list, size_t room, size_t *count,
                                      int64_t *last)
{
    *last = 0;
    return take_samples(store,
                        sql_prepare(store,
                                    "SELECT id,series,at_ms,hit,score FROM sample"
                                    " WHERE series=? AND at_ms>=? ORDER BY id LIMIT ?",
                                    "tii", series, since_ms, (int64_t)room),
                        list, room, count, last);
}

enum store_status store_last_samples(struct store *store, const char *series, int64_t after,
                                     struct store_sample *list, size_t room, size_t *count)
{
    int64_t last = 0;
    return take_samples(store,
                        sql_prepare(store,
                                    "SELECT * FROM (SELECT id,series,at_ms,hit,score FROM sample"
                                    " WHERE series=? AND id>? ORDER BY id DESC LIMIT ?)"
                                    " ORDER BY id",
                                    "tii", series, after, (int64_t)room),
                        list, room, count, &last);
}

/* ---- hours ---- */

enum store_status hour_add(struct store *store, const char *station, int64_t at_ms)
{
    return sql_run(store, sql_prepare(store,
                                      "INSERT INTO hour(station,hour,studies) VALUES(?,?,1)"
                                      " ON CONFLICT(station,hour) DO UPDATE SET studies=studies+1",
                                      "ti", station, at_ms / STORE_HOUR_MS));
}

enum store_status store_hours(struct store *store, int64_t since, int stations,
                              struct store_hour **list, size_t *count)
{
    size_t room = 0;
    enum store_status status;
    *list = NULL;
    *count = 0;
    sqlite3_stmt *rows = sql_prepare(store,
                                     "SELECT station,hour,studies FROM hour WHERE hour>=?1"
                                     " AND station IN (SELECT station FROM hour WHERE hour>=?1"
                                     "   GROUP BY station ORDER BY SUM(studies) DESC LIMIT ?2)"
                                     " ORDER BY station,hour",
                                     "ii", since, (int64_t)stations);
    while ((status = sql_row(store, rows)) == STORE_OK) {
        if (*count == room) {
            room = room == 0 ? 1024 : 2 * room;
            struct store_hour *more = reallocarray(*list, room, sizeof *more);
            if (more == NULL) {
                (void)sqlite3_reset(rows);
                status = STORE_BROKEN;
                break;
            }
            *list = more;
        }
        struct store_hour *hour = &(*list)[(*count)++];
        sql_text(rows, 0, hour->station, sizeof hour->station);
        hour->hour = sqlite3_column_int64(rows, 1);
        hour->studies = sqlite3_column_int64(rows, 2);
    }
    if (status == STORE_NONE)
        return STORE_OK;
    free(*list);
    *list = NULL;
    *count = 0;
    return status;
}

/* ---- references ---- */

enum store_status store_relearned(struct store *store, int64_t *at_ms)
{
    return store_recall(store, "relearned", at_ms);
}

enum store_status store_relearn(struct store *store, int64_t at_ms)
{
    return store_memorise(store, "relearned", at_ms);
}

static enum store_status trim_series(struct store *store, const char *series, int64_t since_ms,
                                     int reference)
{
    return sql_run(
        store, sql_prepare(store,
                           "DELETE FROM sample WHERE series=?1"
                           " AND id<=(SELECT id FROM sample WHERE series=?1 ORDER BY id DESC"
                           "   LIMIT 1 OFFSET ?2)"
                           " AND id NOT IN (SELECT id FROM sample WHERE series=?1 AND at_ms>=?3"
                           "   ORDER BY id LIMIT ?4)",
                           "tiii", series, (int64_t)STORE_SAMPLES, since_ms, (int64_t)reference));
}

static enum store_status next_series(struct store *store, char series[DX_DIGEST_MAX])
{
    sqlite3_stmt *row = sql_prepare(
        store, "SELECT series FROM sample WHERE series>? ORDER BY series LIMIT 1", "t", series);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    sql_text(row, 0, series, DX_DIGEST_MAX);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

enum store_status store_trim_health(struct store *store, int64_t now_ms, int reference)
{
    char series[DX_DIGEST_MAX] = "";
    int64_t since_ms;
    enum store_status status = store_relearned(store, &since_ms);
    if (status == STORE_OK)
        status = sql_enter(store);
    if (status != STORE_OK)
        return status;
    while (status == STORE_OK && (status = next_series(store, series)) == STORE_OK)
        status = trim_series(store, series, since_ms, reference);
    if (status == STORE_NONE)
        status = STORE_OK;
    if (status == STORE_OK)
        status = sql_run(store, sql_prepare(store, "DELETE FROM hour WHERE hour<?", "i",
                                            now_ms / STORE_HOUR_MS - STORE_HOURS_KEPT));
    return sql_leave(store, status);
}

/* ---- jobs ---- */

enum store_status store_oldest(struct store *store, struct store_oldest *oldest)
{
    *oldest = (struct store_oldest){.received_ms = 0};
    sqlite3_stmt *row = sql_prepare(
        store,
        "SELECT (SELECT received_ms FROM instance WHERE state='received' ORDER BY id LIMIT 1),"
        " (SELECT MIN(last_received_ms) FROM study WHERE uid<>'' AND uid IN (SELECT study FROM"
        "   instance WHERE reported=0 AND state IN ('judged','not-processed') AND withdrawn='')"
        "   AND NOT EXISTS(SELECT 1 FROM open_association WHERE open_association.study=study.uid))",
        "");
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    oldest->received_ms = sqlite3_column_int64(row, 0);
    oldest->due_ms = sqlite3_column_int64(row, 1);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

enum store_status store_oldest_pending(struct store *store, struct store_oldest_pending *list,
                                       size_t room, size_t *count)
{
    enum store_status status;
    *count = 0;
    sqlite3_stmt *rows = sql_prepare(
        store,
        "SELECT destination,MIN(created_ms) FROM delivery JOIN result ON result.id=delivery.result"
        " WHERE state='pending' GROUP BY destination",
        "");
    while ((status = sql_row(store, rows)) == STORE_OK) {
        if (*count == room)
            continue;
        sql_text(rows, 0, list[*count].destination, sizeof list->destination);
        list[(*count)++].since_ms = sqlite3_column_int64(rows, 1);
    }
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status store_refused(struct store *store, struct store_refused *list, size_t room,
                                size_t *count)
{
    enum store_status status;
    *count = 0;
    sqlite3_stmt *rows =
        sql_prepare(store, /* last_error: of the row that has the maximum */
                    "SELECT destination,COUNT(*),last_error,MAX(next_ms) FROM delivery INDEXED BY"
                    " delivery_parked WHERE state='parked' GROUP BY destination LIMIT ?",
                    "i", (int64_t)room);
    while ((status = sql_row(store, rows)) == STORE_OK) {
        struct store_refused *one = &list[(*count)++];
        sql_text(rows, 0, one->destination, sizeof one->destination);
        one->count = (uint64_t)sqlite3_column_int64(rows, 1);
        sql_text(rows, 2, one->why, sizeof one->why);
    }
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status store_conflicts(struct store *store, struct store_conflicts *list, size_t room,
                                  size_t *count)
{
    enum store_status status;
    *count = 0;
    sqlite3_stmt *rows =
        sql_prepare(store,
                    "SELECT calling,COUNT(*),MAX(id) FROM instance INDEXED BY instance_quarantined"
                    " WHERE " QUARANTINED " AND reason='conflict' GROUP BY calling LIMIT ?",
                    "i", (int64_t)room);
    while ((status = sql_row(store, rows)) == STORE_OK) {
        struct store_conflicts *one = &list[(*count)++];
        sql_text(rows, 0, one->station, sizeof one->station);
        one->count = (uint64_t)sqlite3_column_int64(rows, 1);
        one->last = sqlite3_column_int64(rows, 2);
    }
    return status == STORE_NONE ? STORE_OK : status;
}

/* ---- alarms ---- */

enum store_status store_alarms(struct store *store, struct store_alarm *list, size_t room,
                               size_t *count)
{
    enum store_status status;
    *count = 0;
    sqlite3_stmt *rows =
        sql_prepare(store, "SELECT name,subject,since_ms FROM alarm ORDER BY since_ms LIMIT ?", "i",
                    (int64_t)room);
    while ((status = sql_row(store, rows)) == STORE_OK) {
        if (*count == room)
            continue;
        struct store_alarm *alarm = &list[(*count)++];
        sql_text(rows, 0, alarm->name, sizeof alarm->name);
        sql_text(rows, 1, alarm->subject, sizeof alarm->subject);
        alarm->since_ms = sqlite3_column_int64(rows, 2);
    }
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status store_set_alarm(struct store *store, const struct store_alarm *alarm, bool on)
{
    if (!on)
        return sql_run(store, sql_prepare(store, "DELETE FROM alarm WHERE name=? AND subject=?",
                                          "tt", alarm->name, alarm->subject));
    return sql_run(store, sql_prepare(store,
                                      "INSERT OR IGNORE INTO alarm(name,subject,since_ms)"
                                      " VALUES(?,?,?)",
                                      "tti", alarm->name, alarm->subject, alarm->since_ms));
}

/* ---- self-tests ---- */

enum store_status store_add_selftest(struct store *store, const struct store_selftest *s)
{
    enum store_status status = sql_enter(store);
    if (status != STORE_OK)
        return status;
    status =
        sql_run(store, sql_prepare(store,
                                   "INSERT INTO selftest(at_ms,passed,unlocked,cause,build,"
                                   "kernels,models,what,detail) VALUES(?,?,?,?,?,?,?,?,?)",
                                   "iiitttttt", s->at_ms, (int64_t)s->passed, (int64_t)s->unlocked,
                                   s->cause, s->build, s->kernels, s->models, s->what, s->detail));
    if (status == STORE_OK)
        status = sql_run(store, sql_prepare(store,
                                            "DELETE FROM selftest WHERE id<="
                                            "(SELECT MAX(id) FROM selftest)-?",
                                            "i", (int64_t)SELFTESTS_KEPT));
    return sql_leave(store, status);
}

enum store_status store_last_selftest(struct store *store, struct store_selftest *s)
{
    *s = (struct store_selftest){.at_ms = 0};
    sqlite3_stmt *row = sql_prepare(store,
                                    "SELECT at_ms,passed,unlocked,cause,build,kernels,models,what,"
                                    "detail FROM selftest ORDER BY id DESC LIMIT 1",
                                    "");
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    s->at_ms = sqlite3_column_int64(row, 0);
    s->passed = sqlite3_column_int(row, 1) != 0;
    s->unlocked = sqlite3_column_int(row, 2);
    sql_text(row, 3, s->cause, sizeof s->cause);
    sql_text(row, 4, s->build, sizeof s->build);
    sql_text(row, 5, s->kernels, sizeof s->kernels);
    sql_text(row, 6, s->models, sizeof s->models);
    sql_text(row, 7, s->what, sizeof s->what);
    sql_text(row, 8, s->detail, sizeof s->detail);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

/* ---- what a result was made of ---- */

enum store_status store_result_images(struct store *store, const struct result *result,
                                      int64_t **ids, size_t *count)
{
    return sql_ids(store,
                   sql_prepare(store,
                               "SELECT instance FROM covers WHERE result=?1 AND ?2=0"
                               " UNION SELECT ?2 WHERE ?2<>0 ORDER BY 1",
                               "ii", result->report, result->instance),
                   ids, count);
}
