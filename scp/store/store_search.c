/* Results by what DICOMweb asks for. */
#include "store_search.h"

#include "store_sqlite.h"
#include <string.h>

/* Of the same report for who does not take 3D SR, nobody can tell here that it is the same. */
#define COUNTS               " fate='current' AND gone_ms=0 AND kind IN ('sr','sc','gsps','map')"
#define IN(list, column)     " AND (" list "='' OR instr(" list ",','||" column "||',')>0)"
#define LIKE(pattern, value) " AND (" pattern "='' OR " value " GLOB " pattern ")"
/* (0010,0020), (0010,0010), (0008,0050), (0008,0020) */
#define PATIENT   "attribute(attrs,1048608)"
#define NAME      "upper(attribute(attrs,1048592))"
#define ACCESSION "attribute(attrs," SQL_ACCESSION ")"
#define DATE      "attribute(attrs,524320)"
#define MODALITY                                                                                   \
    "CASE WHEN kind='sr' THEN 'SR' WHEN kind='gsps' THEN 'PR' WHEN kind='map' THEN 'OT'"           \
    " ELSE ?12 END"

#define MATCHES                                                                                    \
    COUNTS IN("?2", "study") IN("?3", "series") IN("?4", "uid") IN("?5", "sop_class")              \
        LIKE("?6", PATIENT) LIKE("?7", NAME) LIKE("?8", ACCESSION)                                 \
            LIKE("?9", MODALITY) " AND (?10='' OR " DATE ">=?10) AND (?11='' OR " DATE             \
                                 " BETWEEN '0' AND ?11)"
#define ROWS(column, study)                                                                        \
    "SELECT " RESULT_COLUMNS ",MAX(result.id) FROM result WHERE " study " AND" MATCHES             \
    " GROUP BY " column " ORDER BY MAX(result.id) DESC LIMIT ?13 OFFSET ?14"
#define HOW_MANY(column, study)                                                                    \
    "SELECT COUNT(DISTINCT " column ") FROM result WHERE " study " AND" MATCHES
#define BOTH(make, column)                                                                         \
    {                                                                                              \
        make(column, "?1=''"), make(column, "study=?1")                                            \
    }

static const char *const rows_of[][2] = {
    [STORE_BY_STUDY] = BOTH(ROWS, "study"),
    [STORE_BY_SERIES] = BOTH(ROWS, "series"),
    [STORE_BY_INSTANCE] = BOTH(ROWS, "uid"),
};
static const char *const number_of[][2] = {
    [STORE_BY_STUDY] = BOTH(HOW_MANY, "study"),
    [STORE_BY_SERIES] = BOTH(HOW_MANY, "series"),
    [STORE_BY_INSTANCE] = BOTH(HOW_MANY, "uid"),
};

static sqlite3_stmt *prepare(struct store *store, const char *const text[2],
                             const struct store_search *s, int64_t room, bool rows)
{
    return sql_prepare(store, text[s->study[0] != '\0'], rows ? "ttttttttttttii" : "tttttttttttt",
                       s->study, s->studies, s->series, s->instances, s->classes, s->patient,
                       s->name, s->accession, s->modality, s->first_date, s->last_date,
                       s->picture_modality, room, s->offset);
}

enum store_status store_search(struct store *store, const struct store_search *search,
                               struct result *list, size_t room, size_t *count, int64_t *more)
{
    enum store_status status;
    sqlite3_stmt *rows = prepare(store, rows_of[search->level], search, (int64_t)room, true);
    *count = 0;
    *more = 0;
    while ((status = sql_row(store, rows)) == STORE_OK)
        if (*count < room)
            result_take(rows, &list[(*count)++]);
    if (status != STORE_NONE)
        return status;
    if (*count < room)
        return STORE_OK;
    rows = prepare(store, number_of[search->level], search, 0, false);
    status = sql_row(store, rows);
    if (status != STORE_OK)
        return status;
    *more = sqlite3_column_int64(rows, 0) - search->offset - (int64_t)*count;
    (void)sqlite3_reset(rows);
    return STORE_OK;
}

enum store_status store_extent(struct store *store, const char *study, const char *series,
                               struct store_extent *extent)
{
    enum store_status status;
    sqlite3_stmt *rows =
        sql_prepare(store,
                    "SELECT kind,series,COUNT(*) FROM result WHERE study=?1 AND" COUNTS
                    " AND (?2='' OR series=?2) GROUP BY series,kind ORDER BY series",
                    "tt", study, series);
    char last[DX_UID_MAX] = "";
    *extent = (struct store_extent){.series = 0};
    while ((status = sql_row(store, rows)) == STORE_OK) {
        char kind[32], one[DX_UID_MAX];
        sql_text(rows, 0, kind, sizeof kind);
        sql_text(rows, 1, one, sizeof one);
        extent->series += strcmp(one, last) != 0;
        memcpy(last, one, sizeof last);
        extent->instances += sqlite3_column_int64(rows, 2);
        for (int k = 0; k < RESULT_KINDS; k++)
            if (strcmp(kind, result_kind_name((enum result_kind)k)) == 0)
                extent->kind[k] = true;
    }
    return status == STORE_NONE ? STORE_OK : status;
}
