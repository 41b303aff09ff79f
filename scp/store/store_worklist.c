/* The reading worklist as the job store has it. */
#include "store_place.h"

#include "dx_attrs.h"
#include "store_site.h"
#include "store_sqlite.h"
#include <stdio.h>
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

static void stands(sqlite3_context *context, int count, sqlite3_value **values)
{
    const char *reason = (const char *)sqlite3_value_text(values[0]);
    const struct priority_policy policy = {.ageing_seconds = sqlite3_value_int(values[6]),
                                           .delay_seconds = sqlite3_value_int(values[7]),
                                           .now_ms = sqlite3_value_int64(values[8])};
    const struct priority_place place = {
        .priority = {.reason = reason_of(reason != NULL ? reason : ""),
                     .raised = sqlite3_value_int(values[1]) != 0,
                     .strength = sqlite3_value_double(values[2])},
        .order = (enum priority_order)sqlite3_value_int(values[3]),
        .arrived_ms = sqlite3_value_int64(values[4]),
        .passed_ms = sqlite3_value_int64(values[5])};
    (void)count;
    sqlite3_result_int64(context, priority_stands(&policy, &place));
}

enum store_status place_functions(struct store *store)
{
    int code = sqlite3_create_function_v2(store->db, "stands", 9,
                                          SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
                                          NULL, stands, NULL, NULL, NULL);
    return code == SQLITE_OK ? STORE_OK : sql_fail(store, code);
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

/* The latest header of the study; the same place for both lists. */
#define SELECT_ENTRY                                                                               \
    "SELECT place.study,rank,band,raised,strength,reason,outcome,report,arrived_ms,"               \
    "place.changed_ms," SITE_ACCESSION ",patient_id," SITE_PRIORITY ",read_ms,"                    \
    "(SELECT attrs FROM instance JOIN judgement ON instance=id WHERE instance.study=place.study"   \
    " ORDER BY id DESC LIMIT 1),COALESCE(performer,''),COALESCE(claimed_ms,0),passed_ms,answered"  \
    " FROM place LEFT JOIN reading ON reading.study=place.study AND reading.state=2"               \
    " AND reading.state<=2 "

/* A header as it is packed: a list has thousands. */
struct header {
    const uint8_t *bytes;
    size_t count;
};

/* "" when it is no ASCII: none of these has words. What does not fit is cut. */
static void take_text(const struct header *header, uint32_t tag, char *text, size_t size)
{
    size_t length;
    const char *value = dx_attrs_packed(header->bytes, header->count, tag, &length);
    text[0] = '\0';
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)value[i] >= 0x80 || value[i] == 0x1b)
            return;
    length = length < size ? length : size - 1;
    memcpy(text, value, length);
    text[length] = '\0';
}

/* "20261127" and "134500.123" as 2026-11-27T13:45:00; "" when they are something else. */
static void take_time(const struct header *header, char text[20])
{
    char day[32], time[32];
    take_text(header, DX_TAG(0x0008, 0x0020), day, sizeof day);
    take_text(header, DX_TAG(0x0008, 0x0030), time, sizeof time);
    text[0] = '\0';
    if (strspn(day, "0123456789") != 8 || strspn(time, "0123456789") < 4)
        return;
    bool seconds = strspn(time, "0123456789") >= 6;
    const char from[] = {day[0],
                         day[1],
                         day[2],
                         day[3],
                         '-',
                         day[4],
                         day[5],
                         '-',
                         day[6],
                         day[7],
                         'T',
                         time[0],
                         time[1],
                         ':',
                         time[2],
                         time[3],
                         ':',
                         seconds ? time[4] : '0',
                         seconds ? time[5] : '0',
                         '\0'};
    memcpy(text, from, sizeof from);
}

static void take_header(sqlite3_stmt *rows, int column, struct store_entry *e)
{
    const struct header header = {.bytes = sqlite3_column_blob(rows, column),
                                  .count = (size_t)sqlite3_column_bytes(rows, column)};
    take_text(&header, DX_TAG(0x0008, 0x1010), e->station, sizeof e->station);
    take_text(&header, DX_TAG(0x0010, 0x1010), e->age, sizeof e->age);
    take_text(&header, DX_TAG(0x0010, 0x0040), e->sex, sizeof e->sex);
    take_time(&header, e->study_time);
}

static enum store_status take_entries(struct store *store, sqlite3_stmt *rows,
                                      struct store_entry *list, size_t *count)
{
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
        e->place.order = (enum priority_order)sqlite3_column_int(rows, 12);
        e->read_ms = sqlite3_column_int64(rows, 13);
        take_header(rows, 14, e);
        sql_text(rows, 15, e->claimed_by, sizeof e->claimed_by);
        e->claimed_ms = sqlite3_column_int64(rows, 16);
        e->place.passed_ms = sqlite3_column_int64(rows, 17);
        e->answered = sqlite3_column_int(rows, 18) != 0;
    }
    return status == STORE_NONE ? STORE_OK : status;
}

/* Sorting carries each row's header about: it is for lists that must be cut alone. */
enum store_status store_worklist(struct store *store, const struct priority_policy *policy,
                                 struct store_entry *list, size_t room, size_t *count)
{
    int64_t all = 0;
    enum store_status status;
    sqlite3_stmt *rows = sql_prepare(store, "SELECT COUNT(*) FROM place WHERE read_ms=0", "");
    while ((status = sql_row(store, rows)) == STORE_OK)
        all = sqlite3_column_int64(rows, 0);
    if (status != STORE_NONE)
        return status;
    rows = all <= (int64_t)room
               ? sql_prepare(store, SELECT_ENTRY "WHERE read_ms=0 LIMIT ?", "i", (int64_t)room)
               : sql_prepare(store,
                             SELECT_ENTRY "WHERE read_ms=0 ORDER BY " STANDS(
                                 "reason", "?,?,?") ",place.study LIMIT ?",
                             "iiii", (int64_t)policy->ageing_seconds,
                             (int64_t)policy->delay_seconds, policy->now_ms, (int64_t)room);
    return take_entries(store, rows, list, count);
}

enum store_status store_read_list(struct store *store, struct store_entry *list, size_t room,
                                  size_t *count)
{
    return take_entries(store,
                        sql_prepare(store,
                                    SELECT_ENTRY "WHERE read_ms<>0 ORDER BY read_ms DESC LIMIT ?",
                                    "i", (int64_t)room),
                        list, count);
}

enum store_status store_place_entry(struct store *store, const char *study,
                                    struct store_entry *entry)
{
    size_t count;
    enum store_status status = take_entries(
        store, sql_prepare(store, SELECT_ENTRY "WHERE place.study=?", "t", study), entry, &count);
    return status == STORE_OK && count == 0 ? STORE_NONE : status;
}

enum store_status store_change(struct store *store, int64_t *number)
{
    sqlite3_stmt *row = sql_prepare(store, "PRAGMA data_version", "");
    enum store_status status;
    while ((status = sql_row(store, row)) == STORE_OK)
        *number = sqlite3_column_int64(row, 0);
    return status == STORE_NONE ? STORE_OK : status;
}
