/* session.hh: one served association, as its parts see it (negotiation, messages, storage). */
#ifndef DX_SESSION_HH
#define DX_SESSION_HH

#include "wire.hh"

#include "dx_scp.h"

struct dx_session {
    const dx_scp_params *params;
    const dx_scp_handler *handler;
    dx_scp_summary *summary;
    dx_wire wire;
    int offered = -1; /* of Unified Procedure Steps; below 0: not asked yet */
};

/* Accepts and refuses the proposed contexts (negotiate.cc). */
DX_MUST_USE enum dx_status dx_negotiate(dx_session *session, struct dx_error *err);

/* Serves one C-STORE request whose command has been received (store.cc). An error ends the
 * association; an object that is refused with a status does not. */
DX_MUST_USE enum dx_status dx_serve_store(dx_session *session, uint8_t context,
                                          const dx_command *request, struct dx_error *err);

/* Whether a message is of a service of Unified Procedure Steps that is offered here, and its answer
 * (ups_scp.cc). */
bool dx_is_step(dx_session *session, uint8_t context, const dx_command *request);
DX_MUST_USE enum dx_status dx_serve_step(dx_session *session, uint8_t context,
                                         const dx_command *request, struct dx_error *err);
/* Of this SOP class: asks the handler once. */
bool dx_offers_step(dx_session *session, const char *sop_class);

/* Answers a request; comment may be NULL. */
DX_MUST_USE enum dx_status dx_answer(dx_session *session, uint8_t context,
                                     const dx_command *request, uint16_t status,
                                     const char *comment, struct dx_error *err);

#endif
