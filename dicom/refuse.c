/* The answer when there is no room: A-ASSOCIATE-RJ without DCMTK, without memory, within a second.
 */
#include "bytes.h"
#include "dx_scp.h"
#include "words.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX (1u << 20) /* bytes of an A-ASSOCIATE-RQ that are waited for */

static int milliseconds_left(const struct timespec *begin)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t passed = ((int64_t)now.tv_sec - begin->tv_sec) * 1000 +
                     ((int64_t)now.tv_nsec - begin->tv_nsec) / 1000000;
    return passed >= 1000 ? 0 : (int)(1000 - passed);
}

/* Reads until count bytes came; 0 when they did not within the second. */
static int receive(int fd, uint8_t *bytes, size_t count, const struct timespec *begin)
{
    while (count > 0) {
        struct pollfd wait = {.fd = fd, .events = POLLIN, .revents = 0};
        int left = milliseconds_left(begin);
        if (left == 0 || poll(&wait, 1, left) <= 0)
            return 0;
        ssize_t got = recv(fd, bytes, count, MSG_DONTWAIT);
        if (got <= 0)
            return 0;
        bytes += got;
        count -= (size_t)got;
    }
    return 1;
}

/* Reads the rest of a request, up to its length and ours. */
static void drain(int fd, uint32_t length, const struct timespec *begin)
{
    uint8_t rest[4096];
    int whole = length <= REQUEST_MAX;
    while (whole && length > 0) {
        size_t part = length < sizeof rest ? length : sizeof rest;
        whole = receive(fd, rest, part, begin);
        length -= (uint32_t)part;
    }
}

/* Sent even when the request was not whole: the peer learns why. The peer closes first; unread
 * bytes would turn our close into a reset. */
static void answer(int fd, const uint8_t bytes[10], const struct timespec *begin)
{
    uint8_t rest[4096];
    (void)send(fd, bytes, 10, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(fd, SHUT_WR);
    (void)receive(fd, rest, sizeof rest, begin);
}

/* PS3.8 9.3.4: result 2 transient, source 3 presentation provider, reason 2 local limit. */
static const uint8_t reject[10] = {0x03, 0, 0, 0, 0, 4, 0, 2, 3, 2};

void dx_scp_refuse_now(int fd)
{
    uint8_t request[4096]; /* unread, it would turn the close into a reset */
    (void)recv(fd, request, sizeof request, MSG_DONTWAIT);
    (void)send(fd, reject, sizeof reject, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(fd, SHUT_WR);
}

void dx_scp_refuse(int fd)
{
    uint8_t head[6];
    struct timespec begin;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    if (receive(fd, head, sizeof head, &begin) && head[0] == 0x01) {
        drain(fd, dx_be32(head + 2), &begin);
        answer(fd, reject, &begin);
    }
    close(fd);
}

/* Result 1 permanent, source 2 ACSE provider, reason 1 none given: the Standard has none for it. */
static const uint8_t reject_plain[10] = {0x03, 0, 0, 0, 0, 4, 0, 1, 2, 1};

static void take_title(char to[DX_AE_MAX], const uint8_t from[16])
{
    size_t begin = 0, end = 16;
    while (begin < end && from[begin] == ' ')
        begin++;
    while (end > begin && (from[end - 1] == ' ' || from[end - 1] == '\0'))
        end--;
    memcpy(to, from + begin, end - begin);
    to[end - begin] = '\0';
    dx_make_printable(to);
}

void dx_scp_refuse_plain(int fd, struct dx_peer *peer)
{
    uint8_t head[6], fixed[68]; /* PS3.8 table 9-11: to the end of the titles and what follows */
    struct timespec begin;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    if (!receive(fd, head, sizeof head, &begin) || head[0] != 0x01)
        return;
    uint32_t length = dx_be32(head + 2);
    if (length >= sizeof fixed && receive(fd, fixed, sizeof fixed, &begin)) {
        take_title(peer->called, fixed + 4);
        take_title(peer->calling, fixed + 20);
        drain(fd, length - (uint32_t)sizeof fixed, &begin);
    }
    answer(fd, reject_plain, &begin);
}
