/* Sessions in and out, and who tries too often. */
#include "console.h"

#include "audit.h"
#include "clock.h"
#include "log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tries that failed, by address and by name: so many, then one every PAUSE_MS. Verifying a password
 * stops the role for some 30 ms: all together may take half its time. */
#define TRIES         5
#define PAUSE_MS      10000
#define BUCKETS       512
#define VERIFY_GAP_MS 60

struct bucket {
    char whose[HTTP_ADDRESS_MAX];
    int failed;
    int64_t since_ms;
};
struct throttle {
    struct bucket bucket[BUCKETS];
    int64_t next_ms; /* of the next verification */
};

struct throttle *throttle_create(void)
{
    return calloc(1, sizeof(struct throttle));
}

/* The bucket of this address or name; where there are too many, the oldest gives way. */
static struct bucket *bucket_of(struct throttle *throttle, const char *whose, int64_t now_ms)
{
    struct bucket *place = &throttle->bucket[0];
    for (int i = 0; i < BUCKETS; i++) {
        struct bucket *b = &throttle->bucket[i];
        if (strcmp(b->whose, whose) == 0) {
            int64_t forgiven = (now_ms - b->since_ms) / PAUSE_MS;
            b->failed = forgiven >= b->failed ? 0 : b->failed - (int)forgiven;
            b->since_ms += forgiven * PAUSE_MS;
            return b;
        }
        if (b->since_ms < place->since_ms)
            place = b;
    }
    *place = (struct bucket){.since_ms = now_ms};
    (void)snprintf(place->whose, sizeof place->whose, "%s", whose);
    return place;
}

/* Seconds until it may be tried again; 0: now. */
static int wait_for(struct throttle *throttle, const char *address, const char *name,
                    int64_t now_ms)
{
    if (now_ms < throttle->next_ms)
        return 1;
    const char *const whose[] = {address, name};
    for (int i = 0; i < 2; i++) {
        const struct bucket *b = bucket_of(throttle, whose[i], now_ms);
        if (b->failed >= TRIES)
            return (int)((b->since_ms + PAUSE_MS - now_ms) / 1000) + 1;
    }
    return 0;
}

static void count_failure(struct throttle *throttle, const char *whose, int64_t now_ms)
{
    struct bucket *b = bucket_of(throttle, whose, now_ms);
    if (b->failed == 0)
        b->since_ms = now_ms;
    b->failed++;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_mode == b->st_mode && a->st_uid == b->st_uid;
}

void login_turn(struct console *console)
{
    struct stat at = {0};
    char why[ACCOUNT_WHY];
    const char *path = console->node->conf->web.accounts;
    if (path == NULL) { /* of before a reload; whom a proxy names is looked at with each request */
        if (console->node->conf->web.user_header == NULL)
            sessions_hold(console->sessions, NULL, 0);
        return;
    }
    if (stat(path, &at) != 0)
        at = (struct stat){0};
    if (console->accounts_known && same_file(&at, &console->accounts_were))
        return;
    free(console->accounts);
    if (!accounts_read(path, &console->accounts, &console->account_count, why))
        log_event(LOG_AT_ERROR, "accounts-unreadable", "error=%s", log_quote(why));
    console->accounts_were = at;
    console->accounts_known = true;
    sessions_hold(console->sessions, console->accounts, console->account_count);
}

static json_t *session_json(const struct console *console, const struct session *session)
{
    char until[25];
    int64_t now = clock_monotonic_ms();
    const struct conf_web *web = &console->node->conf->web;
    int64_t idle = session->used_ms + web->idle_seconds * INT64_C(1000);
    int64_t most = session->begun_ms + web->session_seconds * INT64_C(1000);
    clock_iso(clock_utc_ms() + (idle < most ? idle : most) - now, until);
    return json_pack("{s:s, s:s, s:s, s:s}", "name", session->account.name, "role",
                     account_role_name(session->account.role), "csrf", session->csrf, "expires",
                     until);
}

bool console_is_encrypted(const struct console *console, const struct http_request *request)
{
    const char *scheme = http_header(request, "X-Forwarded-Proto");
    return console->node->conf->web.certificate != NULL ||
           (request->believed && scheme != NULL && strcmp(scheme, "https") == 0);
}

bool console_is_private(const struct console *console, const struct http_request *request)
{
    return console_is_encrypted(console, request) ||
           (http_is_this_machine(request->peer) && http_header(request, "X-Forwarded-For") == NULL);
}

const struct account *login_verify(struct console *console, const struct http_request *request,
                                   const char *name, const char *password, int *wait)
{
    int64_t now = clock_monotonic_ms();
    *wait = wait_for(console->throttle, request->address, name, now);
    if (*wait > 0)
        return NULL;
    const struct account *account = accounts_find(console->accounts, console->account_count, name);
    bool good = account_verify(account, password);
    console->throttle->next_ms = now + VERIFY_GAP_MS;
    audit_logged_in(console->node->conf, name, request->address, good);
    if (good)
        return account;
    count_failure(console->throttle, request->address, now);
    count_failure(console->throttle, name, now);
    log_event(LOG_AT_WARN, "login-refused", "address=%s", request->address);
    return NULL;
}

/* A new session, and its cookie. told: it is to be in the audit log that he came. */
static enum MHD_Result enter(struct console *console, const struct http_request *request,
                             const struct account *account, bool told)
{
    char token[SESSION_TOKEN_MAX], cookie[192];
    struct session *session =
        session_begin(console->sessions, account, clock_monotonic_ms(), token);
    if (session == NULL)
        return http_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "no session can begin", 0);
    if (told)
        audit_logged_in(console->node->conf, session->account.name, request->address, true);
    (void)snprintf(cookie, sizeof cookie,
                   CONSOLE_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s", token,
                   console->node->conf->web.session_seconds,
                   console_is_encrypted(console, request) ? "; Secure" : "");
    return http_json_cookie(request, MHD_HTTP_OK, session_json(console, session), cookie);
}

static enum MHD_Result log_in(struct console *console, const struct http_request *request,
                              const char *name, const char *password)
{
    int wait;
    const struct account *account = login_verify(console, request, name, password, &wait);
    if (wait > 0)
        return http_error(request, MHD_HTTP_TOO_MANY_REQUESTS,
                          "too many attempts; wait a moment and try again", wait);
    return account != NULL
               ? enter(console, request, account, false)
               : http_error(request, MHD_HTTP_UNAUTHORIZED, "name or password is wrong", 0);
}

enum MHD_Result login_page(struct console *console, struct visit *visit, struct session *session,
                           const char *tail)
{
    static const char gone[] = CONSOLE_COOKIE "=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0";
    const struct http_request *request = &visit->request;
    (void)tail;
    if (request->method == HTTP_GET && session == &visit->guest)
        return enter(console, request, &session->account, true);
    if (request->method == HTTP_GET)
        return session != NULL ? http_json(request, MHD_HTTP_OK, session_json(console, session))
                               : http_error(request, MHD_HTTP_UNAUTHORIZED, "log in first", 0);
    if (request->method == HTTP_DELETE) {
        if (session != NULL)
            session_end(session);
        return http_nothing(request, MHD_HTTP_NO_CONTENT, gone);
    }
    if (console->node->conf->web.user_header != NULL)
        return http_error(request, MHD_HTTP_FORBIDDEN,
                          "the proxy before the console says who comes; load the page again", 0);
    login_turn(console); /* an account that was made a moment ago counts */
    if (console->node->conf->web.accounts == NULL || console->account_count == 0)
        return http_error(request, MHD_HTTP_FORBIDDEN,
                          "the console has no accounts; its administrator makes them by "
                          "`cervigate user add`",
                          0);
    json_t *body = http_is_json(request) ? http_body(request) : NULL;
    const char *name = json_string_value(json_object_get(body, "name"));
    const char *password = json_string_value(json_object_get(body, "password"));
    enum MHD_Result result =
        name == NULL || password == NULL || !account_is_name(name) ||
                strlen(password) > ACCOUNT_PASSWORD_MAX
            ? http_error(request, MHD_HTTP_BAD_REQUEST, "expected a name and a password", 0)
            : log_in(console, request, name, password);
    json_decref(body);
    return result;
}
