/* GET /api/v1/node/quarantine: what is set aside for a person, each list at most LIST_MOST long.
 *
 *   objects  not processed for a technical reason; ?before=ID: those with smaller ids
 *   refused  bytes that were refused at the door, of quarantine/
 *   parked   deliveries that a destination refused for good
 *
 * Of an object is told what the association's process wrote down of it: nothing here opens a
 * dataset, and what broke one reader is not given to another. */
#include "console.h"

#include "audit.h"
#include "json_time.h"
#include "printable.h"
#include "refused.h"
#include "store_keep.h"
#include <stdlib.h>

#define LIST_MOST 100

static json_t *object_json(const struct instance *i)
{
    return json_pack("{s:I, s:s, s:s, s:s, s:o, s:I, s:i, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, "
                     "s:s, s:s}",
                     "id", (json_int_t)i->id, "reason", srt_reason_name(i->reason), "words",
                     srt_reason_words(i->reason), "detail", i->detail, "received",
                     json_time(i->received_ms), "bytes", (json_int_t)i->bytes, "deaths", i->deaths,
                     "attempts", i->attempts, "calling", i->calling, "address", i->address, "study",
                     i->study, "series", i->series, "sop_instance", i->sop_instance, "sop_class",
                     i->sop_class, "transfer_syntax", i->transfer_syntax, "digest", i->digest,
                     "rule", i->rule);
}

static json_t *list_objects(struct console *console, int64_t before, bool *more, size_t *total)
{
    size_t count = 0;
    struct instance *list = calloc(LIST_MOST + 1, sizeof *list);
    bool read =
        list != NULL &&
        store_quarantined(console->store, before, list, LIST_MOST + 1, &count) == STORE_OK &&
        store_count_quarantined(console->store, total) == STORE_OK;
    json_t *array = read ? json_array() : NULL;
    for (size_t i = 0; read && i < count && i < LIST_MOST; i++) {
        printable_instance(&list[i]);
        (void)json_array_append_new(array, object_json(&list[i]));
    }
    *more = count > LIST_MOST;
    free(list);
    return array;
}

static json_t *list_parked(struct console *console, bool *more)
{
    size_t count = 0;
    struct delivery *list = calloc(LIST_MOST + 1, sizeof *list);
    bool read =
        list != NULL && store_parked(console->store, list, LIST_MOST + 1, &count) == STORE_OK;
    json_t *array = read ? json_array() : NULL;
    for (size_t i = 0; read && i < count && i < LIST_MOST; i++)
        (void)json_array_append_new(
            array,
            json_pack("{s:o, s:s, s:s, s:s, s:o, s:i, s:s}", "id",
                      json_sprintf("d%lld", (long long)list[i].id), "destination",
                      list[i].destination, "kind", result_kind_name(list[i].result.kind), "study",
                      list[i].result.study, "parked", json_time(list[i].next_ms), "attempts",
                      list[i].attempts, "reason", printable(list[i].last_error)));
    *more = count > LIST_MOST;
    free(list);
    return array;
}

/* ---- refused bytes ---- */

static json_t *list_refused(const struct conf *conf, size_t *total)
{
    size_t most = conf->limits.quarantine_objects;
    struct refused *list = calloc(most, sizeof *list);
    json_t *array = list != NULL ? json_array() : NULL;
    *total = list != NULL ? refused_list(conf, list, most) : 0;
    for (size_t i = 0; i < *total && i < LIST_MOST; i++)
        (void)json_array_append_new(array, refused_json(conf, &list[i]));
    free(list);
    return array;
}

enum MHD_Result quarantine_page(struct console *console, struct visit *visit,
                                struct session *session, const char *tail)
{
    const struct http_request *request = &visit->request;
    const struct conf *conf = console->node->conf;
    const char *word = http_argument(request, "before");
    char *end = NULL;
    bool more = false, more_parked = false;
    size_t total = 0, refusals = 0;
    (void)tail;
    int64_t before = word != NULL ? strtoll(word, &end, 10) : INT64_MAX;
    if (word != NULL && (end == word || *end != '\0' || before < 1))
        return http_error(request, MHD_HTTP_BAD_REQUEST, "before is a job's number", 0);
    bool open = console_store(console);
    json_t *objects = open ? list_objects(console, before, &more, &total) : NULL;
    json_t *parked = open ? list_parked(console, &more_parked) : NULL;
    json_t *refused = list_refused(conf, &refusals);
    if (objects == NULL || parked == NULL || refused == NULL) {
        json_decref(objects);
        json_decref(parked);
        json_decref(refused);
        return http_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the job store cannot be read now",
                          1);
    }
    audit_seen(conf, session->account.name, request->address, "quarantine", "");
    return http_json(request, MHD_HTTP_OK,
                     json_pack("{s:o, s:I, s:b, s:o, s:I, s:o, s:b, s:i}", "objects", objects,
                               "object_count", (json_int_t)total, "more", more, "refused", refused,
                               "refused_count", (json_int_t)refusals, "parked", parked,
                               "more_parked", more_parked, "quarantine_days",
                               conf->retention.quarantine_days));
}
