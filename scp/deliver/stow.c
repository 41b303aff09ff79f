/* A batch's way by STOW-RS. */
#include "stow.h"

#include "node.h"
#include "spool.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CLASS_UNKNOWN  0x0122
#define SYNTAX_UNKNOWN 0xc122
#define UNSUPPORTED    415

struct web_way {
    struct sender_way way; /* first */
    struct look_peer look;
    struct stow_look asks;
    struct stow_http *http;
};

static const char *syntax_of(const struct conf_destination *to, const struct send_job *job)
{
    if (!job->picture || to->picture_syntax == CONF_UNCOMPRESSED)
        return DX_SYNTAX_EXPLICIT;
    return to->picture_syntax == CONF_RLE ? DX_SYNTAX_RLE : DX_SYNTAX_JPEG_LS;
}

static int not_opened(struct stow_told *told, enum verdict verdict, const char *path,
                      const char *why)
{
    told->verdict = verdict;
    (void)snprintf(told->text, sizeof told->text, "%.100s: %.150s", path, why);
    return -1;
}

/* The file in that transfer syntax; -1: told says why not. */
static int open_form(const struct sender_way *way, const struct send_form *form, const char *syntax,
                     struct stow_told *told)
{
    char path[PATH_MAX], packed[PATH_MAX];
    struct dx_error err = {.status = DX_OK};
    node_path(way->conf, path, sizeof path, "%s", form->path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return not_opened(told, errno == ENOENT ? VERDICT_REFUSED : VERDICT_LATER, form->path,
                          strerror(errno));
    if (strcmp(syntax, DX_SYNTAX_EXPLICIT) == 0)
        return fd;
    (void)close(fd);

    node_path(way->conf, packed, sizeof packed, SPOOL_PACKED, (long)getpid());
    enum dx_status status = dx_result_compress(path, syntax, packed, &err);
    if (status == DX_OK)
        fd = open(packed, O_RDONLY | O_CLOEXEC);
    int failed = errno;
    (void)unlink(packed);
    if (status == DX_OK)
        return fd >= 0 ? fd : not_opened(told, VERDICT_LATER, packed, strerror(failed));
    /* What is not there, or cannot be packed, will not be later either. */
    bool is_for_good = status == DX_MISSING || status == DX_NO_PIXELS || status == DX_INVALID ||
                       status == DX_UNSUPPORTED;
    told->verdict = is_for_good ? VERDICT_REFUSED : VERDICT_LATER;
    (void)snprintf(told->text, sizeof told->text, "%s", err.text);
    return -1;
}

/* One request. status: HTTP's, 0 where none came. */
static void post(struct web_way *web, const struct send_form *form, const char *syntax,
                 long *status, struct stow_told *told)
{
    struct stow_reply reply;
    *told = (struct stow_told){.verdict = VERDICT_LATER};
    *status = 0;
    int fd = open_form(&web->way, form, syntax, told);
    if (fd < 0)
        return;
    stow_http_post(web->http, "/studies", fd, &reply);
    (void)close(fd);
    *status = reply.status;
    if (reply.end == STOW_ANSWERED) {
        crash_point("deliver-sent-unanswered");
        stow_judge(&reply, form->sop_instance, told);
    } else { /* where it was reached, the object may be the cause */
        told->broke = reply.end == STOW_BROKE;
        told->verdict = reply.end == STOW_AWAY ? VERDICT_UNREACHED : VERDICT_LATER;
        told->may_be_there = reply.end == STOW_BROKE && !reply.is_unread;
        (void)snprintf(told->text, sizeof told->text, "%s", reply.text);
    }
    if (told->verdict == VERDICT_UNREACHED || (reply.end == STOW_BROKE && !reply.is_unread)) {
        web->way.alive = false;
        web->way.retry_after_seconds = reply.retry_after_seconds;
        (void)snprintf(web->way.text, sizeof web->way.text, "%s", told->text);
    }
}

/* Nothing is negotiated: what the peer does not take it refuses, and the next is tried. */
static void store(struct sender_way *way, const struct send_job *job, struct send_answer *answer)
{
    struct web_way *web = (struct web_way *)way;
    struct stow_told told = {.verdict = VERDICT_REFUSED}; /* there is always a form */
    for (size_t form = 0; form < job->forms; form++) {
        const char *syntax = syntax_of(way->to, job);
        long status;
        post(web, &job->form[form], syntax, &status, &told);
        bool unpacked = strcmp(syntax, DX_SYNTAX_EXPLICIT) == 0;
        if (!unpacked && (status == UNSUPPORTED || told.reason == SYNTAX_UNKNOWN))
            post(web, &job->form[form], DX_SYNTAX_EXPLICIT, &status, &told);
        answer->result = job->form[form].result;
        if (told.verdict != VERDICT_REFUSED || told.reason != CLASS_UNKNOWN)
            break;
    }
    answer->verdict = told.verdict;
    answer->broke = told.broke;
    answer->may_be_there = told.may_be_there;
    answer->dimse_status = told.reason;
    (void)snprintf(answer->text, sizeof answer->text, "%s", told.text);
}

/* Retry-After of the look is the way's, too: the peer as a whole asked for it. */
static enum look_end ask_study(void *peer, struct look_found *found, char text[256])
{
    struct web_way *web = peer;
    enum look_end end = stow_look_peer(&web->asks).study(&web->asks, found, text);
    web->way.retry_after_seconds = web->asks.retry_after_seconds;
    return end;
}

static enum look_end ask_images(void *peer, struct look_found *found, char text[256])
{
    struct web_way *web = peer;
    enum look_end end = stow_look_peer(&web->asks).images(&web->asks, found, text);
    web->way.retry_after_seconds = web->asks.retry_after_seconds;
    return end;
}

static void close_web(struct sender_way *way)
{
    stow_http_close(((struct web_way *)way)->http);
}

struct sender_way *stow_open(const struct conf *conf, const struct conf_destination *to)
{
    static struct web_way made;
    made = (struct web_way){
        .way = {.conf = conf, .to = to, .look = &made.look, .store = store, .close = close_web}};
    made.http = stow_http_open(conf, to->peer);
    made.way.alive = made.http != NULL;
    (void)snprintf(made.way.text, sizeof made.way.text, "%s",
                   made.http != NULL ? "the connection has ended" : "out of memory");
    made.asks.http = made.http;
    made.look = stow_look_peer(&made.asks);
    made.look.peer = &made;
    made.look.study = ask_study;
    made.look.images = ask_images;
    return &made.way;
}
