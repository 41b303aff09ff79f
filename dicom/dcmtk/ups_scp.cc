/* Unified Procedure Steps as their manager (PS3.4 annex CC): UPS Query's C-FIND, UPS Pull's C-FIND,
 * N-GET, N-SET and N-ACTION Change UPS State. Requests are read by our own code, not by dcmdata.
 *
 *   C-FIND -> [find] -> matches, as long as nobody cancels -> the last answer
 *
 * While it answers, the association is looked at between two matches: one that cancels, releases or
 * aborts is heard; anything else would be a second operation, which nobody has negotiated. */
#include "session.hh"

#include "dx_ups_scp.h"

#include <cstdio>
#include <cstring>

struct dx_scp_found {
    dx_session *session;
    uint8_t context;
    const dx_command *request;
    bool is_canceled;
    enum dx_status status; /* not DX_OK: the association is at its end */
    struct dx_error *err;
};

namespace
{

const uint16_t CHANGE_STATE = 1; /* Action Type ID (table CC.2.1-1) */

const char *class_of(dx_session *session, uint8_t context)
{
    static T_ASC_PresentationContext accepted;
    accepted = {};
    return ASC_findAcceptedPresentationContext(session->wire.association->params, context,
                                               &accepted)
                   .good()
               ? accepted.abstractSyntax
               : "";
}

bool is_pull(dx_session *session, uint8_t context)
{
    return strcmp(class_of(session, context), DX_UPS_PULL) == 0;
}

enum dx_status answer_with(dx_session *session, uint8_t context, const dx_command *request,
                           uint16_t status, const char *comment, const struct dx_writing *dataset,
                           struct dx_error *err)
{
    dx_command response = {};

    bool has_dataset = dataset != nullptr && dataset->count > 0;
    response.field = static_cast<uint16_t>(request->field | 0x8000);
    response.responded_id = request->message_id;
    response.dataset_type = has_dataset ? DX_DATASET : DX_NO_DATASET;
    response.status = status;
    response.action = request->action;
    (void)snprintf(response.sop_class, sizeof response.sop_class, "%s", request->sop_class);
    (void)snprintf(response.sop_instance, sizeof response.sop_instance, "%s",
                   request->sop_instance);
    (void)snprintf(response.comment, sizeof response.comment, "%s", comment);
    enum dx_status result = dx_wire_send_command(&session->wire, context, &response, err);
    if (result == DX_OK && has_dataset)
        result = dx_wire_send_bytes(&session->wire, context, dataset->bytes, dataset->count, err);
    return result;
}

/* What has come while we answer. */
bool hear(struct dx_scp_found *found)
{
    dx_wire *wire = &found->session->wire;
    while (found->status == DX_OK && ASC_dataWaiting(wire->association, 0)) {
        uint8_t context = 0;
        dx_command command = {};
        found->status = dx_wire_receive_command(wire, &context, &command, found->err);
        if (found->status != DX_OK)
            return false;
        if (command.field != DX_C_CANCEL_RQ)
            found->status =
                dx_fail(found->err, DX_MALFORMED,
                        "a request, %04x, before the last one was answered", command.field);
        else if (command.responded_id == found->request->message_id)
            found->is_canceled = true;
    }
    return found->status == DX_OK && !found->is_canceled;
}

enum dx_status find(dx_session *session, uint8_t context, const dx_command *request,
                    const std::vector<uint8_t> &bytes, struct dx_error *err)
{
    char comment[65] = "";
    struct dx_scp_found found = {session, context, request, false, DX_OK, err};
    const dx_scp_handler *handler = session->handler;

    if (strcmp(request->sop_class, class_of(session, context)) != 0)
        return answer_with(session, context, request, DX_UPS_NOT_OF_CLASS,
                           "the SOP class is not that of the context", nullptr, err);
    uint16_t status =
        handler->steps->find(handler->context, bytes.data(), bytes.size(), &found, comment);
    if (found.status != DX_OK)
        return found.status;
    comment[64] = '\0';
    if (found.is_canceled)
        status = DX_UPS_CANCEL;
    return answer_with(session, context, request, status, comment, nullptr, err);
}

/* N-GET, N-SET, N-ACTION of one item. */
enum dx_status serve_item(dx_session *session, uint8_t context, const dx_command *request,
                          const std::vector<uint8_t> &bytes, struct dx_error *err)
{
    char comment[65] = "";
    struct dx_writing answer = {};
    const dx_scp_handler *handler = session->handler;
    const char *instance = request->sop_instance;
    uint16_t status;

    if (strcmp(request->sop_class, DX_UPS_PUSH) != 0) {
        status = DX_UPS_WRONG_CLASS;
        (void)snprintf(comment, sizeof comment, "its SOP class is UPS Push's");
    } else if (request->is_instance_cut || !dx_uid_is_usable(instance)) {
        status = DX_UPS_NO_SUCH_ITEM;
    } else if (request->field == DX_N_GET_RQ) {
        status = handler->steps->get(handler->context, instance, request->asked,
                                     request->asked_count, &answer, comment);
        if (status == DX_UPS_SUCCESS && request->is_list_cut)
            status = DX_UPS_NOT_ALL_KNOWN;
    } else if (request->field == DX_N_SET_RQ) {
        status =
            handler->steps->set(handler->context, instance, bytes.data(), bytes.size(), comment);
    } else if (request->action == CHANGE_STATE) {
        status = handler->steps->change_state(handler->context, instance, bytes.data(),
                                              bytes.size(), comment);
    } else {
        status = DX_UPS_NO_SUCH_ACTION;
    }
    comment[64] = '\0';
    enum dx_status result = answer_with(session, context, request, status, comment, &answer, err);
    dx_writing_finish(&answer);
    return result;
}

} // namespace

bool dx_scp_found_goes_on(struct dx_scp_found *found)
{
    return found->status == DX_OK && !found->is_canceled && hear(found);
}

bool dx_scp_found_put(struct dx_scp_found *found, const struct dx_writing *match, bool is_partly)
{
    if (!dx_scp_found_goes_on(found))
        return false;
    found->status =
        answer_with(found->session, found->context, found->request,
                    is_partly ? DX_UPS_PENDING_PARTLY : DX_UPS_PENDING, "", match, found->err);
    return found->status == DX_OK;
}

bool dx_offers_step(dx_session *session, const char *sop_class)
{
    const dx_scp_handler *handler = session->handler;
    bool is_query = strcmp(sop_class, DX_UPS_QUERY) == 0;
    if (handler->steps == nullptr || (!is_query && strcmp(sop_class, DX_UPS_PULL) != 0))
        return false;
    if (session->offered < 0)
        session->offered = static_cast<int>(handler->steps->offers(handler->context));
    return (session->offered & (is_query ? DX_OFFER_UPS_QUERY : DX_OFFER_UPS_PULL)) != 0;
}

bool dx_is_step(dx_session *session, uint8_t context, const dx_command *request)
{
    bool has_dataset = request->dataset_type != DX_NO_DATASET;
    switch (request->field) {
    case DX_C_FIND_RQ:
        return has_dataset && dx_offers_step(session, class_of(session, context));
    case DX_N_GET_RQ:
        return !has_dataset && is_pull(session, context);
    case DX_N_SET_RQ:
    case DX_N_ACTION_RQ:
        return has_dataset && is_pull(session, context);
    default:
        return false;
    }
}

enum dx_status dx_serve_step(dx_session *session, uint8_t context, const dx_command *request,
                             struct dx_error *err)
{
    std::vector<uint8_t> bytes;
    struct dx_error why = {};

    bool has_dataset = request->dataset_type != DX_NO_DATASET;
    bool is_find = request->field == DX_C_FIND_RQ;
    enum dx_status status =
        has_dataset ? dx_wire_receive_bytes(&session->wire, context, &bytes, &why) : DX_OK;
    if (status == DX_INVALID)
        return answer_with(session, context, request,
                           is_find ? DX_UPS_NOT_UNDERSTOOD : DX_UPS_LIMITED, why.text, nullptr,
                           err);
    if (status != DX_OK) {
        *err = why;
        return status;
    }
    return is_find ? find(session, context, request, bytes, err)
                   : serve_item(session, context, request, bytes, err);
}
