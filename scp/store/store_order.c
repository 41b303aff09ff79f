/* What a person orders of jobs and deliveries. */
#include "store_keep.h"
#include "store_sqlite.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void say(char answer[STORE_ANSWER_MAX],
                                                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(answer, STORE_ANSWER_MAX, format, args);
    va_end(args);
}

/* The instance; STORE_OK with an answer when there is none. */
static enum store_status find_job(struct store *store, int64_t id, struct instance *instance,
                                  char answer[STORE_ANSWER_MAX])
{
    enum store_status status = store_get_instance(store, id, instance);
    answer[0] = '\0';
    if (status == STORE_NONE)
        say(answer, "there is no job %lld", (long long)id);
    return status == STORE_NONE ? STORE_OK : status;
}

static const char *no_retry(const struct instance *instance)
{
    return instance->state != INSTANCE_NOT_PROCESSED ? "only what was not processed can be retried"
           : strcmp(instance->withdrawn, STORE_FORGOTTEN) == 0 ? "its patient was forgotten"
           : instance->withdrawn[0]                            ? "it was taken back"
           : instance->gone_ms != 0 ? "its file is no longer here (retention)"
                                    : NULL;
}

static enum store_status retry(struct store *store, int64_t id, char answer[STORE_ANSWER_MAX])
{
    struct instance instance;
    enum store_status status = find_job(store, id, &instance, answer);
    if (status != STORE_OK || answer[0] != '\0')
        return status;
    const char *no = no_retry(&instance);
    if (no != NULL) {
        say(answer, "%s", no);
        return STORE_OK;
    }
    status = sql_run(store, sql_prepare(store,
                                        "UPDATE instance SET state='received',reported=0,"
                                        "attempts=0,deaths=0 WHERE id=?",
                                        "i", id));
    if (status == STORE_OK && instance.reported > 0)
        status = sql_run(store, sql_prepare(store, "UPDATE study SET amendment=? WHERE uid=?", "it",
                                            (int64_t)SRT_BY_PERSON, instance.study));
    say(answer, "retried");
    return status;
}

enum store_status store_retry(struct store *store, int64_t instance, char answer[STORE_ANSWER_MAX])
{
    enum store_status status = sql_enter(store);
    if (status == STORE_OK)
        status = sql_leave(store, retry(store, instance, answer));
    return status;
}

/* What was answered of it stands; only its bytes go, and with them the way to judge it again. */
static enum store_status discard(struct store *store, int64_t id, int64_t now_ms,
                                 char answer[STORE_ANSWER_MAX])
{
    struct instance instance;
    enum store_status status = find_job(store, id, &instance, answer);
    if (status != STORE_OK || answer[0] != '\0')
        return status;
    const char *no = instance.state != INSTANCE_NOT_PROCESSED
                         ? "only what was not processed can be discarded"
                     : instance.gone_ms != 0 ? "its file is no longer here"
                     : instance.reported == 0 && instance.withdrawn[0] == '\0'
                         ? "its study's report is not written yet: try again in a minute"
                         : NULL;
    if (no != NULL) {
        say(answer, "%s", no);
        return STORE_OK;
    }
    say(answer, "discarded");
    return object_give_up(store, id, instance.path, (int64_t)instance.bytes, now_ms);
}

enum store_status store_discard(struct store *store, int64_t instance, int64_t now_ms,
                                char answer[STORE_ANSWER_MAX])
{
    enum store_status status = sql_enter(store);
    if (status == STORE_OK)
        status = sql_leave(store, discard(store, instance, now_ms, answer));
    return status;
}

/* Deliveries of what was made of an instance. */
#define OF_JOB                                                                                     \
    "result IN (SELECT r.id FROM result r WHERE r.instance=?1 AND r.instance<>0 UNION"             \
    " SELECT r.id FROM covers c JOIN result r ON r.report=c.result WHERE c.instance=?1)"

static enum store_status cancel_job(struct store *store, int64_t id, char answer[STORE_ANSWER_MAX])
{
    struct instance instance;
    enum store_status status = find_job(store, id, &instance, answer);
    if (status != STORE_OK || answer[0] != '\0')
        return status;
    bool waits = instance.state == INSTANCE_RECEIVED;
    if (waits)
        status = sql_run(store, sql_prepare(store,
                                            "UPDATE instance SET state='ignored',"
                                            "detail='cancelled by a person' WHERE id=?",
                                            "i", id));
    if (status == STORE_OK)
        status = sql_run(store, sql_prepare(store,
                                            "UPDATE delivery SET state='cancelled' WHERE"
                                            " state IN ('pending','held','parked') AND " OF_JOB,
                                            "i", id));
    int deliveries = sqlite3_changes(store->db);
    if (!waits && deliveries == 0)
        say(answer, "nothing of it waits");
    else
        say(answer, "cancelled%s: %d deliveries", waits ? ", it will not be judged" : "",
            deliveries);
    return status;
}

enum store_status store_cancel_job(struct store *store, int64_t instance,
                                   char answer[STORE_ANSWER_MAX])
{
    enum store_status status = sql_enter(store);
    if (status == STORE_OK)
        status = sql_leave(store, cancel_job(store, instance, answer));
    return status;
}

/* State of a delivery and of its result; STORE_OK with an answer when there is none. */
struct standing {
    char state[16], fate[16];
    bool gone;
};
static enum store_status find_delivery(struct store *store, int64_t id, struct standing *standing,
                                       char answer[STORE_ANSWER_MAX])
{
    sqlite3_stmt *row = sql_prepare(store,
                                    "SELECT state,fate,gone_ms FROM delivery JOIN result ON"
                                    " result.id=delivery.result WHERE delivery.id=?",
                                    "i", id);
    enum store_status status = sql_row(store, row);
    answer[0] = '\0';
    if (status == STORE_NONE)
        say(answer, "there is no delivery d%lld", (long long)id);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    sql_text(row, 0, standing->state, sizeof standing->state);
    sql_text(row, 1, standing->fate, sizeof standing->fate);
    standing->gone = sqlite3_column_int64(row, 2) != 0;
    (void)sqlite3_reset(row);
    return STORE_OK;
}

static enum store_status cancel_delivery(struct store *store, int64_t id,
                                         char answer[STORE_ANSWER_MAX])
{
    struct standing standing;
    enum store_status status = find_delivery(store, id, &standing, answer);
    if (status != STORE_OK || answer[0] != '\0')
        return status;
    status = sql_run(store, sql_prepare(store,
                                        "UPDATE delivery SET state='cancelled' WHERE id=? AND"
                                        " state IN ('pending','held','parked')",
                                        "i", id));
    if (sqlite3_changes(store->db) == 0)
        say(answer, "it is %s", standing.state);
    else
        say(answer, "cancelled");
    return status;
}

enum store_status store_cancel_delivery(struct store *store, int64_t delivery,
                                        char answer[STORE_ANSWER_MAX])
{
    enum store_status status = sql_enter(store);
    if (status == STORE_OK)
        status = sql_leave(store, cancel_delivery(store, delivery, answer));
    return status;
}

static const char *no_release(const struct standing *standing, char text[64])
{
    if (strcmp(standing->state, "parked") != 0 && strcmp(standing->state, "expired") != 0) {
        (void)snprintf(text, 64, "it is %s, not parked", standing->state);
        return text;
    }
    return strcmp(standing->fate, "parked") == 0 ? "it did not pass our own check: it is never sent"
           : strcmp(standing->fate, "retracted") == 0 ? "its result was taken back"
           : standing->gone                           ? "its file is no longer here (retention)"
                                                      : NULL;
}

static enum store_status release_delivery(struct store *store, int64_t id,
                                          char answer[STORE_ANSWER_MAX])
{
    char text[64];
    struct standing standing;
    enum store_status status = find_delivery(store, id, &standing, answer);
    if (status != STORE_OK || answer[0] != '\0')
        return status;
    const char *no = no_release(&standing, text);
    say(answer, "%s", no != NULL ? no : "released");
    if (no != NULL)
        return STORE_OK;
    return sql_run(store,
                   sql_prepare(store, "UPDATE delivery SET " SEND_ANEW " WHERE id=?", "i", id));
}

enum store_status store_release_delivery(struct store *store, int64_t delivery,
                                         char answer[STORE_ANSWER_MAX])
{
    enum store_status status = sql_enter(store);
    if (status == STORE_OK)
        status = sql_leave(store, release_delivery(store, delivery, answer));
    return status;
}

static enum store_status release_job(struct store *store, int64_t id, char answer[STORE_ANSWER_MAX])
{
    struct instance instance;
    enum store_status status = find_job(store, id, &instance, answer);
    if (status != STORE_OK || answer[0] != '\0')
        return status;
    status = sql_run(store, sql_prepare(store,
                                        "UPDATE delivery SET " SEND_ANEW " WHERE"
                                        " state IN ('parked','expired') AND result IN (SELECT id"
                                        " FROM result WHERE gone_ms=0 AND fate IN"
                                        " ('current','superseded')) AND " OF_JOB,
                                        "i", id));
    int deliveries = sqlite3_changes(store->db);
    if (deliveries == 0)
        say(answer, "nothing of it is parked that could be sent");
    else
        say(answer, "released: %d deliveries", deliveries);
    return status;
}

enum store_status store_release_job(struct store *store, int64_t instance,
                                    char answer[STORE_ANSWER_MAX])
{
    enum store_status status = sql_enter(store);
    if (status == STORE_OK)
        status = sql_leave(store, release_job(store, instance, answer));
    return status;
}
