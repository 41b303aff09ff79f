/* One destination's process. */
#include "sender.h"

#include "dx_scu.h"
#include "log.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* dx_result writes nothing else. */
#define EXPLICIT_LITTLE_ENDIAN "1.2.840.10008.1.2.1"

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

static bool answer(int fd, const struct send_job *job, enum verdict verdict, uint16_t status,
                   const char *text)
{
    struct send_answer reply = {
        .delivery = job->delivery, .verdict = verdict, .dimse_status = status};
    (void)snprintf(reply.text, sizeof reply.text, "%s", text);
    return send(fd, &reply, sizeof reply, MSG_NOSIGNAL) == (ssize_t)sizeof reply;
}

static size_t list_contexts(const struct send_batch *batch,
                            struct dx_scu_context contexts[SENDER_BATCH])
{
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        size_t known = 0;
        while (known < count && strcmp(contexts[known].sop_class, batch->job[i].sop_class) != 0)
            known++;
        if (known < count)
            continue;
        (void)snprintf(contexts[count].sop_class, sizeof contexts[count].sop_class, "%s",
                       batch->job[i].sop_class);
        (void)snprintf(contexts[count].transfer_syntax, sizeof contexts[count].transfer_syntax,
                       EXPLICIT_LITTLE_ENDIAN);
        count++;
    }
    return count;
}

/* Sends one; *alive turns false when the association is of no more use. */
static bool send_one(const struct conf *conf, struct dx_scu *scu, const struct send_job *job,
                     int fd, bool *alive)
{
    char path[PATH_MAX], comment[65] = "", text[256];
    struct dx_error err = {.status = DX_OK};
    uint16_t dimse = 0;
    node_path(conf, path, sizeof path, "%s", job->path);
    enum dx_status status = dx_scu_store(scu, path, &dimse, comment, &err);

    switch (status) {
    case DX_OK:
        crash_point("deliver-sent-unanswered");
        (void)snprintf(text, sizeof text, "status %04X%s%s", dimse, comment[0] != '\0' ? ": " : "",
                       comment);
        return answer(fd, job, sender_verdict(dimse), dimse, text);
    case DX_NO_CONTEXT:
    case DX_MISSING:
    case DX_MALFORMED:
    case DX_INVALID:
    case DX_UNSUPPORTED:
        return answer(fd, job, VERDICT_REFUSED, 0, err.text);
    case DX_NO_MEMORY:
        return answer(fd, job, VERDICT_LATER, 0, err.text);
    default: /* put off by itself: were it the cause, nothing behind it would ever get through */
        *alive = false;
        return answer(fd, job, VERDICT_LATER, 0, err.text);
    }
}

static bool open_association(const struct conf *conf, const struct conf_destination *to,
                             const struct send_batch *batch, struct dx_scu **scu,
                             struct dx_error *err)
{
    struct dx_scu_params params;
    struct dx_scu_context contexts[SENDER_BATCH];
    size_t count = list_contexts(batch, contexts);
    dx_scu_params_default(&params);
    (void)snprintf(params.calling, sizeof params.calling, "%s", conf->ae_title);
    (void)snprintf(params.called, sizeof params.called, "%s", to->peer->ae_title);
    params.host = to->peer->host;
    params.port = to->peer->port;
    return dx_scu_open(&params, contexts, count, scu, err) == DX_OK;
}

/* False when the parent has gone. */
static bool send_batch(const struct conf *conf, const struct conf_destination *to,
                       const struct send_batch *batch, int fd)
{
    struct dx_scu *scu = NULL;
    struct dx_error err = {.status = DX_OK};
    bool told = true;
    bool alive = open_association(conf, to, batch, &scu, &err);
    if (!alive)
        scu = NULL;

    for (size_t i = 0; told && i < batch->count; i++) {
        const struct send_job *job = &batch->job[i];
        if (!sender_allowed(node_mode(conf), to)) /* as late as can be: `mode shadow` is a stop */
            told = answer(fd, job, VERDICT_NOT_ALLOWED, 0, "the mode forbids sending");
        else if (!alive)
            told = answer(fd, job, VERDICT_UNREACHED, 0,
                          err.text[0] != '\0' ? err.text : "the association has ended");
        else
            told = send_one(conf, scu, job, fd, &alive);
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
