#include "wire.hh"

#include "dx_dataset.h"

#include "dcmtk/dcmnet/cond.h"
#include "dcmtk/dcmnet/dul.h"

#include <cerrno>
#include <cstring>
#include <unistd.h>
#include <vector>

/* Why the upper layer ended: our own transport's reason goes before DCMTK's. */
static enum dx_status ended(dx_wire *wire, const OFCondition &condition, struct dx_error *err)
{
    if (wire->state.failure.status != DX_OK) {
        *err = wire->state.failure;
        return err->status;
    }
    if (condition == DUL_PEERREQUESTEDRELEASE) {
        wire->is_released = true;
        return dx_fail(err, DX_ABORTED, "the peer released the association");
    }
    if (condition == DUL_PEERABORTEDASSOCIATION)
        return dx_fail(err, DX_ABORTED, "the peer aborted the association");
    if (condition == DUL_NETWORKCLOSED)
        return dx_fail(err, DX_ABORTED, "the peer closed the connection");
    return dx_fail_condition(err, DX_ABORTED, "association ended", condition);
}

static enum dx_status next_pdv(dx_wire *wire, DUL_PDV *pdv, struct dx_error *err)
{
    DUL_ASSOCIATIONKEY **key = &wire->association->DULassociation;

    OFCondition condition = DUL_NextPDV(key, pdv);
    while (condition.bad()) {
        condition = DUL_ReadPDVs(key, nullptr, DUL_BLOCK, 0);
        if (condition != DUL_PDATAPDUARRIVED)
            return ended(wire, condition, err);
        condition = DUL_NextPDV(key, pdv);
    }
    return DX_OK;
}

enum dx_status dx_wire_receive_command(dx_wire *wire, uint8_t *context, dx_command *command,
                                       struct dx_error *err)
{
    size_t count = 0;
    bool is_first = true, is_last = false;

    while (!is_last) {
        DUL_PDV pdv;
        enum dx_status status = next_pdv(wire, &pdv, err);
        if (status != DX_OK)
            return status;
        if (pdv.pdvType != DUL_COMMANDPDV)
            return dx_fail(err, DX_MALFORMED, "a dataset came where a command was due");
        if (is_first)
            *context = pdv.presentationContextID;
        else if (*context != pdv.presentationContextID)
            return dx_fail(err, DX_MALFORMED, "a command in two presentation contexts");
        if (pdv.fragmentLength > wire->command_limit - count)
            return dx_fail(err, DX_LIMIT, "limit commandBytes: a command of more than %u bytes",
                           wire->command_limit);
        memcpy(wire->command + count, pdv.data, pdv.fragmentLength);
        count += pdv.fragmentLength;
        is_first = false;
        is_last = pdv.lastPDV;
    }

    enum dx_status status = dx_check_command(wire->command, count, err);
    if (status == DX_OK)
        dx_command_parse(wire->command, count, command);
    return status;
}

enum dx_status dx_wire_receive_dataset(dx_wire *wire, uint8_t context, uint64_t limit,
                                       dx_wire_sink take, void *sink, uint64_t *received,
                                       struct dx_error *err)
{
    bool is_taking = true, is_last = false;
    enum dx_status status = DX_OK;

    *received = 0;
    dx_transport_begin_dataset(&wire->state);
    while (!is_last) {
        DUL_PDV pdv;
        status = next_pdv(wire, &pdv, err);
        if (status != DX_OK)
            break;
        if (pdv.pdvType != DUL_DATASETPDV || pdv.presentationContextID != context) {
            status = dx_fail(err, DX_MALFORMED, "a foreign fragment within a dataset");
            break;
        }
        *received += pdv.fragmentLength;
        if (*received > limit)
            is_taking = false;
        if (*received / 2 > limit) {
            status = dx_fail(err, DX_LIMIT, "limit datasetBytes: twice more than %llu bytes",
                             static_cast<unsigned long long>(limit));
            break;
        }
        if (is_taking && pdv.fragmentLength > 0)
            is_taking = take(sink, pdv.data, pdv.fragmentLength);
        is_last = pdv.lastPDV;
    }
    dx_transport_end_dataset(&wire->state);
    return status;
}

static bool collect(void *sink, const void *bytes, size_t count)
{
    std::vector<uint8_t> *to = static_cast<std::vector<uint8_t> *>(sink);
    const uint8_t *begin = static_cast<const uint8_t *>(bytes);
    to->insert(to->end(), begin, begin + count);
    return true;
}

enum dx_status dx_wire_receive_bytes(dx_wire *wire, uint8_t context, std::vector<uint8_t> *bytes,
                                     struct dx_error *err)
{
    uint64_t received = 0;
    bytes->clear();
    enum dx_status status =
        dx_wire_receive_dataset(wire, context, DX_DATASET_MAX, collect, bytes, &received, err);
    if (status == DX_OK && received > DX_DATASET_MAX)
        return dx_fail(err, DX_INVALID, "a dataset of more than %u bytes", DX_DATASET_MAX);
    return status;
}

static enum dx_status send_pdv(dx_wire *wire, uint8_t context, DUL_DATAPDV type, void *bytes,
                               size_t count, bool is_last, struct dx_error *err)
{
    DUL_PDV pdv = {};
    DUL_PDVLIST list = {};

    pdv.fragmentLength = count;
    pdv.presentationContextID = context;
    pdv.pdvType = type;
    pdv.lastPDV = is_last;
    pdv.data = bytes;
    list.count = 1;
    list.pdv = &pdv;
    OFCondition condition = DUL_WritePDVs(&wire->association->DULassociation, &list);
    return condition.good() ? DX_OK : ended(wire, condition, err);
}

enum dx_status dx_wire_send_command(dx_wire *wire, uint8_t context, const dx_command *command,
                                    struct dx_error *err)
{
    uint8_t bytes[DX_COMMAND_TEXT];
    size_t count = dx_command_write(command, bytes);
    return send_pdv(wire, context, DUL_COMMANDPDV, bytes, count, true, err);
}

/* Fills the buffer from fd; a short count means the end. */
static enum dx_status read_chunk(int fd, std::vector<uint8_t> &buffer, size_t *count,
                                 struct dx_error *err)
{
    *count = 0;
    while (*count < buffer.size()) {
        ssize_t got = read(fd, buffer.data() + *count, buffer.size() - *count);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return dx_fail(err, DX_IO, "cannot read the dataset: %s", strerror(errno));
        if (got == 0)
            break;
        *count += static_cast<size_t>(got);
    }
    return DX_OK;
}

enum dx_status dx_wire_send_file(dx_wire *wire, uint8_t context, int fd, struct dx_error *err)
{
    /* Two chunks, because the last one must be marked (PS3.8 annex E.2). A fragment is even. */
    size_t room = wire->association->sendPDVLength & ~static_cast<size_t>(1);
    std::vector<uint8_t> now(room), next(room);
    size_t now_count = 0, next_count = 0;

    enum dx_status status = read_chunk(fd, now, &now_count, err);
    if (status == DX_OK && now_count == 0)
        return dx_fail(err, DX_MALFORMED, "the dataset is empty");
    while (status == DX_OK && now_count > 0) {
        status = read_chunk(fd, next, &next_count, err);
        if (status == DX_OK)
            status = send_pdv(wire, context, DUL_DATASETPDV, now.data(), now_count, next_count == 0,
                              err);
        now.swap(next);
        now_count = next_count;
    }
    return status;
}

enum dx_status dx_wire_send_bytes(dx_wire *wire, uint8_t context, const uint8_t *bytes,
                                  size_t count, struct dx_error *err)
{
    size_t room = wire->association->sendPDVLength & ~static_cast<size_t>(1);
    enum dx_status status = DX_OK;
    for (size_t at = 0; status == DX_OK && at < count;) {
        size_t some = count - at < room ? count - at : room;
        status = send_pdv(wire, context, DUL_DATASETPDV, const_cast<uint8_t *>(bytes + at), some,
                          at + some == count, err);
        at += some;
    }
    return status;
}

void dx_wire_finish(dx_wire *wire)
{
    if (wire->association != nullptr) {
        (void)ASC_dropAssociation(wire->association);
        (void)ASC_destroyAssociation(&wire->association);
    }
    if (wire->network != nullptr)
        (void)ASC_dropNetwork(&wire->network);
    wire->association = nullptr;
    wire->network = nullptr;
}
