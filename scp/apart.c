/* Work in a child process. */
#include "apart.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

bool apart_write(int to, const void *bytes, size_t count)
{
    const char *at = bytes;
    while (count > 0) {
        ssize_t n = write(to, at, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        count -= (size_t)n;
    }
    return true;
}

bool apart_read(int from, void *bytes, size_t count)
{
    char *at = bytes;
    while (count > 0) {
        ssize_t n = read(from, at, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        count -= (size_t)n;
    }
    return true;
}

static pid_t begin(bool (*work)(void *context, int to), void *context, const int pipes[2])
{
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    (void)close(pipes[0]);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(1);
    _exit(work(context, pipes[1]) ? 0 : 1);
}

static bool ended_well(pid_t pid, char *why, size_t size)
{
    int status = 0;
    pid_t ended;
    do
        ended = waitpid(pid, &status, 0);
    while (ended < 0 && errno == EINTR);
    if (ended == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (ended == pid && WIFSIGNALED(status))
        (void)snprintf(why, size,
                       "the process that looked at it died (signal %d): no memory, as a rule",
                       WTERMSIG(status));
    else
        (void)snprintf(why, size, "the process that looked at it gave no answer");
    return false;
}

bool apart(bool (*work)(void *context, int to), bool (*take)(void *context, int from),
           void *context, char *why, size_t size)
{
    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC) != 0) {
        (void)snprintf(why, size, "no pipe: %s", strerror(errno));
        return false;
    }
    pid_t pid = begin(work, context, pipes);
    int failed = errno;
    (void)close(pipes[1]);
    bool taken = pid > 0 && take(context, pipes[0]);
    (void)close(pipes[0]);
    if (pid < 0)
        (void)snprintf(why, size, "no process for it: %s", strerror(failed));
    bool good = pid > 0 && ended_well(pid, why, size);
    if (good && !taken)
        (void)snprintf(why, size, "no memory for the answer");
    return good && taken;
}
