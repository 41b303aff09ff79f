/* Unified Procedure Step (PS3.4 annex CC): C-FIND, N-CREATE, N-GET, N-SET and N-ACTION, in implicit
 * little endian. Answers are read by our own code, not by dcmdata. */
#include "scu.hh"

#include "dx_ups.h"
#include "ups_tags.h"

#include "dcmtk/dcmdata/dcuid.h"

#include <cstdio>
#include <memory>
#include <vector>

namespace
{

const uint16_t REQUEST_CANCEL = 2;            /* Action Type ID (table CC.2.2-1) */
const uint16_t ATTRIBUTE_LIST_ERROR = 0x0107; /* a warning: what is known came (PS3.7 C.4.2) */

/* The first of these classes that the peer takes; the second may be NULL. */
enum dx_status context_of(dx_scu *scu, const char *sop_class, const char *other, uint8_t *context,
                          struct dx_error *err)
{
    enum dx_status status = dx_scu_implicit_context(scu, sop_class, context, err);
    if (status == DX_NO_CONTEXT && other != nullptr)
        status = dx_scu_implicit_context(scu, other, context, err);
    return status;
}

enum dx_status prepare(uint16_t field, const char *sop_instance, dx_command *request,
                       struct dx_error *err)
{
    if (!dx_uid_is_usable(sop_instance))
        return dx_fail(err, DX_INVALID, "a procedure step without a UID");
    request->field = field;
    (void)snprintf(request->sop_class, sizeof request->sop_class, "%s", DX_UPS_PUSH);
    (void)snprintf(request->sop_instance, sizeof request->sop_instance, "%s", sop_instance);
    return DX_OK;
}

/* The answer to our last request; what it brings is in bytes. */
enum dx_status receive(dx_scu *scu, uint16_t field, std::vector<uint8_t> *bytes,
                       struct dx_ups_answer *to, struct dx_error *err)
{
    uint8_t context = 0;
    dx_command answer = {};
    enum dx_status status = dx_wire_receive_command(&scu->wire, &context, &answer, err);
    if (status != DX_OK)
        return status;
    if (answer.field != field || answer.responded_id != scu->message_id || !answer.has_status)
        return dx_fail(err, DX_MALFORMED, "the answer (%04x) is not to our request", answer.field);
    to->status = answer.status;
    (void)snprintf(to->comment, sizeof to->comment, "%s", answer.comment);
    return answer.dataset_type == DX_NO_DATASET
               ? DX_OK
               : dx_wire_receive_bytes(&scu->wire, context, bytes, err);
}

/* A request with a dataset; an answer's dataset repeats what we know and is dropped. */
enum dx_status exchange(dx_scu *scu, uint8_t context, dx_command *request,
                        const struct dx_writing *dataset, struct dx_ups_answer *answer,
                        struct dx_error *err)
{
    std::vector<uint8_t> dropped;
    enum dx_status status = dx_scu_ask(scu, context, request, dataset, err);
    if (status == DX_NO_MEMORY && (dataset->failed || dataset->count == 0))
        return status; /* nothing was sent */
    if (status == DX_OK)
        status =
            receive(scu, static_cast<uint16_t>(request->field | 0x8000u), &dropped, answer, err);
    return dx_scu_with_peer(scu, status, err);
}

enum dx_status get(dx_scu *scu, const char *sop_instance, struct dx_ups_item *item,
                   struct dx_ups_answer *answer, struct dx_error *err)
{
    static const uint32_t tags[] = {UPS_CHARACTER_SET, UPS_PATIENT_ID,     UPS_PATIENT_ISSUER,
                                    UPS_COMMENTS,      UPS_WORKITEM_CODES, UPS_INPUT,
                                    UPS_REQUESTS,      UPS_STATE,          UPS_PRIORITY};
    dx_command request = {};
    uint8_t context = 0;
    std::vector<uint8_t> bytes;

    enum dx_status status = prepare(DX_N_GET_RQ, sop_instance, &request, err);
    if (status == DX_OK)
        status = context_of(scu, DX_UPS_PULL, DX_UPS_PUSH, &context, err);
    if (status != DX_OK)
        return status;
    request.message_id = ++scu->message_id;
    request.dataset_type = DX_NO_DATASET;
    request.tags = tags;
    request.tag_count = sizeof tags / sizeof tags[0];
    status = dx_wire_send_command(&scu->wire, context, &request, err);
    if (status == DX_OK)
        status = receive(scu, DX_N_GET_RSP, &bytes, answer, err);
    bool has_item = answer->status < 0x0100u || answer->status == ATTRIBUTE_LIST_ERROR ||
                    answer->status >> 12 == 0xbu;
    if (status == DX_OK && has_item)
        status = dx_ups_read(bytes.data(), bytes.size(), item, err);
    return dx_scu_with_peer(scu, status, err);
}

struct matching {
    dx_ups_match match;
    void *context;
};

enum dx_status take_match(const std::vector<uint8_t> &bytes, void *context, bool *goes_on,
                          struct dx_error *err)
{
    const matching *to = static_cast<const matching *>(context);
    std::unique_ptr<struct dx_ups_item> item(new struct dx_ups_item);
    enum dx_status status = dx_ups_read(bytes.data(), bytes.size(), item.get(), err);
    if (status == DX_OK)
        *goes_on = to->match(to->context, item.get());
    return status;
}

/* A request with a dataset, in a context of sop_class. */
enum dx_status ask(dx_scu *scu, const char *sop_class, uint16_t field, uint16_t action,
                   const char *sop_instance, const struct dx_writing *dataset,
                   struct dx_ups_answer *answer, struct dx_error *err)
{
    *answer = {};
    answer->status = 0xffff;
    return dx_guard(
        err, [&]() -> enum dx_status {
            dx_command request = {};
            uint8_t context = 0;
            enum dx_status status = prepare(field, sop_instance, &request, err);
            if (status == DX_OK)
                status = dx_scu_implicit_context(scu, sop_class, &context, err);
            if (status != DX_OK)
                return status;
            request.action = action;
            return exchange(scu, context, &request, dataset, answer, err);
        });
}

} // namespace

enum dx_status dx_scu_ups_find(struct dx_scu *scu, const struct dx_writing *query, size_t most,
                               dx_ups_match match, void *context, uint16_t *dimse_status,
                               struct dx_error *err)
{
    matching to = {match, context};
    const struct dx_finding what = {DX_UPS_PULL, query, most, take_match, &to};
    return dx_scu_find_bytes(scu, &what, dimse_status, err);
}

enum dx_status dx_scu_ups_create(struct dx_scu *scu, const char *sop_instance,
                                 const struct dx_writing *item, struct dx_ups_answer *answer,
                                 struct dx_error *err)
{
    return ask(scu, DX_UPS_PUSH, DX_N_CREATE_RQ, 0, sop_instance, item, answer, err);
}

enum dx_status dx_scu_ups_set(struct dx_scu *scu, const char *sop_instance,
                              const struct dx_writing *change, struct dx_ups_answer *answer,
                              struct dx_error *err)
{
    return ask(scu, DX_UPS_PULL, DX_N_SET_RQ, 0, sop_instance, change, answer, err);
}

enum dx_status dx_scu_ups_cancel(struct dx_scu *scu, const char *sop_instance,
                                 const struct dx_writing *reason, struct dx_ups_answer *answer,
                                 struct dx_error *err)
{
    return ask(scu, DX_UPS_PUSH, DX_N_ACTION_RQ, REQUEST_CANCEL, sop_instance, reason, answer, err);
}

enum dx_status dx_scu_ups_get(struct dx_scu *scu, const char *sop_instance,
                              struct dx_ups_item *item, struct dx_ups_answer *answer,
                              struct dx_error *err)
{
    *item = {};
    *answer = {};
    answer->status = 0xffff;
    return dx_guard(
        err, [&]() -> enum dx_status { return get(scu, sop_instance, item, answer, err); });
}
