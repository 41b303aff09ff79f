/* What happened to a study, for people. */
#include "store_place.h"
#include "store_sqlite.h"

enum store_status store_study_history(struct store *store, const char *study,
                                      struct store_history *list, size_t room, size_t *count)
{
    sqlite3_stmt *rows = sql_prepare(
        store,
        "SELECT received_ms,0,calling FROM instance WHERE study=?1"
        " UNION ALL SELECT first_computed_ms,1,'' FROM judgement JOIN instance ON instance=id"
        " WHERE study=?1 AND first_computed_ms<>0"
        " UNION ALL SELECT complete_ms,2,'' FROM result WHERE study=?1 AND complete_ms<>0"
        " UNION ALL SELECT CASE WHEN entered_ms<>0 THEN entered_ms ELSE created_ms END,3,kind"
        " FROM result WHERE study=?1 AND fate<>'parked'"
        " UNION ALL SELECT CASE WHEN stored_ms<>0 THEN stored_ms ELSE done_ms END,4,destination"
        " FROM result CROSS JOIN delivery ON delivery.result=result.id WHERE study=?1"
        " AND (stored_ms<>0 OR (done_ms<>0 AND delivery.state='sent'))"
        /* where commitment was waived, done_ms is stored_ms */
        " UNION ALL SELECT done_ms,5,destination FROM result CROSS JOIN delivery ON"
        " delivery.result=result.id WHERE study=?1 AND delivery.state='sent' AND stored_ms<>0"
        " AND commitment<>'' AND done_ms<>stored_ms"
        " UNION ALL SELECT done_ms,6,announcement FROM news WHERE study=?1 AND state='told'"
        " UNION ALL SELECT read_ms,7,'' FROM place WHERE study=?1 AND read_ms<>0"
        " ORDER BY 1,2 LIMIT ?2",
        "ti", study, (int64_t)room);
    enum store_status status;
    *count = 0;
    while ((status = sql_row(store, rows)) == STORE_OK) {
        struct store_history *h = &list[(*count)++];
        h->at_ms = sqlite3_column_int64(rows, 0);
        h->what = (enum store_happening)sqlite3_column_int(rows, 1);
        sql_text(rows, 2, h->with, sizeof h->with);
    }
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status store_study_sendings(struct store *store, const char *study,
                                       struct store_sending *list, size_t room, size_t *count)
{
    sqlite3_stmt *rows =
        sql_prepare(store,
                    "SELECT result,done_ms,destination,delivery.state,last_error,attempts"
                    " FROM delivery JOIN result ON result.id=delivery.result WHERE study=?"
                    " ORDER BY delivery.id DESC LIMIT ?",
                    "ti", study, (int64_t)room);
    enum store_status status;
    *count = 0;
    while ((status = sql_row(store, rows)) == STORE_OK) {
        struct store_sending *s = &list[(*count)++];
        s->result = sqlite3_column_int64(rows, 0);
        s->done_ms = sqlite3_column_int64(rows, 1);
        sql_text(rows, 2, s->destination, sizeof s->destination);
        sql_text(rows, 3, s->state, sizeof s->state);
        sql_text(rows, 4, s->error, sizeof s->error);
        s->attempts = sqlite3_column_int(rows, 5);
    }
    return status == STORE_NONE ? STORE_OK : status;
}
