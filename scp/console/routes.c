/* Which address is answered by whom, and who may ask. */
#include "console.h"

#include "clock.h"
#include "guests.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MAY(method) (1u << (method))

struct route {
    const char *address;
    bool below; /* what begins with it, too */
    unsigned methods;
    enum account_role least;  /* 0: everybody */
    enum account_role change; /* what is not GET; 0: the same */
    console_handler *handler;
};

/* The first that fits. */
static const struct route routes[] = {
    {"/healthz", false, MAY(HTTP_GET), 0, 0, health_page},
    {"/readyz", false, MAY(HTTP_GET), 0, 0, ready_page},
    {"/metrics", false, MAY(HTTP_GET), 0, 0, metrics_page},
    {"/api/v1/session", false, MAY(HTTP_GET) | MAY(HTTP_POST) | MAY(HTTP_DELETE), 0, 0, login_page},
    {"/api/v1/worklist/", true, MAY(HTTP_GET) | MAY(HTTP_PUT) | MAY(HTTP_DELETE), ROLE_VIEWER,
     ROLE_READER, change_page},
    {"/api/v1/worklist", false, MAY(HTTP_GET), ROLE_VIEWER, 0, list_page},
    {"/api/v1/events", false, MAY(HTTP_GET), ROLE_VIEWER, 0, events_page},
    {"/api/v1/studies/", true, MAY(HTTP_GET) | MAY(HTTP_PUT) | MAY(HTTP_DELETE), ROLE_VIEWER,
     ROLE_READER, study_page},
    {"/api/v1/outcomes.csv", false, MAY(HTTP_GET), ROLE_ADMIN, 0, outcomes_page},
    {"/api/v1/outcomes", false, MAY(HTTP_GET), ROLE_VIEWER, 0, figures_page},
    {"/api/v1/try", false, MAY(HTTP_GET) | MAY(HTTP_POST), ROLE_VIEWER, 0, upload_page},
    {"/api/v1/node/mode", false, MAY(HTTP_POST), ROLE_ADMIN, 0, mode_page},
    {"/dicomweb/", true, MAY(HTTP_GET), ROLE_VIEWER, 0, dicomweb_page},
    {"/api/v1/node/selftest", false, MAY(HTTP_POST), ROLE_ADMIN, 0, selftest_page},
    {"/api/v1/node/reload", false, MAY(HTTP_POST), ROLE_ADMIN, 0, reload_page},
    {"/api/v1/node/jobs/", true, MAY(HTTP_POST), ROLE_ADMIN, 0, jobs_page},
    {"/api/v1/node/peers/", true, MAY(HTTP_POST), ROLE_ADMIN, 0, echo_page},
    {"/api/v1/node/peers", false, MAY(HTTP_GET), ROLE_VIEWER, 0, peers_page},
    {"/api/v1/node/drift", false, MAY(HTTP_GET), ROLE_VIEWER, 0, drift_page},
    {"/api/v1/node/models", false, MAY(HTTP_GET), ROLE_VIEWER, 0, models_page},
    {"/api/v1/node/quarantine", false, MAY(HTTP_GET), ROLE_ADMIN, 0, quarantine_page},
    {"/api/v1/node/audit", false, MAY(HTTP_GET), ROLE_ADMIN, 0, audit_page},
    {"/api/v1/node/configuration", false, MAY(HTTP_GET), ROLE_ADMIN, 0, configuration_page},
    {"/api/v1/node", false, MAY(HTTP_GET), ROLE_VIEWER, 0, node_page},
};

static bool fits(const struct route *route, const char *path, const char **tail)
{
    size_t length = strlen(route->address);
    if (strncmp(path, route->address, length) != 0 || (!route->below && path[length] != '\0'))
        return false;
    *tail = path + length;
    return true;
}

static enum MHD_Result not_allowed(const struct http_request *request, unsigned methods)
{
    static const char *const names[] = {"GET", "POST", "PUT", "DELETE"};
    char allowed[32] = "";
    for (int i = HTTP_GET; i < HTTP_OTHER; i++)
        if (methods & MAY(i)) {
            size_t used = strlen(allowed);
            (void)snprintf(allowed + used, sizeof allowed - used, "%s%s", used > 0 ? ", " : "",
                           names[i]);
        }
    return http_not_allowed(request, allowed);
}

/* Whether a browser says that a page of elsewhere asks. What asks without a browser says nothing;
 * it has no cookie of somebody else's. */
static bool is_foreign(const struct http_request *request)
{
    const char *site = http_header(request, "Sec-Fetch-Site");
    const char *origin = http_header(request, MHD_HTTP_HEADER_ORIGIN);
    const char *host = http_header(request, MHD_HTTP_HEADER_HOST);
    const char *name = origin != NULL ? strstr(origin, "://") : NULL;
    if (site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return true;
    return origin != NULL && (name == NULL || host == NULL || strcasecmp(name + 3, host) != 0);
}

/* The session behind the request; NULL: none. used: it counts as use, unless the request says that
 * its page asks by itself. */
static struct session *session_behind(struct console *console, const struct http_request *request,
                                      bool used)
{
    char token[SESSION_TOKEN_MAX];
    used = used && http_header(request, "X-Automatic") == NULL;
    return http_cookie(request, CONSOLE_COOKIE, token, sizeof token)
               ? session_find(console->sessions, token, clock_monotonic_ms(), used)
               : NULL;
}

static enum MHD_Result guarded(struct console *console, struct visit *visit,
                               const struct route *route, console_handler *handler,
                               const char *tail)
{
    const struct http_request *request = &visit->request;
    bool changes = request->method != HTTP_GET;
    struct session *session = session_behind(console, request, route->handler != events_page);
    enum account_role least = changes && route->change != 0 ? route->change : route->least;
    if (changes && is_foreign(request))
        return http_error(request, MHD_HTTP_FORBIDDEN, "this was asked by a page of another site",
                          0);
    /* programs: they prove themselves with each request */
    bool machines = route->handler == dicomweb_page;
    bool tells = route->handler == study_page || route->handler == figures_page;
    int wait = 0;
    session = proxy_session(console, visit, session);
    if (session == NULL && machines)
        session = basic_session(console, visit, &wait);
    if (wait > 0)
        return http_error(request, MHD_HTTP_TOO_MANY_REQUESTS,
                          "too many attempts; wait a moment and try again", wait);
    if (least == 0)
        return handler(console, visit, session, tail);
    if (session == NULL)
        return http_log_in_first(request, machines);
    if (session->account.role < least)
        return http_error(request, MHD_HTTP_FORBIDDEN, "your role does not allow this", 0);
    if (tells && !list_is_shown(console, session))
        return http_error(request, MHD_HTTP_FORBIDDEN,
                          "the node is in shadow mode: what it finds is for administrators alone",
                          0);
    if (changes && session == &visit->guest)
        return http_log_in_first(request, false);
    if (changes && !session_may_change(session, http_header(request, "X-CSRF-Token")))
        return http_error(request, MHD_HTTP_FORBIDDEN, "the page is out of date; load it again", 0);
    return handler(console, visit, session, tail);
}

enum MHD_Result routes_answer(struct console *console, struct visit *visit)
{
    const struct http_request *request = &visit->request;
    enum MHD_Result result;
    if (request->body_too_large)
        return http_error(request, MHD_HTTP_CONTENT_TOO_LARGE, "the request is too long", 0);
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const char *tail;
        if (!fits(&routes[i], request->path, &tail))
            continue;
        if (request->method == HTTP_OTHER || !(routes[i].methods & MAY(request->method)))
            return not_allowed(request, routes[i].methods);
        return guarded(console, visit, &routes[i], routes[i].handler, tail);
    }
    if (request->method == HTTP_GET && web_page(request, &result))
        return result;
    return http_error(request, MHD_HTTP_NOT_FOUND, "there is nothing at this address", 0);
}

enum MHD_Result routes_begin(struct console *console, struct visit *visit)
{
    const char *tail;
    if (guest_is_turned_away(visit->request.connection))
        return http_error(&visit->request, MHD_HTTP_SERVICE_UNAVAILABLE,
                          "the console has too many connections", 5);
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (routes[i].handler == upload_page && visit->request.method == HTTP_POST &&
            fits(&routes[i], visit->request.path, &tail))
            return guarded(console, visit, &routes[i], upload_begin, tail);
    return MHD_YES;
}
