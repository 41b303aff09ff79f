/* One association: what DICOM asks, the spool and the committer answer.
 *
 * Success is answered when the object's bytes, its name, its directory and its row are on stable
 * storage, in this order, and never before [keep]. Whatever fails on our side is A700: the sender
 * keeps the object and tries again. */
#include "assoc.h"

#include "clock.h"
#include "committer.h"
#include "doors.h"
#include "dx_scp.h"
#include "dx_services.h"
#include "log.h"
#include "object.h"
#include "seen.h"
#include "spool.h"
#include "worklist/asked.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* PS3.7 annex C */
#define PROCESSING_FAILURE 0x0110
#define NO_SUCH_INSTANCE   0x0112
#define COMMENT_MAX        65

struct assoc {
    const struct conf *conf;
    const char *id;
    int commit_fd;
    struct dx_tls *tls; /* NULL: plain */
    struct dx_scp_params params;
    struct dx_peer peer;
    uint64_t bytes;
    struct doors_refusal refusal; /* "": none */
    struct asked asked;
};

/* What an <ae> has of its own. */
static void take_times(const struct conf_ae *ae, struct dx_scp_params *params)
{
    params->dimse_seconds = ae->dimse_seconds;
    params->pdu_seconds = ae->pdu_seconds;
    params->minimum_rate = ae->minimum_rate;
    params->association_seconds = ae->association_seconds;
    params->dataset_seconds = ae->dataset_seconds;
}

static enum dx_admission on_associate(void *context, const struct dx_peer *peer)
{
    struct assoc *assoc = context;
    const struct conf_ae *ae = conf_find_ae(assoc->conf, peer->called);
    assoc->peer = *peer;
    if (ae != NULL)
        take_times(ae, &assoc->params);
    crash_point("assoc-requested");
    log_event(LOG_AT_DEBUG, "association-begun", "association=%s calling=%s called=%s address=%s",
              assoc->id, log_quote(peer->calling), log_quote(peer->called), peer->address);
    return doors_admit(assoc->conf, peer, assoc->tls, &assoc->refusal);
}

static bool on_has_room(void *context)
{
    const struct assoc *assoc = context;
    if (spool_free_bytes(assoc->conf) >= assoc->conf->limits.spool_reserve_bytes)
        return true;
    log_event(LOG_AT_ERROR, "spool-full", "association=%s limit=spoolReserve reserve=%llu",
              assoc->id, (unsigned long long)assoc->conf->limits.spool_reserve_bytes);
    return false;
}

static int on_create(void *context, char *path, size_t size)
{
    const struct assoc *assoc = context;
    if (!on_has_room(context)) {
        errno = ENOSPC;
        return -1;
    }
    int fd = spool_create_incoming(assoc->conf, path, size);
    crash_point("receive-created");
    if (fd >= 0)
        return fd;
    log_event(LOG_AT_ERROR, "spool-failed", "association=%s error=%s", assoc->id,
              log_quote(strerror(-fd)));
    errno = -fd;
    return -1;
}

static void describe(const struct assoc *assoc, const struct dx_scp_object *object,
                     struct instance *instance)
{
    const struct dx_scan *scan = &object->scan;
    *instance = (struct instance){.bytes = object->bytes};
    (void)snprintf(instance->sop_class, sizeof instance->sop_class, "%s", scan->sop_class);
    (void)snprintf(instance->sop_instance, sizeof instance->sop_instance, "%s", scan->sop_instance);
    (void)snprintf(instance->study, sizeof instance->study, "%s", scan->study);
    (void)snprintf(instance->series, sizeof instance->series, "%s", scan->series);
    (void)snprintf(instance->transfer_syntax, sizeof instance->transfer_syntax, "%s",
                   object->transfer_syntax);
    (void)snprintf(instance->digest, sizeof instance->digest, "%s", scan->digest);
    (void)snprintf(instance->calling, sizeof instance->calling, "%s", assoc->peer.calling);
    (void)snprintf(instance->called, sizeof instance->called, "%s", assoc->peer.called);
    (void)snprintf(instance->address, sizeof instance->address, "%s", assoc->peer.address);
    (void)snprintf(instance->association, sizeof instance->association, "%s", assoc->id);
    seen_keep(instance, scan);
}

/* File, name, directory, row. NULL, or why not. */
static const char *keep(const struct assoc *assoc, const struct dx_scp_object *object,
                        struct commit_answer *answer)
{
    static char text[128];
    struct commit_request request = {.kind = COMMIT_INSTANCE};
    bool is_there;
    describe(assoc, object, &request.instance);
    (void)snprintf(request.patient, sizeof request.patient, "%s", object->scan.patient_id);
    (void)snprintf(request.accession, sizeof request.accession, "%s", object->scan.accession);

    int failed = spool_keep_object(assoc->conf, object->fd, object->path, object->scan.digest,
                                   request.instance.path, sizeof request.instance.path, &is_there);
    if (failed != 0) {
        (void)unlink(object->path);
        (void)snprintf(text, sizeof text, "spool: %s", strerror(-failed));
        return text;
    }
    const char *slash = strrchr(object->path, '/');
    if (is_there && slash != NULL)
        (void)snprintf(request.again, sizeof request.again, "%s", slash + 1);
    bool answered = committer_ask(assoc->commit_fd, &request, answer);
    if (is_there)
        (void)unlink(object->path); /* unless it has taken the place of what is stored */
    if (!answered)
        return "job store: no answer";
    crash_point("store-answered");
    if (answer->status == STORE_OK)
        return NULL;
    (void)snprintf(text, sizeof text, "job store: %s", store_status_text(answer->status));
    return text;
}

static uint16_t on_store(void *context, const struct dx_scp_object *object,
                         char comment[COMMENT_MAX])
{
    static const char *const identities[] = {"new", "duplicate", "rival"};
    struct assoc *assoc = context;
    struct commit_answer answer = {.status = STORE_BROKEN};
    int64_t begin = clock_monotonic_ms();
    const char *why = keep(assoc, object, &answer);
    int milliseconds = (int)(clock_monotonic_ms() - begin);

    if (why != NULL) {
        (void)snprintf(comment, COMMENT_MAX, "%.64s", why);
        log_event(LOG_AT_ERROR, "instance-failed", "association=%s status=A700 reason=%s",
                  assoc->id, log_quote(why));
        return DX_STORE_OUT_OF_RESOURCES;
    }
    assoc->bytes += object->bytes;
    log_event(answer.identity == STORE_RIVAL ? LOG_AT_WARN : LOG_AT_INFO, "instance-stored",
              "association=%s id=%lld study=%s digest=%.16s bytes=%llu identity=%s sync_ms=%d",
              assoc->id, (long long)answer.id,
              dx_uid_is_usable(object->scan.study) ? object->scan.study : "-", object->scan.digest,
              (unsigned long long)object->bytes, identities[answer.identity], milliseconds);
    return DX_STORE_SUCCESS;
}

/* A destination says what it has committed to. */
static uint16_t on_event(void *context, const struct dx_commitment *event)
{
    static struct commit_request request;
    struct assoc *assoc = context;
    struct commit_answer answer = {.status = STORE_BROKEN};
    request.kind = COMMIT_EVENT;
    request.event = *event;
    bool kept = committer_ask(assoc->commit_fd, &request, &answer) && answer.status == STORE_OK;
    log_event(kept && answer.known > 0 ? LOG_AT_INFO : LOG_AT_WARN, "commitment-event",
              "association=%s calling=%s transaction=%s instances=%zu known=%zu kept=%s", assoc->id,
              log_quote(assoc->peer.calling), event->transaction, event->count, answer.known,
              kept ? "true" : "false");
    return !kept ? PROCESSING_FAILURE : answer.known > 0 ? 0 : NO_SUCH_INSTANCE;
}

/* A hint that a study is there now; the look decides. */
static uint16_t on_available(void *context, const struct dx_availability *news)
{
    struct commit_request request = {.kind = COMMIT_AVAILABLE};
    struct assoc *assoc = context;
    struct commit_answer answer = {.status = STORE_OK};
    (void)snprintf(request.instance.study, sizeof request.instance.study, "%s", news->study);
    if (news->there > 0 && (!committer_ask(assoc->commit_fd, &request, &answer)))
        answer.status = STORE_BROKEN;
    log_event(answer.status == STORE_OK ? LOG_AT_INFO : LOG_AT_WARN, "instances-available",
              "association=%s calling=%s there=%zu away=%zu waited=%zu kept=%s", assoc->id,
              log_quote(assoc->peer.calling), news->there, news->away, answer.known,
              answer.status == STORE_OK ? "true" : "false");
    return answer.status == STORE_OK ? DX_STORE_SUCCESS : PROCESSING_FAILURE;
}

/* ---- the reading worklist ---- */

static unsigned on_offers(void *context)
{
    return asked_offers(&((struct assoc *)context)->asked);
}

static uint16_t on_find(void *context, const uint8_t *identifier, size_t count,
                        struct dx_scp_found *found, char comment[COMMENT_MAX])
{
    return asked_find(&((struct assoc *)context)->asked, identifier, count, found, comment);
}

static uint16_t on_get(void *context, const char *instance, const uint32_t *tags, size_t count,
                       struct dx_writing *answer, char comment[COMMENT_MAX])
{
    return asked_get(&((struct assoc *)context)->asked, instance, tags, count, answer, comment);
}

static uint16_t on_set(void *context, const char *instance, const uint8_t *change, size_t count,
                       char comment[COMMENT_MAX])
{
    return asked_set(&((struct assoc *)context)->asked, instance, change, count, comment);
}

static uint16_t on_change_state(void *context, const char *instance, const uint8_t *information,
                                size_t count, char comment[COMMENT_MAX])
{
    return asked_change_state(&((struct assoc *)context)->asked, instance, information, count,
                              comment);
}

/* What was well received and refused is kept for a person; what the network cut off will come
 * again, and what there was no room for was not looked at. */
static void on_refuse(void *context, const struct dx_scp_object *object, uint16_t status,
                      const struct dx_error *why)
{
    const struct assoc *assoc = context;
    char name[40] = "", text[1024];
    const char *limit = NULL;
    if (status == 0 || status == DX_STORE_OUT_OF_RESOURCES) {
        (void)unlink(object->path);
    } else {
        (void)snprintf(text, sizeof text,
                       "status: %04X\nreason: %s\nassociation: %s\ncalling: %s\naddress: %s\n"
                       "SOP class: %s\nSOP instance: %s\ntransfer syntax: %s\nbytes: %llu\n",
                       status, why->text, assoc->id, assoc->peer.calling, assoc->peer.address,
                       object->command_sop_class, object->command_sop_instance,
                       object->transfer_syntax, (unsigned long long)object->bytes);
        int failed = spool_quarantine(assoc->conf, object->fd, object->path, text, name,
                                      sizeof name, &limit);
        if (failed != 0)
            log_event(LOG_AT_WARN, "quarantine-failed", "association=%s limit=%s error=%s",
                      assoc->id, limit != NULL ? limit : "none", log_quote(strerror(-failed)));
    }
    log_event(LOG_AT_WARN, "instance-refused",
              "association=%s status=%04X reason=%s bytes=%llu quarantine=%s", assoc->id, status,
              log_quote(why->text), (unsigned long long)object->bytes, name);

    crash_point("refuse-uncounted");
    const struct commit_request request = {.kind = COMMIT_REFUSED};
    struct commit_answer answer;
    if (!committer_ask(assoc->commit_fd, &request, &answer) || answer.status != STORE_OK)
        log_event(LOG_AT_WARN, "refusal-uncounted", "association=%s", assoc->id);
}

/* Who was not let in, and why, for the audit log. */
static void tell_rejected(const struct assoc *assoc, const struct dx_peer *peer, const char *why)
{
    struct commit_request request = {.kind = COMMIT_REJECTED};
    struct instance *in = &request.instance;
    struct commit_answer answer;
    (void)snprintf(in->calling, sizeof in->calling, "%s", peer->calling);
    (void)snprintf(in->called, sizeof in->called, "%s", peer->called);
    (void)snprintf(in->address, sizeof in->address, "%s", peer->address);
    (void)snprintf(request.why, sizeof request.why, "%.127s", why);
    if (!committer_ask(assoc->commit_fd, &request, &answer))
        log_event(LOG_AT_WARN, "rejection-unaudited", "association=%s", assoc->id);
}

static void take_params(const struct conf *conf, struct dx_scp_params *params)
{
    dx_scp_params_default(params);
    params->max_pdu = conf->max_pdu;
    params->acse_seconds = conf->acse_seconds;
    params->dimse_seconds = conf->dimse_seconds;
    params->pdu_seconds = conf->pdu_seconds;
    params->minimum_rate = conf->minimum_rate;
    params->association_seconds = conf->association_seconds;
    params->echoes = conf->limits.echoes;
    params->dataset_seconds = conf->dataset_seconds;
    params->command_bytes = conf->limits.command_bytes;
    dataset_limits_of(&conf->limits, &params->limits);
}

/* Who was not let in, why, and what to configure, in one line. */
static void tell_refused(const struct assoc *assoc, const struct dx_scp_summary *summary)
{
    const struct dx_peer *peer = &summary->peer;
    log_event(LOG_AT_WARN, "caller-refused",
              "association=%s calling=%s called=%s address=%s tls=%s certificate=%s answer=%s "
              "reason=%s configure=%s",
              assoc->id, log_quote(peer->calling), log_quote(peer->called), peer->address,
              log_quote(assoc->tls != NULL ? dx_tls_session(assoc->tls) : "no"),
              log_quote(assoc->tls != NULL ? dx_tls_subject(assoc->tls) : ""),
              assoc->refusal.answer, log_quote(assoc->refusal.why),
              log_quote(assoc->refusal.configure));
}

/* Who asks as of an archive, or for images that are still to be taken, is told by the log what he
 * may ask: the association itself can only say that it knows no such SOP class. */
static void tell_no_query(const struct assoc *assoc, const struct dx_scp_summary *summary)
{
    static const char *const models[][2] = {
        {"1.2.840.10008.5.1.4.31",
         "no Modality Worklist SCP: studies to be read are asked for by UPS (<readingWorklist>)"},
        {"1.2.840.10008.5.1.4.1.2.1.1", "no Patient Root Query SCP: ask the archive"},
        {"1.2.840.10008.5.1.4.1.2.2.1", "no Study Root Query SCP: ask the archive"}};
    const char *refused = summary->first_refused_context;
    size_t length = strcspn(refused, " ");
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        if (strlen(models[i][0]) == length && memcmp(refused, models[i][0], length) == 0)
            log_event(LOG_AT_WARN, "query-not-offered", "association=%s calling=%s reason=%s",
                      assoc->id, log_quote(summary->peer.calling), log_quote(models[i][1]));
}

static void tell_ended(const struct assoc *assoc, const struct dx_scp_summary *summary, bool well,
                       int64_t begin, const char *error)
{
    static const char *const ends[] = {"released", "aborted", "rejected", "time-out", "failed"};
    log_event(well ? LOG_AT_INFO : LOG_AT_WARN, "association-ended",
              "association=%s calling=%s called=%s address=%s tls=%s end=%s stored=%u refused=%u "
              "echoes=%u bytes=%llu contexts=%u/%u refused_context=%s ms=%lld error=%s",
              assoc->id, log_quote(summary->peer.calling), log_quote(summary->peer.called),
              summary->peer.address,
              log_quote(assoc->tls != NULL ? dx_tls_session(assoc->tls) : "no"), ends[summary->end],
              summary->stored, summary->refused, summary->echoes, (unsigned long long)assoc->bytes,
              summary->contexts_accepted, summary->contexts_proposed,
              log_quote(summary->first_refused_context), (long long)(clock_monotonic_ms() - begin),
              log_quote(well ? "" : error));
}

int assoc_run(const struct node *node, const struct assoc_ends *ends, struct dx_tls *tls,
              const char *id)
{
    static const struct dx_scp_steps steps = {.offers = on_offers,
                                              .find = on_find,
                                              .get = on_get,
                                              .set = on_set,
                                              .change_state = on_change_state};
    struct assoc assoc = {.conf = node->conf, .id = id, .commit_fd = ends->commit_fd, .tls = tls};
    assoc.asked = (struct asked){
        .conf = node->conf, .desk_fd = ends->desk_fd, .association = id, .peer = &assoc.peer};
    bool is_asked = node->conf->reading.offer != CONF_OFFER_NONE;
    const struct dx_scp_handler handler = {.context = &assoc,
                                           .associate = on_associate,
                                           .create = on_create,
                                           .has_room = on_has_room,
                                           .store = on_store,
                                           .refuse = on_refuse,
                                           .event = on_event,
                                           .available = on_available,
                                           .steps = is_asked ? &steps : NULL};
    struct dx_scp_summary summary;
    struct dx_error err = {.status = DX_OK};
    int64_t begin = clock_monotonic_ms();
    take_params(node->conf, &assoc.params);
    assoc.params.tls = tls;

    enum dx_status status = dx_scp_serve(ends->fd, &assoc.params, &handler, &summary, &err);
    bool never_began = summary.end == DX_END_FAILED;
    if (assoc.refusal.why[0] != '\0' ||
        (never_began && doors_explain(node->conf, tls != NULL, &err, &assoc.refusal))) {
        tell_refused(&assoc, &summary);
        tell_rejected(&assoc, &summary.peer, assoc.refusal.why);
    } else {
        tell_ended(&assoc, &summary, status == DX_OK && summary.end == DX_END_RELEASED, begin,
                   err.text);
        tell_no_query(&assoc, &summary);
    }
    asked_finish(&assoc.asked);
    dx_tls_close(tls);
    return status == DX_OK ? 0 : 1;
}
