/* The desk: poll -> take a request -> [desk_perform] -> answer -> poll. A line that breaks the form
 * is closed. The store is opened when it is needed and closed after it broke. */
#include "desk.h"

#include "clock.h"
#include "log.h"
#include "role.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static bool make_room(struct desk *d)
{
    if (d->count < d->room)
        return true;
    size_t room = d->room == 0 ? 64 : d->room * 2;
    struct desk_line *line = reallocarray(d->line, room, sizeof *line);
    if (line == NULL)
        return false;
    d->line = line;
    struct pollfd *polls = reallocarray(d->poll, room + 1, sizeof *polls); /* and control */
    if (polls == NULL)
        return false;
    d->poll = polls;
    d->room = room;
    return true;
}

/* A new association's socket (committer_attach). */
static void take_line(struct desk *d)
{
    char name[24] = "";
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } rights;
    struct iovec data = {.iov_base = name, .iov_len = sizeof name};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = rights.bytes,
                             .msg_controllen = sizeof rights.bytes};
    ssize_t n = recvmsg(d->control, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    const struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (n <= 0) {
        (void)close(d->control);
        d->control = -1;
        return;
    }
    if (header == NULL || header->cmsg_type != SCM_RIGHTS)
        return;
    int fd;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    if (!make_room(d)) {
        (void)close(fd); /* the association's process sees the end, and answers so */
        return;
    }
    struct desk_line *line = &d->line[d->count++];
    *line = (struct desk_line){.fd = fd};
    (void)snprintf(line->association, sizeof line->association, "%.23s", name);
}

/* The sender parses hostile bytes: what it says is cut to size. */
static bool sanitise(struct desk_request *r, size_t bytes)
{
    if (bytes < DESK_REQUEST_BYTES(0) || r->said_bytes > sizeof r->said ||
        bytes != DESK_REQUEST_BYTES(r->said_bytes))
        return false;
    r->calling[sizeof r->calling - 1] = '\0';
    r->called[sizeof r->called - 1] = '\0';
    r->address[sizeof r->address - 1] = '\0';
    r->uid[sizeof r->uid - 1] = '\0';
    r->transaction[sizeof r->transaction - 1] = '\0';
    r->words[sizeof r->words - 1] = '\0';
    if (r->transaction[0] != '\0' && !dx_uid_is_usable(r->transaction))
        return false;
    return (unsigned)r->kind <= DESK_ASKED && r->wanted <= DX_UPS_COMPLETED && r->is_final <= 1;
}

static bool answer(struct desk *d, int fd)
{
    struct iovec parts[] = {{.iov_base = &d->answer, .iov_len = sizeof d->answer},
                            {.iov_base = d->bytes, .iov_len = d->answer.bytes}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    size_t count = sizeof d->answer + d->answer.bytes;
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)count;
}

static void close_line(struct desk_line *line)
{
    (void)close(line->fd);
    line->fd = -1;
}

static void take_request(struct desk *d, struct desk_line *line)
{
    ssize_t n = recv(line->fd, &d->request, sizeof d->request, MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0 || !sanitise(&d->request, (size_t)n)) {
        close_line(line);
        return;
    }
    d->answer = (struct desk_answer){.status = DX_UPS_SUCCESS};
    desk_perform(d, line);
    if (!answer(d, line->fd))
        close_line(line);
}

static void forget_closed(struct desk *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->count; i++)
        if (d->line[i].fd >= 0)
            d->line[kept++] = d->line[i];
    d->count = kept;
}

static void turn(struct desk *d, int timeout)
{
    size_t count = d->count;
    for (size_t i = 0; i < count; i++)
        d->poll[i] = (struct pollfd){.fd = d->line[i].fd, .events = POLLIN};
    d->poll[count] = (struct pollfd){.fd = d->control, .events = POLLIN};
    if (poll(d->poll, count + 1, timeout) <= 0)
        return;
    for (size_t i = 0; i < count; i++)
        if (d->poll[i].revents != 0)
            take_request(d, &d->line[i]);
    if (d->poll[count].revents != 0)
        take_line(d);
    forget_closed(d);
}

int desk_run(const struct node *node, int control)
{
    static struct desk d;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGTERM, &ignore, NULL); /* it ends when receive does */
    d = (struct desk){.node = node, .control = control};
    d.bytes = malloc(DESK_ANSWER_MOST);
    d.list = calloc((size_t)node->conf->list_most + 1, sizeof *d.list);
    if (!make_room(&d) || d.bytes == NULL || d.list == NULL)
        return 1;
    d.audit = desk_audit_create(node->conf);
    while (d.control >= 0 || d.count > 0) {
        turn(&d, desk_audit_wait(d.audit));
        desk_audit_turn(d.audit);
    }
    desk_audit_destroy(d.audit);
    role_close_store(&d.store);
    return 0;
}
