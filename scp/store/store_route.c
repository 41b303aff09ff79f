/* What each destination gets of a study, and who is told of it, by the rules that took its images.
 */
#include "conf.h"
#include "store_sqlite.h"
#include <stdio.h>
#include <string.h>

#define BLANKS " \t\r\n"

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

/* More than there is room for is what no configuration has: all. */
static void add_names(char names[ROUTE_NAMES_MOST], const char *list, bool *all)
{
    size_t used = strlen(names);
    for (list += strspn(list, BLANKS); *list != '\0'; list += strspn(list, BLANKS)) {
        char name[65];
        size_t length = strcspn(list, BLANKS);
        (void)snprintf(name, sizeof name, "%.*s", (int)length, list);
        list += length;
        if (conf_is_listed(names, name))
            continue;
        *all = *all || used + length + 2 > ROUTE_NAMES_MOST;
        if (*all)
            return;
        used += (size_t)snprintf(names + used, ROUTE_NAMES_MOST - used, "%s%s", used > 0 ? " " : "",
                                 name);
    }
}

enum store_status route_announcements(struct store *store, const char *study,
                                      char names[ROUTE_NAMES_MOST], bool *all)
{
    enum store_status status;
    names[0] = '\0';
    *all = false;
    sqlite3_stmt *rows =
        sql_prepare(store,
                    "SELECT DISTINCT announcements FROM instance JOIN judgement ON instance=id"
                    " WHERE study=? AND (state IN ('judged','not-processed') OR"
                    " (state='received' AND revision>0))",
                    "t", study);
    while ((status = sql_row(store, rows)) == STORE_OK) {
        const char *list = (const char *)sqlite3_column_text(rows, 0);
        if (list != NULL)
            add_names(names, list, all);
        *all = *all || list == NULL;
    }
    return status == STORE_NONE ? STORE_OK : status;
}
