#include "receive_helper.h"

#include "clock.h"
#include "committer.h"
#include "confine.h"
#include "log.h"
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define PAUSE_MS 200 /* before it is started anew */

bool helper_start(struct helper *helper, const struct node *node, void (*close_rest)(void *context),
                  void *context)
{
    int pair[2];
    pid_t parent = getpid();
    helper->start_at = clock_monotonic_ms() + PAUSE_MS;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        node_child(helper->title, parent);
        (void)signal(SIGTERM, SIG_IGN); /* it ends when the listener does */
        log_begin(helper->name, node->conf);
        (void)close(pair[0]);
        close_rest(context);
        /* each of them owns a handle of the job store, and reads nothing of a peer's */
        if (!confine(CONFINE_COMMITTER, node->conf, NULL))
            _exit(EX_OSERR);
        _exit(helper->run(node, pair[1]));
    }
    (void)close(pair[1]);
    if (pid < 0) {
        (void)close(pair[0]);
        return false;
    }
    helper->pid = pid;
    helper->control = pair[0];
    return true;
}

int helper_attach(const struct helper *helper, const char *association)
{
    int pair[2];
    if (helper->control < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return -1;
    bool attached = committer_attach(helper->control, pair[1], association);
    (void)close(pair[1]);
    if (attached)
        return pair[0];
    (void)close(pair[0]);
    return -1;
}

void helper_leave(struct helper *helper)
{
    if (helper->control >= 0)
        (void)close(helper->control);
    helper->control = -1;
}

void helper_lost(struct helper *helper, int status, size_t dropped)
{
    log_event(LOG_AT_ERROR, helper->ended, "exit=%d signal=%d dropped=%zu",
              WIFEXITED(status) ? WEXITSTATUS(status) : -1,
              WIFSIGNALED(status) ? WTERMSIG(status) : 0, dropped);
    helper_leave(helper);
    helper->pid = 0;
}

void helper_await(struct helper *helper, int milliseconds)
{
    for (int i = 0; helper->pid != 0 && i < milliseconds / 10; i++) {
        if (waitpid(helper->pid, NULL, WNOHANG) != 0)
            helper->pid = 0;
        else
            (void)usleep(10000);
    }
}
