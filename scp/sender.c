/* One destination's process. */
#include "sender.h"

#include "call.h"
#include "dx_result.h"
#include "log.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IMPLICIT "1.2.840.10008.1.2"

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

#define CONTEXTS_MOST (SENDER_BATCH * SENDER_FORMS * 3)

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
    for (size_t i = 0; i < batch->count; i++) {
        const struct send_job *job = &batch->job[i];
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

/* False when the parent has gone. */
static bool send_batch(const struct conf *conf, const struct conf_destination *to,
                       const struct send_batch *batch, int fd)
{
    struct dx_scu *scu = NULL;
    struct dx_error err = {.status = DX_OK};
    bool told = true;
    crash_point("sender-unassociated");
    bool alive = open_association(conf, to, batch, &scu, &err);
    if (!alive)
        scu = NULL;

    for (size_t i = 0; told && i < batch->count; i++) {
        const struct send_job *job = &batch->job[i];
        if (!sender_allowed(node_mode(conf), to)) /* as late as can be: `mode shadow` is a stop */
            told = answer(fd, job, 0, VERDICT_NOT_ALLOWED, 0, "the mode forbids sending");
        else if (!alive)
            told = answer(fd, job, 0, VERDICT_UNREACHED, 0,
                          err.text[0] != '\0' ? err.text : "the association has ended");
        else
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
