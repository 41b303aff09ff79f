/* scu.hh: what the parts of the SCU share: one association that we asked for. */
#ifndef DX_SCU_HH
#define DX_SCU_HH

#include "wire.hh"

#include "dx_scu.h"

#include <string>

struct dx_scu {
    dx_scu_params params = {};
    std::string peer; /* "host:port (AE)" for errors */
    dx_wire wire;
    DxTransportLayer layer;
    uint16_t message_id = 0;
    bool is_broken = false;

    dx_scu() : layer(&wire.state)
    {
    }
    ~dx_scu()
    {
        dx_tls_close(wire.state.tls);
    }
};

/* An error gets the peer's name, and the association is of no more use. */
DX_MUST_USE enum dx_status dx_scu_with_peer(dx_scu *scu, enum dx_status status,
                                            struct dx_error *err);
/* Receives the answer to our last request, which brings no dataset. */
DX_MUST_USE enum dx_status dx_scu_answer(dx_scu *scu, uint16_t field, dx_command *answer,
                                         struct dx_error *err);
/* The context that takes this SOP class, in this transfer syntax if it can be; an uncompressed one
 * may be another uncompressed one. 0: none. */
uint8_t dx_scu_context_of(dx_scu *scu, const char *sop_class, const char *syntax,
                          std::string *accepted);

#endif
