/* A batch's way by DICOM's own protocol: one association. */
#include "sender_way.h"

#include "call.h"
#include "dx_result.h"
#include "log.h"
#include "node.h"
#include "proposed.h"
#include "spool.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define IMPLICIT     "1.2.840.10008.1.2"
#define VERIFICATION "1.2.840.10008.1.1"

/* ---- what the association must carry ---- */

#define CONTEXTS_MOST (SENDER_BATCH * SENDER_FORMS * 3 + 2)
/* For an answer on the same association; most peers open one of their own. */
#define COMMIT_WAIT_S 2

static size_t add_context(struct dx_scu_context *contexts, size_t count,
                          const struct dx_scu_context *context)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(contexts[i].sop_class, context->sop_class) == 0 &&
            strcmp(contexts[i].transfer_syntax, context->transfer_syntax) == 0)
            return count;
    contexts[count] = *context;
    return count + 1;
}

static size_t add_result(struct dx_scu_context *contexts, size_t count, const char *sop_class,
                         const char *transfer_syntax)
{
    struct dx_scu_context context;
    (void)snprintf(context.sop_class, sizeof context.sop_class, "%s", sop_class);
    (void)snprintf(context.transfer_syntax, sizeof context.transfer_syntax, "%s", transfer_syntax);
    return add_context(contexts, count, &context);
}

static size_t list_contexts(const struct send_batch *batch,
                            struct dx_scu_context contexts[CONTEXTS_MOST])
{
    size_t count = 0;
    if (batch->transaction[0] != '\0')
        return add_context(contexts, count, &proposed_commitment);
    for (size_t i = 0; i < batch->count; i++) {
        const struct send_job *job = &batch->job[i];
        if (job->look.study[0] != '\0')
            count = add_context(contexts, count, &proposed_look);
        for (size_t f = 0; f < job->forms; f++) {
            count = add_result(contexts, count, job->form[f].sop_class, DX_SYNTAX_EXPLICIT);
            for (size_t p = 0; job->picture && p < PROPOSED_PICTURES; p++)
                count = add_result(contexts, count, job->form[f].sop_class, proposed_pictures[p]);
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
    const char *first = wanted == CONF_RLE       ? DX_SYNTAX_RLE
                        : wanted == CONF_JPEG_LS ? DX_SYNTAX_JPEG_LS
                                                 : NULL;
    if (first && dx_scu_accepts(scu, sop_class, first))
        return first;
    if (takes_plain(scu, sop_class))
        return NULL;
    for (size_t i = 0; i < PROPOSED_PICTURES; i++)
        if (dx_scu_accepts(scu, sop_class, proposed_pictures[i]))
            return proposed_pictures[i];
    return NULL;
}

/* ---- sending ---- */

struct dimse_way {
    struct sender_way way; /* first */
    struct look_peer look;
    struct dx_scu *scu;
};

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
    node_path(conf, packed, sizeof packed, SPOOL_PACKED, (long)getpid());
    enum dx_status status = dx_result_compress(path, syntax, packed, err);
    if (status == DX_OK)
        status = dx_scu_store(scu, packed, dimse, comment, err);
    (void)unlink(packed);
    return status;
}

/* Whatever a broken association's status says: it is the peer's word, not the object's fault. */
static void send_one(struct sender_way *way, const struct send_job *job, struct send_answer *answer)
{
    struct dx_scu *scu = ((struct dimse_way *)way)->scu;
    char comment[65] = "";
    struct dx_error err = {.status = DX_OK};
    uint16_t dimse = 0;
    size_t form = choose_form(scu, job);
    enum dx_status status = store(way->conf, way->to, scu, job, form, &dimse, comment, &err);

    answer->result = job->form[form].result;
    (void)snprintf(answer->text, sizeof answer->text, "%s", err.text);
    if (dx_scu_is_broken(scu))
        status = DX_ABORTED;
    switch (status) {
    case DX_OK:
        crash_point("deliver-sent-unanswered");
        (void)snprintf(answer->text, sizeof answer->text, "status %04X%s%s", dimse,
                       comment[0] != '\0' ? LOG_PEER_SAYS : "", comment);
        answer->verdict = sender_verdict(dimse);
        answer->may_be_there = answer->verdict == VERDICT_DELIVERED;
        answer->dimse_status = dimse;
        break;
    case DX_NO_CONTEXT:
    case DX_MISSING:
    case DX_MALFORMED:
    case DX_INVALID:
    case DX_UNSUPPORTED:
    case DX_NO_PIXELS:
        answer->verdict = VERDICT_REFUSED;
        break;
    case DX_NO_MEMORY:
        answer->verdict = VERDICT_LATER;
        break;
    default: /* it may be the cause, or the peer */
        way->alive = false;
        answer->broke = true;
        (void)snprintf(way->text, sizeof way->text, "the association has ended");
        answer->verdict = VERDICT_LATER;
        answer->may_be_there = true;
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
    params.dimse_seconds = to->answer_seconds;
    return call_open(conf, to->peer, &params, contexts, count, scu, err) == DX_OK;
}

static void close_association(struct sender_way *way)
{
    dx_scu_close(((struct dimse_way *)way)->scu);
}

struct sender_way *sender_dimse_open(const struct conf *conf, const struct conf_destination *to,
                                     const struct send_batch *batch)
{
    static struct dimse_way made;
    struct dx_error err = {.status = DX_OK};
    made = (struct dimse_way){.way = {.conf = conf,
                                      .to = to,
                                      .look = &made.look,
                                      .store = send_one,
                                      .close = close_association}};
    made.way.alive = open_association(conf, to, batch, &made.scu, &err);
    made.look = look_find_peer(made.scu);
    if (made.way.alive && !takes_any(made.scu, batch)) {
        (void)dx_fail(&err, DX_NO_CONTEXT, "the peer takes none of what was proposed");
        made.way.alive = false;
    }
    if (made.way.alive && batch->check && dx_scu_accepts(made.scu, VERIFICATION, IMPLICIT))
        made.way.alive = dx_scu_echo(made.scu, &err) == DX_OK;
    (void)snprintf(made.way.text, sizeof made.way.text, "%s",
                   err.text[0] != '\0' ? err.text : "the association has ended");
    return &made.way;
}

/* ---- commitment ---- */

static bool ask_commitment(const struct send_batch *batch, struct dx_scu *scu, bool alive, int fd,
                           struct dx_error *err)
{
    static struct dx_commitment request, event;
    uint16_t dimse = 0;
    enum dx_status status = alive ? DX_OK : DX_UNREACHABLE;
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
        struct send_answer answer = {.delivery = batch->job[i].delivery,
                                     .result = batch->job[i].form[0].result,
                                     .dimse_status = dimse};
        (void)snprintf(answer.text, sizeof answer.text, "%s", status != DX_OK ? err->text : "");
        if (status == DX_OK && dimse != 0)
            (void)snprintf(answer.text, sizeof answer.text, "commitment: status %04X", dimse);
        for (size_t k = 0; verdict == VERDICT_ASKED && k < event.count; k++)
            if (strcmp(event.transaction, request.transaction) == 0 &&
                strcmp(event.item[k].sop_instance, request.item[i].sop_instance) == 0) {
                answer.dimse_status = event.item[k].failure;
                verdict = answer.dimse_status == 0 ? VERDICT_DELIVERED : VERDICT_REFUSED;
            }
        answer.verdict = verdict;
        told = sender_answer(fd, &answer);
    }
    return told;
}

bool sender_dimse_commit(const struct conf *conf, const struct conf_destination *to,
                         const struct send_batch *batch, int fd)
{
    struct dx_scu *scu = NULL;
    struct dx_error err = {.status = DX_OK};
    bool alive = open_association(conf, to, batch, &scu, &err);
    bool told = ask_commitment(batch, scu, alive, fd, &err);
    dx_scu_close(scu);
    return told;
}
