/* owner                    zygote                     object child
 *   | ASK + 3 descriptors    |                             |
 *   |----------------------->| fork                        |
 *   |        MADE + pidfd    |---------------------------->|
 *   |<-----------------------| waitpid                     |
 *   |<======= the conversation of object.h, directly =====>|
 *   |        ENDED + status  |<------------- death --------|
 *   |<-----------------------|
 *
 * The owner holds a pidfd, so that it can kill a child that outstays its time without a race over
 * process numbers. Pixels are read only when the child is dead: nothing changes under the reader.
 */
#include "confine.h"
#include "node.h"
#include "zygote_private.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* ---- descriptors over a socket ---- */

bool zygote_send(int socket, const void *bytes, size_t count, const int *fds, size_t fd_count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * ZYGOTE_DESCRIPTORS)];
    } control = {0};
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(head), fds, sizeof(int) * fd_count);
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)count;
}

bool zygote_receive(int socket, void *bytes, size_t count, int *fds, size_t fd_count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * ZYGOTE_DESCRIPTORS)];
    } control = {0};
    struct iovec part = {.iov_base = bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got;
    do
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);

    struct cmsghdr *head = got >= 0 ? CMSG_FIRSTHDR(&message) : NULL;
    size_t arrived = 0;
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
        arrived = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        if (fds && arrived == fd_count)
            memcpy(fds, CMSG_DATA(head), sizeof(int) * fd_count);
    }
    return got == (ssize_t)count && arrived == fd_count;
}

/* ---- the zygote's side ---- */

_Noreturn static void be_child(const int fds[ZYGOTE_DESCRIPTORS],
                               const struct object_limits *limits)
{
    int moved[ZYGOTE_DESCRIPTORS];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < ZYGOTE_DESCRIPTORS; i++)
        moved[i] = fcntl(fds[i], F_DUPFD, 16);
    for (int i = 0; i < ZYGOTE_DESCRIPTORS; i++)
        if (moved[i] < 0 || dup2(moved[i], 3 + i) < 0)
            _exit(EX_OSERR);
    if (close_range(3 + ZYGOTE_DESCRIPTORS, ~0u, 0) != 0)
        _exit(EX_OSERR);
    crash_point("object-begun");
    _exit(object_run(3, 4, 5, limits));
}

static void make_child(int socket, const int fds[ZYGOTE_DESCRIPTORS],
                       const struct object_limits *limits)
{
    struct zygote_made made = {0};
    int status = 0, child = -1;
    object_count_child();
    pid_t pid = fork();
    if (pid == 0)
        be_child(fds, limits);

    for (int i = 0; i < ZYGOTE_DESCRIPTORS; i++)
        close(fds[i]);
    made.error = pid < 0 ? errno : 0;
    made.pid = pid;
    if (pid > 0) {
        child = pidfd_open(pid, 0);
        if (child < 0) {
            made.error = errno;
            kill(pid, SIGKILL);
        }
    }
    (void)zygote_send(socket, &made, sizeof made, &child, child >= 0);
    if (child >= 0)
        close(child);
    if (pid > 0) {
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (made.error == 0)
            (void)zygote_send(socket, &status, sizeof status, NULL, 0);
    }
}

/* What libraries read from files at first use, they read now: the children may not. */
static void warm_up(void)
{
    char digest[DX_DIGEST_MAX];
    struct dx_sha256 *sha = dx_sha256_create(); /* OpenSSL: its configuration and providers */
    if (sha)
        dx_sha256_take(sha, digest);
    tzset();
}

_Noreturn static void be_zygote(int socket, pid_t owner)
{
    struct object_limits limits;
    int fds[ZYGOTE_DESCRIPTORS];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "zygote");
    if (getppid() != owner)
        _exit(0);
    signal(SIGCHLD, SIG_DFL);
    warm_up();

    /* Nothing of the owner's stays open: the job store, the log, listeners. */
    int null = open("/dev/null", O_RDWR);
    if (dup2(socket, 3) < 0 || null < 0)
        _exit(EX_OSERR);
    for (int fd = 0; fd < 3; fd++)
        if (null != fd && dup2(null, fd) < 0)
            _exit(EX_OSERR);
    if (close_range(4, ~0u, 0) != 0 || !confine(CONFINE_ZYGOTE, NULL, NULL))
        _exit(EX_OSERR);
    while (zygote_receive(3, &limits, sizeof limits, fds, ZYGOTE_DESCRIPTORS)) {
        crash_point("zygote-asked");
        make_child(3, fds, &limits);
    }
    _exit(0);
}

struct zygote *zygote_start(void)
{
    int ends[2];
    struct zygote *zygote = calloc(1, sizeof *zygote);
    if (!zygote)
        return NULL;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        free(zygote);
        return NULL;
    }
    pid_t owner = getpid();
    zygote->socket = ends[0];
    zygote->pid = fork();
    if (zygote->pid == 0)
        be_zygote(ends[1], owner);
    close(ends[1]);
    zygote->held = zygote->pid > 0 ? pidfd_open(zygote->pid, 0) : -1;
    if (zygote->held < 0) { /* a zygote without an owner ends by itself */
        close(ends[0]);
        free(zygote);
        return NULL;
    }
    return zygote;
}

void zygote_stop(struct zygote *zygote)
{
    if (!zygote)
        return;
    close(zygote->socket);
    pidfd_send_signal(zygote->held, SIGKILL, NULL, 0);
    close(zygote->held);
    while (waitpid(zygote->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    free(zygote);
}
