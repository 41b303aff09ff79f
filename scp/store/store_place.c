/* Places in the reading worklist, and the news of them. */
#include "store_place.h"

#include "conf.h"
#include "store_site.h"
#include "store_sqlite.h"
#include <stdlib.h>
#include <string.h>

/* What is judged anew counts as it was judged before: nobody is put back meanwhile. */
#define COUNTS                                                                                     \
    "(state IN ('judged','not-processed') OR (state='received' AND revision>0)) AND reported>=0"   \
    " AND withdrawn='' AND "

/* ---- what is known of a study ---- */

/* Images that count: a finding of one that stands alone is the study's at once. */
static enum store_status look_at_images(struct store *store, struct store_case *c, size_t *count)
{
    sqlite3_stmt *rows =
        sql_prepare(store,
                    "SELECT outcome,finding_score,finding_point,agreed,alone,patient_id,issuer,"
                    /* of the last one: headers of a long series take their time */
                    "attribute(CASE WHEN id=(SELECT MAX(id) FROM instance WHERE " COUNTS "study=?1)"
                    " THEN attrs END," SQL_ACCESSION "),id,muted"
                    " FROM instance JOIN judgement ON instance=id WHERE " COUNTS "study=?1"
                    " ORDER BY id",
                    "t", c->study);
    enum store_status status;
    double best = -1;
    for (*count = 0; (status = sql_row(store, rows)) == STORE_OK; ++*count) {
        char name[32];
        enum srt_outcome outcome;
        double score = sqlite3_column_double(rows, 1), point = sqlite3_column_double(rows, 2);
        sql_text(rows, 0, name, sizeof name);
        sql_text(rows, 5, c->patient_id, sizeof c->patient_id);
        sql_text(rows, 6, c->issuer, sizeof c->issuer);
        sql_text(rows, 7, c->accession, sizeof c->accession);
        c->image = sqlite3_column_int64(rows, 8);
        if (!srt_outcome_parse(name, &outcome) || outcome != SRT_FINDING)
            continue;
        if (sqlite3_column_int(rows, 4) != 0) {
            c->known.answered = true;
            c->known.outcome = SRT_FINDING;
        }
        bool muted = sqlite3_column_int(rows, 9) != 0; /* others' findings are looked at alone */
        c->known.muted = muted && (c->known.muted || best < 0);
        if (!muted && score - point > best) {
            best = score - point;
            c->known.score = score;
            c->known.operating_point = point;
            c->known.agreed = sqlite3_column_int(rows, 3) != 0;
        }
    }
    return status == STORE_NONE ? STORE_OK : status;
}

/* One of a patient who was forgotten is none. */
static enum store_status look_at_report(struct store *store, struct store_case *c)
{
    char name[32];
    enum srt_outcome outcome;
    sqlite3_stmt *row =
        sql_prepare(store,
                    "SELECT uid,outcome FROM result WHERE study=? AND kind='sr' AND fate='current'"
                    " AND NOT EXISTS (SELECT 1 FROM covers JOIN instance ON"
                    " instance.id=covers.instance WHERE covers.result=result.id AND"
                    " withdrawn='" STORE_FORGOTTEN "') ORDER BY id DESC LIMIT 1",
                    "t", c->study);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    sql_text(row, 0, c->report, sizeof c->report);
    sql_text(row, 1, name, sizeof name);
    (void)sqlite3_reset(row);
    if (!c->known.answered && srt_outcome_parse(name, &outcome)) {
        c->known.answered = true;
        c->known.outcome = outcome;
    }
    return STORE_OK;
}

/* Whoever heard of a study that has no image any more is told of the same patient that it is over.
 */
static enum store_status look_at_withdrawn(struct store *store, struct store_case *c)
{
    sqlite3_stmt *row = sql_prepare(store,
                                    "SELECT id FROM instance JOIN judgement ON instance=id WHERE"
                                    " study=? AND length(attrs)>0 ORDER BY id DESC LIMIT 1",
                                    "t", c->study);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    c->image = sqlite3_column_int64(row, 0);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

/* What the receiver saw of the latest image that waits. */
static enum store_status look_at_received(struct store *store, struct store_case *c)
{
    sqlite3_stmt *row =
        sql_prepare(store,
                    "SELECT attribute(seen," SQL_ACCESSION "),attribute(seen," SQL_PATIENT_ID
                    "),attribute(seen," SQL_ISSUER ") FROM instance WHERE state='received' AND"
                    " study=? AND withdrawn='' ORDER BY id DESC LIMIT 1",
                    "t", c->study);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    c->waits = true;
    if (c->image == 0) {
        sql_text(row, 0, c->accession, sizeof c->accession);
        sql_text(row, 1, c->patient_id, sizeof c->patient_id);
        sql_text(row, 2, c->issuer, sizeof c->issuer);
    }
    (void)sqlite3_reset(row);
    return STORE_OK;
}

static enum store_status look_at_arrival(struct store *store, struct store_case *c)
{
    sqlite3_stmt *row =
        sql_prepare(store, "SELECT MIN(received_ms) FROM instance WHERE study=?", "t", c->study);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    c->arrived_ms = sqlite3_column_int64(row, 0);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

static enum store_status look_at_place(struct store *store, struct store_case *c)
{
    char name[32];
    sqlite3_stmt *row =
        sql_prepare(store,
                    "SELECT revision,rank,band,raised,strength,reason,outcome,answered,report,"
                    "site_priority FROM place WHERE study=?",
                    "t", c->study);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    c->revision = sqlite3_column_int64(row, 0);
    place_take(row, 1, &c->now);
    sql_text(row, 6, name, sizeof name);
    if (!srt_outcome_parse(name, &c->told_outcome))
        c->told_outcome = SRT_NOT_PROCESSED;
    c->told_answered = sqlite3_column_int(row, 7) != 0;
    sql_text(row, 8, c->told_report, sizeof c->told_report);
    c->told_order = (enum priority_order)sqlite3_column_int(row, 9);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

/* Known by what was found before: of two findings the later one is, and stays so. */
static enum store_status look_at_patient(struct store *store, struct store_case *c,
                                         int64_t since_ms)
{
    sqlite3_stmt *row =
        sql_prepare(store,
                    "SELECT 1 FROM place AS other LEFT JOIN place AS own ON own.study=?4 AND"
                    " own.finding_ms<>0 WHERE other.patient_id=?1 AND other.patient_id<>'' AND"
                    " other.finding_ms<>0 AND other.issuer=?2 AND other.finding_ms>=?3 AND"
                    " other.study<>?4 AND (own.study IS NULL OR other.finding_ms<own.finding_ms OR"
                    " (other.finding_ms=own.finding_ms AND other.study<own.study)) LIMIT 1",
                    "ttit", c->patient_id, c->issuer, since_ms, c->study);
    return sql_any(store, row, &c->known.known);
}

/* read: by a report or a person. */
static enum store_status look_at_orders(struct store *store, struct store_case *c, bool read)
{
    struct site_order order;
    enum store_status status = store_site_of(store, c->study, c->accession, &order);
    c->known.order = order.priority;
    c->known.postoperative = order.postoperative;
    c->site_read = order.read == SITE_READ;
    c->known.read = read || c->site_read;
    return status;
}

enum store_status store_case_of(struct store *store, const char *study, int64_t since_ms,
                                struct store_case *found)
{
    struct store_case *c = found;
    size_t images = 0;
    *c = (struct store_case){.known = {.order = ORDER_UNKNOWN}};
    sqlite3_stmt *row = sql_prepare(store, "SELECT uid,read FROM study WHERE uid=?", "t", study);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    sql_text(row, 0, c->study, sizeof c->study);
    bool read = sqlite3_column_int(row, 1) != 0;
    (void)sqlite3_reset(row);

    status = look_at_images(store, c, &images);
    if (status == STORE_OK)
        status = look_at_report(store, c);
    c->waits = !c->known.answered && images > 0;
    if (status == STORE_OK && !c->known.answered)
        status = look_at_received(store, c);
    if (status == STORE_OK)
        status = look_at_arrival(store, c);
    if (status == STORE_OK)
        status = look_at_place(store, c);
    if (status == STORE_OK)
        status = look_at_patient(store, c, since_ms);
    if (status == STORE_OK)
        status = look_at_orders(store, c, read);
    c->withdrawn = c->report[0] == '\0' && images == 0;
    return status == STORE_OK && c->withdrawn ? look_at_withdrawn(store, c) : status;
}

enum store_status store_next_case(struct store *store, int64_t since_ms, struct store_case *found)
{
    char study[DX_UID_MAX];
    sqlite3_stmt *row = sql_prepare(
        store, "SELECT uid FROM study WHERE place_due<>0 AND uid<>'' ORDER BY uid LIMIT 1", "");
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    sql_text(row, 0, study, sizeof study);
    (void)sqlite3_reset(row);
    return store_case_of(store, study, since_ms, found);
}

/* ---- a place ---- */

/* An order that came since the study was found could not mark it: it was due, or had no accession
 * number yet. */
static enum store_status settle(struct store *store, const struct store_case *c)
{
    struct site_order order;
    enum store_status status = store_site_of(store, c->study, c->accession, &order);
    bool same = order.priority == c->known.order && order.postoperative == c->known.postoperative &&
                (order.read == SITE_READ) == c->site_read;
    return status == STORE_OK && same
               ? sql_run(store, sql_prepare(store, "UPDATE study SET place_due=0 WHERE uid=?", "t",
                                            c->study))
               : status;
}

enum store_status store_place_stays(struct store *store, const struct store_case *of,
                                    int64_t now_ms)
{
    enum store_status status = sql_enter_light(store); /* lost, it is only looked at once more */
    if (status != STORE_OK)
        return status;
    status = waiting_settle(store, of, now_ms);
    return sql_leave_light(store, status == STORE_OK ? settle(store, of) : status);
}

/* One that others of the patient may be known by: what never raised a study is no news that was. */
static bool is_finding(const struct store_case *c)
{
    return c->known.answered && c->known.outcome == SRT_FINDING && !c->known.muted;
}

/* Studies that were known by this one's finding, when it is none any more, or another's. */
static enum store_status release_known(struct store *store, const struct store_case *c)
{
    bool finds = is_finding(c);
    return sql_run(
        store, sql_prepare(
                   store,
                   "UPDATE study SET place_due=1 WHERE uid IN (SELECT other.study FROM place AS own"
                   " JOIN place AS other ON other.patient_id=own.patient_id AND"
                   " other.issuer=own.issuer AND other.study<>own.study AND other.finding_ms<>0"
                   " WHERE own.study=?1 AND own.finding_ms<>0 AND own.patient_id<>'' AND"
                   " (?2=0 OR own.patient_id<>?3 OR own.issuer<>?4))",
                   "titt", c->study, (int64_t)finds, c->patient_id, c->issuer));
}

/* given: names of those that may be told of it, NULL: all. */
static enum store_status enter(struct store *store, const struct store_case *c,
                               const struct priority *p, const char *given, int64_t now_ms)
{
    return sql_run(
        store,
        sql_prepare(
            store,
            "INSERT INTO place(study,revision,rank,band,raised,strength,reason,outcome,answered,"
            "report,arrived_ms,changed_ms,finding_ms,read_ms,accession,patient_id,issuer,"
            "site_priority,model,waits,announcements)"
            " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21)"
            " ON CONFLICT(study) DO UPDATE SET revision=?2,rank=?3,band=?4,raised=?5,strength=?6,"
            "reason=?7,outcome=?8,answered=?9,report=?10,changed_ms=?12,finding_ms=CASE WHEN ?13=0"
            " THEN 0 WHEN finding_ms=0 THEN ?13 ELSE finding_ms END,read_ms=CASE WHEN ?14=0 THEN 0"
            " WHEN read_ms=0 THEN ?14 ELSE read_ms "
            "END,accession=?15,patient_id=?16,issuer=?17,site_priority=?18,model=?19,waits=?20,"
            "announcements=?21",
            "tiiiidttitiiiitttitit", c->study, c->revision + 1, (int64_t)p->rank, (int64_t)p->band,
            (int64_t)p->raised, p->strength, priority_reason_code(p->reason),
            c->known.answered ? srt_outcome_name(c->known.outcome) : "", (int64_t)c->known.answered,
            c->report, c->arrived_ms, now_ms, is_finding(c) ? now_ms : 0,
            c->known.read || (c->withdrawn && !c->waits) ? now_ms : (int64_t)0, c->accession,
            c->patient_id, c->issuer, (int64_t)c->known.order, c->model,
            (int64_t)(c->withdrawn && c->waits), given));
}

/* A study that leaves the list by being read has passed those that came earlier and still wait; a
 * STAT passes STAT alone, what it costs others is not counted. */
static enum store_status pass(struct store *store, const struct store_case *c, int64_t now_ms)
{
    if (!c->known.read)
        return STORE_OK;
    return sql_run(store,
                   sql_prepare(store,
                               "UPDATE place SET passed_ms=?5 WHERE passed_ms=0 AND read_ms=0"
                               " AND arrived_ms<?2 AND study<>?1 AND (?3<>?4 OR site_priority=?4)"
                               " AND EXISTS(SELECT 1 FROM place WHERE study=?1 AND read_ms=0)",
                               "tiiii", c->study, c->arrived_ms, (int64_t)c->known.order,
                               (int64_t)ORDER_STAT, now_ms));
}

/* Whether it may have heard of the study: what went out may have arrived, whatever its answer was,
 * and whether or not anybody was there to hear it. */
static enum store_status may_know(struct store *store, const char *announcement, const char *study,
                                  bool *may)
{
    sqlite3_stmt *row = sql_prepare(store,
                                    "SELECT 1 FROM news WHERE announcement=? AND study=?"
                                    " AND attempts>0 LIMIT 1",
                                    "tt", announcement, study);
    return sql_any(store, row, may);
}

static enum store_status announce(struct store *store, const struct store_case *c,
                                  const struct priority *p, enum news_kind kind, bool is_given,
                                  const struct store_receiver *to, const struct site_order *order,
                                  int64_t now_ms)
{
    bool may = false;
    enum store_status status = sql_run(
        store, sql_prepare(store,
                           "UPDATE news SET state='overtaken',done_ms=? WHERE announcement=?"
                           " AND study=? AND state='pending'",
                           "itt", now_ms, to->name, c->study));
    if (status == STORE_OK)
        status = may_know(store, to->name, c->study, &may);
    bool is_told = p->raised || (c->report[0] != '\0' && !to->raises_only);
    bool is_news = may || (kind == NEWS_PRIORITY && is_told && is_given);
    if (status != STORE_OK || !is_news)
        return status;
    return sql_run(store,
                   sql_prepare(store,
                               "INSERT OR IGNORE INTO news(announcement,study,revision,kind,rank,"
                               "site_priority,instance,state,created_ms,placer_order,"
                               "filler_order,procedure_id,accession)"
                               " VALUES(?,?,?,?,?,?,?,'pending',?,?,?,?,?)",
                               "ttiiiiiitttt", to->name, c->study, c->revision + 1, (int64_t)kind,
                               (int64_t)p->rank, (int64_t)c->known.order, c->image, now_ms,
                               order->placer_order, order->filler_order, order->procedure_id,
                               order->accession));
}

enum store_status store_place(struct store *store, const struct store_case *of,
                              const struct priority *priority, enum news_kind kind,
                              const struct store_receiver *to, size_t count, int64_t now_ms)
{
    struct site_order order;
    char names[ROUTE_NAMES_MOST];
    bool all = false;
    enum store_status status = sql_enter(store);
    if (status != STORE_OK)
        return status;
    status = release_known(store, of);
    if (status == STORE_OK)
        status = pass(store, of, now_ms);
    if (status == STORE_OK)
        status = route_announcements(store, of->study, names, &all);
    if (status == STORE_OK)
        status = enter(store, of, priority, all ? NULL : names, now_ms);
    if (status == STORE_OK)
        status = store_site_of(store, of->study, of->accession, &order);
    for (size_t i = 0; status == STORE_OK && i < count; i++)
        status = announce(store, of, priority, kind, all || conf_is_listed(names, to[i].name),
                          &to[i], &order, now_ms);
    if (status == STORE_OK)
        status = settle(store, of);
    return sql_leave(store, status);
}
