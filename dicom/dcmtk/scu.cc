/* Verification and Storage SCU. Files are sent as they are, bit by bit, when the peer took their
 * transfer syntax; an uncompressed one is rewritten by DCMTK when it took only another. */
#include "scu.hh"

#include "dcmtk/dcmdata/dcfilefo.h"
#include "dcmtk/dcmdata/dcostrmf.h"
#include "dcmtk/dcmdata/dcuid.h"
#include "dcmtk/dcmnet/diutil.h"
#include "dcmtk/dcmnet/dul.h"
#include "dcmtk/ofstd/ofstd.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <set>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace
{

bool is_uncompressed(const std::string &syntax)
{
    return syntax == UID_LittleEndianImplicitTransferSyntax ||
           syntax == UID_LittleEndianExplicitTransferSyntax ||
           syntax == UID_BigEndianExplicitTransferSyntax ||
           syntax == UID_DeflatedExplicitVRLittleEndianTransferSyntax;
}

const int MOST_CONTEXTS = 128; /* odd numbers to 255 */

enum dx_status add_context(dx_scu *scu, T_ASC_Parameters *parameters, const char *sop_class,
                           const char *syntax, struct dx_error *err)
{
    int position = ASC_countPresentationContexts(parameters);
    const char *syntaxes[1] = {syntax};

    if (position >= MOST_CONTEXTS)
        return dx_fail(err, DX_LIMIT, "%s: more than %d presentation contexts", scu->peer.c_str(),
                       MOST_CONTEXTS);
    OFCondition condition = ASC_addPresentationContext(
        parameters, static_cast<T_ASC_PresentationContextID>(2 * position + 1), sop_class, syntaxes,
        1);
    return condition.good() ? DX_OK
                            : dx_fail_condition(err, DX_INVALID, "presentation context", condition);
}

/* One context a transfer syntax, so that the file's own is known to be taken or not. */
std::vector<struct dx_scu_context> proposals(const struct dx_scu_context *contexts, size_t count)
{
    std::set<std::pair<std::string, std::string>> wanted;
    std::vector<struct dx_scu_context> all;
    auto add = [&all](const std::string &sop_class, const std::string &syntax) {
        struct dx_scu_context context = {};
        (void)snprintf(context.sop_class, DX_UID_MAX, "%s", sop_class.c_str());
        (void)snprintf(context.transfer_syntax, DX_UID_MAX, "%s", syntax.c_str());
        all.push_back(context);
    };

    for (size_t i = 0; i < count; i++) {
        wanted.insert({contexts[i].sop_class, contexts[i].transfer_syntax});
        if (is_uncompressed(contexts[i].transfer_syntax)) {
            wanted.insert({contexts[i].sop_class, UID_LittleEndianExplicitTransferSyntax});
            wanted.insert({contexts[i].sop_class, UID_LittleEndianImplicitTransferSyntax});
        }
    }
    add(UID_VerificationSOPClass, UID_LittleEndianImplicitTransferSyntax);
    for (const auto &pair : wanted)
        add(pair.first, pair.second);
    return all;
}

enum dx_status add_contexts(dx_scu *scu, T_ASC_Parameters *parameters,
                            const struct dx_scu_context *contexts, size_t count,
                            struct dx_error *err)
{
    enum dx_status status = DX_OK;
    for (const struct dx_scu_context &context : proposals(contexts, count))
        if (status == DX_OK)
            status = add_context(scu, parameters, context.sop_class, context.transfer_syntax, err);
    return status;
}

/* PS3.8 table 9-21 in words. */
const char *reject_reason(const T_ASC_RejectParameters &rejection)
{
    switch (rejection.reason) {
    case ASC_REASON_SU_APPCONTEXTNAMENOTSUPPORTED:
        return "application context not supported";
    case ASC_REASON_SU_CALLINGAETITLENOTRECOGNIZED:
        return "calling AE title not recognized";
    case ASC_REASON_SU_CALLEDAETITLENOTRECOGNIZED:
        return "called AE title not recognized";
    case ASC_REASON_SP_ACSE_PROTOCOLVERSIONNOTSUPPORTED:
        return "protocol version not supported";
    case ASC_REASON_SP_PRES_TEMPORARYCONGESTION:
        return "temporary congestion";
    case ASC_REASON_SP_PRES_LOCALLIMITEXCEEDED:
        return "local limit exceeded";
    default:
        return "no reason given";
    }
}

enum dx_status explain_failure(dx_scu *scu, T_ASC_Parameters *parameters,
                               const OFCondition &condition, struct dx_error *err)
{
    if (condition == DUL_ASSOCIATIONREJECTED) {
        T_ASC_RejectParameters rejection = {};
        (void)ASC_getRejectParameters(parameters, &rejection);
        return dx_fail(err, DX_REFUSED, "%s: association from %s rejected (%s): %s",
                       scu->peer.c_str(), scu->params.calling,
                       rejection.result == ASC_RESULT_REJECTEDTRANSIENT ? "transient" : "permanent",
                       reject_reason(rejection));
    }
    if (!scu->wire.state.has_connection)
        return dx_fail(err, DX_UNREACHABLE, "%s: cannot connect: %s", scu->peer.c_str(),
                       condition.text());
    const struct dx_error &failure = scu->wire.state.failure;
    if (failure.status != DX_OK) {
        (void)dx_fail(err, failure.status, "%s: %s", scu->peer.c_str(), failure.text);
        err->tls = failure.tls;
        return failure.status;
    }
    bool is_late = condition == DUL_READTIMEOUT;
    return dx_fail(err, is_late ? DX_TIMEOUT : DX_ABORTED, "%s: no association: %s",
                   scu->peer.c_str(), condition.text());
}

enum dx_status prepare(dx_scu *scu, T_ASC_Parameters **parameters, struct dx_error *err)
{
    const dx_scu_params &p = scu->params;
    std::string address = std::string(p.host) + ":" + std::to_string(p.port);

    dcmConnectionTimeout.set(p.connect_seconds);
    scu->wire.state.limits = {p.acse_seconds, p.acse_seconds, 0, p.max_pdu, 0, 0, 0, false, true};
    OFCondition condition =
        ASC_initializeNetwork(NET_REQUESTOR, 0, p.acse_seconds, &scu->wire.network);
    if (condition.good())
        condition = ASC_setTransportLayer(scu->wire.network, &scu->layer, 0);
    if (condition.good())
        condition = ASC_createAssociationParameters(parameters, p.max_pdu);
    if (condition.good())
        condition = ASC_setAPTitles(*parameters, p.calling, p.called, nullptr);
    if (condition.good())
        condition = ASC_setPresentationAddresses(*parameters, OFStandard::getHostName().c_str(),
                                                 address.c_str());
    if (condition.bad())
        return dx_fail_condition(err, DX_INTERNAL, "cannot prepare an association", condition);
    OFStandard::strlcpy((*parameters)->ourImplementationClassUID, DX_IMPLEMENTATION_UID,
                        sizeof(*parameters)->ourImplementationClassUID);
    OFStandard::strlcpy((*parameters)->ourImplementationVersionName, DX_IMPLEMENTATION_VERSION,
                        sizeof(*parameters)->ourImplementationVersionName);
    return DX_OK;
}

enum dx_status associate(dx_scu *scu, const struct dx_scu_context *contexts, size_t count,
                         struct dx_error *err)
{
    T_ASC_Parameters *parameters = nullptr;

    enum dx_status status = prepare(scu, &parameters, err);
    if (status == DX_OK)
        status = add_contexts(scu, parameters, contexts, count, err);
    if (status != DX_OK) {
        if (parameters != nullptr)
            (void)ASC_destroyAssociationParameters(&parameters);
        return status;
    }
    /* From here on the association owns the parameters. */
    OFCondition condition =
        ASC_requestAssociation(scu->wire.network, parameters, &scu->wire.association);
    if (condition.bad()) {
        status = explain_failure(scu, parameters, condition, err);
        if (scu->wire.association == nullptr)
            (void)ASC_destroyAssociationParameters(&parameters);
        return status;
    }
    scu->wire.state.limits.is_open = true;
    scu->wire.state.limits.idle_seconds = scu->params.dimse_seconds;
    scu->wire.state.limits.pdu_seconds = scu->params.dimse_seconds;
    return DX_OK;
}

/* Rewrites an uncompressed file's dataset in another transfer syntax, into memory; fd is new. */
enum dx_status rewrite(const char *path, const std::string &syntax, int *fd, struct dx_error *err)
{
    DcmFileFormat file;
    DcmXfer target(syntax.c_str());

    OFCondition condition = file.loadFile(path);
    if (condition.bad())
        return dx_fail_condition(err, DX_MALFORMED, path, condition);
    *fd = memfd_create("cervigate-dataset", MFD_CLOEXEC);
    int copy = *fd >= 0 ? fcntl(*fd, F_DUPFD_CLOEXEC, 0) : -1;
    FILE *out = copy >= 0 ? fdopen(copy, "wb") : nullptr;
    if (out == nullptr) {
        if (copy >= 0)
            close(copy);
        return dx_fail(err, DX_IO, "no memory file: %s", strerror(errno));
    }

    DcmOutputFileStream stream(out);
    DcmDataset *dataset = file.getDataset();
    dataset->transferInit();
    condition = dataset->write(stream, target.getXfer(), EET_ExplicitLength, nullptr);
    dataset->transferEnd();
    stream.flush();
    if (condition.bad())
        return dx_fail_condition(err, DX_INTERNAL, path, condition);
    return DX_OK;
}

/* Receives the answer to our last request, which brings no dataset. */
enum dx_status receive_answer(dx_scu *scu, uint16_t field, dx_command *answer, struct dx_error *err)
{
    uint8_t context;

    enum dx_status status = dx_wire_receive_command(&scu->wire, &context, answer, err);
    if (status != DX_OK)
        return status;
    if (answer->field != field || answer->responded_id != scu->message_id || !answer->has_status ||
        answer->dataset_type != DX_NO_DATASET)
        return dx_fail(err, DX_MALFORMED, "the answer (%04x) is not to our request", answer->field);
    return DX_OK;
}

enum dx_status send_object(dx_scu *scu, uint8_t context, const dx_scan *scan, int fd,
                           dx_command *answer, struct dx_error *err)
{
    dx_command request = {};

    request.field = DX_C_STORE_RQ;
    request.message_id = ++scu->message_id;
    (void)snprintf(request.sop_class, sizeof request.sop_class, "%s", scan->sop_class);
    (void)snprintf(request.sop_instance, sizeof request.sop_instance, "%s", scan->sop_instance);
    enum dx_status status = dx_wire_send_command(&scu->wire, context, &request, err);
    if (status == DX_OK)
        status = dx_wire_send_file(&scu->wire, context, fd, err);
    if (status == DX_OK)
        status = receive_answer(scu, DX_C_STORE_RSP, answer, err);
    return dx_scu_with_peer(scu, status, err);
}

/* Reads the file's identity; the meta group's where the dataset has none. */
enum dx_status identify(const char *path, int fd, char syntax[DX_UID_MAX], dx_scan *scan,
                        struct dx_error *err)
{
    dx_limits limits;
    struct dx_error why = {};

    dx_limits_default(&limits);
    enum dx_status status = dx_prescan_structure(fd, &limits, syntax, scan, &why);
    if (status != DX_OK)
        return dx_fail(err, status, "%s: %s", path, why.text);
    if (scan->sop_class[0] == '\0')
        memcpy(scan->sop_class, scan->meta_sop_class, DX_UID_MAX);
    if (scan->sop_instance[0] == '\0')
        memcpy(scan->sop_instance, scan->meta_sop_instance, DX_UID_MAX);
    if (scan->sop_class[0] == '\0' || scan->sop_instance[0] == '\0')
        return dx_fail(err, DX_MALFORMED, "%s: no SOP Class or Instance UID", path);
    return DX_OK;
}

enum dx_status store(dx_scu *scu, const char *path, int fd, dx_command *answer,
                     struct dx_error *err)
{
    dx_scan scan;
    char syntax[DX_UID_MAX];
    std::string accepted;
    int rewritten = -1;

    enum dx_status status = identify(path, fd, syntax, &scan, err);
    if (status != DX_OK)
        return status;
    uint8_t context = dx_scu_context_of(scu, scan.sop_class, syntax, &accepted);
    if (context == 0)
        return dx_fail(err, DX_NO_CONTEXT, "%s: takes no %s in %s", scu->peer.c_str(),
                       scan.sop_class, syntax);
    if (accepted != syntax) {
        status = rewrite(path, accepted, &rewritten, err);
        if (status != DX_OK) {
            if (rewritten >= 0)
                close(rewritten);
            return status;
        }
    }
    int source = rewritten >= 0 ? rewritten : fd;
    off_t begin = rewritten >= 0 ? 0 : static_cast<off_t>(scan.dataset_offset);
    if (lseek(source, begin, SEEK_SET) != begin)
        status = dx_fail(err, DX_IO, "%s: %s", path, strerror(errno));
    else
        status = send_object(scu, context, &scan, source, answer, err);
    if (rewritten >= 0)
        close(rewritten);
    return status;
}

} // namespace

enum dx_status dx_scu_with_peer(dx_scu *scu, enum dx_status status, struct dx_error *err)
{
    char text[sizeof err->text];

    if (status == DX_OK)
        return status;
    scu->is_broken = true;
    (void)snprintf(text, sizeof text, "%s", err->text);
    return dx_fail(err, status, "%s: %s", scu->peer.c_str(), text);
}

uint8_t dx_scu_context_of(dx_scu *scu, const char *sop_class, const char *syntax,
                          std::string *accepted)
{
    T_ASC_Parameters *parameters = scu->wire.association->params;
    int count = ASC_countPresentationContexts(parameters);
    uint8_t other = 0;

    for (int i = 0; i < count; i++) {
        T_ASC_PresentationContext context = {};
        if (ASC_getPresentationContext(parameters, i, &context).bad() ||
            context.resultReason != ASC_P_ACCEPTANCE ||
            strcmp(context.abstractSyntax, sop_class) != 0)
            continue;
        if (strcmp(context.acceptedTransferSyntax, syntax) == 0) {
            *accepted = syntax;
            return context.presentationContextID;
        }
        if (is_uncompressed(syntax) && is_uncompressed(context.acceptedTransferSyntax)) {
            *accepted = context.acceptedTransferSyntax;
            other = context.presentationContextID;
        }
    }
    return other;
}

void dx_scu_params_default(struct dx_scu_params *params)
{
    *params = {};
    params->connect_seconds = 10;
    params->acse_seconds = 30;
    params->dimse_seconds = 60;
    params->max_pdu = 131072;
}

enum dx_status dx_scu_open(const struct dx_scu_params *params,
                           const struct dx_scu_context *contexts, size_t count, struct dx_scu **scu,
                           struct dx_error *err)
{
    std::unique_ptr<dx_tls, void (*)(dx_tls *)> tls(params->tls, dx_tls_close);

    *scu = nullptr;
    return dx_guard(
        err, [&]() -> enum dx_status {
            std::unique_ptr<dx_scu> made(new dx_scu);
            dx_wire_closer closer(&made->wire);
            made->wire.state.tls = tls.release();
            made->params = *params;
            made->peer = std::string(params->host) + ":" + std::to_string(params->port) + " (" +
                         params->called + ")";
            enum dx_status status = associate(made.get(), contexts, count, err);
            if (status != DX_OK)
                return status;
            closer.release();
            *scu = made.release();
            return DX_OK;
        });
}

enum dx_status dx_scu_echo(struct dx_scu *scu, struct dx_error *err)
{
    return dx_guard(
        err, [&]() -> enum dx_status {
            dx_command request = {}, answer = {};
            std::string accepted;

            uint8_t context = dx_scu_context_of(scu, UID_VerificationSOPClass,
                                                UID_LittleEndianImplicitTransferSyntax, &accepted);
            if (context == 0)
                return dx_fail(err, DX_NO_CONTEXT, "%s: takes no C-ECHO", scu->peer.c_str());
            request.field = DX_C_ECHO_RQ;
            request.message_id = ++scu->message_id;
            request.dataset_type = DX_NO_DATASET;
            (void)snprintf(request.sop_class, sizeof request.sop_class, "%s",
                           UID_VerificationSOPClass);
            enum dx_status status = dx_wire_send_command(&scu->wire, context, &request, err);
            if (status == DX_OK)
                status = receive_answer(scu, DX_C_ECHO_RSP, &answer, err);
            if (status != DX_OK)
                return dx_scu_with_peer(scu, status, err);
            if (answer.status != 0)
                return dx_fail(err, DX_REFUSED, "%s: C-ECHO answered %04x", scu->peer.c_str(),
                               answer.status);
            return DX_OK;
        });
}

enum dx_status dx_scu_store(struct dx_scu *scu, const char *path, uint16_t *dimse_status,
                            char comment[65], struct dx_error *err)
{
    *dimse_status = 0xffff;
    comment[0] = '\0';
    return dx_guard(
        err, [&]() -> enum dx_status {
            dx_command answer = {};
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            if (fd < 0)
                return dx_fail(err, errno == ENOENT ? DX_MISSING : DX_IO, "%s: %s", path,
                               strerror(errno));
            enum dx_status status = store(scu, path, fd, &answer, err);
            close(fd);
            if (status != DX_OK)
                return status;
            *dimse_status = answer.status;
            (void)snprintf(comment, 65, "%s", answer.comment);
            return DX_OK;
        });
}

size_t dx_scu_proposals(const struct dx_scu_context *contexts, size_t count,
                        struct dx_scu_context *all, size_t most)
{
    size_t written = 0;
    (void)dx_guard(
        nullptr, [&]() -> enum dx_status {
            std::vector<struct dx_scu_context> list = proposals(contexts, count);
            written = list.size();
            for (size_t i = 0; i < written && i < most; i++)
                all[i] = list[i];
            return DX_OK;
        });
    return written;
}

bool dx_scu_is_broken(const struct dx_scu *scu)
{
    return scu->is_broken;
}

int dx_scu_accepts(const struct dx_scu *scu, const char *sop_class, const char *transfer_syntax)
{
    T_ASC_Parameters *parameters = scu->wire.association->params;
    int count = ASC_countPresentationContexts(parameters);

    for (int i = 0; i < count; i++) {
        T_ASC_PresentationContext context = {};
        if (ASC_getPresentationContext(parameters, i, &context).good() &&
            context.resultReason == ASC_P_ACCEPTANCE &&
            strcmp(context.abstractSyntax, sop_class) == 0 &&
            strcmp(context.acceptedTransferSyntax, transfer_syntax) == 0)
            return 1;
    }
    return 0;
}

const char *dx_scu_session(const struct dx_scu *scu)
{
    return scu->wire.state.tls != nullptr ? dx_tls_session(scu->wire.state.tls) : "";
}

void dx_scu_close(struct dx_scu *scu)
{
    if (scu == nullptr)
        return;
    (void)dx_guard(
        nullptr, [&]() -> enum dx_status {
            std::unique_ptr<dx_scu> owned(scu);
            dx_wire_closer closer(&owned->wire);
            if (owned->is_broken)
                (void)ASC_abortAssociation(owned->wire.association);
            else
                (void)ASC_releaseAssociation(owned->wire.association);
            return DX_OK;
        });
}
