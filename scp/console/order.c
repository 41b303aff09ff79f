/* What an administrator orders of the node, by the request socket:
 *
 *   POST /api/v1/node/jobs/ID/retry|release|cancel|discard   as `cervigate jobs` does
 *   POST /api/v1/node/peers/KIND/NAME/echo                   does it answer?
 *   POST /api/v1/node/selftest                               now
 *   POST /api/v1/node/reload                                 the configuration is read anew */
#include "change.h"

#include "clock.h"
#include "echo_desk.h"
#include <stdio.h>
#include <string.h>

static enum MHD_Result nothing_there(const struct http_request *request)
{
    return http_error(request, MHD_HTTP_NOT_FOUND, "there is nothing at this address", 0);
}

static enum MHD_Result too_often(const struct http_request *request, int seconds)
{
    return http_error(request, MHD_HTTP_TOO_MANY_REQUESTS,
                      "this was asked for too often; try again in a moment", seconds);
}

static const struct order {
    const char *verb, *done;
    enum ask_kind kind;
} orders[] = {{"retry", "retried", ASK_RETRY},
              {"release", "released", ASK_RELEASE},
              {"cancel", "cancelled", ASK_CANCEL},
              {"discard", "discarded", ASK_DISCARD}};

/* "7", "d7", or "q" and 32 hexadecimal digits. */
static bool is_id(const char *id, size_t length)
{
    if (length == 33 && id[0] == 'q')
        return strspn(id + 1, "0123456789abcdef") >= 32;
    size_t lead = id[0] == 'd';
    return length > lead && length - lead < 19 && id[lead] != '0' &&
           strspn(id + lead, "0123456789") >= length - lead;
}

enum MHD_Result jobs_page(struct console *console, struct visit *visit, struct session *session,
                          const char *tail)
{
    const struct http_request *request = &visit->request;
    size_t length = strcspn(tail, "/");
    const struct order *order = NULL;
    for (size_t i = 0; tail[length] == '/' && i < sizeof orders / sizeof *orders; i++)
        if (strcmp(tail + length + 1, orders[i].verb) == 0)
            order = &orders[i];
    if (order == NULL || !is_id(tail, length) || (tail[0] == 'q' && order->kind != ASK_DISCARD) ||
        (tail[0] == 'd' && order->kind != ASK_RELEASE && order->kind != ASK_CANCEL))
        return nothing_there(request);
    if (visit->change != NULL)
        return change_end(visit, order->done, MHD_HTTP_CONFLICT);
    struct ask ask = {.kind = order->kind};
    (void)snprintf(ask.subject, sizeof ask.subject, "%.*s", (int)length, tail);
    return change_begin(console, visit, session, &ask);
}

enum MHD_Result echo_page(struct console *console, struct visit *visit, struct session *session,
                          const char *tail)
{
    static const char suffix[] = "/echo";
    const struct http_request *request = &visit->request;
    struct ask ask = {.kind = ASK_ECHO};
    size_t length = strlen(tail), cut = sizeof suffix - 1;
    if (visit->change != NULL)
        return change_end(visit, "", 0);
    if (length <= cut || length - cut >= sizeof ask.subject ||
        strcmp(tail + length - cut, suffix) != 0)
        return nothing_there(request);
    (void)snprintf(ask.subject, sizeof ask.subject, "%.*s", (int)(length - cut), tail);
    if (!echo_desk_knows(console->node->conf, ask.subject))
        return http_error(request, MHD_HTTP_NOT_FOUND, "the configuration has no such peer", 0);
    int seconds = ration_take(&console->echoes, clock_monotonic_ms());
    return seconds > 0 ? too_often(request, seconds) : change_begin(console, visit, session, &ask);
}

enum MHD_Result selftest_page(struct console *console, struct visit *visit, struct session *session,
                              const char *tail)
{
    struct ask ask = {.kind = ASK_SELFTEST};
    (void)tail;
    if (visit->change != NULL)
        return change_end(visit, ASKS_DONE, MHD_HTTP_CONFLICT);
    int seconds = ration_take(&console->selftests, clock_monotonic_ms());
    return seconds > 0 ? too_often(&visit->request, seconds)
                       : change_begin(console, visit, session, &ask);
}

/* What became of it is told by /api/v1/node/configuration. */
enum MHD_Result reload_page(struct console *console, struct visit *visit, struct session *session,
                            const char *tail)
{
    struct ask ask = {.kind = ASK_RELOAD};
    (void)tail;
    if (visit->change != NULL)
        return change_end(visit, ASKS_DONE, MHD_HTTP_CONFLICT);
    int seconds = ration_take(&console->reloads, clock_monotonic_ms());
    return seconds > 0 ? too_often(&visit->request, seconds)
                       : change_begin(console, visit, session, &ask);
}
