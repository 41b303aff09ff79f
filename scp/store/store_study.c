/* Studies: which are due for a report, and what belongs in it. */
#include "store_sqlite.h"

#include <stdlib.h>

/* A study without a UID cannot be reported: its instances may be anybody's. The indices are named
 * since SQLite would rather look through all that was ever judged. */
#define DUE                                                                                        \
    "SELECT uid,last_received_ms,version,last_report,last_report_series,amendment,read FROM study" \
    " WHERE uid IN (SELECT study FROM instance INDEXED BY instance_due"                            \
    "   WHERE reported=0 AND state IN ('judged','not-processed') AND withdrawn='')"                \
    " AND uid<>'' AND NOT EXISTS (SELECT 1 FROM instance INDEXED BY instance_study_received"       \
    "   WHERE instance.study=study.uid AND state='received')"                                      \
    " AND NOT EXISTS (SELECT 1 FROM open_association WHERE open_association.study=study.uid)"      \
    " ORDER BY last_received_ms"

static enum store_status collect_due(struct store *store, struct study **list, size_t *count)
{
    size_t capacity = 0;
    enum store_status status;
    sqlite3_stmt *rows = sql_prepare(store, DUE, "");
    while ((status = sql_row(store, rows)) == STORE_OK) {
        if (!sql_grow((void **)list, &capacity, *count, sizeof **list)) {
            (void)sqlite3_reset(rows);
            return STORE_BROKEN;
        }
        struct study *study = &(*list)[(*count)++];
        sql_text(rows, 0, study->uid, sizeof study->uid);
        study->last_received_ms = sqlite3_column_int64(rows, 1);
        study->version = sqlite3_column_int(rows, 2);
        sql_text(rows, 3, study->last_report, sizeof study->last_report);
        sql_text(rows, 4, study->last_report_series, sizeof study->last_report_series);
        int amendment = sqlite3_column_int(rows, 5);
        study->amendment = amendment >= 0 && amendment <= SRT_BY_PERSON
                               ? (enum srt_amendment)amendment
                               : SRT_LATE_IMAGE;
        study->read = sqlite3_column_int(rows, 6) != 0;
    }
    return status == STORE_NONE ? STORE_OK : status;
}

/* Collects first: what is called back may write through the same handle. */
enum store_status store_studies_due(struct store *store,
                                    bool (*each)(void *context, const struct study *study),
                                    void *context)
{
    struct study *list = NULL;
    size_t count = 0;
    enum store_status status = collect_due(store, &list, &count);
    for (size_t i = 0; status == STORE_OK && i < count; i++)
        if (!each(context, &list[i]))
            break;
    free(list);
    return status;
}

enum store_status store_study_instances(struct store *store, const char *study, int64_t **ids,
                                        size_t *count)
{
    return sql_ids(store,
                   sql_prepare(store,
                               "SELECT id FROM instance WHERE study=?"
                               " AND state IN ('judged','not-processed') AND reported>=0"
                               " AND withdrawn=''"
                               " ORDER BY id",
                               "t", study),
                   ids, count);
}
