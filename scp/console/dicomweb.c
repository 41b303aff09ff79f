/* DICOMweb: what an address means, and who may read what is there. */
#include "dicomweb.h"

#include "audit.h"
#include "clock.h"
#include "dx_prescan.h"
#include "log.h"
#include "object.h"
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES_MOST      200   /* of a study, in one answer */
#define TOLD_FOR_MS     60000 /* a viewer asks for one study many times: one record */
#define EXPLICIT_LITTLE "1.2.840.10008.1.2.1"

/* Takes "NAME/UID" off the path; false: it is not there. */
static bool take_level(const char **at, const char *name, char uid[DX_UID_MAX])
{
    size_t length = strlen(name);
    if (strncmp(*at, name, length) != 0 || (*at)[length] != '/')
        return false;
    const char *text = *at + length + 1;
    size_t size = strcspn(text, "/");
    (void)snprintf(uid, DX_UID_MAX, "%.*s", (int)(size < DX_UID_MAX ? size : 0), text);
    if (!dx_uid_is_usable(uid))
        return false;
    *at = text + size + (text[size] == '/');
    return true;
}

/* False: it is no address of DICOMweb. tail is what follows /dicomweb/. */
static bool parse_target(const char *tail, struct dicomweb_target *target)
{
    *target = (struct dicomweb_target){.verb = tail};
    if (strncmp(tail, "studies/", 8) != 0)
        return strcmp(tail, "studies") == 0 || strcmp(tail, "series") == 0 ||
               strcmp(tail, "instances") == 0;
    if (!take_level(&tail, "studies", target->study))
        return false;
    if (strncmp(tail, "series/", 7) == 0 && !take_level(&tail, "series", target->series))
        return false;
    if (target->series[0] != '\0' && strncmp(tail, "instances/", 10) == 0 &&
        !take_level(&tail, "instances", target->instance))
        return false;
    target->verb = tail;
    return true;
}

static bool is_host(const char *host)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789.-:[]";
    return host != NULL && host[0] != '\0' && strlen(host) < 256 &&
           strspn(host, allowed) == strlen(host);
}

void dicomweb_root(const struct console *console, const struct http_request *request,
                   char root[DICOMWEB_ADDRESS_MAX])
{
    const char *host = http_header(request, MHD_HTTP_HEADER_HOST);
    if (is_host(host))
        (void)snprintf(root, DICOMWEB_ADDRESS_MAX, "%s://%s/dicomweb",
                       console_is_encrypted(console, request) ? "https" : "http", host);
    else
        (void)snprintf(root, DICOMWEB_ADDRESS_MAX, "/dicomweb");
}

bool dicomweb_file(const struct console *console, const struct result *result, char *path,
                   size_t size)
{
    char digest[DX_DIGEST_MAX];
    struct dx_error err = {.status = DX_OK};
    node_path(console->node->conf, path, size, "%s", result->path);
    bool good =
        dx_digest_file(path, 0, digest, &err) == DX_OK && strcmp(digest, result->digest) == 0;
    if (!good)
        log_event(LOG_AT_ERROR, "result-unreadable", "uid=%s error=%s", result->uid,
                  log_quote(err.status != DX_OK ? err.text : "it is not what was written"));
    return good;
}

bool dicomweb_pixels(const struct console *console, const struct result *result,
                     struct dicomweb_pixels *pixels)
{
    char path[PATH_MAX], syntax[DX_UID_MAX];
    struct dx_scan scan;
    struct dx_limits limits;
    struct dx_error err = {.status = DX_OK};
    *pixels = (struct dicomweb_pixels){.fd = -1};
    if ((result->kind != RESULT_SC && result->kind != RESULT_MAP) ||
        !dicomweb_file(console, result, path, sizeof path))
        return false;
    dataset_limits_of(&console->node->conf->limits, &limits);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return false;
    bool good = dx_prescan_digested(fd, result->digest, &limits, syntax, &scan, &err) == DX_OK &&
                strcmp(syntax, EXPLICIT_LITTLE) == 0;
    int frames = good && scan.frames > 0 ? (int)scan.frames : 1;
    uint64_t frame =
        good ? (uint64_t)scan.rows * scan.cols * scan.samples * (scan.bits_allocated / 8u) : 0;
    uint64_t all = frame * (uint64_t)frames;
    if (!good || frame == 0 || all + (all & 1) > scan.dataset_bytes) {
        (void)close(fd);
        return false;
    }
    /* They are the last element of what we write, padded to an even length. */
    *pixels = (struct dicomweb_pixels){
        .fd = fd,
        .offset = (off_t)(scan.dataset_offset + scan.dataset_bytes - all - (all & 1)),
        .frame_bytes = (size_t)frame,
        .rows = scan.rows,
        .cols = scan.cols,
        .samples = scan.samples,
        .bits = scan.bits_allocated,
        .frames = frames,
        .is_float = result->kind == RESULT_MAP};
    return true;
}

/* The audit log has who looked at which study, once a minute. */
static void tell(struct console *console, const struct http_request *request,
                 const struct session *session, const char *study)
{
    char what[sizeof console->told_of[0].what];
    int64_t now = clock_monotonic_ms();
    size_t place = 0;
    (void)snprintf(what, sizeof what, "%s %s %s", session->account.name, request->address, study);
    for (size_t i = 0; i < CONSOLE_TOLD; i++) {
        if (strcmp(console->told_of[i].what, what) == 0 && now < console->told_of[i].until_ms)
            return;
        if (console->told_of[i].until_ms < console->told_of[place].until_ms)
            place = i;
    }
    (void)snprintf(console->told_of[place].what, sizeof what, "%s", what);
    console->told_of[place].until_ms = now + TOLD_FOR_MS;
    audit_seen(console->node->conf, session->account.name, request->address, "DICOMweb", study);
}

static enum MHD_Result nothing(const struct http_request *request)
{
    return http_error(request, MHD_HTTP_NOT_FOUND, "there is nothing at this address", 0);
}

static enum MHD_Result of_one(struct console *console, const struct http_request *request,
                              const struct result *result, const char *verb)
{
    if (strcmp(verb, "rendered") == 0)
        return dicomweb_rendered(console, request, result, 1);
    if (strncmp(verb, "frames/", 7) == 0)
        return dicomweb_frames(console, request, result, verb + 7);
    if (strncmp(verb, "bulkdata/", 9) == 0)
        return dicomweb_bulk(console, request, result, verb + 9);
    return nothing(request);
}

static enum MHD_Result retrieve(struct console *console, const struct http_request *request,
                                const struct session *session, const struct dicomweb_target *target)
{
    struct store_search search = {.level = STORE_BY_INSTANCE, .picture_modality = ""};
    struct result *list = calloc(FILES_MOST, sizeof *list);
    size_t count = 0;
    int64_t more = 0;
    enum MHD_Result result;
    memcpy(search.study, target->study, sizeof search.study);
    (void)snprintf(search.series, sizeof search.series, target->series[0] ? ",%s," : "%s",
                   target->series);
    (void)snprintf(search.instances, sizeof search.instances, target->instance[0] ? ",%s," : "%s",
                   target->instance);
    if (list == NULL ||
        store_search(console->store, &search, list, FILES_MOST, &count, &more) != STORE_OK)
        result = http_error(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                            "the job store cannot be read now", 1);
    else if (count == 0)
        result = http_error(request, MHD_HTTP_NOT_FOUND, "the node has no such result", 0);
    else if (more > 0)
        result = http_error(request, MHD_HTTP_CONTENT_TOO_LARGE,
                            "there are too many results; ask for one series", 0);
    else {
        tell(console, request, session, target->study);
        result = target->verb[0] == '\0' ? dicomweb_retrieve(console, request, list, count)
                 : strcmp(target->verb, "metadata") == 0
                     ? dicomweb_retrieve_metadata(console, request, list, count)
                 : target->instance[0] != '\0' ? of_one(console, request, list, target->verb)
                                               : nothing(request);
    }
    free(list);
    return result;
}

enum MHD_Result dicomweb_page(struct console *console, struct visit *visit, struct session *session,
                              const char *tail)
{
    const struct http_request *request = &visit->request;
    struct dicomweb_target target;
    if (!console->node->conf->web.dicomweb)
        return http_error(request, MHD_HTTP_NOT_FOUND,
                          "DICOMweb is off here: <console dicomweb=\"true\"> turns it on", 0);
    if (!parse_target(tail, &target))
        return nothing(request);
    if (node_mode(console->node->conf) == CONF_SHADOW)
        return http_error(request, MHD_HTTP_FORBIDDEN,
                          "the node's mode is shadow: results stay on the node", 0);
    if (!console_store(console))
        return http_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the job store cannot be read now",
                          1);
    bool series = strcmp(target.verb, "series") == 0, whole = target.study[0] == '\0';
    bool instances = strcmp(target.verb, "instances") == 0 && target.instance[0] == '\0';
    if (!whole && !(series && target.series[0] == '\0') && !instances)
        return retrieve(console, request, session, &target);
    tell(console, request, session, target.study);
    return dicomweb_search(console, request, &target,
                           series      ? STORE_BY_SERIES
                           : instances ? STORE_BY_INSTANCE
                                       : STORE_BY_STUDY);
}
