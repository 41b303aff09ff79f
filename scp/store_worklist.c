/* The reading worklist as the job store has it. */
#include "store_place.h"

#include "store_site.h"
#include "store_sqlite.h"
#include <string.h>

static enum priority_reason reason_of(const char *code)
{
    static const enum priority_reason all[] = {
#define X(value, code, text) value,
        PRIORITY_REASON_MAP(X)
#undef X
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(code, priority_reason_code(all[i])) == 0)
            return all[i];
    return REASON_WAITING;
}

void place_take(sqlite3_stmt *row, int column, struct priority *place)
{
    char code[32];
    int rank = sqlite3_column_int(row, column), band = sqlite3_column_int(row, column + 1);
    sql_text(row, column + 4, code, sizeof code);
    *place = (struct priority){
        .rank = rank >= PRIORITY_LOW && rank <= PRIORITY_HIGH ? (enum priority_rank)rank
                                                              : PRIORITY_MEDIUM,
        .band = band >= BAND_RAISED && band <= BAND_NOT_JUDGED ? (enum priority_band)band
                                                               : BAND_NOT_JUDGED,
        .raised = sqlite3_column_int(row, column + 2) != 0,
        .strength = sqlite3_column_double(row, column + 3),
        .reason = reason_of(code)};
}

enum store_status store_mark_read(struct store *store, const char *study, bool read)
{
    enum store_status status = sql_enter(store);
    if (status == STORE_OK && !read)
        status = store_site_unread(store, study);
    if (status != STORE_OK)
        return sql_leave(store, status);
    status = sql_run(store, sql_prepare(store,
                                        "UPDATE study SET read=?,place_due=1 WHERE uid=? AND"
                                        " uid<>''",
                                        "it", (int64_t)read, study));
    bool is_there = status != STORE_OK || sqlite3_changes(store->db) > 0;
    status = sql_leave(store, status);
    return status == STORE_OK && !is_there ? STORE_NONE : status;
}

enum store_status store_worklist(struct store *store, struct store_entry *list, size_t room,
                                 size_t *count)
{
    sqlite3_stmt *rows =
        sql_prepare(store,
                    "SELECT "
                    "study,rank,band,raised,strength,reason,outcome,report,arrived_ms,changed_ms,"
                    "accession,patient_id,COALESCE((SELECT attribute(attrs,528400) FROM instance "
                    "JOIN" /* (0008,1010)
                            */
                    " judgement ON instance=id WHERE instance.study=place.study ORDER BY id DESC "
                    "LIMIT 1),''),"
                    "COALESCE((SELECT MAX(priority) FROM site_order WHERE site_order.study<>''"
                    " AND site_order.study=place.study),(SELECT MAX(priority) FROM site_order "
                    "WHERE accession<>'' AND"
                    " site_order.accession=place.accession),0)"
                    " FROM place WHERE read_ms=0 ORDER BY raised DESC,arrived_ms DESC LIMIT ?",
                    "i", (int64_t)room);
    enum store_status status;
    *count = 0;
    while ((status = sql_row(store, rows)) == STORE_OK) {
        char name[32];
        struct store_entry *e = &list[(*count)++];
        *e = (struct store_entry){.place = {.order = ORDER_UNKNOWN, .number = (int64_t)*count}};
        sql_text(rows, 0, e->study, sizeof e->study);
        place_take(rows, 1, &e->place.priority);
        sql_text(rows, 6, name, sizeof name);
        if (!srt_outcome_parse(name, &e->outcome))
            e->outcome = SRT_NOT_PROCESSED;
        sql_text(rows, 7, e->report, sizeof e->report);
        e->place.arrived_ms = sqlite3_column_int64(rows, 8);
        e->changed_ms = sqlite3_column_int64(rows, 9);
        sql_text(rows, 10, e->accession, sizeof e->accession);
        sql_text(rows, 11, e->patient_id, sizeof e->patient_id);
        sql_text(rows, 12, e->station, sizeof e->station);
        e->place.order = (enum priority_order)sqlite3_column_int(rows, 13);
    }
    return status == STORE_NONE ? STORE_OK : status;
}
