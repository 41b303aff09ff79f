/* transport.hh: the socket below DCMTK's upper layer, with deadlines and ceilings of our own.
 *
 * DCMTK reads PDUs through read(): this connection follows the PDU boundaries, refuses a PDU longer
 * than its type may be before DCMTK allocates for it, and gives every wait a monotonic deadline:
 *   between PDUs   idle_seconds from the last byte
 *   within a PDU   pdu_seconds from its first byte
 *   in a dataset   also minimum_rate bytes a second over windows of rate_seconds, and all of it in
 *                  dataset_seconds
 *   in all         association_seconds; a dataset that has begun may end
 * On a violation the peer gets A-ABORT, read fails, and failure() says why.
 *
 * Over TLS (state.tls) the same holds of what is inside; the handshake is done where DCMTK has its
 * own, within idle_seconds in all. What speaks plain DICOM where TLS is due, and the reverse, is
 * recognised by its first byte: DX_MIXUP. */
#ifndef DX_TRANSPORT_HH
#define DX_TRANSPORT_HH

#include "dx_tls_drive.h"
#include "shim.hh"

#include "dcmtk/dcmnet/dcmlayer.h"
#include "dcmtk/dcmnet/dcmtrans.h"
#include "dx_scp.h"

#include <cstdint>

struct dx_transport_limits {
    int idle_seconds, pdu_seconds, rate_seconds;
    uint32_t max_pdu;
    uint32_t minimum_rate;
    int association_seconds, dataset_seconds; /* 0: no limit */
    bool is_open;                             /* negotiated: the time-outs have other names */
    bool is_client;                           /* likewise */
};

/* What the association's owner shares with its connection, which DCMTK owns and may delete. */
struct dx_transport_state {
    dx_transport_limits limits;
    dx_error failure;    /* status DX_OK: none */
    bool has_connection; /* DCMTK owns the socket now */
    bool is_dataset;     /* the minimum rate applies */
    dx_tls *tls;         /* the owner's; nullptr: none */
    dx_peer *caller; /* the owner's, of a server: gets the titles of who calls in plain on TLS */
    int64_t association_begin, dataset_begin, window_begin;
    uint64_t window_bytes;
};

void dx_transport_begin_dataset(dx_transport_state *state);
void dx_transport_end_dataset(dx_transport_state *state);

class DxTransportLayer : public DcmTransportLayer
{
  public:
    explicit DxTransportLayer(dx_transport_state *state) : state_(state)
    {
    }
    DcmTransportConnection *createConnection(DcmNativeSocketType socket, OFBool secure) override;

  private:
    dx_transport_state *state_;
};

#endif
