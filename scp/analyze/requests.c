/* Requests: each is done in one transaction, then answered; done twice it does no harm. */
#include "requests.h"

#include "audit.h"
#include "clock.h"
#include "log.h"
#include "retention.h"
#include "spool.h"
#include "store_outcome.h"
#include "store_place.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum store_status about_result(struct store *store, const struct request *request,
                                      char answer[STORE_ANSWER_MAX])
{
    bool retract = request->kind == REQUEST_RETRACT;
    enum store_status status = retract ? store_retract(store, request->uid, request->reason)
                                       : store_reissue(store, request->uid);
    (void)snprintf(answer, STORE_ANSWER_MAX, "%s",
                   status != STORE_NONE ? (retract ? "retracted" : "reissued")
                   : retract            ? "no such result"
                                        : "no such result, or none of its images is here any more");
    return status == STORE_NONE ? STORE_OK : status;
}

/* Bytes that were refused: nobody was told that they are here. */
static enum store_status discard_refused(const struct conf *conf, const char *name,
                                         char answer[STORE_ANSWER_MAX])
{
    int failed = spool_discard_quarantined(conf, name);
    (void)snprintf(answer, STORE_ANSWER_MAX, "%s",
                   failed == 0         ? "discarded"
                   : failed == -ENOENT ? "there is no such file in quarantine"
                                       : strerror(-failed));
    return STORE_OK;
}

/* "7": a job; "d7": a delivery; to discard, "q...": a name in quarantine/. */
static enum store_status about_job(const struct node *node, struct store *store,
                                   const struct request *request, char answer[STORE_ANSWER_MAX])
{
    bool delivery = request->subject[0] == 'd';
    char *end;
    int64_t id = strtoll(request->subject + delivery, &end, 10);
    if (request->kind == REQUEST_DISCARD && request->subject[0] == 'q')
        return discard_refused(node->conf, request->subject + 1, answer);
    if (end == request->subject + delivery || *end != '\0' || id < 1) {
        (void)snprintf(answer, STORE_ANSWER_MAX, "that is no job and no delivery");
        return STORE_OK;
    }
    switch (request->kind) {
    case REQUEST_RETRY:
        if (!delivery)
            return store_retry(store, id, answer);
        break;
    case REQUEST_CANCEL:
        return delivery ? store_cancel_delivery(store, id, answer)
                        : store_cancel_job(store, id, answer);
    case REQUEST_RELEASE:
        return delivery ? store_release_delivery(store, id, answer)
                        : store_release_job(store, id, answer);
    case REQUEST_DISCARD:
        if (!delivery)
            return store_discard(store, id, clock_utc_ms(), answer);
        break;
    default:
        break;
    }
    (void)snprintf(answer, STORE_ANSWER_MAX, "that cannot be done with a delivery");
    return STORE_OK;
}

static enum store_status about_study(struct store *store, const struct request *request,
                                     char answer[STORE_ANSWER_MAX])
{
    bool read = request->kind == REQUEST_READ;
    enum store_status status = store_mark_read(store, request->uid, read);
    (void)snprintf(answer, STORE_ANSWER_MAX, "%s",
                   status == STORE_NONE ? "no such study"
                   : read               ? "read"
                                        : "unread");
    return status == STORE_NONE ? STORE_OK : status;
}

static enum store_status about_answer(struct store *store, const struct request *request,
                                      char answer[STORE_ANSWER_MAX])
{
    bool back = request->kind == REQUEST_UNSAY;
    enum store_status status = back ? store_unsay(store, request->uid)
                                    : store_say(store, request->uid, request->kind == REQUEST_AGREE,
                                                request->who, request->asked_ms);
    (void)snprintf(answer, STORE_ANSWER_MAX, "%s",
                   status != STORE_NONE ? "noted"
                   : back               ? "nothing was said of this study"
                                        : "no such study, or it has no answer yet");
    return status == STORE_NONE ? STORE_OK : status;
}

static enum store_status perform(const struct node *node, struct store *store,
                                 const struct request *request, char answer[STORE_ANSWER_MAX])
{
    switch (request->kind) {
    case REQUEST_RETRACT:
    case REQUEST_REISSUE:
        return about_result(store, request, answer);
    case REQUEST_RETRY:
    case REQUEST_CANCEL:
    case REQUEST_RELEASE:
    case REQUEST_DISCARD:
        return about_job(node, store, request, answer);
    case REQUEST_READ:
    case REQUEST_UNREAD:
        return about_study(store, request, answer);
    case REQUEST_AGREE:
    case REQUEST_DISAGREE:
    case REQUEST_UNSAY:
        return about_answer(store, request, answer);
    case REQUEST_FORGET:
        return forget_patient(node->conf, store, request, answer);
    case REQUEST_ECHO: /* never: store_next_request */
    case REQUEST_KINDS:
        break;
    }
    (void)snprintf(answer, STORE_ANSWER_MAX, "this program does not know the request");
    return STORE_OK;
}

/* A patient is nobody's to read in the log. */
static void tell(const struct request *request, const char *answer)
{
    log_event(LOG_AT_INFO, "request",
              "id=%lld kind=%s uid=%s subject=%s reason=%s who=%s answer=%s",
              (long long)request->id, request_kind_name(request->kind), request->uid,
              request->kind == REQUEST_FORGET ? "patient" : log_quote(request->subject),
              request->reason, log_quote(request->who), log_quote(answer));
}

enum store_status requests_answer(const struct node *node, struct store *store)
{
    struct request request = {.id = 0};
    enum store_status status = STORE_OK;
    while (!node_stopping &&
           (status = store_next_request(store, request.id, &request)) == STORE_OK) {
        char answer[STORE_ANSWER_MAX] = "";
        status = perform(node, store, &request, answer);
        if (status == STORE_BUSY && request.kind == REQUEST_FORGET)
            continue;
        crash_point("request-unanswered");
        if (status == STORE_OK)
            status = store_answer_request(store, request.id, answer);
        if (status != STORE_OK)
            return status;
        tell(&request, answer);
        if (request.kind != REQUEST_FORGET) /* that is told while its patient is known */
            audit_ordered(node->conf, request.who, request_kind_name(request.kind),
                          request.uid[0] != '\0' ? request.uid : request.subject, answer);
        if (request.kind == REQUEST_RELEASE)
            node_wake(node->wake_deliver);
    }
    return status == STORE_NONE || status == STORE_BUSY ? STORE_OK : status;
}
