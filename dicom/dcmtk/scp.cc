/* One association, from the accepted socket to its end:
 *
 *   receive RQ -> [admit] -> [dx_negotiate] -> acknowledge -> [serve] messages -> release or abort
 *
 * A process of its own runs this: DCMTK's dcmExternalSocketHandle is global. */
#include "session.hh"

#include "dx_services.h"
#include "words.h"

#include "dcmtk/dcmdata/dcuid.h"
#include "dcmtk/dcmnet/dul.h"
#include "dcmtk/ofstd/ofstd.h"

#include <arpa/inet.h>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

namespace
{

const uint16_t PROCESSING_FAILURE = 0x0110;
/* More than these of an association are answered ten a second: nobody needs them faster. */
const useconds_t ECHO_PAUSE = 100000;

void copy_trimmed(char to[DX_AE_MAX], const char *from)
{
    from += strspn(from, " ");
    size_t length = strnlen(from, DX_AE_MAX - 1);
    while (length > 0 && from[length - 1] == ' ')
        length--;
    memcpy(to, from, length);
    to[length] = '\0';
    dx_make_printable(to);
}

void describe_address(int fd, char address[64])
{
    struct sockaddr_storage peer = {};
    socklen_t length = sizeof peer;

    address[0] = '\0';
    if (getpeername(fd, reinterpret_cast<struct sockaddr *>(&peer), &length) != 0)
        return;
    if (peer.ss_family == AF_INET)
        (void)inet_ntop(AF_INET, &reinterpret_cast<struct sockaddr_in *>(&peer)->sin_addr, address,
                        64);
    else if (peer.ss_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &reinterpret_cast<struct sockaddr_in6 *>(&peer)->sin6_addr,
                        address, 64);
}

enum dx_status reject(dx_session *session, T_ASC_RejectParametersResult result,
                      T_ASC_RejectParametersSource source, T_ASC_RejectParametersReason reason)
{
    T_ASC_RejectParameters parameters = {result, source, reason};
    T_ASC_Association *association = session->wire.association;

    session->summary->end = DX_END_REJECTED;
    (void)ASC_rejectAssociation(association, &parameters);
    (void)ASC_dropSCPAssociation(association, 2);
    return DX_OK;
}

/* Asks the handler; *is_admitted false: rejected already. */
enum dx_status admit(dx_session *session, bool *is_admitted)
{
    T_ASC_Association *association = session->wire.association;
    dx_peer *peer = &session->summary->peer;
    const DUL_ASSOCIATESERVICEPARAMETERS &request = association->params->DULparams;

    *is_admitted = false;
    copy_trimmed(peer->calling, request.callingAPTitle);
    copy_trimmed(peer->called, request.calledAPTitle);
    if (strcmp(request.applicationContextName, UID_StandardApplicationContext) != 0)
        return reject(session, ASC_RESULT_REJECTEDPERMANENT, ASC_SOURCE_SERVICEUSER,
                      ASC_REASON_SU_APPCONTEXTNAMENOTSUPPORTED);
    switch (session->handler->associate(session->handler->context, peer)) {
    case DX_REJECT_CALLED_AE:
        return reject(session, ASC_RESULT_REJECTEDPERMANENT, ASC_SOURCE_SERVICEUSER,
                      ASC_REASON_SU_CALLEDAETITLENOTRECOGNIZED);
    case DX_REJECT_CALLING_AE:
        return reject(session, ASC_RESULT_REJECTEDPERMANENT, ASC_SOURCE_SERVICEUSER,
                      ASC_REASON_SU_CALLINGAETITLENOTRECOGNIZED);
    case DX_REJECT_LOCAL_LIMIT:
        return reject(session, ASC_RESULT_REJECTEDTRANSIENT,
                      ASC_SOURCE_SERVICEPROVIDER_PRESENTATION_RELATED,
                      ASC_REASON_SP_PRES_LOCALLIMITEXCEEDED);
    case DX_ADMIT:
        break;
    }
    *is_admitted = true;
    return DX_OK;
}

bool drop_bytes(void *, const void *, size_t)
{
    return true;
}

/* An operation that we don't serve: its dataset is never parsed, its sender is told. */
enum dx_status serve_unknown(dx_session *session, uint8_t context, const dx_command *request,
                             struct dx_error *err)
{
    uint64_t received;

    if ((request->field & 0x8000) != 0)
        return dx_fail(err, DX_MALFORMED, "a response, %04x, to no request", request->field);
    if (request->dataset_type != DX_NO_DATASET) {
        enum dx_status status =
            dx_wire_receive_dataset(&session->wire, context, session->params->limits.dataset_bytes,
                                    drop_bytes, nullptr, &received, err);
        if (status != DX_OK)
            return status;
    }
    return dx_answer(session, context, request, DX_STORE_UNRECOGNIZED, nullptr, err);
}

enum dx_status serve_echo(dx_session *session, uint8_t context, const dx_command *request,
                          struct dx_error *err)
{
    uint32_t most = session->params->echoes;
    if (++session->summary->echoes > most && most > 0)
        (void)usleep(ECHO_PAUSE);
    if (session->handler->echo != nullptr)
        session->handler->echo(session->handler->context);
    return dx_answer(session, context, request, 0, nullptr, err);
}

bool is_for(dx_session *session, uint8_t context, const char *sop_class)
{
    T_ASC_PresentationContext accepted = {};
    return ASC_findAcceptedPresentationContext(session->wire.association->params, context,
                                               &accepted)
               .good() &&
           strcmp(accepted.abstractSyntax, sop_class) == 0;
}

enum dx_status serve_event(dx_session *session, uint8_t context, const dx_command *request,
                           struct dx_error *err)
{
    static struct dx_commitment event;
    std::vector<uint8_t> bytes;
    struct dx_error why = {};

    enum dx_status status = dx_wire_receive_bytes(&session->wire, context, &bytes, &why);
    if (status != DX_OK && status != DX_INVALID) {
        *err = why;
        return status;
    }
    if (status == DX_INVALID ||
        dx_commitment_read(bytes.data(), bytes.size(), &event, &why) != DX_OK)
        return dx_answer(session, context, request, PROCESSING_FAILURE, why.text, err);
    return dx_answer(session, context, request,
                     session->handler->event(session->handler->context, &event), nullptr, err);
}

/* PS3.7 10.1.5.1.4: who creates without a UID is told the one that it got. */
void name_instance(dx_command *request)
{
    uint8_t random[16];
    char digest[DX_DIGEST_MAX] = "";

    if (request->sop_instance[0] != '\0' ||
        getrandom(random, sizeof random, 0) != static_cast<ssize_t>(sizeof random))
        return;
    for (size_t i = 0; i < DX_DIGEST_MAX / 2; i++)
        (void)snprintf(digest + 2 * i, 3, "%02x", random[i % sizeof random]);
    if (dx_uid_from_digest(digest, request->sop_instance) != DX_OK)
        request->sop_instance[0] = '\0';
}

enum dx_status serve_news(dx_session *session, uint8_t context, dx_command *request,
                          struct dx_error *err)
{
    struct dx_availability news;
    std::vector<uint8_t> bytes;
    struct dx_error why = {};

    name_instance(request);
    enum dx_status status = dx_wire_receive_bytes(&session->wire, context, &bytes, &why);
    if (status != DX_OK && status != DX_INVALID) {
        *err = why;
        return status;
    }
    if (status == DX_INVALID ||
        dx_availability_read(bytes.data(), bytes.size(), &news, &why) != DX_OK)
        return dx_answer(session, context, request, PROCESSING_FAILURE, why.text, err);
    return dx_answer(session, context, request,
                     session->handler->available(session->handler->context, &news), nullptr, err);
}

enum dx_status serve_messages(dx_session *session, struct dx_error *err)
{
    for (;;) {
        dx_command request;
        uint8_t context = 0;
        enum dx_status status = dx_wire_receive_command(&session->wire, &context, &request, err);
        if (status != DX_OK)
            return status;
        if (request.field == DX_C_STORE_RQ)
            status = dx_serve_store(session, context, &request, err);
        else if (request.field == DX_C_ECHO_RQ && request.dataset_type == DX_NO_DATASET)
            status = serve_echo(session, context, &request, err);
        else if (request.field == DX_N_EVENT_RQ && request.dataset_type != DX_NO_DATASET &&
                 is_for(session, context, DX_STORAGE_COMMITMENT))
            status = serve_event(session, context, &request, err);
        else if (request.field == DX_N_CREATE_RQ && request.dataset_type != DX_NO_DATASET &&
                 is_for(session, context, DX_INSTANCE_AVAILABILITY))
            status = serve_news(session, context, &request, err);
        else if (dx_is_step(session, context, &request))
            status = dx_serve_step(session, context, &request, err);
        else if (request.field != DX_C_CANCEL_RQ)
            status = serve_unknown(session, context, &request, err);
        if (status != DX_OK)
            return status;
    }
}

void take_paces(const dx_scp_params *params, dx_transport_limits *limits)
{
    limits->minimum_rate = params->minimum_rate;
    limits->association_seconds = params->association_seconds;
    limits->dataset_seconds = params->dataset_seconds;
}

enum dx_status acknowledge(dx_session *session, struct dx_error *err)
{
    T_ASC_Association *association = session->wire.association;
    T_ASC_Parameters *parameters = association->params;

    enum dx_status status = dx_negotiate(session, err);
    if (status != DX_OK)
        return status;
    OFStandard::strlcpy(parameters->ourImplementationClassUID, DX_IMPLEMENTATION_UID,
                        sizeof parameters->ourImplementationClassUID);
    OFStandard::strlcpy(parameters->ourImplementationVersionName, DX_IMPLEMENTATION_VERSION,
                        sizeof parameters->ourImplementationVersionName);
    /* Before the answer is sent: what comes after it is waited for by these. */
    dx_transport_limits *limits = &session->wire.state.limits;
    limits->idle_seconds = session->params->dimse_seconds;
    limits->pdu_seconds = session->params->pdu_seconds;
    take_paces(session->params, limits);
    OFCondition condition = ASC_acknowledgeAssociation(association);
    if (condition.bad())
        return dx_fail_condition(err, DX_ABORTED, "cannot accept the association", condition);
    limits->is_open = true;
    return DX_OK;
}

/* How the association ended, from the status that ended serve_messages. */
void end_association(dx_session *session, enum dx_status status)
{
    T_ASC_Association *association = session->wire.association;

    if (session->wire.is_released) {
        session->summary->end = DX_END_RELEASED;
        (void)ASC_acknowledgeRelease(association);
        (void)ASC_dropSCPAssociation(association, 2);
        return;
    }
    session->summary->end = status == DX_TIMEOUT ? DX_END_TIMEOUT : DX_END_ABORTED;
    if (session->wire.state.failure.status == DX_OK)
        (void)ASC_abortAssociation(association);
}

enum dx_status serve(dx_session *session, struct dx_error *err)
{
    dx_wire *wire = &session->wire;
    bool is_admitted;

    OFCondition condition =
        ASC_receiveAssociation(wire->network, &wire->association, session->params->max_pdu);
    /* DCMTK takes some bytes that our transport has refused for a request without a word in it. */
    if (condition.bad() || wire->state.failure.status != DX_OK) {
        bool is_late = wire->state.failure.status == DX_TIMEOUT || condition == DUL_READTIMEOUT;
        session->summary->end = is_late ? DX_END_TIMEOUT : DX_END_FAILED;
        if (wire->state.failure.status != DX_OK)
            *err = wire->state.failure;
        else
            (void)dx_fail_condition(err, DX_ABORTED, "no association request", condition);
        return DX_OK;
    }
    enum dx_status status = admit(session, &is_admitted);
    if (status != DX_OK || !is_admitted)
        return status;
    status = acknowledge(session, err);
    if (status == DX_OK)
        status = serve_messages(session, err);
    end_association(session, status);
    return DX_OK;
}

enum dx_status open_network(dx_session *session, int fd, DxTransportLayer *layer,
                            struct dx_error *err)
{
    dx_transport_limits *limits = &session->wire.state.limits;
    limits->idle_seconds = session->params->acse_seconds;
    limits->pdu_seconds = session->params->acse_seconds;
    limits->rate_seconds = session->params->rate_seconds;
    limits->max_pdu = session->params->max_pdu;
    take_paces(session->params, limits);
    session->wire.command_limit = session->params->command_bytes;
    session->wire.state.tls = session->params->tls;
    session->wire.state.caller = &session->summary->peer;
    /* Name lookups would hang on a bad resolver. */
    dcmDisableGethostbyaddr.set(OFTrue);
    dcmExternalSocketHandle.set(fd);
    OFCondition condition = ASC_initializeNetwork(NET_ACCEPTOR, 0, session->params->acse_seconds,
                                                  &session->wire.network);
    if (condition.bad())
        return dx_fail_condition(err, DX_INTERNAL, "cannot start the network layer", condition);
    condition = ASC_setTransportLayer(session->wire.network, layer, 0);
    if (condition.bad())
        return dx_fail_condition(err, DX_INTERNAL, "cannot set the transport layer", condition);
    return DX_OK;
}

} // namespace

void dx_scp_params_default(struct dx_scp_params *params)
{
    *params = {};
    params->max_pdu = 131072;
    params->acse_seconds = 30;
    params->dimse_seconds = 60;
    params->pdu_seconds = 60;
    params->rate_seconds = 30;
    params->association_seconds = 86400;
    params->dataset_seconds = 14400;
    params->command_bytes = DX_COMMAND_MAX;
    params->echoes = 100;
    dx_limits_default(&params->limits);
}

enum dx_status dx_answer(dx_session *session, uint8_t context, const dx_command *request,
                         uint16_t status, const char *comment, struct dx_error *err)
{
    dx_command response = {};

    response.field = static_cast<uint16_t>(request->field | 0x8000);
    response.responded_id = request->message_id;
    response.dataset_type = DX_NO_DATASET;
    response.status = status;
    response.event = request->event;
    (void)snprintf(response.sop_class, sizeof response.sop_class, "%s", request->sop_class);
    (void)snprintf(response.sop_instance, sizeof response.sop_instance, "%s",
                   request->sop_instance);
    if (comment != nullptr)
        (void)snprintf(response.comment, sizeof response.comment, "%s", comment);
    return dx_wire_send_command(&session->wire, context, &response, err);
}

enum dx_status dx_scp_serve(int fd, const struct dx_scp_params *params,
                            const struct dx_scp_handler *handler, struct dx_scp_summary *summary,
                            struct dx_error *err)
{
    std::unique_ptr<dx_session> session;

    *summary = {};
    summary->end = DX_END_FAILED;
    describe_address(fd, summary->peer.address);
    enum dx_status status = dx_guard(
        err, [&]() -> enum dx_status {
            session.reset(new dx_session{params, handler, summary, {}, -1});
            DxTransportLayer layer(&session->wire.state);
            dx_wire_closer closer(&session->wire);
            enum dx_status result = open_network(session.get(), fd, &layer, err);
            return result == DX_OK ? serve(session.get(), err) : result;
        });
    if (session == nullptr || !session->wire.state.has_connection)
        close(fd);
    return status;
}
