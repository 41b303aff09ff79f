/* wire.hh: DIMSE messages over DCMTK's upper layer (PS3.7 annex F): commands and datasets as PDVs.
 *
 * DCMTK negotiates and keeps the state machine of PS3.8. Its dimse layer is not used: it parses
 * commands with dcmdata, and refuses transfer syntaxes that its release doesn't know. */
#ifndef DX_WIRE_HH
#define DX_WIRE_HH

#include "transport.hh"

#include "dcmtk/dcmnet/assoc.h"

#include "command.h"

#include <vector>

struct dx_wire {
    T_ASC_Network *network = nullptr;
    T_ASC_Association *association = nullptr;
    dx_transport_state state = {};
    bool is_released = false; /* the peer asked for release */
    uint32_t command_limit = DX_COMMAND_MAX;
    uint8_t command[DX_COMMAND_MAX]; /* the command that is being received */
};

/* Receives a whole command. DX_ABORTED with is_released set: a polite end. */
DX_MUST_USE enum dx_status dx_wire_receive_command(dx_wire *wire, uint8_t *context,
                                                   dx_command *command, struct dx_error *err);

/* A dataset's bytes, in order; false stops taking them (the rest is drained). */
typedef bool (*dx_wire_sink)(void *sink, const void *bytes, size_t count);
/* Receives a whole dataset of at most limit bytes; the rest of a longer one is drained up to the
 * same amount again, then DX_LIMIT. *received counts all bytes. */
DX_MUST_USE enum dx_status dx_wire_receive_dataset(dx_wire *wire, uint8_t context, uint64_t limit,
                                                   dx_wire_sink take, void *sink,
                                                   uint64_t *received, struct dx_error *err);

/* A small one (dx_dataset.h), whole. DX_INVALID: of more than DX_DATASET_MAX bytes, taken and
 * dropped, so that the association can go on. */
DX_MUST_USE enum dx_status dx_wire_receive_bytes(dx_wire *wire, uint8_t context,
                                                 std::vector<uint8_t> *bytes, struct dx_error *err);

DX_MUST_USE enum dx_status dx_wire_send_command(dx_wire *wire, uint8_t context,
                                                const dx_command *command, struct dx_error *err);
/* Sends the bytes of fd from its position to its end as a dataset. */
DX_MUST_USE enum dx_status dx_wire_send_file(dx_wire *wire, uint8_t context, int fd,
                                             struct dx_error *err);

/* A small dataset. */
DX_MUST_USE enum dx_status dx_wire_send_bytes(dx_wire *wire, uint8_t context, const uint8_t *bytes,
                                              size_t count, struct dx_error *err);

/* Frees association and network; the socket is closed. */
void dx_wire_finish(dx_wire *wire);

/* Finishes the wire on every way out; the layer must live longer. */
class dx_wire_closer
{
  public:
    explicit dx_wire_closer(dx_wire *wire) : wire_(wire)
    {
    }
    ~dx_wire_closer()
    {
        if (wire_ != nullptr)
            dx_wire_finish(wire_);
    }
    void release()
    {
        wire_ = nullptr;
    }
    dx_wire_closer(const dx_wire_closer &) = delete;
    dx_wire_closer &operator=(const dx_wire_closer &) = delete;

  private:
    dx_wire *wire_;
};

#endif
