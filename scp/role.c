#include "role.h"

#include "clock.h"
#include "log.h"
#include <limits.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t role_fork(struct role_child *child, struct store **store, int *fd)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return -1;
    role_close_store(store);
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(pair[0]);
        *fd = pair[1];
        return 0;
    }
    (void)close(pair[1]);
    if (pid < 0)
        (void)close(pair[0]);
    else
        *child = (struct role_child){.pid = pid, .fd = pair[0]};
    return pid;
}

void role_end_child(struct role_child *child)
{
    int status = 0;
    (void)kill(child->pid, SIGKILL);
    (void)close(child->fd);
    (void)waitpid(child->pid, &status, 0);
    *child = (struct role_child){.pid = 0, .fd = -1};
}

bool role_open_store(const struct conf *conf, struct store **store)
{
    char path[PATH_MAX], error[384];
    if (*store != NULL)
        return true;
    node_path(conf, path, sizeof path, "jobs.sqlite");
    if (store_open(path, store, error, sizeof error) == STORE_OK)
        return true;
    log_event(LOG_AT_ERROR, "store-unavailable", "error=%s", log_quote(error));
    return false;
}

void role_close_store(struct store **store)
{
    store_close(*store);
    *store = NULL;
}

void role_contacted(struct role_contact *contact, struct store *store, enum contact_kind kind,
                    const char *name, const char *why)
{
    bool good = why[0] == '\0';
    int64_t now = clock_monotonic_ms();
    if (contact->is_known && contact->was_good == good && now - contact->told_at < ROLE_CONTACT_MS)
        return;
    if (store == NULL || store_contacted(store, kind, name, why, clock_utc_ms()) != STORE_OK)
        return;
    *contact = (struct role_contact){.is_known = true, .was_good = good, .told_at = now};
}

int64_t role_back_off(int first, int most, unsigned times)
{
    int64_t ms = (int64_t)first * 1000;
    for (unsigned i = 0; i < times && ms < (int64_t)most * 1000; i++)
        ms *= 2;
    return ms < (int64_t)most * 1000 ? ms : (int64_t)most * 1000;
}

int64_t role_jitter(int64_t ms)
{
    uint32_t random = UINT32_MAX / 2;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
        random = UINT32_MAX / 2;
    return ms * 8 / 10 + (int64_t)((double)ms * 0.4 * random / UINT32_MAX);
}
