/* dx_tls_drive.h: one TLS connection as whoever has its socket drives it (dcmtk/transport.cc;
 * callers of HL7): nothing here waits. */
#ifndef DX_TLS_DRIVE_H
#define DX_TLS_DRIVE_H

#include "dx_tls.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum dx_tls_step {
    DX_TLS_DONE,
    DX_TLS_WANTS_READ, /* call again when the socket can be read, or written */
    DX_TLS_WANTS_WRITE,
    DX_TLS_ENDED, /* the peer closed */
    DX_TLS_FAILED /* err says why, in words for an administrator */
};

/* Before anything else; the descriptor stays the caller's, and open as long as it is driven;
 * whether it blocks does not matter. */
void dx_tls_attach(struct dx_tls *tls, int fd);
/* may_read false: only what is to be sent. When it is over our private key is gone. */
enum dx_tls_step dx_tls_handshake(struct dx_tls *tls, bool may_read, struct dx_error *err);
/* *got and *put: 0 but with DX_TLS_DONE. err is filled with DX_TLS_FAILED alone. */
enum dx_tls_step dx_tls_read(struct dx_tls *tls, void *bytes, size_t count, size_t *got,
                             struct dx_error *err);
/* more: what follows at once may share its segment. */
enum dx_tls_step dx_tls_write(struct dx_tls *tls, const void *bytes, size_t count, bool more,
                              size_t *put, struct dx_error *err);
bool dx_tls_has_pending(const struct dx_tls *tls);
void dx_tls_end(struct dx_tls *tls); /* says goodbye, if it can at once */

#ifdef __cplusplus
}
#endif
#endif
