/* News of places in the reading worklist, until it is told. */
#include "store_place.h"

#include "store_sqlite.h"

/* The last revision before this one that went out. */
static enum store_status last_told(struct store *store, const char *announcement, struct news *news)
{
    sqlite3_stmt *row =
        sql_prepare(store,
                    "SELECT rank,site_priority,state='told',item,identity FROM news WHERE"
                    " announcement=?"
                    " AND study=? AND attempts>0 AND revision<? ORDER BY revision DESC LIMIT 1",
                    "tti", announcement, news->study, news->revision);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    news->may_know = true;
    news->was_told = sqlite3_column_int(row, 2) != 0;
    news->told = (enum priority_rank)sqlite3_column_int(row, 0);
    news->told_order = (enum priority_order)sqlite3_column_int(row, 1);
    news->item = sqlite3_column_int(row, 3);
    sql_text(row, 4, news->told_identity, sizeof news->told_identity);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

/* Of the image as it is now, unless the news has one of its own (store_reconcile.c). */
static enum store_status copy_header(struct store *store, int64_t id, uint8_t **attrs,
                                     size_t *bytes)
{
    sqlite3_stmt *row = sql_prepare(store,
                                    "SELECT COALESCE(header,(SELECT attrs FROM judgement WHERE"
                                    " judgement.instance=news.instance)) FROM news WHERE id=?",
                                    "i", id);
    return sql_first_bytes(store, row, attrs, bytes);
}

static void take_news(sqlite3_stmt *row, struct news *news)
{
    char name[32];
    struct priority place;
    news->id = sqlite3_column_int64(row, 0);
    sql_text(row, 1, news->study, sizeof news->study);
    news->revision = sqlite3_column_int64(row, 2);
    news->kind = sqlite3_column_int(row, 3) == NEWS_PRIORITY ? NEWS_PRIORITY : NEWS_WITHDRAWN;
    news->created_ms = sqlite3_column_int64(row, 4);
    place_take(row, 5, &place);
    news->rank = place.rank;
    news->reason = place.reason;
    news->raised = place.raised;
    sql_text(row, 10, name, sizeof name);
    if (!srt_outcome_parse(name, &news->outcome))
        news->outcome = SRT_NOT_PROCESSED;
    sql_text(row, 11, news->report, sizeof news->report);
    news->is_report = news->report[0] != '\0';
    news->received_ms = sqlite3_column_int64(row, 12);
    sql_text(row, 13, news->report_series, sizeof news->report_series);
    news->order = (enum priority_order)sqlite3_column_int(row, 14);
    news->attempts = sqlite3_column_int(row, 15);
    sql_text(row, 16, news->model, sizeof news->model);
    sql_text(row, 17, news->placer_order, sizeof news->placer_order);
    sql_text(row, 18, news->filler_order, sizeof news->filler_order);
    sql_text(row, 19, news->procedure_id, sizeof news->procedure_id);
    sql_text(row, 20, news->accession, sizeof news->accession);
}

enum store_status store_next_news(struct store *store, const struct priority_policy *policy,
                                  const char *announcement, int64_t now_ms, int64_t far_ms,
                                  struct news *news, uint8_t **attrs, size_t *bytes)
{
    *attrs = NULL;
    *bytes = 0;
    *news = (struct news){.order = ORDER_UNKNOWN, .told = PRIORITY_MEDIUM};
    sqlite3_stmt *row = sql_prepare(
        store,
        "SELECT news.id,news.study,news.revision,kind,created_ms,place.rank,band,raised,strength,"
        "reason,outcome,report,arrived_ms,"
        "COALESCE((SELECT series FROM result WHERE uid=place.report),''),"
        "news.site_priority,attempts,model,placer_order,filler_order,procedure_id,news.accession"
        " FROM news JOIN place ON place.study=news.study"
        " WHERE announcement=? AND news.state='pending' AND (next_ms<=? OR next_ms>?)"
        " ORDER BY " STANDS("''", "?,?,?") ",news.study,news.id LIMIT 1",
        "tiiiii", announcement, now_ms, far_ms, (int64_t)policy->ageing_seconds,
        (int64_t)policy->delay_seconds, policy->now_ms);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    take_news(row, news);
    (void)sqlite3_reset(row);
    status = last_told(store, announcement, news);
    return status == STORE_OK ? copy_header(store, news->id, attrs, bytes) : status;
}

enum store_status store_news_asked(struct store *store, const struct news *news)
{
    enum store_status status =
        sql_run(store, sql_prepare(store,
                                   "UPDATE news SET attempts=attempts+1,item=?2,identity=?3"
                                   " WHERE id=?1 AND state='pending'",
                                   "iit", news->id, (int64_t)news->item, news->identity));
    return sql_changed(store, status);
}

/* Overtaken meanwhile or not: the receiver has it. */
static enum store_status told(struct store *store, int64_t id, int64_t now_ms)
{
    enum store_status status = sql_enter(store);
    if (status != STORE_OK)
        return status;
    status = latency_told(store, id, now_ms);
    if (status == STORE_OK)
        status = sql_changed(store, sql_run(store, sql_prepare(store,
                                                               "UPDATE news SET state='told',"
                                                               "done_ms=?,error='' WHERE id=?",
                                                               "ii", now_ms, id)));
    return sql_leave(store, status);
}

enum store_status store_news_end(struct store *store, int64_t id, enum news_end end,
                                 int64_t next_ms, const char *why, int64_t now_ms)
{
    if (end == NEWS_TOLD)
        return told(store, id, now_ms);
    return sql_changed(
        store,
        sql_run(store, sql_prepare(store,
                                   "UPDATE news SET state=?,next_ms=?,error=?,"
                                   "done_ms=? WHERE id=? AND state='pending'",
                                   "titii", end == NEWS_REFUSED ? "parked" : "pending", next_ms,
                                   why, end == NEWS_REFUSED ? now_ms : (int64_t)0, id)));
}

/* What a receiver has already, or what takes back more than it may have, is never too late. */
#define STALE                                                                                      \
    " news WHERE announcement=?1 AND state='pending' AND created_ms<?2 AND kind=0 AND NOT EXISTS"  \
    " (SELECT 1 FROM news AS before WHERE before.announcement=?1 AND before.study=news.study AND"  \
    " before.revision<news.revision AND ((before.state='told' AND before.rank>=news.rank) OR"      \
    " (before.attempts>0 AND before.rank>news.rank)))"
enum store_status store_expire_news(struct store *store, const char *announcement,
                                    int64_t before_ms, int64_t now_ms, size_t *count)
{
    /* Looked at every second: a write takes the lock, also where there is nothing to write. */
    sqlite3_stmt *row =
        sql_prepare(store, "SELECT 1 FROM" STALE " LIMIT 1", "ti", announcement, before_ms);
    enum store_status status = sql_row(store, row);
    *count = 0;
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    (void)sqlite3_reset(row);
    status = sql_run(store, sql_prepare(store,
                                        "UPDATE news SET state='expired',done_ms=?3 WHERE id IN"
                                        " (SELECT id FROM" STALE ")",
                                        "tii", announcement, before_ms, now_ms));
    *count = status == STORE_OK ? (size_t)sqlite3_changes(store->db) : 0;
    return status;
}

enum store_status store_news_state(struct store *store, const char *announcement, int64_t since_ms,
                                   struct store_news_state *state)
{
    *state = (struct store_news_state){.pending = 0};
    sqlite3_stmt *row = sql_prepare(store,
                                    "SELECT COUNT(*),COALESCE(MIN(created_ms),0) FROM news"
                                    " WHERE announcement=? AND state='pending'",
                                    "t", announcement);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    state->pending = (size_t)sqlite3_column_int64(row, 0);
    state->oldest_ms = sqlite3_column_int64(row, 1);
    (void)sqlite3_reset(row);

    row = sql_prepare(store,
                      "SELECT COUNT(*) OVER (),error FROM news WHERE announcement=?"
                      " AND state='parked' AND done_ms>=? ORDER BY done_ms DESC LIMIT 1",
                      "ti", announcement, since_ms);
    status = sql_row(store, row);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    state->parked = (size_t)sqlite3_column_int64(row, 0);
    sql_text(row, 1, state->why, sizeof state->why);
    (void)sqlite3_reset(row);
    return STORE_OK;
}
