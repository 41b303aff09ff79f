/* Deliveries: which result goes where, and how far it came. */
#include "store_keep.h"
#include "store_sqlite.h"

#define DELIVERIES                                                                                 \
    "SELECT " RESULT_COLUMNS                                                                       \
    ",delivery.id,destination,attempts,next_ms,last_error,looked_ms,priority"                      \
    " FROM delivery JOIN result ON result.id=delivery.result WHERE "
/* next_ms of a parked one; what never passed our own check was parked when it was made. */
#define PARKED_SINCE "CASE WHEN next_ms<>0 THEN next_ms ELSE created_ms END"

static enum store_status take_rows(struct store *store, sqlite3_stmt *rows,
                                   enum delivery_state state, struct delivery *list, size_t room,
                                   size_t *count)
{
    enum store_status status;
    *count = 0;
    while ((status = sql_row(store, rows)) == STORE_OK) {
        if (*count == room)
            continue;
        struct delivery *delivery = &list[(*count)++];
        result_take(rows, &delivery->result);
        delivery->id = sqlite3_column_int64(rows, 15);
        sql_text(rows, 16, delivery->destination, sizeof delivery->destination);
        delivery->state = state;
        delivery->attempts = sqlite3_column_int(rows, 17);
        delivery->next_ms = sqlite3_column_int64(rows, 18);
        sql_text(rows, 19, delivery->last_error, sizeof delivery->last_error);
        delivery->looked_ms = sqlite3_column_int64(rows, 20);
        delivery->urgent = sqlite3_column_int(rows, 21) != 0;
    }
    return status == STORE_NONE ? STORE_OK : status;
}

/* ?1 destination, ?2 now, ?3 far. */
#define PUT_OFF(d)                                                                                 \
    d ".state='pending' AND " d ".stored_ms=0 AND " d ".destination=?1 AND " d                     \
      ".next_ms>?2 AND " d ".next_ms<=?3"
#define EARLIER(a, b) "(-" a ".priority," a ".id)<(-" b ".priority," b ".id)"
/* The first that was put off by itself and is not due: no other that was put off goes before it.
 * What waits for its images has an order of its own. */
#define HELD                                                                                       \
    "WITH held(priority,id) AS (SELECT priority,id FROM delivery WHERE " PUT_OFF(                  \
        "delivery") " AND looked_ms=0 ORDER BY priority DESC,id LIMIT 1) "
/* It was put off, and waits for that one though it is due. */
#define HELD_BACK(d)                                                                               \
    d ".state='pending' AND " d ".stored_ms=0 AND " d ".destination=?1 AND " d                     \
      ".next_ms<>0 AND " d                                                                         \
      ".looked_ms=0 AND EXISTS(SELECT 1 FROM held WHERE " EARLIER("held", d) ")"
#define IN_ORDER                                                                                   \
    " AND (next_ms=0 OR looked_ms<>0 OR NOT EXISTS(SELECT 1 FROM held WHERE " EARLIER(             \
        "held",                                                                                    \
        "delivery") "))"                                                                           \
                    " AND NOT EXISTS(SELECT 1 FROM result other JOIN delivery before"              \
                    " ON before.result=other.id WHERE other.study=result.study AND " EARLIER(      \
                        "before",                                                                  \
                        "delivery") " AND ((" PUT_OFF("before") ") OR (" HELD_BACK("before") ")))"

enum store_status store_pending(struct store *store, const char *destination, int64_t now_ms,
                                int64_t far_ms, struct delivery *list, size_t room, size_t *count)
{
    return take_rows(store,
                     sql_prepare(store,
                                 HELD DELIVERIES "state='pending' AND stored_ms=0"
                                                 " AND destination=?1"
                                                 " AND (next_ms<=?2 OR next_ms>?3)" IN_ORDER
                                                 " ORDER BY priority DESC,delivery.id LIMIT ?4",
                                 "tiii", destination, now_ms, far_ms, (int64_t)room),
                     DELIVERY_PENDING, list, room, count);
}

static void fill_since(struct delivery *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].next_ms == 0)
            list[i].next_ms = list[i].result.created_ms;
}

enum store_status store_parked(struct store *store, struct delivery *list, size_t room,
                               size_t *count)
{
    enum store_status status =
        take_rows(store,
                  sql_prepare(store, DELIVERIES "state='parked' ORDER BY delivery.id LIMIT ?", "i",
                              (int64_t)room),
                  DELIVERY_PARKED, list, room, count);
    fill_since(list, *count);
    return status;
}

static enum store_status expire(struct store *store, int64_t before_ms, int64_t now_ms,
                                struct delivery *list, size_t room, size_t *count)
{
    enum store_status status = take_rows(store,
                                         sql_prepare(store,
                                                     DELIVERIES "state='parked' AND " PARKED_SINCE
                                                                "<? ORDER BY delivery.id LIMIT ?",
                                                     "ii", before_ms, (int64_t)room),
                                         DELIVERY_EXPIRED, list, room, count);
    fill_since(list, *count);
    for (size_t i = 0; status == STORE_OK && i < *count; i++)
        status = sql_run(store, sql_prepare(store,
                                            "UPDATE delivery SET state='expired',done_ms=?"
                                            " WHERE id=?",
                                            "ii", now_ms, list[i].id));
    return status;
}

enum store_status store_expire_parked(struct store *store, int64_t before_ms, int64_t now_ms,
                                      struct delivery *list, size_t room, size_t *count)
{
    *count = 0;
    enum store_status status = sql_enter(store);
    if (status == STORE_OK)
        status = sql_leave(store, expire(store, before_ms, now_ms, list, room, count));
    if (status != STORE_OK)
        *count = 0;
    return status;
}

/* ---- on their way ---- */

/* What a sender had was not sent; what the destination may have from before, it may still have. */
#define NOT_OFFERED "offered=CASE offered WHEN 1 THEN 0 ELSE offered END"

static enum store_status offer(struct store *store, const struct delivery *list, size_t count)
{
    enum store_status status = STORE_OK;
    for (size_t i = 0; status == STORE_OK && i < count; i++)
        status = sql_changed(
            store, sql_run(store, sql_prepare(store,
                                              "UPDATE delivery SET offered=CASE offered WHEN 0"
                                              " THEN 1 ELSE 2 END WHERE id=? AND state='pending'",
                                              "i", list[i].id)));
    return status;
}

enum store_status store_deliveries_offered(struct store *store, const struct delivery *list,
                                           size_t count)
{
    enum store_status status = sql_enter(store);
    if (status == STORE_OK)
        status = sql_leave(store, offer(store, list, count));
    return status;
}

enum store_status store_deliveries_lost(struct store *store, const char *destination)
{
    bool any = false;
    enum store_status status = sql_any(
        store,
        sql_prepare(store, "SELECT 1 FROM delivery WHERE destination=? AND offered=1 LIMIT 1", "t",
                    destination),
        &any);
    if (status != STORE_OK || !any)
        return status;
    return sql_run(store, sql_prepare(store,
                                      "UPDATE delivery SET offered=2 WHERE destination=? AND"
                                      " offered=1",
                                      "t", destination));
}

enum store_status store_delivery_unsent(struct store *store, int64_t delivery)
{
    return sql_run(
        store, sql_prepare(store, "UPDATE delivery SET " NOT_OFFERED " WHERE id=?", "i", delivery));
}

/* ---- what became of them ---- */

/* The destination has it: counted in the histograms, and then changed. */
static enum store_status sent(struct store *store, int64_t delivery, int64_t now_ms,
                              sqlite3_stmt *change)
{
    enum store_status status = sql_enter(store);
    if (status != STORE_OK)
        return status;
    status = latency_delivery(store, STAGE_SENT, delivery, now_ms);
    if (status == STORE_OK)
        status = sql_changed(store, sql_run(store, change));
    return sql_leave(store, status);
}

enum store_status store_delivered(struct store *store, int64_t delivery, int64_t result,
                                  int64_t now_ms)
{
    return sent(store, delivery, now_ms,
                sql_prepare(store,
                            "UPDATE delivery SET state='sent',done_ms=?1,offered=2,"
                            "attempts=attempts+1,last_error='',"
                            "result=CASE WHEN ?2=0 THEN result ELSE ?2 END WHERE id=?3",
                            "iii", now_ms, result, delivery));
}

enum store_status store_delivery_failed(struct store *store, int64_t delivery, int64_t next_ms,
                                        bool park, bool may_be_there, const char *error)
{
    enum store_status status = sql_run(
        store, sql_prepare(store,
                           "UPDATE delivery SET state=CASE WHEN state='cancelled' THEN state"
                           " ELSE ?1 END,next_ms=?2,attempts=attempts+1,last_error=?3,"
                           "offered=CASE WHEN ?5 THEN 2 WHEN offered=1 THEN 0 ELSE offered END"
                           " WHERE id=?4 AND state<>'sent'",
                           "titii", park ? "parked" : "pending", next_ms, error, delivery,
                           (int64_t)may_be_there));
    return sql_changed(store, status);
}

enum store_status store_delivery_waits(struct store *store, int64_t delivery, int64_t next_ms,
                                       int64_t now_ms, const char *why)
{
    enum store_status status = sql_run(
        store, sql_prepare(
                   store,
                   "UPDATE delivery SET next_ms=?,attempts=attempts+1,last_error=?," NOT_OFFERED ","
                   "looked_ms=CASE WHEN looked_ms=0 OR looked_ms>?3 THEN ?3 ELSE looked_ms"
                   " END WHERE id=? AND state='pending'",
                   "itii", next_ms, why, now_ms, delivery));
    return sql_changed(store, status);
}

enum store_status store_delivery_may_be_there(struct store *store, const char *study, size_t *due)
{
    *due = 0;
    enum store_status status =
        sql_run(store, sql_prepare(store,
                                   "UPDATE delivery SET next_ms=0 WHERE result IN"
                                   " (SELECT id FROM result WHERE study=?) AND state='pending'"
                                   " AND stored_ms=0 AND looked_ms<>0 AND next_ms<>0",
                                   "t", study));
    if (status == STORE_OK)
        *due = (size_t)sqlite3_changes(store->db);
    return status;
}

enum store_status store_delivery_dropped(struct store *store, int64_t delivery, const char *why)
{
    return sql_run(store, sql_prepare(store,
                                      "UPDATE delivery SET state='cancelled',last_error=?"
                                      " WHERE id=? AND state='pending'",
                                      "ti", why, delivery));
}

enum store_status store_study_read(struct store *store, const char *study, bool *read)
{
    sqlite3_stmt *row = sql_prepare(store, "SELECT read FROM study WHERE uid=?", "t", study);
    enum store_status status = sql_row(store, row);
    *read = status == STORE_OK && sqlite3_column_int(row, 0) != 0;
    if (status == STORE_OK)
        (void)sqlite3_reset(row);
    return status == STORE_NONE ? STORE_OK : status;
}

/* ---- commitment ---- */

/* Archives file what they took a moment later; one that does not have it then may be busy. */
#define COMMIT_AFTER_MS INT64_C(2000)
#define COMMIT_AGAIN_MS 5000 /* times how often it was not committed to */
/* Characters of the transactions under which it was asked for since it was stored, the last first.
 */
#define TRANSACTIONS_MOST 200

/* Looked at first: a destination that is idle asks each second, and to write is to wait for a lock.
 */
enum store_status store_commitment_waived(struct store *store, const char *destination,
                                          size_t *count)
{
    *count = 0;
    sqlite3_stmt *row = sql_prepare(store,
                                    "SELECT 1 FROM delivery WHERE destination=? AND"
                                    " state='pending' AND stored_ms<>0 LIMIT 1",
                                    "t", destination);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    (void)sqlite3_reset(row);
    status = sql_run(store, sql_prepare(store,
                                        "UPDATE delivery SET state='sent',done_ms=stored_ms WHERE"
                                        " destination=? AND state='pending' AND stored_ms<>0",
                                        "t", destination));
    if (status == STORE_OK)
        *count = (size_t)sqlite3_changes(store->db);
    return status;
}

enum store_status store_delivery_stored(struct store *store, int64_t delivery, int64_t result,
                                        int64_t now_ms)
{
    return sent(store, delivery, now_ms,
                sql_prepare(store,
                            "UPDATE delivery SET stored_ms=?1,next_ms=?4,last_error='',offered=2,"
                            "attempts=attempts+1,commitment='',"
                            "result=CASE WHEN ?2=0 THEN result ELSE ?2 END"
                            " WHERE id=?3 AND state IN ('pending','cancelled')",
                            "iiii", now_ms, result, delivery, now_ms + COMMIT_AFTER_MS));
}

enum store_status store_uncommitted(struct store *store, const char *destination, int64_t now_ms,
                                    int64_t far_ms, struct delivery *list, size_t room,
                                    size_t *count)
{
    return take_rows(store,
                     sql_prepare(store,
                                 DELIVERIES "state='pending' AND stored_ms<>0 AND destination=?"
                                            " AND (next_ms<=? OR next_ms>?)"
                                            " ORDER BY next_ms LIMIT ?",
                                 "tiii", destination, now_ms, far_ms, (int64_t)room),
                     DELIVERY_PENDING, list, room, count);
}

enum store_status store_ask_commitment(struct store *store, const int64_t *deliveries, size_t count,
                                       const char *transaction, int64_t next_ms)
{
    enum store_status status = sql_enter(store);
    if (status != STORE_OK)
        return status;
    for (size_t i = 0; status == STORE_OK && i < count; i++)
        status = sql_run(store, sql_prepare(store,
                                            "UPDATE delivery SET next_ms=?2,commitment="
                                            "substr(trim(?1||' '||commitment),1,?4) WHERE id=?3",
                                            "tiii", transaction, next_ms, deliveries[i],
                                            (int64_t)TRANSACTIONS_MOST));
    return sql_leave(store, status);
}

enum store_status store_commitment_unasked(struct store *store, int64_t delivery, int64_t next_ms,
                                           const char *why)
{
    return sql_run(store, sql_prepare(store,
                                      "UPDATE delivery SET next_ms=?,last_error=? WHERE id=?"
                                      " AND state='pending' AND stored_ms<>0",
                                      "iti", next_ms, why, delivery));
}

/* The transaction may be one before the last: an archive that commits at night answers both. */
static enum store_status answer_commitment(struct store *store, const char *transaction,
                                           const char *sop_instance, uint16_t failure,
                                           const char *reason, int64_t now_ms)
{
    sqlite3_stmt *row = sql_prepare(store,
                                    "SELECT delivery.id FROM result JOIN delivery ON"
                                    " delivery.result=result.id WHERE uid=?2"
                                    " AND state='pending' AND stored_ms<>0 AND ?1<>''"
                                    " AND instr(' '||commitment||' ',' '||?1||' ')>0",
                                    "tt", transaction, sop_instance);
    enum store_status status = sql_row(store, row);
    if (status != STORE_OK)
        return status;
    int64_t id = sqlite3_column_int64(row, 0);
    (void)sqlite3_reset(row);
    if (failure == 0)
        status = latency_delivery(store, STAGE_COMMITTED, id, now_ms);
    if (status != STORE_OK)
        return status;
    if (failure == 0)
        return sql_run(store, sql_prepare(store,
                                          "UPDATE delivery SET state='sent',done_ms=?,last_error=''"
                                          " WHERE id=?",
                                          "ii", now_ms, id));
    return sql_run(store,
                   sql_prepare(store,
                               "UPDATE delivery SET stored_ms=0,commitment='',last_error=?1,"
                               "uncommitted=uncommitted+1,next_ms=?2+?5*(uncommitted+1),"
                               "state=CASE WHEN uncommitted+1<?3 THEN 'pending' ELSE 'parked' END"
                               " WHERE id=?4",
                               "tiiii", reason, now_ms, (int64_t)STORE_UNCOMMITTED_MOST, id,
                               (int64_t)COMMIT_AGAIN_MS));
}

enum store_status store_commitment(struct store *store, const char *transaction,
                                   const char *sop_instance, uint16_t failure, const char *reason,
                                   int64_t now_ms)
{
    enum store_status status = sql_enter(store);
    if (status == STORE_OK)
        status = sql_leave(
            store, answer_commitment(store, transaction, sop_instance, failure, reason, now_ms));
    return status;
}
