/* What the site says of its orders. */
#include "store_site.h"

#include "store_sqlite.h"
#include <stdlib.h>

/* Rows that a message may be about, by what it names: ?1 accession, ?2 study, ?3 and ?4 the
 * filler's and the placer's number, ?5 who gave the accession number. An accession number alone
 * means all studies of it. A text for each, since one with all cases would read every row. */
enum { BY_BOTH, BY_ACCESSION, BY_STUDY, BY_NUMBERS, WAYS };
#define NAMED_BOTH                                                                                 \
    "((site_order.accession=?1 AND site_order.study IN (?2,'') AND"                                \
    " NOT issuers_differ(site_order.issuer,?5)) OR"                                                \
    " (site_order.accession='' AND site_order.study=?2)) AND ?4 NOTNULL"
#define NAMED_ACCESSION                                                                            \
    "site_order.accession=?1 AND site_order.accession<>'' AND"                                     \
    " NOT issuers_differ(site_order.issuer,?5) AND ?4 NOTNULL"
#define NAMED_STUDY "site_order.study=?2 AND site_order.study<>'' AND ?4 NOTNULL AND ?5 NOTNULL"
#define NAMED_NUMBERS                                                                              \
    "((site_order.filler_order=?3 AND site_order.filler_order<>'')"                                \
    " OR (site_order.placer_order=?4 AND site_order.placer_order<>'')) AND ?5 NOTNULL"
static sqlite3_stmt *prepare_of(struct store *store, const char *const texts[WAYS],
                                const struct site_order *o)
{
    int way = BY_NUMBERS;
    if (o->accession[0] != '\0')
        way = o->study[0] != '\0' ? BY_BOTH : BY_ACCESSION;
    else if (o->study[0] != '\0')
        way = BY_STUDY;
    return sql_prepare(store, texts[way], "ttttt", o->accession, o->study, o->filler_order,
                       o->placer_order, o->accession_issuer);
}

/* Of those, the ones with no number that differs: that have one of the message's; else, when they
 * are one order, that have none of them yet. A message without numbers is about all. Where it names
 * both accession and study, what was said of either without a number was of its order, too. The one
 * told last comes first. */
#define ROWS(named, bare)                                                                          \
    "WITH near AS MATERIALIZED (SELECT id,told_ms,filler_order,placer_order," bare " AS bare,"     \
    "(?3<>'' AND filler_order=?3) OR (?4<>'' AND placer_order=?4) AS same FROM site_order "        \
    "WHERE " named                                                                                 \
    " AND (?3='' OR filler_order IN ('',?3)) AND (?4='' OR placer_order IN ('',?4)))"              \
    " SELECT id FROM near WHERE same OR bare OR (?3='' AND ?4='') OR (NOT EXISTS"                  \
    " (SELECT 1 FROM near WHERE same) AND (SELECT COUNT(*) FROM (SELECT DISTINCT"                  \
    " filler_order,placer_order FROM near WHERE NOT bare))=1) ORDER BY told_ms DESC,id DESC"
static enum store_status find(struct store *store, const struct site_order *order, int64_t **ids,
                              size_t *count)
{
    static const char *const texts[WAYS] = {
        ROWS(NAMED_BOTH, "(filler_order='' AND placer_order='')"), ROWS(NAMED_ACCESSION, "0"),
        ROWS(NAMED_STUDY, "0"), ROWS(NAMED_NUMBERS, "0")};
    return sql_ids(store, prepare_of(store, texts, order), ids, count);
}

/* ---- a row has all that the message names ---- */

static enum store_status fill(struct store *store, const struct site_order *o, int64_t id)
{
    return sql_run(store, sql_prepare(store,
                                      "UPDATE OR IGNORE site_order SET"
                                      " accession=COALESCE(NULLIF(?1,''),accession),"
                                      "study=COALESCE(NULLIF(?2,''),study),"
                                      "issuer=COALESCE(NULLIF(issuer,''),?6),"
                                      "filler_order=COALESCE(NULLIF(?3,''),filler_order),"
                                      "placer_order=COALESCE(NULLIF(?4,''),placer_order)"
                                      " WHERE id=?5",
                                      "ttttit", o->accession, o->study, o->filler_order,
                                      o->placer_order, id, o->accession_issuer));
}

/* The row that has by now what row id would have. */
static enum store_status find_twin(struct store *store, const struct site_order *o, int64_t id,
                                   int64_t *twin, bool *is_newer)
{
    sqlite3_stmt *row =
        sql_prepare(store,
                    "SELECT t.id,(t.told_ms,t.id)>(o.told_ms,o.id) FROM site_order AS o"
                    " JOIN site_order AS t ON t.accession=COALESCE(NULLIF(?1,''),o.accession)"
                    " AND t.study=COALESCE(NULLIF(?2,''),o.study)"
                    " AND t.issuer=COALESCE(NULLIF(o.issuer,''),?6)"
                    " AND t.filler_order=COALESCE(NULLIF(?3,''),o.filler_order)"
                    " AND t.placer_order=COALESCE(NULLIF(?4,''),o.placer_order)"
                    " WHERE o.id=?5 AND t.id<>o.id",
                    "ttttit", o->accession, o->study, o->filler_order, o->placer_order, id,
                    o->accession_issuer);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    *twin = sqlite3_column_int64(row, 0);
    *is_newer = sqlite3_column_int(row, 1) != 0;
    (void)sqlite3_reset(row);
    return STORE_OK;
}

/* What was said last counts, and what only the older one says. */
static enum store_status unite(struct store *store, int64_t newer, int64_t older)
{
    enum store_status status = sql_run(
        store, sql_prepare(store,
                           "UPDATE site_order AS n SET"
                           " priority=COALESCE(NULLIF(n.priority,0),o.priority),"
                           "procedure_id=COALESCE(NULLIF(n.procedure_id,''),o.procedure_id),"
                           "procedure=COALESCE(NULLIF(n.procedure,''),o.procedure),"
                           "conclusion=COALESCE(NULLIF(n.conclusion,0),o.conclusion),"
                           "final_ms=COALESCE(MIN(NULLIF(n.final_ms,0),NULLIF(o.final_ms,0)),"
                           "NULLIF(n.final_ms,0),o.final_ms),"
                           "postoperative=CASE WHEN n.procedure='' THEN o.postoperative"
                           " ELSE n.postoperative END"
                           " FROM site_order AS o WHERE n.id=?1 AND o.id=?2",
                           "ii", newer, older));
    return status == STORE_OK
               ? sql_run(store, sql_prepare(store, "DELETE FROM site_order WHERE id=?", "i", older))
               : status;
}

static enum store_status complete(struct store *store, const struct site_order *order, int64_t id)
{
    int64_t twin = 0;
    bool is_newer = false;
    enum store_status status = fill(store, order, id);
    if (status != STORE_OK || sqlite3_changes(store->db) > 0)
        return status;
    status = find_twin(store, order, id, &twin, &is_newer);
    if (status != STORE_OK) /* none: the row went into its twin before */
        return status == STORE_NONE ? STORE_OK : status;
    if (is_newer)
        return unite(store, twin, id);
    status = unite(store, id, twin);
    return status == STORE_OK ? fill(store, order, id) : status;
}

/* ---- what becomes of it ---- */

static enum store_status change(struct store *store, const struct site_order *o, int64_t id,
                                int64_t now_ms)
{
    return sql_run(store,
                   sql_prepare(store,
                               "UPDATE site_order SET priority=COALESCE(NULLIF(?2,0),priority),"
                               "procedure_id=COALESCE(NULLIF(?3,''),procedure_id),"
                               "procedure=COALESCE(NULLIF(?4,''),procedure),"
                               "postoperative=CASE WHEN ?4='' THEN postoperative ELSE ?5 END,"
                               "read=CASE ?6 WHEN 0 THEN read ELSE ?6=2 END,told_ms=?7,"
                               "conclusion=CASE WHEN read=0 THEN ?8 ELSE"
                               " COALESCE(NULLIF(?8,0),conclusion) END,final_ms=CASE WHEN"
                               " ?6<>2 OR (read<>0 AND final_ms<>0) THEN final_ms ELSE ?7 END"
                               " WHERE id=?1",
                               "iittiiii", id, (int64_t)o->priority, o->procedure_id, o->procedure,
                               (int64_t)o->postoperative, (int64_t)o->read, now_ms,
                               (int64_t)o->conclusion));
}

static enum store_status add(struct store *store, const struct site_order *o, int64_t *id)
{
    enum store_status status = sql_run(
        store, sql_prepare(store,
                           "INSERT INTO site_order(accession,study,filler_order,placer_order,"
                           "issuer,told_ms) VALUES(?,?,?,?,?,0)",
                           "ttttt", o->accession, o->study, o->filler_order, o->placer_order,
                           o->accession_issuer));
    *id = sqlite3_last_insert_rowid(store->db);
    return status;
}

/* Studies that rows of these names are of: one that a row of another number is of comes out as it
 * was. */
#define DUE(named)                                                                                 \
    "UPDATE study SET place_due=1 WHERE uid<>'' AND uid IN (SELECT place.study FROM site_order"    \
    " JOIN place ON place.accession=site_order.accession AND place.accession<>'' AND NOT"          \
    " issuers_differ(site_order.issuer," ISSUER_OF(                                                \
        "place.study") ") WHERE " named                                                            \
                       " UNION SELECT site_order.study FROM site_order WHERE " named ")"
static enum store_status mark(struct store *store, const struct site_order *order, size_t *studies)
{
    static const char *const texts[WAYS] = {DUE(NAMED_BOTH), DUE(NAMED_ACCESSION), DUE(NAMED_STUDY),
                                            DUE(NAMED_NUMBERS)};
    enum store_status status = sql_run(store, prepare_of(store, texts, order));
    if (status == STORE_OK)
        *studies += (size_t)sqlite3_changes(store->db);
    return status;
}

static enum store_status apply(struct store *store, const struct site_order *order,
                               const int64_t *ids, size_t count, int64_t now_ms, size_t *studies)
{
    enum store_status status = STORE_OK;
    for (size_t i = 0; status == STORE_OK && i < count; i++)
        status = complete(store, order, ids[i]);
    if (status == STORE_OK && count > 0)
        status = mark(store, order, studies);
    for (size_t i = 0; status == STORE_OK && i < count; i++)
        status = order->cancelled
                     ? sql_run(store,
                               sql_prepare(store, "DELETE FROM site_order WHERE id=?", "i", ids[i]))
                     : change(store, order, ids[i], now_ms);
    return status;
}

/* *passed: it only reports, of an order that nobody knows. */
static enum store_status hear(struct store *store, const struct site_order *order, int64_t now_ms,
                              size_t *studies, bool *passed)
{
    int64_t *ids, fresh;
    size_t count;
    enum store_status status = STORE_OK;
    *passed = false;
    if (order->changed && !order->cancelled && order->accession[0] != '\0')
        status = store_rename_order(store, order, now_ms);
    if (status == STORE_OK)
        status = find(store, order, &ids, &count);
    if (status != STORE_OK)
        return status;
    if (count > 0 || order->cancelled) {
        status = apply(store, order, ids, count, now_ms, studies);
    } else if (order->accession[0] != '\0' || order->study[0] != '\0') {
        status = add(store, order, &fresh);
        if (status == STORE_OK)
            status = apply(store, order, &fresh, 1, now_ms, studies);
    } else {
        *passed = order->reports;
        status = order->reports ? STORE_OK : STORE_NONE;
    }
    free(ids);
    return status;
}

enum store_status store_site_orders(struct store *store, const char *message,
                                    const struct site_order *orders, size_t count, int64_t now_ms,
                                    size_t *studies, size_t *missing)
{
    bool heard = false, passed = false, entered = false;
    enum store_status status = sql_enter(store);
    *studies = 0;
    if (status != STORE_OK)
        return status;
    status = sql_any(
        store, sql_prepare(store, "SELECT 1 FROM site_message WHERE name=?", "t", message), &heard);
    for (*missing = 0; status == STORE_OK && !heard && *missing < count; ++*missing) {
        status = hear(store, &orders[*missing], now_ms, studies, &passed);
        if (status != STORE_OK)
            break;
        entered = entered || !passed;
    }
    if (status == STORE_OK && !heard && entered)
        status =
            sql_run(store, sql_prepare(store, "INSERT INTO site_message(name,at_ms) VALUES(?,?)",
                                       "ti", message, now_ms));
    return sql_leave(store, status);
}

/* ---- what is known ---- */

static void take_order(sqlite3_stmt *row, struct site_order *known, bool first)
{
    int priority = sqlite3_column_int(row, 0);
    bool postoperative = sqlite3_column_int(row, 1) != 0, read = sqlite3_column_int(row, 2) != 0;
    if (first) { /* the highest: its numbers are told */
        known->priority = priority >= ORDER_UNKNOWN && priority <= ORDER_STAT
                              ? (enum priority_order)priority
                              : ORDER_UNKNOWN;
        sql_text(row, 3, known->placer_order, sizeof known->placer_order);
        sql_text(row, 4, known->filler_order, sizeof known->filler_order);
        sql_text(row, 5, known->procedure_id, sizeof known->procedure_id);
        sql_text(row, 6, known->accession, sizeof known->accession);
        sql_text(row, 7, known->study, sizeof known->study);
        sql_text(row, 8, known->procedure, sizeof known->procedure);
    }
    known->postoperative = postoperative && (first || known->postoperative);
    known->read = read && (first || known->read == SITE_READ) ? SITE_READ : SITE_UNREAD;
}

#define KNOWN                                                                                      \
    "SELECT priority,postoperative,read,placer_order,filler_order,procedure_id,accession,study,"   \
    "procedure FROM site_order WHERE "

static enum store_status look(struct store *store, sqlite3_stmt *rows, struct site_order *known,
                              bool *found)
{
    enum store_status status;
    *found = false;
    while ((status = sql_row(store, rows)) == STORE_OK) {
        take_order(rows, known, !*found);
        *found = true;
    }
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status store_site_of(struct store *store, const char *study, const char *accession,
                                struct site_order *known)
{
    bool found = false;
    *known = (struct site_order){.priority = ORDER_UNKNOWN};
    enum store_status status = look(
        store,
        sql_prepare(store, KNOWN "study=? AND study<>'' ORDER BY priority DESC,told_ms DESC,id",
                    "t", study),
        known, &found);
    if (status != STORE_OK || found)
        return status;
    return look(store,
                sql_prepare(store,
                            KNOWN "accession=?1 AND accession<>'' AND"
                                  " NOT issuers_differ(issuer," ISSUER_OF(
                                      "?2") ")"
                                            " ORDER BY priority DESC,told_ms DESC,id",
                            "tt", accession, study),
                known, &found);
}

enum store_status store_site_unread(struct store *store, const char *study)
{
    enum store_status status =
        sql_run(store, sql_prepare(store,
                                   "UPDATE site_order SET read=0 WHERE read<>0 AND study=?"
                                   " AND study<>''",
                                   "t", study));
    return status == STORE_OK
               ? sql_run(store, sql_prepare(store,
                                            "UPDATE site_order SET read=0 WHERE read<>0 AND"
                                            " accession IN (SELECT accession FROM place WHERE"
                                            " study=? AND accession<>'')",
                                            "t", study))
               : status;
}

/* ---- their end ---- */

/* Of the rows looked at. ?3: told before, ?4: told before and without a study. */
#define ENDED                                                                                      \
    "FROM site_order WHERE id>?1 AND id<=?2 AND (told_ms<?3 OR (told_ms<?4 AND NOT EXISTS"         \
    " (SELECT 1 FROM study WHERE uid=site_order.study AND uid<>'') AND NOT EXISTS"                 \
    " (SELECT 1 FROM place WHERE place.accession=site_order.accession AND place.accession<>'')))"

/* How many, and the last of them. */
static enum store_status look_on(struct store *store, int64_t after, size_t most, size_t *looked,
                                 int64_t *last)
{
    sqlite3_stmt *row = sql_prepare(store,
                                    "SELECT COUNT(*),MAX(id) FROM (SELECT id FROM site_order"
                                    " WHERE id>? ORDER BY id LIMIT ?)",
                                    "ii", after, (int64_t)most);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    *looked = (size_t)sqlite3_column_int64(row, 0);
    *last = *looked > 0 ? sqlite3_column_int64(row, 1) : after;
    (void)sqlite3_reset(row);
    return STORE_OK;
}

static enum store_status end_orders(struct store *store, int64_t after, int64_t last,
                                    const struct store_step *step, int64_t unmatched_ms)
{
    bool any = false;
    enum store_status status = sql_any(store,
                                       sql_prepare(store, "SELECT 1 " ENDED " LIMIT 1", "iiii",
                                                   after, last, step->before_ms, unmatched_ms),
                                       &any);
    return status == STORE_OK && any
               ? sql_run(store, sql_prepare(store, "DELETE " ENDED, "iiii", after, last,
                                            step->before_ms, unmatched_ms))
               : status;
}

static enum store_status end_messages(struct store *store, int64_t before_ms, size_t most,
                                      size_t *gone)
{
    bool any = false;
    enum store_status status = sql_any(
        store,
        sql_prepare(store, "SELECT 1 FROM site_message WHERE at_ms<? LIMIT 1", "i", before_ms),
        &any);
    *gone = 0;
    if (status != STORE_OK || !any)
        return status;
    status = sql_run(store, sql_prepare(store,
                                        "DELETE FROM site_message WHERE name IN (SELECT name"
                                        " FROM site_message WHERE at_ms<? LIMIT ?)",
                                        "ii", before_ms, (int64_t)most));
    *gone = status == STORE_OK ? (size_t)sqlite3_changes(store->db) : 0;
    return status;
}

/* What ends is looked for before the write lock is asked for: mostly there is nothing. */
enum store_status store_site_expire(struct store *store, struct store_walk *walk,
                                    struct store_step *step, int64_t unmatched_ms)
{
    size_t messages = 0;
    int64_t last = walk->id;
    enum store_status status = look_on(store, walk->id, step->look, &step->looked, &last);
    if (status == STORE_OK)
        status = end_orders(store, walk->id, last, step, unmatched_ms);
    if (status == STORE_OK)
        status = end_messages(store, unmatched_ms, step->look, &messages);
    if (status != STORE_OK)
        return status;
    walk->id = last;
    if (messages > step->looked)
        step->looked = messages;
    return STORE_OK;
}
