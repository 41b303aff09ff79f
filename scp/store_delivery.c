/* Deliveries: which result goes where, and how far it came. */
#include "store_sqlite.h"

enum store_status store_pending(struct store *store, const char *destination, struct delivery *list,
                                size_t room, size_t *count)
{
    *count = 0;
    sqlite3_stmt *rows =
        sql_prepare(store,
                    "SELECT " RESULT_COLUMNS ",delivery.id,destination,attempts,next_ms,last_error"
                    " FROM delivery JOIN result ON result.id=delivery.result"
                    " WHERE state='pending' AND destination=? ORDER BY next_ms,delivery.id LIMIT ?",
                    "ti", destination, (int64_t)room);
    enum store_status status;
    while ((status = sql_row(store, rows)) == STORE_OK) {
        if (*count == room)
            continue;
        struct delivery *delivery = &list[(*count)++];
        result_take(rows, &delivery->result);
        delivery->id = sqlite3_column_int64(rows, 15);
        sql_text(rows, 16, delivery->destination, sizeof delivery->destination);
        delivery->state = DELIVERY_PENDING;
        delivery->attempts = sqlite3_column_int(rows, 17);
        delivery->next_ms = sqlite3_column_int64(rows, 18);
        sql_text(rows, 19, delivery->last_error, sizeof delivery->last_error);
    }
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status store_delivered(struct store *store, int64_t delivery, int64_t result,
                                  int64_t now_ms)
{
    enum store_status status =
        sql_run(store, sql_prepare(store,
                                   "UPDATE delivery SET state='sent',done_ms=?1,"
                                   "attempts=attempts+1,last_error='',"
                                   "result=CASE WHEN ?2=0 THEN result ELSE ?2 END WHERE id=?3",
                                   "iii", now_ms, result, delivery));
    return status == STORE_OK && sqlite3_changes(store->db) == 0 ? STORE_NONE : status;
}

enum store_status store_delivery_failed(struct store *store, int64_t delivery, int64_t next_ms,
                                        bool park, const char *error)
{
    enum store_status status = sql_run(
        store, sql_prepare(store,
                           "UPDATE delivery SET state=CASE WHEN state='cancelled' THEN state"
                           " ELSE ? END,next_ms=?,attempts=attempts+1,last_error=?"
                           " WHERE id=? AND state<>'sent'",
                           "titi", park ? "parked" : "pending", next_ms, error, delivery));
    return status == STORE_OK && sqlite3_changes(store->db) == 0 ? STORE_NONE : status;
}
