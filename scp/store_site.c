/* What the site says of its orders. */
#include "store_site.h"

#include "store_sqlite.h"
#include <string.h>

/* Rows that a message is about, by what it names: ?1, and its study ?2. An accession number alone
 * means all studies of it. A text for each, since one with all cases would read every row. */
enum { BY_ACCESSION, BY_STUDY, BY_FILLER, BY_PLACER, WAYS };
#define OF_ACCESSION "site_order.accession=?1 AND site_order.accession<>''"
#define OF_STUDY     "site_order.study=?1 AND site_order.study<>'' AND ?2 NOTNULL"
#define OF_FILLER    "site_order.filler_order=?1 AND site_order.filler_order<>'' AND ?2 NOTNULL"
#define OF_PLACER    "site_order.placer_order=?1 AND site_order.placer_order<>'' AND ?2 NOTNULL"
#define OF_ORDER     OF_ACCESSION " AND (?2='' OR site_order.study=?2)"
#define BY_ALL(head)                                                                               \
    {                                                                                              \
        head OF_ORDER, head OF_STUDY, head OF_FILLER, head OF_PLACER                               \
    }

static int way_of(const struct site_order *order, const char **key)
{
    const char *const keys[] = {order->accession, order->study, order->filler_order,
                                order->placer_order};
    int way = 0;
    while (way < WAYS - 1 && keys[way][0] == '\0')
        way++;
    *key = keys[way];
    return way;
}

static enum store_status is_heard(struct store *store, const char *message, bool *heard)
{
    sqlite3_stmt *row = sql_prepare(store, "SELECT 1 FROM site_message WHERE name=?", "t", message);
    enum store_status status = sql_row(store, row);
    *heard = status == STORE_OK;
    if (status == STORE_OK)
        (void)sqlite3_reset(row);
    return status == STORE_NONE ? STORE_OK : status;
}

static enum store_status is_known(struct store *store, const struct site_order *order, bool *known)
{
    static const char *const texts[WAYS] = BY_ALL("SELECT 1 FROM site_order WHERE ");
    const char *key;
    int way = way_of(order, &key);
    sqlite3_stmt *row = sql_prepare(store, texts[way], "tt", key, order->study);
    enum store_status status = sql_row(store, row);
    *known = status == STORE_OK;
    if (status == STORE_OK)
        (void)sqlite3_reset(row);
    return status == STORE_NONE ? STORE_OK : status;
}

/* An order that was known by one of its two names has the other now. */
static enum store_status complete(struct store *store, const struct site_order *order)
{
    if (order->accession[0] == '\0' || order->study[0] == '\0')
        return STORE_OK;
    enum store_status status =
        sql_run(store, sql_prepare(store,
                                   "UPDATE OR IGNORE site_order SET study=?2 WHERE accession=?1"
                                   " AND study=''",
                                   "tt", order->accession, order->study));
    return status == STORE_OK
               ? sql_run(store, sql_prepare(store,
                                            "UPDATE OR IGNORE site_order SET accession=?1 WHERE"
                                            " accession='' AND study=?2",
                                            "tt", order->accession, order->study))
               : status;
}

static enum store_status change(struct store *store, const struct site_order *o, int64_t now_ms)
{
    static const char *const texts[WAYS] =
        BY_ALL("UPDATE site_order SET priority=CASE WHEN ?5=0 THEN priority ELSE ?5 END,"
               "filler_order=CASE WHEN ?3='' THEN filler_order ELSE ?3 END,"
               "placer_order=CASE WHEN ?4='' THEN placer_order ELSE ?4 END,"
               "procedure_id=CASE WHEN ?6='' THEN procedure_id ELSE ?6 END,"
               "procedure=CASE WHEN ?7='' THEN procedure ELSE ?7 END,"
               "postoperative=CASE WHEN ?7='' THEN postoperative ELSE ?8 END,"
               "read=CASE ?9 WHEN 0 THEN read ELSE ?9=2 END,told_ms=?10 WHERE ");
    const char *key;
    int way = way_of(o, &key);
    return sql_run(store,
                   sql_prepare(store, texts[way], "ttttittiii", key, o->study, o->filler_order,
                               o->placer_order, (int64_t)o->priority, o->procedure_id, o->procedure,
                               (int64_t)o->postoperative, (int64_t)o->read, now_ms));
}

static enum store_status add(struct store *store, const struct site_order *o)
{
    return sql_run(store, sql_prepare(store,
                                      "INSERT OR IGNORE INTO site_order(accession,study,told_ms)"
                                      " VALUES(?,?,0)",
                                      "tt", o->accession, o->study));
}

/* The studies that rows about this order are of. */
#define DUE                                                                                        \
    "UPDATE study SET place_due=1 WHERE uid<>'' AND uid IN (SELECT place.study FROM site_order"    \
    " JOIN place ON place.accession=site_order.accession AND place.accession<>'' WHERE "
#define OR_NAMED " UNION SELECT site_order.study FROM site_order WHERE "
static enum store_status mark(struct store *store, const struct site_order *order, size_t *studies)
{
    static const char *const texts[WAYS] = {
        DUE OF_ACCESSION OR_NAMED OF_ORDER ")", DUE OF_STUDY OR_NAMED OF_STUDY ")",
        DUE OF_FILLER OR_NAMED OF_FILLER ")", DUE OF_PLACER OR_NAMED OF_PLACER ")"};
    const char *key;
    int way = way_of(order, &key);
    enum store_status status =
        sql_run(store, sql_prepare(store, texts[way], "tt", key, order->study));
    if (status == STORE_OK)
        *studies += (size_t)sqlite3_changes(store->db);
    return status;
}

static enum store_status forget(struct store *store, const struct site_order *order,
                                size_t *studies)
{
    static const char *const texts[WAYS] = BY_ALL("DELETE FROM site_order WHERE ");
    const char *key;
    int way = way_of(order, &key);
    enum store_status status = mark(store, order, studies);
    return status == STORE_OK
               ? sql_run(store, sql_prepare(store, texts[way], "tt", key, order->study))
               : status;
}

static enum store_status hear(struct store *store, const struct site_order *order, int64_t now_ms,
                              size_t *studies)
{
    bool known = false;
    bool is_named = order->accession[0] != '\0' || order->study[0] != '\0';
    if (order->cancelled)
        return forget(store, order, studies);
    enum store_status status = complete(store, order);
    if (status == STORE_OK)
        status = is_known(store, order, &known);
    if (status == STORE_OK && !known && !is_named)
        return STORE_NONE;
    if (status == STORE_OK && !known)
        status = add(store, order);
    if (status == STORE_OK)
        status = change(store, order, now_ms);
    return status == STORE_OK ? mark(store, order, studies) : status;
}

enum store_status store_site_orders(struct store *store, const char *message,
                                    const struct site_order *orders, size_t count, int64_t now_ms,
                                    size_t *studies, size_t *missing)
{
    bool heard = false;
    enum store_status status = sql_enter(store);
    *studies = 0;
    if (status != STORE_OK)
        return status;
    status = is_heard(store, message, &heard);
    for (*missing = 0; status == STORE_OK && !heard && *missing < count; ++*missing) {
        status = hear(store, &orders[*missing], now_ms, studies);
        if (status != STORE_OK)
            break;
    }
    if (status == STORE_OK && !heard)
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
                            KNOWN "accession=? AND accession<>''"
                                  " ORDER BY priority DESC,told_ms DESC,id",
                            "t", accession),
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

enum store_status store_site_expire(struct store *store, int64_t before_ms, int64_t unmatched_ms,
                                    size_t most)
{
    enum store_status status = sql_enter(store);
    if (status != STORE_OK)
        return status;
    status = sql_run(store, sql_prepare(store,
                                        "DELETE FROM site_order WHERE id IN (SELECT id FROM"
                                        " site_order WHERE told_ms<? LIMIT ?)",
                                        "ii", before_ms, (int64_t)most));
    if (status == STORE_OK)
        status = sql_run(
            store, sql_prepare(store,
                               "DELETE FROM site_order WHERE id IN (SELECT id FROM site_order AS o"
                               " WHERE told_ms<? AND NOT EXISTS (SELECT 1 FROM study WHERE"
                               " uid=o.study AND uid<>'') AND NOT EXISTS (SELECT 1 FROM place"
                               " WHERE accession=o.accession AND accession<>'') LIMIT ?)",
                               "ii", unmatched_ms, (int64_t)most));
    if (status == STORE_OK)
        status = sql_run(store, sql_prepare(store,
                                            "DELETE FROM site_message WHERE name IN (SELECT name"
                                            " FROM site_message WHERE at_ms<? LIMIT ?)",
                                            "ii", unmatched_ms, (int64_t)most));
    return sql_leave(store, status);
}
