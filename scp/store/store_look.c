/* Studies of the reading worklist that may have been read at a workflow manager. */
#include "store_place.h"

#include "store_sqlite.h"

static enum store_status look_at_news(struct store *store, const char *announcement,
                                      struct news *news)
{
    sqlite3_stmt *row = sql_prepare(store,
                                    "SELECT item FROM news WHERE announcement=? AND study=? AND"
                                    " attempts>0 ORDER BY revision DESC LIMIT 1",
                                    "tt", announcement, news->study);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    news->may_know = true;
    news->item = sqlite3_column_int(row, 0);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

static enum store_status take_header(struct store *store, const char *study, uint8_t **attrs,
                                     size_t *bytes)
{
    sqlite3_stmt *row = sql_prepare(store,
                                    "SELECT attrs FROM instance JOIN judgement ON instance=id"
                                    " WHERE study=? AND withdrawn='' AND attrs NOTNULL"
                                    " ORDER BY id DESC LIMIT 1",
                                    "t", study);
    return sql_first_bytes(store, row, attrs, bytes);
}

enum store_status store_next_look(struct store *store, const char *announcement, int64_t now_ms,
                                  int64_t period_ms, struct news *news, uint8_t **attrs,
                                  size_t *bytes)
{
    *attrs = NULL;
    *bytes = 0;
    *news = (struct news){.kind = NEWS_LOOK, .order = ORDER_UNKNOWN, .told = PRIORITY_MEDIUM};
    sqlite3_stmt *row = sql_prepare(
        store,
        "SELECT place.study,revision,arrived_ms,COALESCE(looked_ms,arrived_ms) AS "
        "last," SITE_ACCESSION " FROM place"
        " LEFT JOIN look ON look.announcement=?1 AND look.study=place.study WHERE read_ms=0"
        " AND waits=0 AND COALESCE(over,0)=0 AND (announcements IS NULL OR"
        " instr(' '||announcements||' ',' '||?1||' ')>0 OR EXISTS (SELECT 1 FROM news WHERE"
        " announcement=?1 AND news.study=place.study AND attempts>0)) AND (last>?2 OR "
        "?2-last>=MAX(?3,(?2-arrived_ms)/8))"
        " ORDER BY last,place.study LIMIT 1",
        "tii", announcement, now_ms, period_ms);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    sql_text(row, 0, news->study, sizeof news->study);
    news->revision = sqlite3_column_int64(row, 1);
    news->received_ms = sqlite3_column_int64(row, 2);
    sql_text(row, 4, news->accession, sizeof news->accession);
    (void)sqlite3_reset(row);
    status = look_at_news(store, announcement, news);
    return status == STORE_OK ? take_header(store, news->study, attrs, bytes) : status;
}

enum store_status store_look_asked(struct store *store, const char *announcement, const char *study,
                                   int64_t now_ms)
{
    enum store_status status = sql_enter_light(store); /* lost, it is only looked at once more */
    if (status != STORE_OK)
        return status;
    return sql_leave_light(
        store,
        sql_run(store, sql_prepare(store,
                                   "INSERT INTO look(announcement,study,looked_ms)"
                                   " VALUES(?1,?2,?3) ON CONFLICT DO UPDATE SET looked_ms=?3",
                                   "tti", announcement, study, now_ms)));
}

enum store_status store_look_read(struct store *store, const char *announcement, const char *study)
{
    enum store_status status = sql_enter(store);
    if (status != STORE_OK)
        return status;
    status =
        sql_run(store, sql_prepare(store, "UPDATE look SET over=1 WHERE announcement=? AND study=?",
                                   "tt", announcement, study));
    if (status == STORE_OK)
        status = sql_run(store, sql_prepare(store,
                                            "UPDATE study SET read=1 WHERE uid=? AND read=0"
                                            " AND uid<>''",
                                            "t", study));
    return sql_leave(store, status);
}
