/* WADO-RS: our own results as they are: files, attributes, pixels (PS3.18 10.4). */
#include "dicomweb.h"

#include "dx_json.h"
#include "json_time.h"
#include "log.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK       (64u * 1024)
#define FRAMES_MOST 64
#define OCTETS      "application/octet-stream"
#define DICOM       "application/dicom"
#define DICOM_JSON  "application/dicom+json"

/* multipart/related (RFC 2387) as it is sent: each part a head and bytes of a file. */
struct part {
    char head[256];
    size_t head_size;
    char *path;
    off_t offset;
    uint64_t size;
};
struct shipment {
    char boundary[33], tail[48];
    struct part *part;
    size_t count, room;
    size_t at;       /* the part that is being sent; count: the tail */
    uint64_t within; /* what of it has been sent */
    int fd;          /* its file; -1: not open */
};

static void discard(void *context)
{
    struct shipment *s = context;
    for (size_t i = 0; i < s->count; i++)
        free(s->part[i].path);
    if (s->fd >= 0)
        (void)close(s->fd);
    free(s->part);
    free(s);
}

static struct shipment *begin(size_t parts)
{
    unsigned char random[16];
    struct shipment *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->fd = -1;
    s->room = parts;
    s->part = calloc(parts, sizeof *s->part);
    if (s->part == NULL || getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        discard(s);
        return NULL;
    }
    for (size_t i = 0; i < sizeof random; i++)
        (void)snprintf(s->boundary + 2 * i, 3, "%02x", random[i]);
    (void)snprintf(s->tail, sizeof s->tail, "\r\n--%s--\r\n", s->boundary);
    return s;
}

/* False: no memory. */
static bool add(struct shipment *s, const char *path, off_t offset, uint64_t size, const char *type)
{
    struct part *part = &s->part[s->count];
    part->path = s->count < s->room ? strdup(path) : NULL;
    if (part->path == NULL)
        return false;
    part->offset = offset;
    part->size = size;
    part->head_size = (size_t)snprintf(
        part->head, sizeof part->head,
        "%s--%s\r\nContent-Type: %s; transfer-syntax=" ACCEPT_SYNTAX "\r\nContent-Length: %llu"
        "\r\n\r\n",
        s->count > 0 ? "\r\n" : "", s->boundary, type, (unsigned long long)size);
    s->count++;
    return true;
}

static ssize_t read_file(struct shipment *s, const struct part *part, char *buffer, size_t room)
{
    uint64_t done = s->within - part->head_size, left = part->size - done;
    if (s->fd < 0)
        s->fd = open(part->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    return s->fd < 0 ? -1
                     : pread(s->fd, buffer, left < room ? (size_t)left : room,
                             part->offset + (off_t)done);
}

static ssize_t copy(const char *text, size_t size, uint64_t from, char *buffer, size_t room)
{
    size_t left = size - (size_t)from, n = left < room ? left : room;
    memcpy(buffer, text + from, n);
    return (ssize_t)n;
}

/* MHD_ContentReaderCallback. */
static ssize_t read_shipment(void *context, uint64_t position, char *buffer, size_t room)
{
    struct shipment *s = context;
    ssize_t n;
    (void)position;
    if (s->at == s->count)
        n = copy(s->tail, strlen(s->tail), s->within, buffer, room);
    else if (s->within < s->part[s->at].head_size)
        n = copy(s->part[s->at].head, s->part[s->at].head_size, s->within, buffer, room);
    else
        n = read_file(s, &s->part[s->at], buffer, room);
    if (n <= 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    s->within += (uint64_t)n;
    if (s->at < s->count && s->within == s->part[s->at].head_size + s->part[s->at].size) {
        if (s->fd >= 0)
            (void)close(s->fd);
        s->fd = -1;
        s->at++;
        s->within = 0;
    }
    return n;
}

/* The shipment is taken. type: of its parts. */
static enum MHD_Result send_shipment(const struct http_request *request, struct shipment *s,
                                     const char *type)
{
    char kind[160];
    uint64_t size = strlen(s->tail);
    for (size_t i = 0; i < s->count; i++)
        size += s->part[i].head_size + s->part[i].size;
    struct MHD_Response *response =
        MHD_create_response_from_callback(size, BLOCK, read_shipment, s, discard);
    if (response == NULL) {
        discard(s);
        return MHD_NO;
    }
    (void)snprintf(kind, sizeof kind, "multipart/related; type=\"%s\"; boundary=%s", type,
                   s->boundary);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, kind);
    return http_respond(request, MHD_HTTP_OK, response);
}

static enum MHD_Result broken(const struct http_request *request)
{
    return http_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR,
                      "a result cannot be read; the node's log says which", 0);
}

static enum MHD_Result not_acceptable(const struct http_request *request, const char *sentence)
{
    return http_error(request, MHD_HTTP_NOT_ACCEPTABLE, sentence, 0);
}

/* Bytes of a file, the descriptor is taken. */
static enum MHD_Result send_bytes(const struct http_request *request, int fd, off_t offset,
                                  uint64_t size, const char *type)
{
    struct MHD_Response *response =
        MHD_create_response_from_fd_at_offset64(size, fd, (uint64_t)offset);
    if (response == NULL) {
        (void)close(fd);
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    return http_respond(request, MHD_HTTP_OK, response);
}

/* Its file, open; -1: it cannot be sent. */
static int open_file(const struct console *console, const struct result *result, char *path,
                     size_t room, uint64_t *size)
{
    struct stat at;
    int fd = dicomweb_file(console, result, path, room)
                 ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
                 : -1;
    if (fd >= 0 && fstat(fd, &at) != 0) {
        (void)close(fd);
        return -1;
    }
    *size = fd >= 0 ? (uint64_t)at.st_size : 0;
    return fd;
}

enum MHD_Result dicomweb_retrieve(struct console *console, const struct http_request *request,
                                  const struct result *list, size_t count)
{
    static const struct accept_offer offers[] = {{"multipart/related", DICOM}, {DICOM, NULL}};
    char path[PATH_MAX];
    uint64_t size;
    int choice = http_accepts(request, offers, count == 1 ? 2 : 1);
    if (choice < 0)
        return not_acceptable(request, "results are sent as multipart/related; "
                                       "type=\"application/dicom\", uncompressed");
    struct shipment *s = begin(count);
    bool good = s != NULL;
    for (size_t i = 0; good && i < count; i++) {
        int fd = open_file(console, &list[i], path, sizeof path, &size);
        good = fd >= 0 && (choice == 1 || add(s, path, 0, size, DICOM));
        if (good && choice == 1) {
            discard(s);
            return send_bytes(request, fd, 0, size, DICOM);
        }
        if (fd >= 0)
            (void)close(fd);
    }
    if (good)
        return send_shipment(request, s, DICOM);
    if (s != NULL)
        discard(s);
    return broken(request);
}

json_t *dicomweb_metadata(const struct console *console, const struct result *result,
                          const char *root)
{
    char path[PATH_MAX], bulk[DICOMWEB_ADDRESS_MAX + 3 * DX_UID_MAX + 48], *text = NULL;
    struct dx_error err = {.status = DX_OK};
    node_path(console->node->conf, path, sizeof path, "%s", result->path);
    (void)snprintf(bulk, sizeof bulk, "%s/studies/%s/series/%s/instances/%s/bulkdata", root,
                   result->study, result->series, result->uid);
    json_t *json = dx_json_read(path, bulk, &text, &err) == DX_OK
                       ? json_loads(text, JSON_REJECT_DUPLICATES, NULL)
                       : NULL;
    free(text);
    if (json == NULL)
        log_event(LOG_AT_ERROR, "result-unreadable", "uid=%s error=%s", result->uid,
                  log_quote(err.status != DX_OK ? err.text : "its attributes are no JSON"));
    else
        (void)json_object_set_new(json, "00083002",
                                  json_pack("{s:s, s:[s]}", "vr", "UI", "Value", ACCEPT_SYNTAX));
    return json;
}

enum MHD_Result dicomweb_retrieve_metadata(struct console *console,
                                           const struct http_request *request,
                                           const struct result *list, size_t count)
{
    static const struct accept_offer offers[] = {{DICOM_JSON, NULL}, {"application/json", NULL}};
    char root[DICOMWEB_ADDRESS_MAX];
    json_t *all = json_array();
    dicomweb_root(console, request, root);
    if (http_accepts(request, offers, 2) < 0) {
        json_decref(all);
        return not_acceptable(request, "metadata are sent as application/dicom+json");
    }
    bool good = all != NULL;
    for (size_t i = 0; good && i < count; i++)
        good = json_array_append_new(all, dicomweb_metadata(console, &list[i], root)) == 0;
    char *text = good ? json_text(all, JSON_COMPACT) : NULL;
    json_decref(all);
    enum MHD_Result result = text != NULL
                                 ? http_text(request, MHD_HTTP_OK, DICOM_JSON, text, strlen(text))
                                 : broken(request);
    free(text);
    return result;
}

/* Frames as parts, or all bytes at once where the client takes no parts; the pixels' descriptor is
 * taken. */
static enum MHD_Result send_pixels(struct console *console, const struct http_request *request,
                                   const struct result *result, struct dicomweb_pixels *pixels,
                                   const int *frames, size_t count)
{
    static const struct accept_offer offers[] = {{"multipart/related", OCTETS}, {OCTETS, NULL}};
    char path[PATH_MAX];
    int choice = http_accepts(request, offers, count <= 1 ? 2 : 1);
    uint64_t all = (uint64_t)pixels->frame_bytes * (uint64_t)pixels->frames;
    off_t first = pixels->offset + (count == 1 ? (off_t)pixels->frame_bytes * (frames[0] - 1) : 0);
    uint64_t size = count == 0 ? all : pixels->frame_bytes;
    if (choice == 1)
        return send_bytes(request, pixels->fd, first, size, OCTETS);
    (void)close(pixels->fd);
    if (choice < 0)
        return not_acceptable(request, "pixels are sent as application/octet-stream, uncompressed");
    node_path(console->node->conf, path, sizeof path, "%s", result->path);
    struct shipment *s = begin(count > 0 ? count : 1);
    bool good = s != NULL && (count > 0 || add(s, path, first, size, OCTETS));
    for (size_t i = 0; good && i < count; i++)
        good = add(s, path, pixels->offset + (off_t)pixels->frame_bytes * (frames[i] - 1), size,
                   OCTETS);
    if (good)
        return send_shipment(request, s, OCTETS);
    if (s != NULL)
        discard(s);
    return broken(request);
}

enum MHD_Result dicomweb_bulk(struct console *console, const struct http_request *request,
                              const struct result *result, const char *tag)
{
    struct dicomweb_pixels pixels;
    if (strcasecmp(tag, result->kind == RESULT_MAP ? "7FE00008" : "7FE00010") != 0 ||
        !dicomweb_pixels(console, result, &pixels))
        return http_error(request, MHD_HTTP_NOT_FOUND, "the result has no such bulk data", 0);
    return send_pixels(console, request, result, &pixels, NULL, 0);
}

/* "1,3": how many; 0: it is no list of frames of this picture. rest: what follows it. */
static size_t read_frames(const char *list, int most, int frames[FRAMES_MOST], const char **rest)
{
    size_t count = 0;
    for (;;) {
        char *end;
        errno = 0;
        long number = list[0] >= '0' && list[0] <= '9' ? strtol(list, &end, 10) : 0;
        if (number < 1 || number > most || errno != 0 || count == FRAMES_MOST)
            return 0;
        frames[count++] = (int)number;
        *rest = end;
        if (*end != ',')
            return *end == '\0' || *end == '/' ? count : 0;
        list = end + 1;
    }
}

enum MHD_Result dicomweb_frames(struct console *console, const struct http_request *request,
                                const struct result *result, const char *list)
{
    int frames[FRAMES_MOST];
    struct dicomweb_pixels pixels;
    const char *rest = "";
    if (!dicomweb_pixels(console, result, &pixels))
        return http_error(request, MHD_HTTP_NOT_FOUND, "the result has no frames", 0);
    size_t count = read_frames(list, pixels.frames, frames, &rest);
    if (count > 0 && *rest == '\0')
        return send_pixels(console, request, result, &pixels, frames, count);
    (void)close(pixels.fd);
    if (count == 1 && strcmp(rest, "/rendered") == 0)
        return dicomweb_rendered(console, request, result, frames[0]);
    return http_error(request, MHD_HTTP_NOT_FOUND, "the result has no such frame", 0);
}
