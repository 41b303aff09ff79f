/* Accession numbers that the site has changed: one row a number that was, of a patient. The same
 * number may be another patient's by right, of an order that was given it by mistake. */
#include "store_reconcile.h"

#include "store_site.h"
#include "store_sqlite.h"
#include <stdlib.h>

/* ---- an order's change ---- */

/* The one order of the message's numbers that has another accession number; none where any has the
 * new one, too: then these are two procedures of one order. STORE_NONE: there is none. */
static enum store_status find_renamed(struct store *store, const struct site_order *o, int64_t *id)
{
    sqlite3_stmt *row = sql_prepare(
        store,
        "SELECT MAX(id),COUNT(DISTINCT accession),MAX(accession=?1) FROM site_order WHERE"
        " ((filler_order=?3 AND filler_order<>'') OR (placer_order=?4 AND placer_order<>''))"
        " AND (?3='' OR filler_order IN ('',?3)) AND (?4='' OR placer_order IN ('',?4))"
        " AND accession<>'' AND NOT issuers_differ(issuer,?5) AND (?2='' OR study IN ('',?2))",
        "ttttt", o->accession, o->study, o->filler_order, o->placer_order, o->accession_issuer);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    bool is_one = sqlite3_column_int(row, 1) == 1 && sqlite3_column_int(row, 2) == 0;
    *id = sqlite3_column_int64(row, 0);
    (void)sqlite3_reset(row);
    return is_one ? STORE_OK : STORE_NONE;
}

/* What was called so before is called by the newest number; who has his own back is done. */
static enum store_status note(struct store *store, const struct site_order *o, int64_t id,
                              int64_t now_ms)
{
    enum store_status status = sql_run(
        store, sql_prepare(store,
                           "INSERT INTO site_accession(was,issuer,patients,accession,told_ms,due)"
                           " SELECT accession,issuer,?4,?2,?3,1 FROM site_order WHERE id=?1"
                           " ON CONFLICT(was,issuer,patients) DO UPDATE SET accession=?2,"
                           "told_ms=?3,due=due+1",
                           "itit", id, o->accession, now_ms, o->patients));
    if (status == STORE_OK)
        status = sql_run(
            store,
            sql_prepare(store,
                        "UPDATE site_accession SET accession=?2,told_ms=?3,due=due+1 WHERE"
                        " accession=(SELECT accession FROM site_order WHERE id=?1)"
                        " AND patients=?5 AND NOT issuers_differ(issuer,?4)",
                        "ititt", id, o->accession, now_ms, o->accession_issuer, o->patients));
    return status == STORE_OK
               ? sql_run(store, sql_prepare(store,
                                            "DELETE FROM site_accession WHERE was=?1 AND"
                                            " patients=?3 AND NOT issuers_differ(issuer,?2)",
                                            "ttt", o->accession, o->accession_issuer, o->patients))
               : status;
}

enum store_status store_rename_order(struct store *store, const struct site_order *o,
                                     int64_t now_ms)
{
    int64_t id = 0;
    enum store_status status = find_renamed(store, o, &id);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    if (o->patients[0] != '\0')
        status = note(store, o, id, now_ms);
    return status == STORE_OK
               ? sql_run(store,
                         sql_prepare(store,
                                     "UPDATE OR REPLACE site_order SET accession=?2 WHERE id=?1",
                                     "it", id, o->accession))
               : status;
}

/* ---- what holds of an image ---- */

/* Whether a Patient ID, which has no backslash in it, is one of the message's. */
#define IS_OF(patients, id) id "<>'' AND instr(" patients "||'\\','\\'||" id "||'\\')>0"

enum store_status store_renamed_of(struct store *store, const char *accession, const char *issuer,
                                   const char *patient_id, struct site_renamed *renamed)
{
    sqlite3_stmt *row = sql_prepare(
        store,
        "SELECT accession FROM site_accession WHERE was=?1 AND was<>'' AND NOT"
        " issuers_differ(issuer,?2) AND " IS_OF("patients", "?3") " ORDER BY told_ms DESC",
        "ttt", accession, issuer, patient_id);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    sql_text(row, 0, renamed->accession, sizeof renamed->accession);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

/* ---- what is due ---- */

enum store_status store_next_renamed(struct store *store, struct site_renamed *due)
{
    sqlite3_stmt *row =
        sql_prepare(store,
                    "SELECT id,due,was,issuer,accession,patients FROM site_accession WHERE due<>0"
                    " ORDER BY id LIMIT 1",
                    "");
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    due->row = sqlite3_column_int64(row, 0);
    due->turn = sqlite3_column_int64(row, 1);
    sql_text(row, 2, due->was, sizeof due->was);
    sql_text(row, 3, due->issuer, sizeof due->issuer);
    sql_text(row, 4, due->accession, sizeof due->accession);
    sql_text(row, 5, due->patients, sizeof due->patients);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

/* Its studies: their places have the number, or are not looked at yet. */
#define STUDIES                                                                                    \
    "(SELECT study FROM place WHERE accession=?1 AND accession<>'' UNION"                          \
    " SELECT uid FROM study WHERE place_due<>0 AND uid<>'')"
#define CALLED                                                                                     \
    "length(attrs)>0 AND attribute(attrs," SQL_ACCESSION ")=?1 AND NOT issuers_differ(?2,"         \
    "attribute(attrs," SQL_LOCAL_ISSUER ")||'&'||attribute(attrs," SQL_UNIVERSAL_ISSUER "))"       \
    " AND "
enum store_status store_things_called(struct store *store, const struct site_renamed *due,
                                      struct site_thing **list, size_t *count)
{
    return sql_things(
        store,
        sql_prepare(store,
                    "SELECT 0,instance,judgement.issuer,0,attrs FROM judgement JOIN instance ON"
                    " instance.id=judgement.instance WHERE study IN " STUDIES " AND " CALLED IS_OF(
                        "?3", "judgement.patient_id") " UNION ALL SELECT 1,id,issuer,0,attrs FROM "
                                                      "result WHERE study IN " STUDIES
                                                      " AND " CALLED IS_OF("?3", "patient_id"),
                    "ttt", due->was, due->issuer, due->patients),
        list, count);
}

/* Their places have the new number from now on: its orders are theirs. */
enum store_status store_renamed_done(struct store *store, const struct site_renamed *due)
{
    enum store_status status = sql_enter(store);
    if (status != STORE_OK)
        return status;
    status = sql_run(
        store, sql_prepare(store,
                           "UPDATE study SET place_due=1 WHERE uid IN (SELECT study FROM place"
                           " WHERE accession=?1 AND accession<>'')",
                           "t", due->was));
    if (status == STORE_OK)
        status = sql_run(
            store, sql_prepare(store,
                               "UPDATE place SET accession=?2 WHERE accession=?1 AND accession<>''"
                               " AND NOT EXISTS (SELECT 1 FROM instance JOIN judgement ON"
                               " instance=id WHERE instance.study=place.study AND length(attrs)>0"
                               " AND attribute(attrs," SQL_ACCESSION ")=?1)",
                               "tt", due->was, due->accession));
    if (status == STORE_OK)
        status = sql_run(store,
                         sql_prepare(store, "UPDATE site_accession SET due=0 WHERE id=? AND due=?",
                                     "ii", due->row, due->turn));
    return sql_leave(store, status);
}

enum store_status store_renamed_expire(struct store *store, int64_t before_ms)
{
    bool any = false;
    enum store_status status =
        sql_any(store,
                sql_prepare(store, "SELECT 1 FROM site_accession WHERE due=0 AND told_ms<? LIMIT 1",
                            "i", before_ms),
                &any);
    return status == STORE_OK && any
               ? sql_run(store,
                         sql_prepare(store, "DELETE FROM site_accession WHERE due=0 AND told_ms<?",
                                     "i", before_ms))
               : status;
}
