/* The association's side of the desk. */
#include "desk.h"

#include "clock.h"
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define ANSWER_MS 10000

static bool receive(int fd, struct desk_answer *answer, void *bytes, size_t room)
{
    struct iovec parts[] = {{.iov_base = answer, .iov_len = sizeof *answer},
                            {.iov_base = bytes, .iov_len = room}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t n = recvmsg(fd, &message, 0);
    return n >= (ssize_t)sizeof *answer && (message.msg_flags & MSG_TRUNC) == 0 &&
           answer->bytes == (size_t)n - sizeof *answer;
}

static bool ask(int fd, const struct desk_request *request, struct desk_answer *answer, void *bytes,
                size_t room)
{
    size_t count = DESK_REQUEST_BYTES(request->said_bytes);
    if (fd < 0 || send(fd, request, count, MSG_NOSIGNAL) != (ssize_t)count)
        return false;
    int64_t until = clock_monotonic_ms() + ANSWER_MS;
    for (;;) {
        int64_t left = until - clock_monotonic_ms();
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int ready = left > 0 ? poll(&wait, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        return ready > 0 && receive(fd, answer, bytes, room);
    }
}

bool desk_ask(int fd, const struct desk_request *request, struct desk_answer *answer, void *bytes,
              size_t room)
{
    if (ask(fd, request, answer, bytes, room))
        return true;
    if (fd >= 0)
        (void)shutdown(fd, SHUT_RDWR); /* an answer that comes late must not be the next one's */
    return false;
}
