/* scu.hh: what the parts of the SCU share: one association that we asked for. */
#ifndef DX_SCU_HH
#define DX_SCU_HH

#include "wire.hh"

#include "dx_scu.h"

#include <string>
#include <vector>

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
/* Sends a request with a dataset of at least one element; its message_id and dataset_type are
 * filled in. */
DX_MUST_USE enum dx_status dx_scu_ask(dx_scu *scu, uint8_t context, dx_command *request,
                                      const struct dx_writing *dataset, struct dx_error *err);
/* The context in which the peer takes this SOP class in implicit little endian; DX_NO_CONTEXT. */
DX_MUST_USE enum dx_status dx_scu_implicit_context(dx_scu *scu, const char *sop_class,
                                                   uint8_t *context, struct dx_error *err);
/* The context that takes this SOP class, in this transfer syntax if it can be; an uncompressed one
 * may be another uncompressed one. 0: none. */
uint8_t dx_scu_context_of(dx_scu *scu, const char *sop_class, const char *syntax,
                          std::string *accepted);

/* C-FIND of any information model: `take` gets each match's bytes, at most DX_DATASET_MAX, and says
 * whether it wants more; the rest is as at dx_scu_find. */
struct dx_finding {
    const char *sop_class;
    const struct dx_writing *identifier;
    size_t most;
    enum dx_status (*take)(const std::vector<uint8_t> &bytes, void *context, bool *goes_on,
                           struct dx_error *err);
    void *context;
};
DX_MUST_USE enum dx_status dx_scu_find_bytes(dx_scu *scu, const struct dx_finding *finding,
                                             uint16_t *dimse_status, struct dx_error *err);

#endif
