/* One destination's process. */
#include "sender.h"

#include "call.h"
#include "clock.h"
#include "dx_result.h"
#include "log.h"
#include "look.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IMPLICIT     "1.2.840.10008.1.2"
#define VERIFICATION "1.2.840.10008.1.1"

#define DUPLICATE_INSTANCE  0x0111
#define PROCESSING_FAILURE  0x0110
#define RESOURCE_LIMITATION 0x0213

enum verdict sender_verdict(uint16_t status)
{
    if (status == 0x0000 || (status & 0xf000) == 0xb000)
        return VERDICT_DELIVERED;
    if (status == DUPLICATE_INSTANCE) /* the UID says what the object holds: it is this one */
        return VERDICT_DELIVERED;
    if ((status & 0xff00) == 0xa700 || status == PROCESSING_FAILURE ||
        status == RESOURCE_LIMITATION)
        return VERDICT_LATER;
    return VERDICT_REFUSED;
}

bool sender_allowed(enum conf_mode mode, const struct conf_destination *destination)
{
    return mode == CONF_CLINICAL || (mode == CONF_DEMO && destination->demo);
}

static bool answer(int fd, const struct send_job *job, size_t form, enum verdict verdict,
                   uint16_t status, const char *text)
{
    struct send_answer reply = {.delivery = job->delivery,
                                .result = job->form[form].result,
                                .verdict = verdict,
                                .dimse_status = status};
    (void)snprintf(reply.text, sizeof reply.text, "%s", text);
    return send(fd, &reply, sizeof reply, MSG_NOSIGNAL) == (ssize_t)sizeof reply;
}

/* ---- what the association must carry ---- */

#define CONTEXTS_MOST (SENDER_BATCH * SENDER_FORMS * 3 + 2)
#define LOOK_FAILURES 3
#define LOOK_PAUSE_MS 600000 /* then results go without, and it is tried again */
#define COMMIT_WAIT_S                                                                              \
    2 /* for an answer on the same association; most peers open one of their own */

static size_t add_context(struct dx_scu_context *contexts, size_t count, const char *sop_class,
                          const char *transfer_syntax)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(contexts[i].sop_class, sop_class) == 0 &&
            strcmp(contexts[i].transfer_syntax, transfer_syntax) == 0)
            return count;
    (void)snprintf(contexts[count].sop_class, sizeof contexts[count].sop_class, "%s", sop_class);
    (void)snprintf(contexts[count].transfer_syntax, sizeof contexts[count].transfer_syntax, "%s",
                   transfer_syntax);
    return count + 1;
}

static size_t list_contexts(const struct send_batch *batch,
                            struct dx_scu_context contexts[CONTEXTS_MOST])
{
    size_t count = 0;
    if (batch->transaction[0] != '\0')
        return add_context(contexts, count, DX_STORAGE_COMMITMENT, IMPLICIT);
    for (size_t i = 0; i < batch->count; i++) {
        const struct send_job *job = &batch->job[i];
        if (job->look.study[0] != '\0')
            count = add_context(contexts, count, DX_STUDY_ROOT_FIND, IMPLICIT);
        for (size_t f = 0; f < job->forms; f++) {
            count = add_context(contexts, count, job->form[f].sop_class, DX_SYNTAX_EXPLICIT);
            if (!job->picture)
                continue;
            count = add_context(contexts, count, job->form[f].sop_class, DX_SYNTAX_RLE);
            count = add_context(contexts, count, job->form[f].sop_class, DX_SYNTAX_JPEG_LS);
        }
    }
    return count;
}

static bool takes_plain(const struct dx_scu *scu, const char *sop_class)
{
    return dx_scu_accepts(scu, sop_class, DX_SYNTAX_EXPLICIT) ||
           dx_scu_accepts(scu, sop_class, IMPLICIT);
}

/* The first form that the peer took; the first of all when it took none. */
static size_t choose_form(const struct dx_scu *scu, const struct send_job *job)
{
    for (size_t f = 0; f < job->forms; f++)
        if (takes_plain(scu, job->form[f].sop_class))
            return f;
    return 0;
}

/* The transfer syntax in which a picture goes: the wanted one if the peer took it, else any that it
 * took; NULL: as it is. */
static const char *choose_syntax(const struct dx_scu *scu, enum conf_picture_syntax wanted,
                                 const char *sop_class)
{
    static const char *const compressed[] = {DX_SYNTAX_RLE, DX_SYNTAX_JPEG_LS};
    const char *first = wanted == CONF_RLE       ? DX_SYNTAX_RLE
                        : wanted == CONF_JPEG_LS ? DX_SYNTAX_JPEG_LS
                                                 : NULL;
    if (first && dx_scu_accepts(scu, sop_class, first))
        return first;
    if (takes_plain(scu, sop_class))
        return NULL;
    for (size_t i = 0; i < sizeof compressed / sizeof compressed[0]; i++)
        if (dx_scu_accepts(scu, sop_class, compressed[i]))
            return compressed[i];
    return NULL;
}

/* ---- sending ---- */

/* Stores one form, compressed on the way where it should be. */
static enum dx_status store(const struct conf *conf, const struct conf_destination *to,
                            struct dx_scu *scu, const struct send_job *job, size_t form,
                            uint16_t *dimse, char comment[65], struct dx_error *err)
{
    char path[PATH_MAX], packed[PATH_MAX];
    const struct send_form *what = &job->form[form];
    const char *syntax =
        job->picture ? choose_syntax(scu, to->picture_syntax, what->sop_class) : NULL;
    node_path(conf, path, sizeof path, "%s", what->path);
    if (!syntax)
        return dx_scu_store(scu, path, dimse, comment, err);
    node_path(conf, packed, sizeof packed, "run/send-%ld.dcm", (long)getpid());
    enum dx_status status = dx_result_compress(path, syntax, packed, err);
    if (status == DX_OK)
        status = dx_scu_store(scu, packed, dimse, comment, err);
    (void)unlink(packed);
    return status;
}

/* Sends one; *alive turns false when the association is of no more use. */
static bool send_one(const struct conf *conf, const struct conf_destination *to, struct dx_scu *scu,
                     const struct send_job *job, int fd, bool *alive)
{
    char comment[65] = "", text[256];
    struct dx_error err = {.status = DX_OK};
    uint16_t dimse = 0;
    size_t form = choose_form(scu, job);
    enum dx_status status = store(conf, to, scu, job, form, &dimse, comment, &err);

    if (dx_scu_is_broken(scu)) /* whatever it says: the peer's words, not the object's fault */
        status = DX_ABORTED;
    switch (status) {
    case DX_OK:
        crash_point("deliver-sent-unanswered");
        (void)snprintf(text, sizeof text, "status %04X%s%s", dimse, comment[0] != '\0' ? ": " : "",
                       comment);
        return answer(fd, job, form, sender_verdict(dimse), dimse, text);
    case DX_NO_CONTEXT:
    case DX_MISSING:
    case DX_MALFORMED:
    case DX_INVALID:
    case DX_UNSUPPORTED:
        return answer(fd, job, form, VERDICT_REFUSED, 0, err.text);
    case DX_NO_MEMORY:
        return answer(fd, job, form, VERDICT_LATER, 0, err.text);
    default: /* put off by itself: were it the cause, nothing behind it would ever get through */
        *alive = false;
        return answer(fd, job, form, VERDICT_LATER, 0, err.text);
    }
}

/* A peer that takes nothing at all, Verification neither, is not itself (a service that starts):
 * what it takes is not decided. */
static bool takes_any(const struct dx_scu *scu, const struct send_batch *batch)
{
    static const char *const syntaxes[] = {DX_SYNTAX_EXPLICIT, IMPLICIT, DX_SYNTAX_RLE,
                                           DX_SYNTAX_JPEG_LS};
    if (dx_scu_accepts(scu, VERIFICATION, IMPLICIT))
        return true;
    for (size_t i = 0; i < batch->count; i++)
        for (size_t f = 0; f < batch->job[i].forms; f++)
            for (size_t s = 0; s < sizeof syntaxes / sizeof *syntaxes; s++)
                if (dx_scu_accepts(scu, batch->job[i].form[f].sop_class, syntaxes[s]))
                    return true;
    return false;
}

static bool open_association(const struct conf *conf, const struct conf_destination *to,
                             const struct send_batch *batch, struct dx_scu **scu,
                             struct dx_error *err)
{
    struct dx_scu_params params;
    static struct dx_scu_context contexts[CONTEXTS_MOST];
    size_t count = list_contexts(batch, contexts);
    call_params(conf, to->peer, &params);
    return call_open(conf, to->peer, &params, contexts, count, scu, err) == DX_OK;
}

/* C-FIND at this peer, as far as this process knows: one that takes the service and then fails or
 * hangs up does not answer it (an archive that does not know us as somebody who may ask). */
static struct {
    int failures;
    int64_t not_before_ms; /* monotonic */
} asking;

static bool is_asked(const struct conf_destination *to)
{
    return to->look == CONF_LOOK_ALWAYS || clock_monotonic_ms() >= asking.not_before_ms;
}

/* LOOK_NOT_TAKEN once it failed LOOK_FAILURES times in a row. */
static enum look_end learn(const struct conf_destination *to, enum look_end end, const char *text)
{
    if (end != LOOK_FAILED && end != LOOK_UNREACHED) {
        asking.failures = 0;
        return end;
    }
    if (to->look == CONF_LOOK_ALWAYS || ++asking.failures < LOOK_FAILURES)
        return end;
    asking.failures = 0;
    asking.not_before_ms = clock_monotonic_ms() + LOOK_PAUSE_MS;
    log_event(LOG_AT_WARN, "look-unavailable", "destination=%s reason=%s configure=%s",
              to->peer->name, log_quote(text),
              log_quote("let this node's AE title query there (C-FIND, Study Root), or set look"));
    return end == LOOK_FAILED ? LOOK_NOT_TAKEN : end;
}

/* Whether the result may go there now; else it is answered, *told false when the parent is gone. */
static bool may_go(const struct conf *conf, const struct conf_destination *to, struct dx_scu *scu,
                   const struct send_job *job, struct look_memory *memory, int fd, bool *alive,
                   bool *told)
{
    char text[256] = "";
    if (job->look.study[0] == '\0' || !is_asked(to))
        return true;
    enum look_end end = look_for(scu, conf, &job->look, memory, text);
    if (dx_scu_is_broken(scu)) /* answers may still be on their way: nothing can follow */
        end = LOOK_UNREACHED;
    if (memory->is_fresh)
        end = learn(to, end, text);
    if (end == LOOK_THERE || (end == LOOK_NOT_TAKEN && to->look == CONF_LOOK_AUTO))
        return true;
    if (end == LOOK_UNREACHED)
        *alive = false;
    *told = answer(fd, job, 0, end == LOOK_UNREACHED ? VERDICT_LATER : VERDICT_WAITS, 0, text);
    return false;
}

/* Asks for commitment to what the batch names, and answers for each. */
static bool ask_commitment(const struct send_batch *batch, struct dx_scu *scu, bool alive, int fd,
                           struct dx_error *err)
{
    static struct dx_commitment request, event;
    uint16_t dimse = 0;
    enum dx_status status = alive ? DX_OK : DX_UNREACHABLE;
    char text[256];
    bool told = true;
    request.count = batch->count;
    memcpy(request.transaction, batch->transaction, sizeof request.transaction);
    for (size_t i = 0; i < batch->count; i++) {
        memcpy(request.item[i].sop_class, batch->job[i].form[0].sop_class, DX_UID_MAX);
        memcpy(request.item[i].sop_instance, batch->job[i].form[0].sop_instance, DX_UID_MAX);
    }
    if (alive)
        status = dx_scu_commit(scu, &request, COMMIT_WAIT_S, &event, &dimse, err);
    crash_point("commitment-asked");
    for (size_t i = 0; told && i < batch->count; i++) {
        enum verdict verdict = !alive                          ? VERDICT_UNREACHED
                               : status != DX_OK || dimse != 0 ? VERDICT_LATER
                                                               : VERDICT_ASKED;
        uint16_t failure = dimse;
        (void)snprintf(text, sizeof text, "%s", status != DX_OK ? err->text : "");
        if (status == DX_OK && dimse != 0)
            (void)snprintf(text, sizeof text, "commitment: status %04X", dimse);
        for (size_t k = 0; verdict == VERDICT_ASKED && k < event.count; k++)
            if (strcmp(event.transaction, request.transaction) == 0 &&
                strcmp(event.item[k].sop_instance, request.item[i].sop_instance) == 0) {
                failure = event.item[k].failure;
                verdict = failure == 0 ? VERDICT_DELIVERED : VERDICT_REFUSED;
            }
        told = answer(fd, &batch->job[i], 0, verdict, failure, text);
    }
    return told;
}

/* False when the parent has gone. */
static bool send_batch(const struct conf *conf, const struct conf_destination *to,
                       const struct send_batch *batch, int fd)
{
    struct dx_scu *scu = NULL;
    struct dx_error err = {.status = DX_OK};
    bool told = true;
    crash_point("sender-unassociated");
    bool alive = open_association(conf, to, batch, &scu, &err);
    struct look_memory memory = {.end = LOOK_THERE};
    if (alive && batch->transaction[0] == '\0' && !takes_any(scu, batch)) {
        (void)dx_fail(&err, DX_NO_CONTEXT, "the peer takes none of what was proposed");
        alive = false;
    }
    if (batch->transaction[0] != '\0') {
        told = ask_commitment(batch, scu, alive, fd, &err);
        dx_scu_close(scu);
        return told;
    }

    for (size_t i = 0; told && i < batch->count; i++) {
        const struct send_job *job = &batch->job[i];
        if (!sender_allowed(node_mode(conf), to)) /* as late as can be: `mode shadow` is a stop */
            told = answer(fd, job, 0, VERDICT_NOT_ALLOWED, 0, "the mode forbids sending");
        else if (!alive)
            told = answer(fd, job, 0, VERDICT_UNREACHED, 0,
                          err.text[0] != '\0' ? err.text : "the association has ended");
        else if (may_go(conf, to, scu, job, &memory, fd, &alive, &told))
            told = send_one(conf, to, scu, job, fd, &alive);
        crash_point("sender-between");
    }
    dx_scu_close(scu);
    return told;
}

int sender_run(const struct conf *conf, const struct conf_destination *destination, int fd)
{
    struct send_batch batch;
    for (;;) {
        ssize_t n = recv(fd, &batch, sizeof batch, 0);
        if (n != (ssize_t)sizeof batch || batch.count > SENDER_BATCH)
            return 0;
        if (!send_batch(conf, destination, &batch, fd))
            return 0;
    }
}
