/* Requests and answers over libmicrohttpd. */
#include "http.h"

#include "json_time.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Nothing but the console's own files, no frames, no forms to elsewhere, no guessing of types. */
static const struct {
    const char *name, *value;
} guards[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
     "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
};

const char *http_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *http_argument(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

bool http_is_this_machine(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
           strncmp(address, "::ffff:127.", 11) == 0;
}

void http_take_forwarded(struct http_request *request)
{
    unsigned char number[sizeof(struct in6_addr)];
    const char *list = http_header(request, "X-Forwarded-For");
    if (list == NULL || !request->believed)
        return;
    const char *last = strrchr(list, ',');
    last = last != NULL ? last + 1 : list;
    last += strspn(last, " ");
    if (strlen(last) < sizeof request->address &&
        (inet_pton(AF_INET, last, number) == 1 || inet_pton(AF_INET6, last, number) == 1))
        (void)snprintf(request->address, sizeof request->address, "%s", last);
}

int http_accepts(const struct http_request *request, const struct accept_offer *offers,
                 size_t count)
{
    const char *asked =
        MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, "accept");
    return accept_choose(asked != NULL ? asked : http_header(request, MHD_HTTP_HEADER_ACCEPT),
                         offers, count);
}

bool http_cookie(const struct http_request *request, const char *name, char *value, size_t room)
{
    const char *sent = MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, name);
    if (sent == NULL || strlen(sent) >= room)
        return false;
    (void)snprintf(value, room, "%s", sent);
    return true;
}

bool http_is_json(const struct http_request *request)
{
    static const char json[] = "application/json";
    const char *type = http_header(request, MHD_HTTP_HEADER_CONTENT_TYPE);
    size_t length = sizeof json - 1;
    return type != NULL && strncasecmp(type, json, length) == 0 &&
           (type[length] == '\0' || type[length] == ';' || type[length] == ' ');
}

json_t *http_body(const struct http_request *request)
{
    if (request->body == NULL)
        return NULL;
    json_t *json = json_loadb(request->body, request->body_size, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(json))
        return json;
    json_decref(json);
    return NULL;
}

enum MHD_Result http_respond(const struct http_request *request, unsigned status,
                             struct MHD_Response *response)
{
    if (response == NULL)
        return MHD_NO;
    for (size_t i = 0; i < sizeof guards / sizeof *guards; i++)
        (void)MHD_add_response_header(response, guards[i].name, guards[i].value);
    if (MHD_get_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL) == NULL)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    enum MHD_Result result = MHD_queue_response(request->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static struct MHD_Response *of_text(const char *type, const char *text, size_t size)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, (void *)text, MHD_RESPMEM_MUST_COPY);
    if (response != NULL)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    return response;
}

static struct MHD_Response *of_json(json_t *json, unsigned *status)
{
    static const char none[] = "{\"error\": \"the node is out of memory\"}";
    char *text = json != NULL ? json_text(json, JSON_INDENT(1) | JSON_PRESERVE_ORDER) : NULL;
    json_decref(json);
    if (text == NULL)
        *status = MHD_HTTP_INTERNAL_SERVER_ERROR;
    struct MHD_Response *response = text != NULL
                                        ? of_text("application/json", text, strlen(text))
                                        : of_text("application/json", none, sizeof none - 1);
    free(text);
    return response;
}

enum MHD_Result http_json_cookie(const struct http_request *request, unsigned status, json_t *json,
                                 const char *cookie)
{
    struct MHD_Response *response = of_json(json, &status);
    if (response != NULL && cookie != NULL)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_SET_COOKIE, cookie);
    return http_respond(request, status, response);
}

enum MHD_Result http_json(const struct http_request *request, unsigned status, json_t *json)
{
    return http_json_cookie(request, status, json, NULL);
}

static struct MHD_Response *of_error(const char *sentence, int after, unsigned *status)
{
    char seconds[16];
    struct MHD_Response *response = of_json(json_pack("{s:s}", "error", sentence), status);
    (void)snprintf(seconds, sizeof seconds, "%d", after);
    if (response != NULL && after > 0)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    return response;
}

enum MHD_Result http_error(const struct http_request *request, unsigned status,
                           const char *sentence, int after)
{
    struct MHD_Response *response = of_error(sentence, after, &status);
    return http_respond(request, status, response);
}

enum MHD_Result http_turn_away(const struct http_request *request, const char *sentence, int after)
{
    unsigned status = MHD_HTTP_SERVICE_UNAVAILABLE;
    struct MHD_Response *response = of_error(sentence, after, &status);
    if (response != NULL)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    return http_respond(request, status, response);
}

enum MHD_Result http_log_in_first(const struct http_request *request, bool basic)
{
    unsigned status = MHD_HTTP_UNAUTHORIZED;
    struct MHD_Response *response = of_json(json_pack("{s:s}", "error", "log in first"), &status);
    if (response != NULL && basic)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
                                      "Basic realm=\"cervigate\", charset=\"UTF-8\"");
    return http_respond(request, status, response);
}

enum MHD_Result http_not_allowed(const struct http_request *request, const char *allowed)
{
    unsigned status = MHD_HTTP_METHOD_NOT_ALLOWED;
    struct MHD_Response *response =
        of_json(json_pack("{s:s}", "error", "this cannot be asked of this address"), &status);
    if (response != NULL)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allowed);
    return http_respond(request, status, response);
}

enum MHD_Result http_nothing(const struct http_request *request, unsigned status,
                             const char *cookie)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (response != NULL && cookie != NULL)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_SET_COOKIE, cookie);
    return http_respond(request, status, response);
}

enum MHD_Result http_text(const struct http_request *request, unsigned status, const char *type,
                          const char *text, size_t size)
{
    return http_respond(request, status, of_text(type, text, size));
}

enum MHD_Result http_static(const struct http_request *request, const char *type, const void *bytes,
                            size_t size, const char *tag)
{
    const char *has = http_header(request, MHD_HTTP_HEADER_IF_NONE_MATCH);
    bool same = tag != NULL && has != NULL && strcmp(has, tag) == 0;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(same ? 0 : size, (void *)bytes, MHD_RESPMEM_PERSISTENT);
    if (response != NULL) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
        if (tag != NULL)
            (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, tag);
    }
    return http_respond(request, same ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, response);
}
