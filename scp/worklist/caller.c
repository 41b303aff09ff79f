#include "caller.h"

#include "clock.h"
#include "dx_tls_drive.h"
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

static bool wait_for(int fd, short events, int64_t until)
{
    struct pollfd wait = {.fd = fd, .events = events};
    int64_t left = until - clock_monotonic_ms();
    return left > 0 && (poll(&wait, 1, (int)left) > 0 || errno == EINTR);
}

/* Until TLS can go on; false: it will not. */
static bool wait_on(const struct caller *caller, enum dx_tls_step step, int64_t until)
{
    if (step != DX_TLS_WANTS_READ && step != DX_TLS_WANTS_WRITE)
        return false;
    return wait_for(caller->fd, step == DX_TLS_WANTS_READ ? POLLIN : POLLOUT, until);
}

bool caller_open(struct caller *caller, int64_t until, struct dx_error *err)
{
    enum dx_tls_step step;
    if (caller->tls == NULL)
        return true;
    dx_tls_attach(caller->tls, caller->fd);
    while ((step = dx_tls_handshake(caller->tls, true, err)) != DX_TLS_DONE) {
        if (clock_monotonic_ms() >= until)
            return dx_fail(err, DX_TIMEOUT, "no TLS handshake in time") == DX_OK;
        if (step != DX_TLS_WANTS_READ && step != DX_TLS_WANTS_WRITE) {
            if (step == DX_TLS_ENDED)
                (void)dx_fail(err, DX_TLS, "it closed within the TLS handshake");
            return false;
        }
        (void)wait_on(caller, step, until);
    }
    return true;
}

ssize_t caller_read(struct caller *caller, char *bytes, size_t most)
{
    if (caller->tls == NULL) {
        ssize_t n = recv(caller->fd, bytes, most, MSG_DONTWAIT);
        return n > 0                               ? n
               : n == 0                            ? CALLER_ENDED
               : errno == EAGAIN || errno == EINTR ? 0
                                                   : CALLER_BROKEN;
    }
    struct dx_error err;
    size_t got = 0;
    switch (dx_tls_read(caller->tls, bytes, most, &got, &err)) {
    case DX_TLS_DONE:
        return (ssize_t)got;
    case DX_TLS_WANTS_READ:
    case DX_TLS_WANTS_WRITE:
        return 0;
    case DX_TLS_ENDED:
        return CALLER_ENDED;
    default:
        return CALLER_BROKEN;
    }
}

bool caller_has_pending(const struct caller *caller)
{
    return caller->tls != NULL && dx_tls_has_pending(caller->tls);
}

/* Some of it; 0: again; -1: over. */
static ssize_t send_some(struct caller *caller, const char *bytes, size_t count, int64_t until)
{
    if (caller->tls == NULL) {
        ssize_t n = send(caller->fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0)
            return n;
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            return -1;
        return wait_for(caller->fd, POLLOUT, until) ? 0 : -1;
    }
    struct dx_error err;
    size_t put = 0;
    enum dx_tls_step step = dx_tls_write(caller->tls, bytes, count, false, &put, &err);
    if (step == DX_TLS_DONE)
        return (ssize_t)put;
    return wait_on(caller, step, until) ? 0 : -1;
}

bool caller_send(struct caller *caller, const char *bytes, size_t count, int64_t until)
{
    while (count > 0) {
        ssize_t n = send_some(caller, bytes, count, until);
        if (n < 0)
            return false;
        bytes += n;
        count -= (size_t)n;
    }
    return true;
}

void caller_say_end(struct caller *caller)
{
    if (caller->tls != NULL)
        dx_tls_end(caller->tls);
}
