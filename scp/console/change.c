/* What people change: a study has been read, or it has not; the mode. Asked of the node by the
 * request socket; the connection is suspended until the answer is there. */
#include "change.h"
#include "clock.h"
#include "dx_uid.h"
#include "store_contact.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define CHANGES_MOST 32
#define ANSWER_MS    4000

struct change {
    struct MHD_Connection *connection; /* NULL: free */
    uint64_t ticket;
    int64_t request; /* in the job store; 0: not taken yet */
    int64_t until_ms;
    bool over; /* resumed */
    bool refused;
    char answer[STORE_ECHO_MAX];
};

bool changes_create(struct console *console)
{
    console->changes = calloc(CHANGES_MOST, sizeof *console->changes);
    return console->changes != NULL;
}

static void finish(struct change *change)
{
    change->over = true;
    MHD_resume_connection(change->connection);
}

static void take_tickets(struct console *console)
{
    struct ask_taken taken;
    while (asks_receive(console->node, &taken))
        for (size_t i = 0; i < CHANGES_MOST; i++) {
            struct change *c = &console->changes[i];
            if (c->connection == NULL || c->over || c->ticket != taken.ticket)
                continue;
            taken.answer[sizeof taken.answer - 1] = '\0';
            c->request = taken.request;
            (void)snprintf(c->answer, sizeof c->answer, "%s", taken.answer);
            c->refused = taken.request == 0 && taken.answer[0] == '\0';
        }
}

void changes_turn(struct console *console, int64_t now_ms)
{
    take_tickets(console);
    for (size_t i = 0; i < CHANGES_MOST; i++) {
        struct change *c = &console->changes[i];
        if (c->connection == NULL || c->over)
            continue;
        if (c->request != 0 && console_store(console) &&
            store_request_answer(console->store, c->request, c->answer, sizeof c->answer) !=
                STORE_OK)
            c->answer[0] = '\0';
        if (c->answer[0] != '\0' || c->refused || now_ms >= c->until_ms)
            finish(c);
    }
}

void changes_end(struct console *console)
{
    for (size_t i = 0; console->changes != NULL && i < CHANGES_MOST; i++)
        if (console->changes[i].connection != NULL && !console->changes[i].over)
            finish(&console->changes[i]);
}

void change_drop(struct change *change)
{
    change->connection = NULL;
}

enum MHD_Result change_begin(struct console *console, struct visit *visit,
                             const struct session *session, struct ask *ask)
{
    const struct http_request *request = &visit->request;
    struct change *change = NULL;
    for (size_t i = 0; i < CHANGES_MOST && change == NULL; i++)
        if (console->changes[i].connection == NULL)
            change = &console->changes[i];
    (void)snprintf(ask->who, sizeof ask->who, "console:%s", session->account.name);
    if (change == NULL || getrandom(&ask->ticket, sizeof ask->ticket, 0) < 0 ||
        !asks_send(console->node, ask))
        return http_error(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                          "the node does not take this now; try again in a moment", 2);
    *change = (struct change){.connection = request->connection,
                              .ticket = ask->ticket,
                              .until_ms = clock_monotonic_ms() + ANSWER_MS};
    visit->change = change;
    MHD_suspend_connection(request->connection);
    return MHD_YES;
}

enum MHD_Result change_end(struct visit *visit, const char *done, unsigned status)
{
    const struct http_request *request = &visit->request;
    const struct change change = *visit->change;
    visit->change->connection = NULL;
    visit->change = NULL;
    if (change.refused)
        return http_error(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                          "the node could not take this; try again in a moment", 2);
    if (change.answer[0] == '\0')
        return http_json(request, MHD_HTTP_ACCEPTED,
                         json_pack("{s:n, s:s}", "answer", "words",
                                   "the node has not answered yet; it will do it"));
    return strncmp(change.answer, done, strlen(done)) == 0
               ? http_json(request, MHD_HTTP_OK, json_pack("{s:s}", "answer", change.answer))
               : http_error(request, status, change.answer, 0);
}

enum MHD_Result change_page(struct console *console, struct visit *visit, struct session *session,
                            const char *tail)
{
    const struct http_request *request = &visit->request;
    bool read = request->method == HTTP_PUT;
    struct ask ask = {.kind = read ? ASK_READ : ASK_UNREAD};
    size_t length = strcspn(tail, "/");
    if (request->method == HTTP_GET)
        return strcmp(tail, "read") == 0
                   ? list_page(console, visit, session, tail)
                   : http_error(request, MHD_HTTP_NOT_FOUND, "there is nothing at this address", 0);
    if (visit->change != NULL)
        return change_end(visit, read ? "read" : "unread", MHD_HTTP_NOT_FOUND);
    (void)snprintf(ask.uid, sizeof ask.uid, "%.*s", (int)(length < sizeof ask.uid ? length : 0),
                   tail);
    if (strcmp(tail + length, "/read") != 0 || !dx_uid_is_valid(ask.uid))
        return http_error(request, MHD_HTTP_NOT_FOUND, "there is no such study", 0);
    return change_begin(console, visit, session, &ask);
}

/* "UID/verdict": a reader agrees with the answer, or does not, or takes that back. */
enum MHD_Result verdict_page(struct console *console, struct visit *visit, struct session *session,
                             const char *tail)
{
    const struct http_request *request = &visit->request;
    size_t length = strcspn(tail, "/");
    struct ask ask = {.kind = ASK_UNSAY};
    if (visit->change != NULL)
        return change_end(visit, "noted", MHD_HTTP_NOT_FOUND);
    (void)snprintf(ask.uid, sizeof ask.uid, "%.*s", (int)(length < sizeof ask.uid ? length : 0),
                   tail);
    if (strcmp(tail + length, "/verdict") != 0 || !dx_uid_is_valid(ask.uid))
        return http_error(request, MHD_HTTP_NOT_FOUND, "there is no such study", 0);
    if (request->method == HTTP_PUT) {
        json_t *body = http_is_json(request) ? http_body(request) : NULL;
        const json_t *agrees = json_object_get(body, "agrees");
        bool good = json_is_boolean(agrees);
        ask.kind = json_is_true(agrees) ? ASK_AGREE : ASK_DISAGREE;
        json_decref(body);
        if (!good)
            return http_error(request, MHD_HTTP_BAD_REQUEST, "expected agrees: true or false", 0);
    }
    return change_begin(console, visit, session, &ask);
}

enum MHD_Result mode_page(struct console *console, struct visit *visit, struct session *session,
                          const char *tail)
{
    const struct http_request *request = &visit->request;
    enum conf_mode mode;
    (void)tail;
    if (visit->change != NULL)
        return change_end(visit, ASKS_DONE, MHD_HTTP_CONFLICT);
    json_t *body = http_is_json(request) ? http_body(request) : NULL;
    const char *name = json_string_value(json_object_get(body, "mode"));
    bool good = name != NULL && conf_mode_parse(name, &mode);
    json_decref(body);
    if (!good)
        return http_error(request, MHD_HTTP_BAD_REQUEST,
                          "expected the mode: shadow, demo or clinical", 0);
    struct ask ask = {.kind = ASK_MODE, .mode = (uint32_t)mode};
    return change_begin(console, visit, session, &ask);
}
