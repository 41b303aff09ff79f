/* The figures for people: they add up because each is counted from the rows themselves. */
#include "store_sqlite.h"

#include <string.h>

enum store_status store_count(struct store *store, const char *counter)
{
    return sql_run(store, sql_prepare(store,
                                      "INSERT INTO counter(name,value) VALUES(?,1)"
                                      " ON CONFLICT(name) DO UPDATE SET value=value+1",
                                      "t", counter));
}

static void place(struct store_counts *counts, const char *group, const char *name, uint64_t value)
{
    const struct {
        const char *group, *name;
        uint64_t *value;
    } places[] = {
        {"counter", "duplicates", &counts->duplicates},
        {"counter", "refused", &counts->refused},
        {"result", "sr", &counts->reports},
        {"result", "sc", &counts->pictures},
        {"delivery", "pending", &counts->pending},
        {"delivery", "sent", &counts->sent},
        {"delivery", "parked", &counts->parked},
        {"delivery", "held", &counts->held},
        {"delivery", "cancelled", &counts->cancelled},
        {"delivery", "expired", &counts->expired},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (strcmp(group, places[i].group) == 0 && strcmp(name, places[i].name) == 0)
            *places[i].value = value;
    for (int i = 0; i < INSTANCE_STATES; i++)
        if (strcmp(group, "instance") == 0 &&
            strcmp(name, instance_state_name((enum instance_state)i)) == 0)
            counts->instances[i] = value;
}

/* One statement, so one snapshot. */
enum store_status store_counts(struct store *store, struct store_counts *counts)
{
    *counts = (struct store_counts){.pending = 0};
    sqlite3_stmt *rows =
        sql_prepare(store,
                    "SELECT 'instance',state,COUNT(*) FROM instance GROUP BY state"
                    " UNION ALL SELECT 'counter',name,value FROM counter"
                    " UNION ALL SELECT 'result',kind,COUNT(*) FROM result GROUP BY kind"
                    " UNION ALL SELECT 'delivery',state,COUNT(*) FROM delivery GROUP BY state"
                    " UNION ALL SELECT 'oldest','',COALESCE(MIN(created_ms),0) FROM result"
                    "   JOIN delivery ON delivery.result=result.id WHERE state='pending'",
                    "");
    enum store_status status;
    while ((status = sql_row(store, rows)) == STORE_OK) {
        char group[16], name[32];
        sql_text(rows, 0, group, sizeof group);
        sql_text(rows, 1, name, sizeof name);
        int64_t value = sqlite3_column_int64(rows, 2);
        if (strcmp(group, "oldest") == 0)
            counts->oldest_pending_ms = value;
        else
            place(counts, group, name, (uint64_t)value);
    }
    return status == STORE_NONE ? STORE_OK : status;
}
