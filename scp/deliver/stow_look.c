/* The look by QIDO-RS (PS3.18 10.6). */
#include "stow.h"

#include <stdio.h>
#include <string.h>

#define PAGE       200 /* instances asked for at a time */
#define PAGES_MOST 100

/* A UID in a path; what is none is quoted, so that it stays one part of it. */
struct quoted {
    char text[3 * DX_UID_MAX];
};

static struct quoted quote(const char *uid)
{
    struct quoted quoted = {""};
    size_t used = 0;
    for (; *uid != '\0' && used + 4 < sizeof quoted.text; uid++) {
        bool plain = (*uid >= '0' && *uid <= '9') || *uid == '.';
        used += (size_t)snprintf(quoted.text + used, sizeof quoted.text - used,
                                 plain ? "%c" : "%%%02X", (unsigned char)*uid);
    }
    return quoted;
}

/* LOOK_THERE: there is an answer to read. */
static enum look_end judge(const struct stow_reply *reply, char text[256])
{
    (void)snprintf(text, 256, "%s", reply->text);
    if (reply->end != STOW_ANSWERED)
        return reply->end == STOW_AWAY ? LOOK_AWAY : LOOK_UNREACHED;
    if (reply->status >= 200 && reply->status <= 299)
        return LOOK_THERE;
    (void)snprintf(text, 256, "QIDO-RS: HTTP status %ld", reply->status);
    switch (reply->status) {
    case 400:
    case 403:
    case 404:
    case 405:
    case 406:
    case 415:
    case 501:
        return LOOK_NOT_TAKEN;
    case 401:
    case 407:
    case 408:
    case 425:
    case 429:
    case 502:
    case 503:
    case 504:
        return LOOK_AWAY;
    default:
        return reply->status >= 300 && reply->status <= 399 ? LOOK_AWAY : LOOK_FAILED;
    }
}

static enum look_end ask(struct stow_look *look, const char *path, const char *const *tags,
                         stow_take take, void *found, size_t *matches, char text[256])
{
    struct stow_reply reply;
    *matches = 0;
    stow_http_get(look->http, path, &reply);
    look->status = reply.status;
    enum look_end end = judge(&reply, text);
    if (end == LOOK_AWAY)
        look->retry_after_seconds = reply.retry_after_seconds;
    if (end != LOOK_THERE || reply.status == 204 || reply.count == 0)
        return end;
    if (stow_matches(reply.body, reply.count, tags, take, found, matches))
        return LOOK_THERE;
    (void)snprintf(text, 256, "QIDO-RS: the answer is no list in DICOM JSON");
    return LOOK_FAILED;
}

static void take_study(void *found, const char *const values[STOW_TAGS])
{
    look_take_study(found, values[0], values[1], values[2], values[3]);
}

struct page {
    struct look_found *found;
    char first[DX_UID_MAX]; /* instance of it */
};

static void take_image(void *context, const char *const values[STOW_TAGS])
{
    struct page *page = context;
    look_take_image(page->found, values[0]);
    if (page->first[0] == '\0')
        (void)snprintf(page->first, sizeof page->first, "%s", values[0]);
}

static enum look_end ask_study(void *peer, struct look_found *found, char text[256])
{
    static const char *const tags[STOW_TAGS] = {"0020000D", "00100020", "00100021", "00080050"};
    char path[512];
    size_t matches;
    (void)snprintf(path, sizeof path, "/studies?StudyInstanceUID=%s&includefield=00100021",
                   quote(found->look->study).text);
    return ask(peer, path, tags, take_study, found, &matches, text);
}

/* By pages of its series, as large as the archive likes them, until all are seen. One that does not
 * know offset begins anew each time. */
static enum look_end ask_images(void *peer, struct look_found *found, char text[256])
{
    static const char *const tags[STOW_TAGS] = {"00080018"};
    struct stow_look *look = peer;
    char begin[DX_UID_MAX] = "";
    struct quoted study = quote(found->look->study), series = quote(found->wanted[0].series);
    size_t offset = 0;
    for (int n = 0; n < PAGES_MOST && found->count < found->wanted_count; n++) {
        char path[640];
        struct page page = {.found = found};
        size_t matches;
        (void)snprintf(path, sizeof path, "/studies/%s/series/%s/instances?limit=%d&offset=%zu",
                       study.text, series.text, PAGE, offset);
        enum look_end end = ask(look, path, tags, take_image, &page, &matches, text);
        if (look->status == 404) /* there is no such series */
            return LOOK_THERE;
        if (end != LOOK_THERE)
            return end;
        if (matches == 0 || strcmp(begin, page.first) == 0)
            break;
        if (n == 0)
            memcpy(begin, page.first, sizeof begin);
        offset += matches;
    }
    return LOOK_THERE;
}

struct look_peer stow_look_peer(struct stow_look *look)
{
    return (struct look_peer){.peer = look,
                              .study = ask_study,
                              .images = ask_images,
                              .configure =
                                  "let this node's user query there (QIDO-RS), or set look"};
}
