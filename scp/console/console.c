/* The console role: HTTP on the node's own socket. It reads the job store; what people want changed
 * goes through the request socket (asks.h).
 *
 * One thread. libmicrohttpd has no socket of its own: connections are accepted here (guests.h), and
 * its loop is turned whenever its epoll descriptor says so, at least every TURN_MS for what comes
 * without a descriptor: the job store's changes, answers to requests, deadlines. */
#include "console.h"

#include "clock.h"
#include "confine.h"
#include "dx_init.h"
#include "guests.h"
#include "host.h"
#include "log.h"
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define CONNECTION_MEMORY (32u * 1024)
#define TURN_MS           250
#define RETRY_MS          1000
/* What keeps others busy, by all administrators together: so many at once, then one each so often.
 * A search of the audit log stops the role for up to a tenth of a second. */
#define ECHOES_MOST   6
#define ECHO_MS       5000
#define SELFTEST_MS   10000
#define RELOAD_MS     5000
#define SEARCHES_MOST 20
#define SEARCH_MS     500

void console_close_store(struct console *console)
{
    store_close(console->store);
    console->store = NULL;
}

bool console_store(struct console *console)
{
    char path[PATH_MAX], error[384];
    int64_t now = clock_monotonic_ms();
    if (console->store != NULL)
        return true;
    if (now < console->open_at)
        return false;
    console->open_at = now + RETRY_MS;
    node_path(console->node->conf, path, sizeof path, "jobs.sqlite");
    if (store_open(path, &console->store, error, sizeof error) == STORE_OK) {
        if (store_only_reads(console->store) == STORE_OK) /* changes are asked for: change.c */
            return true;
        console_close_store(console);
        (void)snprintf(error, sizeof error, "cannot be kept from being changed");
    }
    log_event(LOG_AT_ERROR, "store-unavailable", "error=%s", log_quote(error));
    return false;
}

static void set_address(const struct console *console, struct http_request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == NULL || !host_of(info->client_addr, request->peer))
        request->peer[0] = '\0';
    memcpy(request->address, request->peer, sizeof request->address);
    request->believed = http_is_this_machine(request->peer) || proxy_is_one(console, request->peer);
    http_take_forwarded(request);
}

static enum http_method method_of(const char *method)
{
    return strcmp(method, MHD_HTTP_METHOD_GET) == 0 ? HTTP_GET
           : strcmp(method, MHD_HTTP_METHOD_HEAD) == 0
               ? HTTP_GET /* its body is left out below us */
           : strcmp(method, MHD_HTTP_METHOD_POST) == 0   ? HTTP_POST
           : strcmp(method, MHD_HTTP_METHOD_PUT) == 0    ? HTTP_PUT
           : strcmp(method, MHD_HTTP_METHOD_DELETE) == 0 ? HTTP_DELETE
                                                         : HTTP_OTHER;
}

/* More of a body; what is above the limit is read and dropped, so that the answer is seen. */
static void take_body(struct http_request *request, const char *upload, size_t size)
{
    if (request->body_too_large || size > HTTP_BODY_MAX - request->body_size) {
        request->body_too_large = true;
        return;
    }
    char *more = realloc(request->body, request->body_size + size + 1);
    if (more == NULL) {
        request->body_too_large = true;
        return;
    }
    request->body = more;
    memcpy(more + request->body_size, upload, size);
    request->body_size += size;
    more[request->body_size] = '\0';
}

/* MHD_AccessHandlerCallback: first with the headers, then for each part of a body, then whole; once
 * more after a suspended connection was resumed. */
static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{
    (void)version;
    struct visit *visit = *state;
    if (visit == NULL) {
        visit = calloc(1, sizeof *visit);
        if (visit == NULL)
            return MHD_NO;
        visit->request.connection = connection;
        visit->request.method = method_of(method);
        visit->request.path = url;
        set_address(context, &visit->request);
        *state = visit;
        return routes_begin(context, visit);
    }
    visit->request.path = url;
    if (*upload_size > 0) {
        if (visit->upload != NULL)
            upload_take(visit->upload, upload, *upload_size);
        else
            take_body(&visit->request, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    guest_has_asked(connection, clock_monotonic_ms());
    return routes_answer(context, visit);
}

static void completed(void *context, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode how)
{
    (void)context;
    (void)how;
    struct visit *visit = *state;
    guest_was_answered(connection, clock_monotonic_ms());
    if (visit != NULL && visit->change != NULL)
        change_drop(visit->change);
    if (visit != NULL && visit->upload != NULL)
        upload_drop(visit->upload);
    if (visit != NULL && visit->request.body != NULL) /* it may have been a password */
        explicit_bzero(visit->request.body, visit->request.body_size);
    if (visit != NULL)
        free(visit->request.body);
    free(visit);
    *state = NULL;
}

/* What one model says of itself; false: it cannot be read. */
static bool read_model(const char *folder, struct nn_model_info *info, struct card *card)
{
    char path[PATH_MAX];
    struct nn_error err;
    char *text = malloc(NN_MODEL_XML_MAX);
    (void)snprintf(path, sizeof path, "%s/model.xml", folder);
    FILE *file = text != NULL ? fopen(path, "re") : NULL;
    size_t size = file != NULL ? fread(text, 1, NN_MODEL_XML_MAX, file) : 0;
    if (file != NULL)
        (void)fclose(file);
    bool good = size > 0 && nn_model_info_parse(path, text, size, info, &err) == NN_OK;
    if (good)
        card_read(folder, text, size, card);
    free(text);
    return good;
}

/* What the scores' classes are called, and what the cards say; the weights are analyze's. A model
 * that cannot be read has no names here; analyze says why. */
static void read_models(struct console *console)
{
    const struct conf *conf = console->node->conf;
    for (size_t i = 0; i < conf->model_count; i++)
        if (!read_model(conf->models[i], &console->model[i], &console->card[i]))
            console->model[i] = (struct nn_model_info){0};
    console->model_count = conf->model_count;
}

/* MHD_OPTION_UNESCAPE_CALLBACK: a NUL would end the address early, and so stays as it was sent. */
static size_t unescape(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strstr(text, "%00") != NULL ? strlen(text) : MHD_http_unescape(text);
}

static struct MHD_Daemon *start(struct console *console, const struct console_tls *tls)
{
    bool encrypted = tls != NULL && tls->key != NULL;
    struct MHD_OptionItem with_tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, encrypted ? tls->certificate : NULL},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, encrypted ? tls->key : NULL},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, encrypted ? (void *)tls->rules : NULL},
        {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem *more = &with_tls[encrypted ? 0 : 3];
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
                                (encrypted ? MHD_USE_TLS : 0u),
                            0, NULL, NULL, answer, console, MHD_OPTION_NOTIFY_COMPLETED, completed,
                            console, MHD_OPTION_NOTIFY_CONNECTION, guests_notify, console->guests,
                            MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL,
                            MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)console->node->conf->web.connections + GUESTS_TURNED_AWAY + 1,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                            MHD_OPTION_ARRAY, more, MHD_OPTION_END);
}

void console_turn(struct console *console, int most_ms)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(console->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct pollfd wake[] = {{.fd = info->epoll_fd, .events = POLLIN},
                            {.fd = console->node->console_fd, .events = POLLIN},
                            {.fd = console->node->trials_console, .events = POLLIN}};
    MHD_UNSIGNED_LONG_LONG wait;
    if (MHD_get_timeout(console->daemon, &wait) == MHD_YES && wait < (unsigned)most_ms)
        most_ms = (int)wait;
    (void)poll(wake, sizeof wake / sizeof *wake, most_ms);
    int64_t now = clock_monotonic_ms();
    if (console->node->console_fd >= 0)
        guests_accept(console->guests, console->daemon, console->node->console_fd, now);
    (void)MHD_run(console->daemon);
    login_turn(console);
    changes_turn(console, now);
    uploads_turn(console, now);
    list_turn(console, now);
    events_turn(console, now);
    guests_hurry(console->guests, now);
}

bool console_open(struct console *console, const struct node *node, const struct console_tls *tls)
{
    const struct conf_web *web = &node->conf->web;
    const struct guest_limits limits = {.most = web->connections,
                                        .encrypted = tls != NULL && tls->key != NULL,
                                        .request_ms = web->request_seconds * INT64_C(1000),
                                        .answer_ms = web->answer_seconds * INT64_C(1000)};
    console->node = node;
    console->guests = guests_create(&limits);
    console->sessions = sessions_create(node->sessions, web->idle_seconds, web->session_seconds);
    console->throttle = throttle_create();
    console->echoes = (struct ration){.most = ECHOES_MOST, .every_ms = ECHO_MS};
    console->selftests = (struct ration){.most = 1, .every_ms = SELFTEST_MS};
    console->reloads = (struct ration){.most = 1, .every_ms = RELOAD_MS};
    console->searches = (struct ration){.most = SEARCHES_MOST, .every_ms = SEARCH_MS};
    console->list = list_create();
    console->events = events_create();
    console->basic = basic_create();
    if (console->guests == NULL || console->sessions == NULL || console->throttle == NULL ||
        console->list == NULL || console->events == NULL || console->basic == NULL ||
        !changes_create(console) || !uploads_create(console))
        return false;
    login_turn(console);
    console->daemon = start(console, tls);
    return console->daemon != NULL;
}

void console_close(struct console *console)
{
    events_end(console);
    changes_end(console);
    uploads_end(console);
    if (console->daemon != NULL)
        MHD_stop_daemon(console->daemon);
    guests_destroy(console->guests);
    sessions_destroy(console->sessions);
    list_destroy(console->list);
    events_destroy(console->events);
    free(console->changes);
    free(console->uploads);
    free(console->throttle);
    basic_destroy(console->basic);
    free(console->accounts);
    free(console->page);
    json_decref(console->drift);
    for (size_t i = 0; i < console->model_count; i++)
        card_finish(&console->card[i]);
    store_close(console->store);
}

int console_run(const struct node *node)
{
    struct console console = {.node = node};
    struct dx_error err;
    if (dx_init(NULL, NULL, &err) != DX_OK) {
        log_event(LOG_AT_ERROR, "console-unavailable", "error=%s", log_quote(err.text));
        return EX_SOFTWARE;
    }
    read_models(&console); /* what they are called, while their folders can still be read */
    struct console_tls tls;
    bool open = console_tls_read(node->conf, &tls);
    if (!confine(CONFINE_CONSOLE, node->conf, NULL))
        return EX_OSERR;
    open = open && console_open(&console, node, &tls);
    console_tls_finish(&tls);
    if (!open)
        log_event(LOG_AT_ERROR, "console-unavailable", "error=%s", log_quote(strerror(errno)));
    while (open && !node_stopping)
        console_turn(&console, TURN_MS);
    console_close(&console);
    return open ? 0 : 1;
}
