/* Taking back: what a sender rejects, what moved to another study, what a person retracts.
 *
 *   instance --withdrawn--> no report holds it; its pictures are RETRACTED
 *   report that covers it --others remain--> due again (amended)
 *                         --none remain----> RETRACTED, with all versions before it
 *   RETRACTED --> deliveries not made are cancelled; those made, or perhaps made (offered), wait
 *                 (rejection = -1) for a note; of what is with a sender its answer says which it is
 */
#include "store_sqlite.h"

#include <stdio.h>
#include <string.h>

#define WITHDRAWN_MAX                                                                              \
    64 /* instances of one SOP Instance UID, or reports of one instance, a call                    \
        */

/* Every result that became retracted in this transaction, of any kind. */
static enum store_status settle(struct store *store)
{
    return sql_run(
        store,
        sql_prepare(
            store,
            "UPDATE delivery SET rejection=-1,"
            "state=CASE WHEN state IN ('pending','held') THEN 'cancelled' ELSE state END"
            " WHERE rejection=0 AND result IN (SELECT id FROM result WHERE fate='retracting')",
            ""));
}

static enum store_status settled(struct store *store)
{
    enum store_status status = settle(store);
    if (status == STORE_OK)
        status = sql_run(store, sql_prepare(store,
                                            "UPDATE result SET fate='retracted'"
                                            " WHERE fate='retracting'",
                                            ""));
    return status;
}

enum store_status result_retract_report(struct store *store, int64_t sr, const char *code)
{
    enum store_status status = sql_run(
        store,
        sql_prepare(store,
                    "UPDATE result SET fate='retracting',why=? WHERE kind LIKE 'sr%'"
                    " AND fate IN ('current','superseded') AND report IN (SELECT other.result"
                    " FROM covers JOIN covers AS other ON other.instance=covers.instance"
                    " WHERE covers.result=?)",
                    "ti", code, sr));
    return status == STORE_OK ? settled(store) : status;
}

enum store_status result_retract_made_of(struct store *store, int64_t instance, const char *code)
{
    enum store_status status =
        sql_run(store, sql_prepare(store,
                                   "UPDATE result SET fate='retracting',why=? WHERE instance=?"
                                   " AND instance<>0 AND fate='current'",
                                   "ti", code, instance));
    return status == STORE_OK ? settled(store) : status;
}

/* First column of the rows, at most WITHDRAWN_MAX. */
static enum store_status collect(struct store *store, sqlite3_stmt *rows, int64_t *ids,
                                 size_t *count)
{
    enum store_status status;
    *count = 0;
    while ((status = sql_row(store, rows)) == STORE_OK)
        if (*count < WITHDRAWN_MAX)
            ids[(*count)++] = sqlite3_column_int64(rows, 0);
    return status == STORE_NONE ? STORE_OK : status;
}

/* A report that covered a withdrawn instance: told anew without it, or taken back. */
static enum store_status shrink(struct store *store, int64_t report, const char *code)
{
    enum store_status status = sql_run(
        store, sql_prepare(store,
                           "UPDATE instance SET reported=0 WHERE withdrawn='' AND state IN"
                           " ('judged','not-processed') AND id IN (SELECT instance FROM covers"
                           " WHERE result=?)",
                           "i", report));
    if (status != STORE_OK)
        return status;
    if (sqlite3_changes(store->db) == 0)
        return result_retract_report(store, report, code);
    return sql_run(store, sql_prepare(store,
                                      "UPDATE study SET amendment=? WHERE uid=(SELECT study FROM"
                                      " result WHERE id=?)",
                                      "ii", (int64_t)SRT_REJECTED, report));
}

static enum store_status withdraw_one(struct store *store, int64_t id, const char *code)
{
    int64_t reports[WITHDRAWN_MAX];
    size_t count = 0;
    enum store_status status = sql_run(
        store, sql_prepare(store, "UPDATE instance SET withdrawn=? WHERE id=?", "ti", code, id));
    if (status == STORE_OK)
        status = result_retract_made_of(store, id, code);
    if (status == STORE_OK)
        status = collect(store,
                         sql_prepare(store,
                                     "SELECT result FROM covers JOIN result ON"
                                     " result.id=covers.result WHERE covers.instance=?"
                                     " AND fate='current'",
                                     "i", id),
                         reports, &count);
    for (size_t i = 0; status == STORE_OK && i < count; i++)
        status = shrink(store, reports[i], code);
    return status;
}

enum store_status result_withdraw(struct store *store, const char *sop_instance, const char *in,
                                  const char *but, const char *code, size_t *hit)
{
    int64_t ids[WITHDRAWN_MAX];
    enum store_status status = STORE_OK;
    if (but == NULL)
        status = sql_run(store, sql_prepare(store,
                                            "INSERT OR REPLACE INTO rejected(sop_instance,code)"
                                            " VALUES(?,?)",
                                            "tt", sop_instance, code));
    if (status == STORE_OK)
        status =
            collect(store,
                    sql_prepare(store,
                                "SELECT id FROM instance WHERE sop_instance=?1 AND study<>?2 AND "
                                "(?3=\'\' OR study=?3)"
                                " AND withdrawn='' AND state IN ('judged','not-processed')",
                                "ttt", sop_instance, but != NULL ? but : "/", in != NULL ? in : ""),
                    ids, hit);
    /* All are marked before reports are looked at: they are one image. */
    for (size_t i = 0; status == STORE_OK && i < *hit; i++)
        status = sql_run(store, sql_prepare(store, "UPDATE instance SET withdrawn=? WHERE id=?",
                                            "ti", code, ids[i]));
    for (size_t i = 0; status == STORE_OK && i < *hit; i++)
        status = withdraw_one(store, ids[i], code);
    return status;
}

enum store_status store_withdraw(struct store *store, const char *sop_instance, const char *in,
                                 const char *but, const char *code, size_t *hit)
{
    *hit = 0;
    enum store_status status = sql_enter(store);
    if (status == STORE_OK)
        status = sql_leave(store, result_withdraw(store, sop_instance, in, but, code, hit));
    return status;
}

static enum store_status retract(struct store *store, const char *uid, const char *code)
{
    struct result result;
    enum store_status status = store_find_result(store, uid, &result);
    if (status != STORE_OK)
        return status;
    if (!result_is_report(result.kind)) {
        status = sql_run(store, sql_prepare(store,
                                            "UPDATE result SET fate='retracting',why=? WHERE id=?"
                                            " AND fate='current'",
                                            "ti", code, result.id));
        return status == STORE_OK ? settled(store) : status;
    }
    status =
        sql_run(store, sql_prepare(store,
                                   "UPDATE result SET fate='retracting',why=? WHERE fate='current'"
                                   " AND instance IN (SELECT instance FROM covers WHERE result=?)",
                                   "ti", code, result.report));
    if (status == STORE_OK)
        status = sql_run(store, sql_prepare(store,
                                            "UPDATE instance SET withdrawn='" STORE_BY_PERSON "'"
                                            " WHERE withdrawn='' AND id IN (SELECT instance FROM"
                                            " covers WHERE result=?)",
                                            "i", result.report));
    return status == STORE_OK ? result_retract_report(store, result.report, code) : status;
}

enum store_status store_retract(struct store *store, const char *uid, const char *code)
{
    enum store_status status = sql_enter(store);
    if (status == STORE_OK)
        status = sql_leave(store, retract(store, uid, code));
    return status;
}

/* The images are judged again: under another revision, so that what comes of it has other UIDs than
 * what a note has rejected. */
static enum store_status judge_again(struct store *store, int64_t report)
{
    enum store_status status =
        sql_run(store, sql_prepare(store,
                                   "UPDATE instance SET state='received',withdrawn='',"
                                   "revision=revision+1,reported=0,attempts=0,deaths=0"
                                   " WHERE state IN ('judged','not-processed') AND gone_ms=0"
                                   " AND withdrawn IN ('','" STORE_BY_PERSON "')"
                                   " AND id IN (SELECT instance FROM covers WHERE result=?)",
                                   "i", report));
    return sql_changed(store, status);
}

static enum store_status tell_again(struct store *store, int64_t report)
{
    enum store_status status =
        sql_run(store, sql_prepare(store,
                                   "UPDATE instance SET reported=0 WHERE withdrawn='' AND id IN"
                                   " (SELECT instance FROM covers WHERE result=?)",
                                   "i", report));
    if (status == STORE_OK)
        status =
            sql_run(store, sql_prepare(store,
                                       "UPDATE delivery SET " SEND_ANEW ""
                                       " WHERE state IN ('sent','parked','expired') AND result IN"
                                       " (SELECT id FROM result WHERE fate='current' AND"
                                       " gone_ms=0 AND instance IN (SELECT instance FROM covers"
                                       "  WHERE covers.result=?))",
                                       "i", report));
    return status;
}

static enum store_status reissue(struct store *store, const char *uid)
{
    struct result result;
    enum store_status status = store_find_result(store, uid, &result);
    if (status != STORE_OK || result.kind == RESULT_REJECTION)
        return status == STORE_OK ? STORE_NONE : status;
    bool lives = result.state == RESULT_CURRENT || result.state == RESULT_SUPERSEDED;
    status = lives ? tell_again(store, result.report) : judge_again(store, result.report);
    if (status == STORE_OK)
        status = sql_run(store, sql_prepare(store, "UPDATE study SET amendment=? WHERE uid=?", "it",
                                            (int64_t)SRT_BY_PERSON, result.study));
    return status;
}

enum store_status store_reissue(struct store *store, const char *uid)
{
    enum store_status status = sql_enter(store);
    if (status == STORE_OK)
        status = sql_leave(store, reissue(store, uid));
    return status;
}

enum store_status store_to_reject(struct store *store, const char *destination, struct result *list,
                                  size_t room, size_t *count)
{
    enum store_status status;
    *count = 0;
    sqlite3_stmt *rows = sql_prepare(store,
                                     "SELECT " RESULT_COLUMNS
                                     " FROM delivery JOIN result ON result.id=delivery.result"
                                     " WHERE destination=? AND rejection=-1"
                                     " AND (state='sent' OR offered=2)"
                                     " ORDER BY study,patient,why,result.id LIMIT ?",
                                     "ti", destination, (int64_t)room);
    while ((status = sql_row(store, rows)) == STORE_OK) {
        struct result one;
        result_take(rows, &one);
        bool same = *count == 0 || (strcmp(list[0].study, one.study) == 0 &&
                                    strcmp(list[0].patient, one.patient) == 0 &&
                                    strcmp(list[0].why, one.why) == 0);
        if (same && *count < room)
            list[(*count)++] = one;
    }
    return status == STORE_NONE ? STORE_OK : status;
}

static enum store_status add_rejection(struct store *store, const struct result *note,
                                       const struct result *results, size_t count)
{
    int64_t id = 0;
    bool added = false;
    enum store_status status = result_keep(store, note, &id, &added);
    if (status == STORE_OK)
        status = result_deliver(store, id, note->only,
                                note->state == RESULT_PARKED ? DELIVERY_PARKED : DELIVERY_PENDING,
                                note->why);
    for (size_t i = 0; status == STORE_OK && i < count; i++)
        status = sql_run(store, sql_prepare(store,
                                            "UPDATE delivery SET rejection=? WHERE result=?"
                                            " AND destination=?",
                                            "iit", id, results[i].id, note->only));
    return status;
}

enum store_status store_add_rejection(struct store *store, const struct result *note,
                                      const struct result *results, size_t count)
{
    enum store_status status = sql_enter(store);
    if (status == STORE_OK)
        status = sql_leave(store, add_rejection(store, note, results, count));
    return status;
}
