/* How the node is.
 *
 *   GET /healthz      200: well, as `cervigate status` says (health.h); 503: not, and "why" tells
 *   GET /readyz       200: the job store can be read, receive is running and there is room for
 *                     objects; 503 */
#include "console.h"

#include "clock.h"
#include "health_json.h"
#include "json_time.h"
#include <stdlib.h>
#include <string.h>

#define PAGE_MS 500

static void set_count(json_t *object, const char *key, uint64_t value)
{
    (void)json_object_set_new(object, key, json_integer((json_int_t)value));
}

static json_t *describe_counts(const struct store_counts *counts)
{
    json_t *object = json_object();
    for (int i = 0; i < INSTANCE_STATES; i++)
        set_count(object, instance_state_name((enum instance_state)i), counts->instances[i]);
    set_count(object, "duplicates", counts->duplicates);
    set_count(object, "refused", counts->refused);
    set_count(object, "reports", counts->reports);
    set_count(object, "pictures", counts->pictures);
    set_count(object, "pending", counts->pending);
    set_count(object, "sent", counts->sent);
    set_count(object, "parked", counts->parked);
    return object;
}

static const char *status_of(const struct health *h, bool ready)
{
    return ready ? "ready" : h->has_store ? "not ready" : "job store unavailable";
}

static json_t *page_of(const struct console *console, const struct health *h, bool room, bool ready)
{
    json_t *page = json_object();
    (void)json_object_set_new(page, "status", json_string(status_of(h, ready)));
    (void)json_object_set_new(page, "well", json_boolean(h->why_count == 0));
    (void)json_object_set_new(page, "why", health_json_why(h));
    (void)json_object_set_new(page, "version", json_string(CERVIGATE_VERSION));
    (void)json_object_set_new(page, "instance", json_string(console->node->instance_id));
    (void)json_object_set_new(page, "mode",
                              json_string(conf_mode_name(node_mode(console->node->conf))));
    (void)json_object_set_new(page, "receives", json_boolean(h->receives));
    (void)json_object_set_new(page, "analyzes", json_boolean(h->analyzes));
    (void)json_object_set_new(page, "delivers", json_boolean(h->delivers));
    (void)json_object_set_new(page, "selftest", health_json_selftest(h));
    set_count(page, "spoolFreeBytes", h->free_bytes);
    (void)json_object_set_new(page, "spoolHasRoom", json_boolean(room));
    return page;
}

/* The body of both pages; *well and *ready decide their status. NULL: no memory. */
static char *describe(struct console *console, bool *well, bool *ready)
{
    const struct conf *conf = console->node->conf;
    struct store_counts counts;
    struct health health;
    if (!console_health(console, &health, &counts)) {
        health_finish(&health);
        return NULL;
    }
    if (!health.has_store && console->store != NULL)
        console_close_store(console);
    bool room = health.free_bytes >= conf->limits.spool_reserve_bytes;
    *well = health.why_count == 0;
    *ready = health.has_store && health.receives && room;

    json_t *page = page_of(console, &health, room, *ready);
    if (health.has_store) {
        char when[25];
        clock_iso(counts.oldest_pending_ms, when);
        (void)json_object_set_new(page, "counts", describe_counts(&counts));
        (void)json_object_set_new(page, "oldestPending",
                                  counts.oldest_pending_ms > 0 ? json_string(when) : json_null());
    }
    health_finish(&health);
    char *text = json_text(page, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    json_decref(page);
    return text;
}

/* Reading it all takes some milliseconds; who asks more often than this gets the last answer. */
static char *answer_of(struct console *console, bool *well, bool *ready)
{
    int64_t now = clock_monotonic_ms();
    if (console->page == NULL || now >= console->page_until) {
        free(console->page);
        console->well = console->ready = false;
        console->page = describe(console, &console->well, &console->ready);
        console->page_until = now + PAGE_MS;
    }
    *well = console->well;
    *ready = console->ready;
    return console->page != NULL ? strdup(console->page) : NULL;
}

static enum MHD_Result answer_page(struct console *console, const struct http_request *request,
                                   bool asks_health)
{
    bool well = false, ready = false;
    char *text = answer_of(console, &well, &ready);
    bool good = asks_health ? well : ready;
    enum MHD_Result result =
        http_text(request, good ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, "application/json",
                  text != NULL ? text : "{}", text != NULL ? strlen(text) : 2);
    free(text);
    return result;
}

enum MHD_Result health_page(struct console *console, struct visit *visit, struct session *session,
                            const char *tail)
{
    (void)session;
    (void)tail;
    return answer_page(console, &visit->request, true);
}

enum MHD_Result ready_page(struct console *console, struct visit *visit, struct session *session,
                           const char *tail)
{
    (void)session;
    (void)tail;
    return answer_page(console, &visit->request, false);
}

bool console_health(struct console *console, struct health *health, struct store_counts *counts)
{
    memset(counts, 0, sizeof *counts);
    if (console_store(console) && store_counts(console->store, counts) != STORE_OK)
        console_close_store(console);
    return health_read(console->node->conf, console->store, "it cannot be read", clock_utc_ms(),
                       health);
}

json_t *health_page_why(struct console *console, bool *well)
{
    struct health health;
    struct store_counts counts;
    bool read = console_health(console, &health, &counts);
    json_t *why = read ? health_json_why(&health) : NULL;
    *well = read && health.why_count == 0;
    health_finish(&health);
    return why;
}
