/* What every role uses: paths below the spool, wake-ups, the stop flag. */
#include "node.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

volatile sig_atomic_t node_stopping, node_leaving;

static void stop(int signal)
{
    (void)signal;
    node_stopping = 1;
}

static void leave(int signal)
{
    (void)signal;
    node_leaving = 1;
}

void node_child(const char *title, pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    (void)prctl(PR_SET_NAME, title);

    struct sigaction action = {.sa_handler = stop};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGTERM, &action, NULL);
    action.sa_handler = leave;
    (void)sigaction(SIGUSR1, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_DFL;
    (void)sigaction(SIGCHLD, &action, NULL);

    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void node_wake(int eventfd)
{
    uint64_t one = 1;
    ssize_t n = write(eventfd, &one, sizeof one);
    (void)n; /* EAGAIN: it is awake already; slow polling covers the rest */
}

void node_drain(int eventfd)
{
    uint64_t count;
    ssize_t n = read(eventfd, &count, sizeof count);
    (void)n;
}

void node_path(const struct conf *conf, char *path, size_t size, const char *format, ...)
{
    int head = snprintf(path, size, "%s/", conf->spool);
    if (head < 0 || (size_t)head >= size) {
        if (size > 0)
            path[0] = '\0'; /* no file has the empty name: whoever opens it is told */
        return;
    }

    va_list args;
    va_start(args, format);
    int tail = vsnprintf(path + head, size - (size_t)head, format, args);
    va_end(args);
    if (tail < 0 || (size_t)tail >= size - (size_t)head)
        path[0] = '\0';
}
