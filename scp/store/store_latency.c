/* Histograms of how long studies take: a row for each stage and bucket. */
#include "store_latency.h"

#include "store_sqlite.h"
#include <string.h>

/* The end of a row's bucket; above all bounds. */
#define ENDLESS INT64_MAX

const int64_t store_latency_bound_ms[STORE_LATENCY_BOUNDS] = {
    250,   500,   1000,   2000,   5000,   10000,   15000,    20000,
    30000, 60000, 120000, 300000, 900000, 3600000, 14400000, 86400000};

static const char *const names[] = {
#define X(code, text) [code] = text,
    STORE_STAGE_MAP(X)
#undef X
};

const char *store_stage_name(enum store_stage stage)
{
    return names[stage];
}

static size_t bucket_of(int64_t ms)
{
    size_t i = 0;
    while (i < STORE_LATENCY_BOUNDS && ms > store_latency_bound_ms[i])
        i++;
    return i;
}

enum store_status latency_add(struct store *store, enum store_stage stage, int64_t since_ms,
                              int64_t now_ms)
{
    int64_t ms = now_ms > since_ms ? now_ms - since_ms : 0; /* the clock was set back */
    size_t bucket = bucket_of(ms);
    if (since_ms == 0 || now_ms == 0)
        return STORE_OK;
    return sql_run(
        store,
        sql_prepare(store,
                    "INSERT INTO latency(stage,bound_ms,count,sum_ms) VALUES(?,?,1,?)"
                    " ON CONFLICT(stage,bound_ms) DO UPDATE SET count=count+1,"
                    "sum_ms=sum_ms+excluded.sum_ms",
                    "tii", names[stage],
                    bucket < STORE_LATENCY_BOUNDS ? store_latency_bound_ms[bucket] : ENDLESS, ms));
}

static enum store_status first_number(struct store *store, sqlite3_stmt *row, int64_t *number)
{
    *number = 0;
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    *number = sqlite3_column_int64(row, 0);
    (void)sqlite3_reset(row);
    return STORE_OK;
}

enum store_status latency_analysed(struct store *store, int64_t instance, int64_t now_ms)
{
    int64_t since;
    enum store_status status =
        first_number(store,
                     sql_prepare(store,
                                 "SELECT received_ms FROM instance WHERE id=? AND revision=0"
                                 " AND state IN ('judged','not-processed')",
                                 "i", instance),
                     &since);
    return status == STORE_OK ? latency_add(store, STAGE_ANALYSED, since, now_ms) : status;
}

enum store_status latency_new_since(struct store *store, const int64_t *instances, size_t count,
                                    int64_t *since_ms)
{
    enum store_status status = STORE_OK;
    *since_ms = 0;
    for (size_t i = 0; status == STORE_OK && i < count; i++) {
        int64_t one;
        status = first_number(store,
                              sql_prepare(store,
                                          "SELECT received_ms FROM instance WHERE id=?"
                                          " AND revision=0 AND reported=0",
                                          "i", instances[i]),
                              &one);
        if (one > *since_ms)
            *since_ms = one;
    }
    return status;
}

enum store_status latency_delivery(struct store *store, enum store_stage stage, int64_t delivery,
                                   int64_t now_ms)
{
    int64_t since;
    enum store_status status = first_number(
        store,
        sql_prepare(store,
                    "SELECT since_ms FROM delivery JOIN result ON result.id=delivery.result"
                    " WHERE delivery.id=?1 AND done_ms=0 AND (?2 OR (stored_ms=0"
                    " AND uncommitted=0))",
                    "ii", delivery, (int64_t)(stage == STAGE_COMMITTED)),
        &since);
    return status == STORE_OK ? latency_add(store, stage, since, now_ms) : status;
}

enum store_status latency_told(struct store *store, int64_t news, int64_t now_ms)
{
    int64_t since;
    enum store_status status = first_number(
        store,
        sql_prepare(store,
                    "SELECT received_ms FROM news JOIN instance ON instance.id=news.instance"
                    " WHERE news.id=? AND kind=0 AND instance.revision=0 AND NOT EXISTS"
                    " (SELECT 1 FROM news AS before WHERE before.study=news.study AND"
                    " before.announcement=news.announcement AND before.state='told')",
                    "i", news),
        &since);
    return status == STORE_OK ? latency_add(store, STAGE_NOTIFIED, since, now_ms) : status;
}

enum store_status store_latencies(struct store *store, struct store_latency list[STORE_STAGES])
{
    enum store_status status;
    sqlite3_stmt *rows = sql_prepare(store, "SELECT stage,bound_ms,count,sum_ms FROM latency", "");
    memset(list, 0, STORE_STAGES * sizeof *list);
    while ((status = sql_row(store, rows)) == STORE_OK) {
        char name[16];
        size_t bucket = bucket_of(sqlite3_column_int64(rows, 1));
        sql_text(rows, 0, name, sizeof name);
        for (int s = 0; s < STORE_STAGES; s++) {
            if (strcmp(name, names[s]) != 0)
                continue;
            list[s].bucket[bucket] += (uint64_t)sqlite3_column_int64(rows, 2);
            list[s].count += (uint64_t)sqlite3_column_int64(rows, 2);
            list[s].sum_ms += sqlite3_column_int64(rows, 3);
        }
    }
    return status == STORE_NONE ? STORE_OK : status;
}
