/* One archive by HTTP. libcurl's easy interface, its threads never: names are resolved here, in the
 * way that is allowed (docs/security.md). */
#include "stow_http.h"

#include "dx_scu.h"
#include "keys.h"
#include "secret_file.h"
#include "spool.h"
#include "web_name.h"
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADERS_MAX  65536
#define WHOLE_S      600 /* for one request, whatever it is */
#define LEAST_RATE   1024
#define BOUNDARY_MAX 33
#define CONNECT_S    10

struct stow_http {
    CURL *curl;
    const struct conf_peer *peer;
    char url[512 + 768];
    struct curl_slist *address, *headers;
    struct dx_tls_params tls;
    bool is_ready; /* else wrong says why not */
    enum stow_layer layer;
    char wrong[256], error[CURL_ERROR_SIZE];
    char *body;
    size_t count, room, header_bytes;
    bool too_large;
    struct {
        char head[256], tail[BOUNDARY_MAX + 16];
        size_t head_count, tail_count;
        int fd;
        curl_off_t file_bytes, at;
        bool is_unread;
    } post;
};

static void fail(struct stow_http *http, enum stow_layer layer, const char *why)
{
    http->layer = layer;
    http->is_ready = false;
    (void)snprintf(http->wrong, sizeof http->wrong, "%.255s", why);
}

/* ---- what libcurl calls ---- */

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct stow_http *http = context;
    size_t more = size * count, room = http->room;
    if (more > STOW_BODY_MAX - http->count) {
        http->too_large = true;
        return 0;
    }
    while (room < http->count + more)
        room = room == 0 ? 4096 : room * 2;
    char *body = room > http->room ? realloc(http->body, room) : http->body;
    if (body == NULL)
        return 0;
    http->body = body;
    http->room = room;
    memcpy(body + http->count, bytes, more);
    http->count += more;
    return more;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct stow_http *http = context;
    (void)bytes;
    http->header_bytes += size * count;
    http->too_large = http->too_large || http->header_bytes > HEADERS_MAX;
    return http->too_large ? 0 : size * count;
}

/* Head, file and tail as one stream. */
static size_t on_read(char *bytes, size_t size, size_t count, void *context)
{
    struct stow_http *http = context;
    size_t room = size * count;
    curl_off_t at = http->post.at, head = (curl_off_t)http->post.head_count;
    curl_off_t file = head + http->post.file_bytes;
    ssize_t got = 0;
    if (at < head) {
        got = head - at < (curl_off_t)room ? (ssize_t)(head - at) : (ssize_t)room;
        memcpy(bytes, http->post.head + at, (size_t)got);
    } else if (at < file) {
        size_t most = file - at < (curl_off_t)room ? (size_t)(file - at) : room;
        got = pread(http->post.fd, bytes, most, (off_t)(at - head));
        http->post.is_unread = got <= 0; /* it was cut off meanwhile, or its disk is bad */
        if (got <= 0)
            return CURL_READFUNC_ABORT;
    } else {
        curl_off_t left = (curl_off_t)http->post.tail_count - (at - file);
        got = left < (curl_off_t)room ? (ssize_t)left : (ssize_t)room;
        memcpy(bytes, http->post.tail + (at - file), (size_t)got);
    }
    http->post.at += got;
    return (size_t)got;
}

static int on_seek(void *context, curl_off_t offset, int origin)
{
    struct stow_http *http = context;
    if (origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    http->post.at = offset;
    return CURL_SEEKFUNC_OK;
}

static CURLcode on_tls(CURL *curl, void *ssl_context, void *context)
{
    struct stow_http *http = context;
    struct dx_error err = {.status = DX_OK};
    (void)curl;
    if (dx_tls_lend(ssl_context, &http->tls, &err) == DX_OK)
        return CURLE_OK;
    (void)snprintf(http->wrong, sizeof http->wrong, "our files of <tls>: %.200s", err.text);
    return CURLE_ABORTED_BY_CALLBACK;
}

/* ---- opening ---- */

static bool resolve(struct stow_http *http)
{
    char why[256] = "";
    if (web_name_resolve(http->peer->host, http->peer->port, &http->address, why, sizeof why))
        return true;
    fail(http, STOW_NETWORK, why);
    return false;
}

static bool set_secret(struct stow_http *http)
{
    const struct conf_peer *peer = http->peer;
    char secret[SECRET_MAX], why[256];
    const char *path = peer->token != NULL ? peer->token : peer->password;
    if (path == NULL)
        return true;
    if (!secret_read(path, secret, why)) {
        fail(http, STOW_HTTP, why);
        explicit_bzero(secret, sizeof secret);
        return false;
    }
    bool good;
    if (peer->token != NULL)
        good = curl_easy_setopt(http->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER) == CURLE_OK &&
               curl_easy_setopt(http->curl, CURLOPT_XOAUTH2_BEARER, secret) == CURLE_OK;
    else
        good = curl_easy_setopt(http->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) == CURLE_OK &&
               curl_easy_setopt(http->curl, CURLOPT_USERNAME, peer->user) == CURLE_OK &&
               curl_easy_setopt(http->curl, CURLOPT_PASSWORD, secret) == CURLE_OK;
    explicit_bzero(secret, sizeof secret);
    return good;
}

static bool set_tls(struct stow_http *http, const struct conf *conf)
{
    struct keys_wrong wrong;
    CURL *curl = http->curl;
    http->tls = (struct dx_tls_params){.newest = conf->tls.newest, .name = http->peer->host};
    if (!keys_open(conf, &http->tls.files, &wrong)) {
        fail(http, STOW_TLS, wrong.text);
        return false;
    }
    return curl_easy_setopt(curl, CURLOPT_CAINFO, NULL) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CA_CACHE_TIMEOUT, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_SESSIONID_CACHE, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, on_tls) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, http) == CURLE_OK;
}

static long answer_seconds(void)
{
    struct dx_scu_params params;
    const char *hook = getenv("CERVIGATE_WEB_SECONDS");
    dx_scu_params_default(&params);
    long seconds = hook != NULL ? strtol(hook, NULL, 10) : 0;
    return seconds > 0 ? seconds : params.dimse_seconds;
}

/* Everything that libcurl would do by itself, or take from the environment, and shall not. */
static bool set_limits(struct stow_http *http)
{
    CURL *curl = http->curl;
    const char *scheme = http->peer->tls ? "https" : "http";
    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, scheme) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)WHOLE_S) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)LEAST_RATE) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, answer_seconds()) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_RESOLVE, http->address) == CURLE_OK;
}

static bool set_calls(struct stow_http *http)
{
    CURL *curl = http->curl;
    return curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->error) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, "cervigate") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, http) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERDATA, http) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_READDATA, http) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_seek) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SEEKDATA, http) == CURLE_OK;
}

struct stow_http *stow_http_open(const struct conf *conf, const struct conf_peer *peer)
{
    static bool is_begun;
    struct stow_http *http = calloc(1, sizeof *http);
    if (http == NULL)
        return NULL;
    for (int i = 0; i < DX_TLS_FILES; i++)
        http->tls.files.fd[i] = -1;
    http->peer = peer;
    if (!is_begun)
        is_begun = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    http->curl = is_begun ? curl_easy_init() : NULL;
    if (http->curl == NULL) {
        free(http);
        return NULL;
    }
    http->is_ready = resolve(http) && set_limits(http) && set_calls(http) && set_secret(http) &&
                     (!peer->tls || set_tls(http, conf));
    if (!http->is_ready && http->wrong[0] == '\0')
        fail(http, STOW_NETWORK, "libcurl cannot be prepared");
    return http;
}

void stow_http_close(struct stow_http *http)
{
    if (http == NULL)
        return;
    curl_easy_cleanup(http->curl);
    curl_slist_free_all(http->address);
    curl_slist_free_all(http->headers);
    keys_close(&http->tls.files);
    free(http->body);
    free(http);
}

/* ---- a request ---- */

/* What to change; libcurl's sentence has why. */
static const char *advice(CURLcode code)
{
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return "; expected a certificate for the host of url, by one of <tls authorities>";
    case CURLE_SSL_CONNECT_ERROR:
        return "; expected TLS 1.2 or 1.3 there, with a certificate of ours if it wants one";
    default:
        return "";
    }
}

/* ABORTED_BY_CALLBACK: on_tls's; on_read's is told before. */
static bool is_of_tls(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR ||
           code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CIPHER ||
           code == CURLE_SSL_ISSUER_ERROR || code == CURLE_ABORTED_BY_CALLBACK;
}

static const struct stow_reply unread = {
    .end = STOW_BROKE, .is_unread = true, .text = "our own file cannot be read"};

static void explain(struct stow_http *http, CURLcode code, struct stow_reply *reply)
{
    if (http->post.is_unread) {
        *reply = unread;
        return;
    }
    curl_off_t asked_us = 0; /* when the request began to be sent; 0: never */
    (void)curl_easy_getinfo(http->curl, CURLINFO_PRETRANSFER_TIME_T, &asked_us);
    bool reached = asked_us > 0 && code != CURLE_COULDNT_CONNECT && !is_of_tls(code);
    const char *why = http->too_large          ? "it answers without end"
                      : http->wrong[0] != '\0' ? http->wrong
                      : http->error[0] != '\0' ? http->error
                                               : curl_easy_strerror(code);
    reply->end = reached ? STOW_BROKE : STOW_AWAY;
    reply->layer = is_of_tls(code) ? STOW_TLS : STOW_NETWORK;
    (void)snprintf(reply->text, sizeof reply->text, "%.150s%s", why, advice(code));
}

static void note_type(struct stow_http *http, char type[64])
{
    const char *said = NULL;
    (void)curl_easy_getinfo(http->curl, CURLINFO_CONTENT_TYPE, &said);
    size_t used = 0;
    for (; said != NULL && *said != '\0' && *said != ';' && *said != ' ' && used < 63; said++)
        type[used++] = (char)(*said >= 'A' && *said <= 'Z' ? *said - 'A' + 'a' : *said);
    type[used] = '\0';
}

static void perform(struct stow_http *http, const char *path, struct stow_reply *reply)
{
    CURL *curl = http->curl;
    curl_off_t retry_after = 0;
    memset(reply, 0, sizeof *reply);
    http->count = http->header_bytes = 0;
    http->too_large = http->post.is_unread = false;
    http->error[0] = '\0';
    if (!http->is_ready) {
        reply->end = STOW_AWAY;
        reply->layer = http->layer;
        (void)snprintf(reply->text, sizeof reply->text, "%s", http->wrong);
        return;
    }
    int length = snprintf(http->url, sizeof http->url, "%s%s", http->peer->url, path);
    CURLcode code =
        length > 0 && (size_t)length < sizeof http->url ? CURLE_OK : CURLE_URL_MALFORMAT;
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_URL, http->url);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, http->headers);
    if (code == CURLE_OK)
        code = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
    if (code != CURLE_OK) {
        explain(http, code, reply);
        return;
    }
    (void)curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after);
    reply->retry_after_seconds = retry_after > INT32_MAX ? INT32_MAX : (int)retry_after;
    reply->end = STOW_ANSWERED;
    reply->body = http->body;
    reply->count = http->count;
    note_type(http, reply->type);
}

static void set_headers(struct stow_http *http, const char *type)
{
    static const char *const always[] = {"Accept: application/dicom+json", "Expect:", NULL};
    curl_slist_free_all(http->headers);
    http->headers = type != NULL ? curl_slist_append(NULL, type) : NULL;
    for (size_t i = 0; always[i] != NULL; i++)
        http->headers = curl_slist_append(http->headers, always[i]);
}

void stow_http_get(struct stow_http *http, const char *path, struct stow_reply *reply)
{
    set_headers(http, NULL);
    (void)curl_easy_setopt(http->curl, CURLOPT_HTTPGET, 1L);
    perform(http, path, reply);
}

/* The part names no transfer syntax: the file does, and Orthanc (DICOMweb plugin 1.7) passes over
 * parts that have any parameter, with a 200. */
void stow_http_post(struct stow_http *http, const char *path, int fd, struct stow_reply *reply)
{
    char boundary[BOUNDARY_MAX] = "", type[160];
    off_t bytes = lseek(fd, 0, SEEK_END);
    if (bytes <= 0 || spool_random_name(boundary, (BOUNDARY_MAX - 1) / 2) != 0) {
        *reply = unread;
        return;
    }
    (void)snprintf(type, sizeof type,
                   "Content-Type: multipart/related; type=\"application/dicom\"; boundary=%s",
                   boundary);
    set_headers(http, type);
    http->post.fd = fd;
    http->post.at = 0;
    http->post.file_bytes = bytes;
    http->post.head_count =
        (size_t)snprintf(http->post.head, sizeof http->post.head,
                         "--%s\r\nContent-Type: application/dicom\r\n\r\n", boundary);
    http->post.tail_count =
        (size_t)snprintf(http->post.tail, sizeof http->post.tail, "\r\n--%s--\r\n", boundary);
    (void)curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, NULL);
    (void)curl_easy_setopt(http->curl, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE_LARGE,
                           (curl_off_t)(http->post.head_count + http->post.tail_count) + bytes);
    perform(http, path, reply);
}

void stow_http_post_text(struct stow_http *http, const char *path, const char *type,
                         const char *body, size_t count, struct stow_reply *reply)
{
    char header[160];
    (void)snprintf(header, sizeof header, "Content-Type: %.128s", type);
    set_headers(http, header);
    (void)curl_easy_setopt(http->curl, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
    (void)curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, body);
    perform(http, path, reply);
    (void)curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, NULL);
}

void stow_http_patience(struct stow_http *http, int seconds)
{
    (void)curl_easy_setopt(http->curl, CURLOPT_CONNECTTIMEOUT,
                           (long)(seconds < CONNECT_S ? seconds : CONNECT_S));
    (void)curl_easy_setopt(http->curl, CURLOPT_TIMEOUT, (long)seconds);
}
