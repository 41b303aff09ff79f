/* The zygote itself: forks a child for each object, and tells how it ended (zygote.c). */
#include "zygote_side.h"
#include "confine.h"
#include "log.h"
#include "node.h"
#include "pass.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

_Noreturn static void be_child(const int fds[DESCRIPTORS], const struct object_limits *limits)
{
    int moved[DESCRIPTORS];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < DESCRIPTORS; i++)
        moved[i] = fcntl(fds[i], F_DUPFD, 16);
    for (int i = 0; i < DESCRIPTORS; i++)
        if (moved[i] < 0 || dup2(moved[i], 3 + i) < 0)
            _exit(EX_OSERR);
    if (close_range(3 + DESCRIPTORS, ~0u, 0) != 0)
        _exit(EX_OSERR);
    crash_point("object-begun");
    _exit(object_run(3, 4, 5, limits));
}

static void make_child(int socket, const int fds[DESCRIPTORS], const struct object_limits *limits)
{
    struct made made = {0};
    int status = 0, child = -1;
    struct rusage use = {0};
    object_count_child();
    pid_t pid = fork();
    if (pid == 0)
        be_child(fds, limits);

    for (int i = 0; i < DESCRIPTORS; i++)
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
    (void)pass_send(socket, &made, sizeof made, &child, child >= 0, 0);
    if (child >= 0)
        close(child);
    if (pid > 0) {
        while (wait4(pid, &status, 0, &use) < 0 && errno == EINTR)
            ;
        struct ended ended = {status, (int32_t)use.ru_maxrss};
        if (made.error == 0)
            (void)pass_send(socket, &ended, sizeof ended, NULL, 0, 0);
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

_Noreturn void zygote_live(int socket, pid_t owner)
{
    struct object_limits limits;
    int fds[DESCRIPTORS];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "zygote");
    if (getppid() != owner)
        _exit(0);
    signal(SIGCHLD, SIG_DFL);
    log_leave();
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
    while (pass_receive(3, &limits, sizeof limits, fds, DESCRIPTORS, 0)) {
        crash_point("zygote-asked");
        make_child(3, fds, &limits);
    }
    _exit(0);
}
