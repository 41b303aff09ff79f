/* C-FIND (PS3.4 annex C) and the request for Storage Commitment (annex J), in implicit little
 * endian: identifiers and event information are read by our own code, not by dcmdata. */
#include "scu.hh"

#include "dcmtk/dcmdata/dcuid.h"

#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <vector>

namespace
{

const uint16_t PENDING = 0xff00, PENDING_PARTLY = 0xff01, PROCESSING_FAILURE = 0x0110;

bool keep_text(void *context, const struct dx_place *place, uint32_t tag, const uint8_t *value,
               size_t length)
{
    struct dx_attrs *attrs = static_cast<struct dx_attrs *>(context);
    if (place->depth > 0)
        return true;
    return dx_attrs_set(attrs, tag, "UN", value, length) == DX_OK;
}

/* Who wants the matches' texts. */
struct matching {
    dx_scu_match match;
    void *context;
};

enum dx_status take_match(const std::vector<uint8_t> &bytes, void *context, bool *goes_on,
                          struct dx_error *err)
{
    const matching *to = static_cast<const matching *>(context);
    static const uint32_t sequences[] = {0};
    std::unique_ptr<struct dx_attrs, decltype(&dx_attrs_destroy)> attrs(dx_attrs_create(),
                                                                        dx_attrs_destroy);
    if (attrs == nullptr)
        return dx_fail(err, DX_NO_MEMORY, "out of memory");
    enum dx_status status =
        dx_dataset_read(bytes.data(), bytes.size(), sequences, keep_text, attrs.get(), err);
    if (status == DX_OK)
        *goes_on = to->match(to->context, attrs.get());
    return status;
}

enum dx_status cancel(dx_scu *scu, uint8_t context, struct dx_error *err)
{
    dx_command request = {};
    request.field = DX_C_CANCEL_RQ;
    request.responded_id = scu->message_id;
    request.dataset_type = DX_NO_DATASET;
    return dx_wire_send_command(&scu->wire, context, &request, err);
}

/* Seconds by a clock that nobody sets. */
time_t now_seconds()
{
    struct timespec now = {};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

struct finding {
    const struct dx_finding *what;
    size_t seen;
    bool goes_on;
};

/* One answer; *is_last: there are no more. */
enum dx_status take_answer(dx_scu *scu, finding *f, uint16_t *dimse, bool *is_last,
                           struct dx_error *err)
{
    uint8_t context = 0;
    dx_command answer = {};
    std::vector<uint8_t> bytes;

    enum dx_status status = dx_wire_receive_command(&scu->wire, &context, &answer, err);
    if (status != DX_OK)
        return status;
    if (answer.field != DX_C_FIND_RSP || answer.responded_id != scu->message_id ||
        !answer.has_status)
        return dx_fail(err, DX_MALFORMED, "the answer (%04x) is not to our C-FIND", answer.field);
    *is_last = answer.status != PENDING && answer.status != PENDING_PARTLY;
    *dimse = answer.status;
    if (answer.dataset_type == DX_NO_DATASET)
        return *is_last ? DX_OK : dx_fail(err, DX_MALFORMED, "a match without identifier");
    status = dx_wire_receive_bytes(&scu->wire, context, &bytes, err);
    if (status != DX_OK || *is_last)
        return status;
    if (++f->seen > f->what->most + DX_FIND_AFTER_CANCEL)
        return dx_fail(err, DX_LIMIT, "C-FIND: answers without end");
    if (!f->goes_on)
        return DX_OK;
    if (f->seen > f->what->most)
        f->goes_on = false;
    else
        status = f->what->take(bytes, f->what->context, &f->goes_on, err);
    return status == DX_OK && !f->goes_on ? cancel(scu, context, err) : status;
}

enum dx_status find(dx_scu *scu, finding *f, uint16_t *dimse, struct dx_error *err)
{
    dx_command request = {};
    uint8_t context;
    bool is_last = false;
    time_t until = now_seconds() + scu->params.dimse_seconds;

    enum dx_status status = dx_scu_implicit_context(scu, f->what->sop_class, &context, err);
    if (status != DX_OK)
        return status;
    request.field = DX_C_FIND_RQ;
    (void)snprintf(request.sop_class, sizeof request.sop_class, "%s", f->what->sop_class);
    status = dx_scu_ask(scu, context, &request, f->what->identifier, err);
    while (status == DX_OK && !is_last) {
        status = take_answer(scu, f, dimse, &is_last, err);
        if (status == DX_OK && !is_last && now_seconds() > until)
            status = dx_fail(err, DX_TIMEOUT, "C-FIND took more than %d seconds",
                             scu->params.dimse_seconds);
    }
    if (status == DX_OK && f->seen > f->what->most)
        return dx_fail(err, DX_LIMIT, "%s: C-FIND has more than %zu matches", scu->peer.c_str(),
                       f->what->most);
    return dx_scu_with_peer(scu, status, err);
}

/* An event report came on our own association: it is answered there. One for another transaction
 * may be of one that we asked for before, which this process cannot keep: it is answered as one
 * that failed, not as one that nobody asked for, so that the peer may say it again where it is kept
 * (an association of its own); event stays empty. */
enum dx_status take_event(dx_scu *scu, const dx_command *report, uint8_t context,
                          const char *transaction, struct dx_commitment *event,
                          struct dx_error *err)
{
    std::vector<uint8_t> bytes;
    dx_command response = {};
    if (report->field != DX_N_EVENT_RQ || report->dataset_type == DX_NO_DATASET)
        return dx_fail(err, DX_MALFORMED, "the peer asks %04x where an event was due",
                       report->field);
    enum dx_status status = dx_wire_receive_bytes(&scu->wire, context, &bytes, err);
    if (status == DX_OK)
        status = dx_commitment_read(bytes.data(), bytes.size(), event, err);
    if (status != DX_OK)
        return status;
    bool is_ours = strcmp(event->transaction, transaction) == 0;
    if (!is_ours)
        *event = {};
    response.status = is_ours ? 0 : PROCESSING_FAILURE;
    response.field = DX_N_EVENT_RSP;
    response.responded_id = report->message_id;
    response.dataset_type = DX_NO_DATASET;
    response.event = report->event;
    (void)snprintf(response.sop_class, sizeof response.sop_class, "%s", DX_STORAGE_COMMITMENT);
    (void)snprintf(response.sop_instance, sizeof response.sop_instance, "%s",
                   DX_STORAGE_COMMITMENT_INSTANCE);
    return dx_wire_send_command(&scu->wire, context, &response, err);
}

enum dx_status commit(dx_scu *scu, const struct dx_commitment *request, int wait_seconds,
                      struct dx_commitment *event, uint16_t *dimse, struct dx_error *err)
{
    dx_command action = {}, message = {};
    struct dx_writing information = {};
    uint8_t context, on = 0;
    bool is_answered = false;

    enum dx_status status = dx_scu_implicit_context(scu, DX_STORAGE_COMMITMENT, &context, err);
    if (status != DX_OK)
        return status;
    action.field = DX_N_ACTION_RQ;
    action.action = DX_COMMITMENT_ACTION;
    (void)snprintf(action.sop_class, sizeof action.sop_class, "%s", DX_STORAGE_COMMITMENT);
    (void)snprintf(action.sop_instance, sizeof action.sop_instance, "%s",
                   DX_STORAGE_COMMITMENT_INSTANCE);
    dx_commitment_write(request, &information);
    status = dx_scu_ask(scu, context, &action, &information, err);
    dx_writing_finish(&information);
    time_t until = now_seconds() + scu->params.dimse_seconds + wait_seconds;

    while (status == DX_OK && (!is_answered || (*dimse == 0 && event->count == 0))) {
        if (is_answered && !ASC_dataWaiting(scu->wire.association, wait_seconds))
            break; /* it will come on another association */
        if (now_seconds() > until)
            break;
        status = dx_wire_receive_command(&scu->wire, &on, &message, err);
        if (status != DX_OK)
            break;
        if (message.field == DX_N_ACTION_RSP && message.responded_id == scu->message_id &&
            message.has_status && message.dataset_type == DX_NO_DATASET) {
            is_answered = true;
            *dimse = message.status;
        } else {
            status = take_event(scu, &message, on, request->transaction, event, err);
        }
    }
    if (!is_answered && status == DX_OK)
        status = dx_fail(err, DX_TIMEOUT, "no answer to N-ACTION");
    status = dx_scu_with_peer(scu, status, err);
    if (status != DX_OK && is_answered) { /* it was taken; its event comes elsewhere, or never */
        *event = {};
        return DX_OK;
    }
    return status;
}

} // namespace

enum dx_status dx_scu_implicit_context(dx_scu *scu, const char *sop_class, uint8_t *context,
                                       struct dx_error *err)
{
    std::string accepted;
    *context = dx_scu_context_of(scu, sop_class, UID_LittleEndianImplicitTransferSyntax, &accepted);
    if (*context == 0 || accepted != UID_LittleEndianImplicitTransferSyntax)
        return dx_fail(err, DX_NO_CONTEXT, "%s: takes no %s", scu->peer.c_str(),
                       dcmFindNameOfUID(sop_class, sop_class));
    return DX_OK;
}

enum dx_status dx_scu_ask(dx_scu *scu, uint8_t context, dx_command *request,
                          const struct dx_writing *dataset, struct dx_error *err)
{
    if (dataset->failed || dataset->count == 0)
        return dx_fail(err, DX_NO_MEMORY, "out of memory");
    request->message_id = ++scu->message_id;
    request->dataset_type = DX_DATASET;
    enum dx_status status = dx_wire_send_command(&scu->wire, context, request, err);
    if (status == DX_OK)
        status = dx_wire_send_bytes(&scu->wire, context, dataset->bytes, dataset->count, err);
    return status;
}

enum dx_status dx_scu_find_bytes(dx_scu *scu, const struct dx_finding *what, uint16_t *dimse_status,
                                 struct dx_error *err)
{
    finding f = {what, 0, true};
    *dimse_status = 0xffff;
    return dx_guard(
        err, [&]() -> enum dx_status { return find(scu, &f, dimse_status, err); });
}

enum dx_status dx_scu_find(struct dx_scu *scu, const struct dx_writing *identifier, size_t most,
                           dx_scu_match match, void *context, uint16_t *dimse_status,
                           struct dx_error *err)
{
    matching to = {match, context};
    const struct dx_finding what = {DX_STUDY_ROOT_FIND, identifier, most, take_match, &to};
    return dx_scu_find_bytes(scu, &what, dimse_status, err);
}

enum dx_status dx_scu_commit(struct dx_scu *scu, const struct dx_commitment *request,
                             int wait_seconds, struct dx_commitment *event, uint16_t *dimse_status,
                             struct dx_error *err)
{
    *dimse_status = 0xffff;
    *event = {};
    return dx_guard(
        err, [&]() -> enum dx_status {
            return commit(scu, request, wait_seconds, event, dimse_status, err);
        });
}
