/* http.h: requests and answers of the console, over libmicrohttpd. One thread: the role's.
 *
 * A request reaches its handler whole: its body is in memory, at most HTTP_BODY_MAX bytes (more is
 * answered 413 before a handler sees it). A handler answers exactly once, by one of the functions
 * below, and returns what they return. Every answer carries the headers that keep a browser from
 * guessing, framing, storing and fetching from elsewhere (http.c). */
#ifndef HTTP_H
#define HTTP_H

#include "accept.h"
#include <jansson.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_BODY_MAX    (16u * 1024)
#define HTTP_ADDRESS_MAX 46 /* INET6_ADDRSTRLEN */

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_OTHER };

struct http_request {
    struct MHD_Connection *connection;
    enum http_method method;
    const char *path;               /* decoded, without query; for the request's life */
    char peer[HTTP_ADDRESS_MAX];    /* where the connection comes from */
    char address[HTTP_ADDRESS_MAX]; /* whom it is from, also behind a proxy that is believed */
    bool believed;                  /* the peer is this machine, or one of <console proxies> */
    char *body;                     /* NUL after it; NULL: none */
    size_t body_size;
    bool body_too_large;
};

/* A header of the request; NULL. */
const char *http_header(const struct http_request *request, const char *name);
/* A value of the query behind the address, decoded; NULL. */
const char *http_argument(const struct http_request *request, const char *name);
bool http_is_this_machine(const char *address);
/* accept_choose with what the request says, in a header or as the parameter `accept`. */
int http_accepts(const struct http_request *request, const struct accept_offer *offers,
                 size_t count);
/* A proxy that is believed names whom it asks for, last in X-Forwarded-For: that is the request's
 * address then. */
void http_take_forwarded(struct http_request *request);
/* Value of this cookie; false: it was not sent, or is longer than room. */
bool http_cookie(const struct http_request *request, const char *name, char *value, size_t room);
/* Whether the body is called JSON; a page of another origin cannot send that without asking. */
bool http_is_json(const struct http_request *request);
/* The body as one JSON object; NULL: it is none. */
json_t *http_body(const struct http_request *request);

/* With this JSON, which is taken; NULL: 500. */
enum MHD_Result http_json(const struct http_request *request, unsigned status, json_t *json);
/* The same, and with the cookie ("name=value; ..."). */
enum MHD_Result http_json_cookie(const struct http_request *request, unsigned status, json_t *json,
                                 const char *cookie);
/* {"error": sentence}; after: seconds for Retry-After, 0: none. */
enum MHD_Result http_error(const struct http_request *request, unsigned status,
                           const char *sentence, int after);
/* 503 to whoever is one too many: its connection ends, and the place is another's at once. */
enum MHD_Result http_turn_away(const struct http_request *request, const char *sentence, int after);
/* 401; basic: HTTP Basic will do. */
enum MHD_Result http_log_in_first(const struct http_request *request, bool basic);
/* 405: allowed is the Allow header, as in "GET, PUT". */
enum MHD_Result http_not_allowed(const struct http_request *request, const char *allowed);
enum MHD_Result http_nothing(const struct http_request *request, unsigned status,
                             const char *cookie);
/* Text that is copied, of this type. */
enum MHD_Result http_text(const struct http_request *request, unsigned status, const char *type,
                          const char *text, size_t size);
/* Bytes that stay where they are for ever, with an entity tag (or NULL) by which a browser asks
 * whether they changed. */
enum MHD_Result http_static(const struct http_request *request, const char *type, const void *bytes,
                            size_t size, const char *tag);
/* Answers with this response, which is taken, whatever happens. */
enum MHD_Result http_respond(const struct http_request *request, unsigned status,
                             struct MHD_Response *response);

#endif
