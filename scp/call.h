/* call.h: the one place where an association to a configured peer begins, plain or over TLS. */
#ifndef CALL_H
#define CALL_H

#include "conf.h"
#include "dx_scu.h"

/* Titles, address and time-outs of a call from this node to `peer`, without TLS. Its host is the
 * peer's own text: params must not outlive conf. */
void call_params(const struct conf *conf, const struct conf_peer *peer,
                 struct dx_scu_params *params);
/* dx_scu_open; where the peer has TLS the files of <tls> are read anew for each call. err says what
 * to configure where TLS is what is wrong; DX_TLS also when our own files cannot be used, before
 * anything was sent. Not DX_OK: *scu is NULL. */
DX_MUST_USE enum dx_status call_open(const struct conf *conf, const struct conf_peer *peer,
                                     const struct dx_scu_params *params,
                                     const struct dx_scu_context *contexts, size_t count,
                                     struct dx_scu **scu, struct dx_error *err);

#endif
