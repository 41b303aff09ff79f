/* One C-STORE (PS3.4 B): the dataset to a file bit by bit, pre-scanned, then the caller decides.
 *
 *   create fails            -> drained, A700
 *   the disk is full        -> drained, A700      [refuse]
 *   no room for more        -> drained, A700      [refuse]
 *   the association ends    ->          -         [refuse, status 0]
 *   a UID is none           -> C000               [refuse]
 *   the pre-scan refuses    -> C000               [refuse]
 *   another SOP Instance    -> A900               [refuse]
 *   otherwise                                     [store] answers */
#include "session.hh"

#include "dx_services.h"
#include "words.h"

#include "dcmtk/dcmdata/dcuid.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace
{

/* A large object's bytes are on their way to the disk while the rest comes: fsync finds less. */
const uint64_t WRITE_BACK = 4u << 20;

const char NO_ROOM[] = "limit spoolReserve: no space for the object";

struct reception {
    const dx_scp_handler *handler;
    int fd;
    int error;      /* errno of the first failed write, or 0 */
    bool no_room;   /* the handler said so */
    dx_sha256 *sha; /* of the dataset; its digest then is in object.scan */
    uint64_t written, written_back;
    uint64_t dataset_offset;
    char path[PATH_MAX];
    dx_scp_object object;
};

bool write_all(reception *file, const void *bytes, size_t count)
{
    const char *from = static_cast<const char *>(bytes);
    while (count > 0) {
        ssize_t put = write(file->fd, from, count);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0) {
            file->error = errno;
            return false;
        }
        from += put;
        count -= static_cast<size_t>(put);
        file->written += static_cast<uint64_t>(put);
    }
    return true;
}

bool go_on(reception *file)
{
    const dx_scp_handler *handler = file->handler;

    file->no_room = handler->has_room != nullptr && !handler->has_room(handler->context);
    if (file->no_room)
        return false;
    /* A hint: what fails here fails again in fsync, whose word counts. */
    (void)sync_file_range(file->fd, static_cast<off_t>(file->written_back),
                          static_cast<off_t>(file->written - file->written_back),
                          SYNC_FILE_RANGE_WRITE);
    file->written_back = file->written;
    return true;
}

/* False: the rest is dropped, and what is there makes room at once, however long the rest takes. */
bool take_bytes(void *sink, const void *bytes, size_t count)
{
    reception *file = static_cast<reception *>(sink);
    bool good = write_all(file, bytes, count);

    if (good)
        dx_sha256_add(file->sha, bytes, count);
    if (good && file->written - file->written_back >= WRITE_BACK)
        good = go_on(file);
    if (!good)
        (void)!ftruncate(file->fd, 0);
    return good;
}

bool drop_bytes(void *, const void *, size_t)
{
    return true;
}

/* Digits and dots: leading zeros are wrong too, but common in instances, and harmless to us. */
bool is_uid(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && strspn(text, "0123456789.") == length;
}

enum dx_status check_identity(const dx_command *request, struct dx_error *why)
{
    if (request->is_instance_cut || !is_uid(request->sop_class) || !is_uid(request->sop_instance))
        return dx_fail(why, DX_MALFORMED, "the command's SOP Class or Instance UID is not a UID");
    return DX_OK;
}

/* The structure of the file, and the digest that was taken as it came. A dataset that begins with
 * elements of group 0002 of its own begins, for the pre-scanner, behind them: then it is digested
 * from there, as whoever opens the file will do. */
enum dx_status prescan(dx_session *session, reception *file, struct dx_error *why)
{
    const dx_limits *limits = &session->params->limits;
    dx_scan *scan = &file->object.scan;
    char digest[DX_DIGEST_MAX], syntax[DX_UID_MAX];

    dx_sha256_take(file->sha, digest);
    file->sha = nullptr;
    if (digest[0] == '\0')
        return dx_fail(why, DX_NO_MEMORY, "SHA-256 failed");
    enum dx_status status = dx_prescan_digested(file->fd, digest, limits, syntax, scan, why);
    if (status == DX_OK && scan->dataset_offset != file->dataset_offset)
        status = dx_prescan_file(file->fd, limits, syntax, scan, why);
    return status;
}

/* What becomes of a complete file: 0 when the handler may decide. */
uint16_t judge(dx_session *session, const dx_command *request, reception *file,
               struct dx_error *why)
{
    dx_scan *scan = &file->object.scan;

    if (file->no_room) {
        (void)dx_fail(why, DX_NO_SPACE, NO_ROOM);
        return DX_STORE_OUT_OF_RESOURCES;
    }
    if (file->error != 0) {
        bool is_full = file->error == ENOSPC || file->error == EDQUOT || file->error == EFBIG;
        (void)dx_fail(why, is_full ? DX_NO_SPACE : DX_IO, "cannot write the object: %s",
                      strerror(file->error));
        return DX_STORE_OUT_OF_RESOURCES;
    }
    if (check_identity(request, why) != DX_OK)
        return DX_STORE_CANNOT_UNDERSTAND;
    enum dx_status status = prescan(session, file, why);
    if (status == DX_IO || status == DX_NO_MEMORY)
        return DX_STORE_OUT_OF_RESOURCES;
    if (status != DX_OK)
        return DX_STORE_CANNOT_UNDERSTAND;

    /* Real objects lack these attributes now and then: then the command's count. */
    if (scan->sop_class[0] == '\0')
        (void)snprintf(scan->sop_class, sizeof scan->sop_class, "%s", request->sop_class);
    if (scan->sop_instance[0] == '\0')
        (void)snprintf(scan->sop_instance, sizeof scan->sop_instance, "%s", request->sop_instance);
    if (!dx_uid_is_valid(scan->sop_class)) { /* no report could refer to it */
        (void)dx_fail(why, DX_MALFORMED, "the dataset's SOP Class UID is not a UID");
        return DX_STORE_NOT_OF_CLASS;
    }
    if (strcmp(scan->sop_instance, request->sop_instance) != 0) {
        (void)dx_fail(why, DX_MALFORMED, "the dataset's SOP Instance UID is not the command's");
        return DX_STORE_NOT_OF_CLASS;
    }
    dx_make_printable(scan->study);
    dx_make_printable(scan->series);
    return 0;
}

/* The association goes on, the dataset is dropped. */
enum dx_status drain(dx_session *session, uint8_t context, const dx_command *request,
                     uint16_t status, const char *comment, struct dx_error *err)
{
    uint64_t received;
    enum dx_status result =
        dx_wire_receive_dataset(&session->wire, context, session->params->limits.dataset_bytes,
                                drop_bytes, nullptr, &received, err);
    session->summary->refused++;
    if (result != DX_OK)
        return result;
    return dx_answer(session, context, request, status, comment, err);
}

void describe(reception *file, const dx_command *request, const char *syntax)
{
    struct stat info;

    file->object.path = file->path;
    file->object.fd = file->fd;
    (void)snprintf(file->object.transfer_syntax, DX_UID_MAX, "%s", syntax);
    (void)snprintf(file->object.command_sop_class, DX_UID_MAX, "%s", request->sop_class);
    (void)snprintf(file->object.command_sop_instance, DX_UID_MAX, "%s", request->sop_instance);
    if (fstat(file->fd, &info) == 0)
        file->object.bytes = static_cast<uint64_t>(info.st_size);
}

void refuse(dx_session *session, reception *file, uint16_t status, const struct dx_error *why)
{
    session->summary->refused++;
    session->handler->refuse(session->handler->context, &file->object, status, why);
}

/* The file is complete, or as complete as it will be: judge it and answer. */
enum dx_status conclude(dx_session *session, uint8_t context, const dx_command *request,
                        reception *file, bool is_too_long, struct dx_error *err)
{
    char comment[65] = "";
    struct dx_error why = {};
    uint16_t status;

    if (is_too_long) {
        (void)dx_fail(&why, DX_LIMIT, "limit datasetBytes: more than %llu bytes",
                      static_cast<unsigned long long>(session->params->limits.dataset_bytes));
        status = DX_STORE_CANNOT_UNDERSTAND;
    } else {
        status = judge(session, request, file, &why);
    }
    if (status != 0) {
        refuse(session, file, status, &why);
        (void)snprintf(comment, sizeof comment, "%.64s", why.text);
    } else {
        const dx_scp_handler *handler = session->handler;
        status = handler->store(handler->context, &file->object, comment);
        comment[64] = '\0';
        if (status == 0 || (status & 0xf000) == 0xb000)
            session->summary->stored++;
        else
            session->summary->refused++;
    }
    return dx_answer(session, context, request, status, comment, err);
}

enum dx_status receive(dx_session *session, uint8_t context, const dx_command *request,
                       const char *syntax, reception *file, struct dx_error *err)
{
    uint8_t header[DX_PART10_MAX];
    uint64_t received;
    uint64_t limit = session->params->limits.dataset_bytes;

    size_t count = dx_part10_header(request, syntax, session->summary->peer.calling, header);
    file->dataset_offset = count;
    file->sha = dx_sha256_create();
    if (file->sha == nullptr)
        file->error = ENOMEM;
    else
        (void)write_all(file, header, count);
    enum dx_status status =
        dx_wire_receive_dataset(&session->wire, context, limit,
                                file->error == 0 ? take_bytes : drop_bytes, file, &received, err);
    describe(file, request, syntax);
    if (status != DX_OK) {
        refuse(session, file, 0, err);
        return status;
    }
    return conclude(session, context, request, file, received > limit, err);
}

} // namespace

enum dx_status dx_serve_store(dx_session *session, uint8_t context, const dx_command *request,
                              struct dx_error *err)
{
    T_ASC_PresentationContext accepted = {};
    const dx_scp_handler *handler = session->handler;

    OFCondition condition =
        ASC_findAcceptedPresentationContext(session->wire.association->params, context, &accepted);
    if (condition.bad())
        return dx_fail(err, DX_MALFORMED, "a message in a context that was not accepted");
    if (request->dataset_type == DX_NO_DATASET) {
        session->summary->refused++;
        return dx_answer(session, context, request, DX_STORE_CANNOT_UNDERSTAND, "no dataset", err);
    }
    if (strcmp(accepted.abstractSyntax, UID_VerificationSOPClass) == 0)
        return drain(session, context, request, DX_STORE_CLASS_NOT_SUPPORTED,
                     "C-STORE in a Verification context", err);

    reception file = {};
    file.handler = handler;
    file.fd = handler->create(handler->context, file.path, sizeof file.path);
    if (file.fd < 0)
        return drain(session, context, request, DX_STORE_OUT_OF_RESOURCES,
                     errno == ENOSPC ? NO_ROOM : "no space for the object", err);
    enum dx_status status =
        receive(session, context, request, accepted.acceptedTransferSyntax, &file, err);
    dx_sha256_destroy(file.sha);
    close(file.fd);
    return status;
}
