/* What each destination gets of a study, by the rules that took its images. */
#include "conf.h"
#include "store_sqlite.h"
#include <string.h>

static enum store_status look_at_rules(struct store *store, const char *study,
                                       const char *destination, unsigned *outputs)
{
    sqlite3_stmt *rows = sql_prepare(store,
                                     "SELECT DISTINCT destinations,outputs FROM instance"
                                     " JOIN judgement ON instance=id WHERE study=?"
                                     " AND state IN ('judged','not-processed')",
                                     "t", study);
    enum store_status status;
    while ((status = sql_row(store, rows)) == STORE_OK) {
        const char *names = (const char *)sqlite3_column_text(rows, 0);
        unsigned given = (unsigned)sqlite3_column_int64(rows, 1);
        if (names == NULL || names[0] == '\0' || conf_is_listed(names, destination))
            *outputs |= given == 0 ? ~0u : given;
    }
    return status == STORE_NONE ? STORE_OK : status;
}

static enum store_status look_at_deliveries(struct store *store, const char *study,
                                            const char *destination, unsigned *kinds)
{
    sqlite3_stmt *rows =
        sql_prepare(store,
                    "SELECT DISTINCT kind FROM result JOIN delivery ON delivery.result=result.id"
                    " WHERE study=? AND destination=?",
                    "tt", study, destination);
    enum store_status status;
    while ((status = sql_row(store, rows)) == STORE_OK) {
        char name[32];
        sql_text(rows, 0, name, sizeof name);
        for (unsigned kind = 0; kind < RESULT_KINDS; kind++)
            if (strcmp(name, result_kind_name((enum result_kind)kind)) == 0)
                *kinds |= 1u << kind;
    }
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status store_route(struct store *store, const char *study, const char *destination,
                              unsigned *outputs, unsigned *kinds)
{
    *outputs = *kinds = 0;
    enum store_status status = look_at_rules(store, study, destination, outputs);
    return status == STORE_OK ? look_at_deliveries(store, study, destination, kinds) : status;
}
