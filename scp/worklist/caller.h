/* caller.h: one caller's connection as its hearer has it: TCP, or TLS on it. Deadlines are of
 * clock_monotonic_ms. */
#ifndef CALLER_H
#define CALLER_H

#include "dx_tls.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct caller {
    int fd;
    struct dx_tls *tls; /* NULL: TCP; the caller's own */
};

/* TLS's handshake; at once without TLS. False: err says why. */
bool caller_open(struct caller *caller, int64_t until, struct dx_error *err);
#define CALLER_ENDED  (-1) /* it closed, with or without close_notify */
#define CALLER_BROKEN (-2)
/* Some bytes; 0: nothing now. */
ssize_t caller_read(struct caller *caller, char *bytes, size_t most);
/* Whether bytes are here that poll does not know of. */
bool caller_has_pending(const struct caller *caller);
/* All of it, in order. */
bool caller_send(struct caller *caller, const char *bytes, size_t count, int64_t until);
/* close_notify, if it can be said at once. */
void caller_say_end(struct caller *caller);

#endif
