/* console: HTTP on the node's own socket. For now it answers how the node is, and nothing else.
 *
 *   GET /healthz   200: well, as `cervigate status` says (health.h); 503: not, and "why" tells
 *   GET /readyz    200: the job store can be read, receive is running and there is room for
 *                  objects; 503
 *
 * Threadless: MHD_run_wait in a loop. */
#include "node.h"

#include "clock.h"
#include "confine.h"
#include "health_json.h"
#include "log.h"
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define CONNECTIONS        64
#define CONNECTIONS_PER_IP 16
#define TIMEOUT_SECONDS    10
#define CONNECTION_MEMORY  (16u * 1024)
#define RETRY_MS           1000
#define PAGE_MS            500

struct console {
    const struct node *node;
    struct store *store;
    int64_t open_at;
    char *page; /* the last answer */
    bool well, ready;
    int64_t page_until; /* monotonic */
};

static bool store_is_open(struct console *console)
{
    char path[PATH_MAX], error[384];
    int64_t now = clock_monotonic_ms();
    if (console->store != NULL)
        return true;
    if (now < console->open_at)
        return false;
    console->open_at = now + RETRY_MS;
    node_path(console->node->conf, path, sizeof path, "jobs.sqlite");
    if (store_open(path, &console->store, error, sizeof error) == STORE_OK)
        return true;
    log_event(LOG_AT_ERROR, "store-unavailable", "error=%s", log_quote(error));
    return false;
}

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

static void close_store(struct console *console)
{
    store_close(console->store);
    console->store = NULL;
}

/* The body of both pages; *well and *ready decide their status. NULL: no memory. */
static char *describe(struct console *console, bool *well, bool *ready)
{
    const struct conf *conf = console->node->conf;
    struct store_counts counts;
    struct health health;
    if (store_is_open(console) && store_counts(console->store, &counts) != STORE_OK)
        close_store(console);
    if (!health_read(conf, console->store, "it cannot be read", clock_utc_ms(), &health)) {
        health_finish(&health);
        return NULL;
    }
    if (!health.has_store && console->store != NULL)
        close_store(console);
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
    char *text = json_dumps(page, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
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

static enum MHD_Result send_page(struct MHD_Connection *connection, unsigned status, char *text)
{
    static char nothing[] = "{}";
    bool owned = text != NULL;
    char *body = owned ? text : nothing;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(body), body, owned ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (response == NULL) {
        free(text);
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, "Content-Type", "application/json");
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{
    (void)version;
    (void)upload;
    if (*upload_size > 0) { /* a body is no part of any request here */
        *upload_size = 0;
        return MHD_YES;
    }
    if (*state == NULL) { /* headers only: the request is complete at the next call */
        static int seen;
        *state = &seen;
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
        return send_page(connection, MHD_HTTP_METHOD_NOT_ALLOWED, NULL);

    bool well = false, ready = false;
    bool asks_health = strcmp(url, "/healthz") == 0;
    if (!asks_health && strcmp(url, "/readyz") != 0)
        return send_page(connection, MHD_HTTP_NOT_FOUND, NULL);
    char *text = answer_of(context, &well, &ready);
    bool good = asks_health ? well : ready;
    return send_page(connection, good ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, text);
}

int console_run(const struct node *node)
{
    struct console console = {.node = node};
    if (!confine(CONFINE_CONSOLE, node->conf, NULL))
        return EX_OSERR;
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, answer, &console, MHD_OPTION_LISTEN_SOCKET, node->console_fd,
        MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        CONNECTIONS_PER_IP, MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
    if (daemon == NULL) {
        log_event(LOG_AT_ERROR, "console-unavailable", "error=%s", log_quote(strerror(errno)));
        return 1;
    }
    while (!node_stopping)
        (void)MHD_run_wait(daemon, RETRY_MS);
    MHD_stop_daemon(daemon);
    store_close(console.store);
    free(console.page);
    return 0;
}
