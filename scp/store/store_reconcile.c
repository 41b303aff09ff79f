/* Images and results under a patient's new data. */
#include "store_reconcile.h"

#include "store_sqlite.h"
#include <stdlib.h>

/* What no destination has: what waits for its commitment is there. */
#define UNSENT "state IN ('pending','held','parked') AND stored_ms=0"

/* ---- what there is ---- */

void site_things_free(struct site_thing *list, size_t count)
{
    for (size_t i = 0; list != NULL && i < count; i++)
        free(list[i].attrs);
    free(list);
}

enum store_status store_things_of(struct store *store, const char *patient_id,
                                  struct site_thing **list, size_t *count)
{
    return sql_things(
        store,
        sql_prepare(store,
                    "WITH thing AS MATERIALIZED (SELECT 0 AS result,instance AS id,study,"
                    "judgement.issuer AS issuer,attrs FROM judgement JOIN instance ON"
                    " instance.id=judgement.instance WHERE patient_id=?1 AND patient_id<>''"
                    " AND length(attrs)>0 UNION ALL SELECT 1,id,study,issuer,attrs FROM result"
                    " WHERE patient_id=?1 AND patient_id<>'' AND length(attrs)>0),"
                    "began AS MATERIALIZED (SELECT study,MIN(received_ms) AS ms FROM instance"
                    " WHERE study IN (SELECT study FROM thing) GROUP BY study)"
                    " SELECT result,id,thing.issuer,COALESCE(began.ms,0),attrs FROM thing"
                    " LEFT JOIN began ON began.study=thing.study",
                    "t", patient_id),
        list, count);
}

enum store_status sql_things(struct store *store, sqlite3_stmt *rows, struct site_thing **list,
                             size_t *count)
{
    size_t room = 0;
    enum store_status status;
    *list = NULL;
    *count = 0;
    while ((status = sql_row(store, rows)) == STORE_OK) {
        if (!sql_grow((void **)list, &room, *count, sizeof **list)) {
            status = STORE_BROKEN;
            break;
        }
        struct site_thing *thing = &(*list)[*count];
        *thing = (struct site_thing){.is_result = sqlite3_column_int(rows, 0) != 0,
                                     .id = sqlite3_column_int64(rows, 1),
                                     .began_ms = sqlite3_column_int64(rows, 3)};
        sql_text(rows, 2, thing->issuer, sizeof thing->issuer);
        ++*count;
        if (!sql_bytes(rows, 4, &thing->attrs, &thing->bytes)) {
            status = STORE_BROKEN;
            break;
        }
    }
    if (status == STORE_NONE)
        return STORE_OK;
    (void)sqlite3_reset(rows);
    site_things_free(*list, *count);
    *list = NULL;
    *count = 0;
    return status;
}

/* ---- new attrs ---- */

/* What a message was made of stays with it: it may be sent again. */
static enum store_status keep_news(struct store *store, int64_t image)
{
    return sql_run(store, sql_prepare(store,
                                      "UPDATE news SET header=(SELECT attrs FROM judgement WHERE"
                                      " instance=?1) WHERE state='pending' AND attempts>0 AND"
                                      " instance=?1 AND header IS NULL",
                                      "i", image));
}

/* Results know whose data they hold by the digest of the image's that they were copied from. */
static enum store_status correct_digests(struct store *store, const struct site_thing *image)
{
    return sql_run(store,
                   sql_prepare(store,
                               "UPDATE result SET patient=?2 WHERE patient<>'' AND study=(SELECT"
                               " study FROM instance WHERE id=?1) AND patient=(SELECT"
                               " patient_digest FROM judgement WHERE instance=?1)",
                               "it", image->id, image->digest));
}

static enum store_status correct_image(struct store *store, const struct site_thing *image)
{
    enum store_status status = keep_news(store, image->id);
    if (status == STORE_OK)
        status = correct_digests(store, image);
    if (status == STORE_OK)
        status = sql_run(store,
                         sql_prepare(store,
                                     "UPDATE judgement SET attrs=?2,patient_digest=CASE WHEN"
                                     " patient_digest='' THEN '' ELSE ?3 END,"
                                     "patient_id=attribute(?2," SQL_PATIENT_ID
                                     "),issuer=attribute(?2," SQL_ISSUER ") WHERE instance=?1",
                                     "ibt", image->id, image->attrs, image->bytes, image->digest));
    return status;
}

static enum store_status correct_result(struct store *store, const struct site_thing *result)
{
    return sql_run(store, sql_prepare(store,
                                      "UPDATE result SET attrs=?2,"
                                      "patient_id=attribute(?2," SQL_PATIENT_ID
                                      "),issuer=attribute(?2," SQL_ISSUER ") WHERE id=?1",
                                      "ib", result->id, result->attrs, result->bytes));
}

/* ---- what becomes of it ---- */

/* Its pictures name the patient: those that a destination does not have yet are drawn anew. */
static enum store_status draw_anew(struct store *store, int64_t image)
{
    return sql_run(
        store,
        sql_prepare(store,
                    "UPDATE instance SET state='received',revision=revision+1,attempts=0,deaths=0,"
                    "reported=0 WHERE id=?1 AND state IN ('judged','not-processed') AND gone_ms=0"
                    " AND withdrawn='' AND reported>=0 AND EXISTS (SELECT 1 FROM judgement AS j"
                    " WHERE j.instance=?1 AND j.picture||j.gsps||j.map<>'' AND (NOT EXISTS"
                    " (SELECT 1 FROM result WHERE uid IN (j.picture,j.gsps,j.map) AND uid<>'')"
                    " OR EXISTS (SELECT 1 FROM result JOIN delivery ON delivery.result=result.id"
                    " WHERE uid IN (j.picture,j.gsps,j.map) AND uid<>'' AND " UNSENT ")))",
                    "i", image));
}

/* And the old ones taken back, where a destination has them, or may have: none keeps both. A
 * slice is not judged anew: its series' picture is made with the report, under another revision. */
static enum store_status take_back_old(struct store *store, int64_t image)
{
    bool any = false;
    enum store_status status =
        sql_any(store,
                sql_prepare(store,
                            "SELECT 1 FROM result JOIN delivery ON delivery.result=result.id WHERE"
                            " instance=? AND instance<>0 AND fate='current' AND " UNSENT " LIMIT 1",
                            "i", image),
                &any);
    if (status != STORE_OK || !any)
        return status;
    status = result_retract_made_of(store, image, STORE_REPLACED);
    return status == STORE_OK
               ? sql_run(store, sql_prepare(store,
                                            "UPDATE instance SET revision=revision+1 WHERE id=?"
                                            " AND state='judged'",
                                            "i", image))
               : status;
}

/* Its report is told anew. */
static enum store_status report_anew(struct store *store, int64_t image)
{
    enum store_status status = sql_run(
        store,
        sql_prepare(store,
                    "UPDATE study SET amendment=?2,place_due=1 WHERE uid=(SELECT study FROM"
                    " instance WHERE id=?1) AND EXISTS (SELECT 1 FROM covers WHERE instance=?1)",
                    "ii", image, (int64_t)SRT_CORRECTED));
    return status == STORE_OK
               ? sql_run(store, sql_prepare(store,
                                            "UPDATE instance SET reported=0 WHERE id=? AND"
                                            " reported>0 AND withdrawn='' AND state IN"
                                            " ('judged','not-processed')",
                                            "i", image))
               : status;
}

static enum store_status cancel_unsent(struct store *store, int64_t image)
{
    return sql_run(
        store,
        sql_prepare(store,
                    "UPDATE delivery SET state='cancelled',last_error='the patient''s data were"
                    " corrected' WHERE " UNSENT " AND result IN (SELECT id FROM result WHERE"
                    " instance=?1 AND instance<>0 UNION SELECT r.id FROM covers JOIN result AS r"
                    " ON r.report=covers.result WHERE covers.instance=?1)",
                    "i", image));
}

static enum store_status move_place(struct store *store, const struct site_thing *image)
{
    return sql_run(store,
                   sql_prepare(store,
                               "UPDATE place SET patient_id=attribute(?2," SQL_PATIENT_ID
                               "),issuer=attribute(?2," SQL_ISSUER ") WHERE study=(SELECT study"
                               " FROM instance WHERE id=?1)",
                               "ib", image->id, image->attrs, image->bytes));
}

/* Who is known, or not, by a finding of the patient that the image's place is of now. */
static enum store_status rank_anew(struct store *store, int64_t image)
{
    return sql_run(store,
                   sql_prepare(store,
                               "UPDATE study SET place_due=1 WHERE uid IN (SELECT other.study"
                               " FROM place AS other JOIN place AS own ON"
                               " own.patient_id=other.patient_id WHERE"
                               " other.patient_id<>'' AND other.finding_ms<>0"
                               " AND own.study=(SELECT study FROM instance WHERE id=?1))",
                               "i", image));
}

/* Its place's patient: those of whom it was, and of whom it is. */
static enum store_status correct_place(struct store *store, const struct site_thing *image)
{
    enum store_status status = rank_anew(store, image->id);
    if (status == STORE_OK)
        status = move_place(store, image);
    return status == STORE_OK ? rank_anew(store, image->id) : status;
}

/* All are looked at before any delivery is cancelled: one report covers several images. */
static enum store_status correct(struct store *store, const struct site_thing *things, size_t count)
{
    static enum store_status (*const steps[])(struct store *, int64_t) = {
        draw_anew, report_anew, take_back_old, cancel_unsent};
    enum store_status status = STORE_OK;
    for (size_t step = 0; step < sizeof steps / sizeof *steps; step++)
        for (size_t i = 0; status == STORE_OK && i < count; i++)
            if (!things[i].is_result)
                status = steps[step](store, things[i].id);
    for (size_t i = 0; status == STORE_OK && i < count; i++) {
        if (things[i].is_result) {
            status = correct_result(store, &things[i]);
            continue;
        }
        status = correct_image(store, &things[i]);
        if (status == STORE_OK)
            status = correct_place(store, &things[i]);
    }
    return status;
}

enum store_status store_correct(struct store *store, const struct site_thing *things, size_t count)
{
    enum store_status status = sql_enter(store);
    if (status == STORE_OK)
        status = sql_leave(store, correct(store, things, count));
    return status;
}
