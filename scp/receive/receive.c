/* receive: a threadless listener that forks a process for every association.
 *
 *   accept -> room? -> socket pair -> committer gets one end -> fork: [assoc_run] with the other
 *               `-> no: a short-lived process says so [dx_scp_refuse]
 *
 * A child for TLS reads the key before it is confined and before a byte of its peer; what it reads
 * are the copies that are kept here, of which this process knows descriptors only [keys_kept_turn].
 *
 * The listener itself looks at nothing that a peer sent, never opens the job store and never
 * blocks on a peer: whatever one does, the next is answered. While files of <tls> that changed are
 * judged, who comes over TLS waits with the kernel, and nobody else. Of those who wait the peer
 * with the fewest associations comes first [accept_all]; who opens hundreds in a second costs no
 * process each [refuse]. The committer is this process's child, too; when it dies the open
 * associations are dropped (the store no longer knows them) and a new one starts.
 */
#include "assoc.h"
#include "clock.h"
#include "committer.h"
#include "confine.h"
#include "dx_init.h"
#include "dx_scp.h"
#include "host.h"
#include "keys.h"
#include "log.h"
#include "receive_helper.h"
#include "spool.h"
#include "worklist/desk.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define REFUSERS  64    /* processes that say "no room" at a time; beyond, it is said unasked */
#define PER_WAKE  32    /* connections taken before children are reaped again */
#define RECENT    256   /* peers whose connections a second are counted */
#define DRAIN_MS  15000 /* for open associations when the node stops */
#define PAUSE_MS  200   /* after a failure of accept or fork */
#define SWEEP_MS  10000 /* between two looks for what dead processes left */
#define COMMIT_MS 3000  /* for the committer to end */

struct slot {
    pid_t pid; /* 0: free */
    bool refuser;
    char address[64];
};

/* A connection that was accepted, its peer, and how many associations that one has. */
struct guest {
    int fd;
    bool tls;
    char address[64];
    size_t others;
};

struct recent {
    char address[64];
    int64_t second;
    unsigned count;
};

struct receive {
    const struct node *node;
    struct slot *slot;
    size_t slots, associations, refusers;
    struct helper committer, desk; /* desk: only where the reading worklist is offered */
    int64_t accept_at, sweep_at;   /* monotonic: not before */
    int64_t told_at;               /* of the last refusal that was logged */
    unsigned untold;
    struct keys_kept keys;
    struct recent recent[RECENT];
    struct guest guest[PER_WAKE]; /* accepted, not yet admitted */
    size_t guests;
};

static void on_child(int signal)
{
    (void)signal; /* its only purpose is to end ppoll */
}

static void on_dcmtk(void *context, enum dx_log_level level, const char *text)
{
    (void)context;
    (void)level;
    if (log_patient_data())
        log_event(LOG_AT_DEBUG, "dcmtk", "text=%s", log_quote(text));
}

static void child_signals(const char *title, pid_t parent)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    node_child(title, parent);
    (void)sigaction(SIGTERM, &ignore, NULL); /* the listener decides when it has waited enough */
}

static void close_fd(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

/* For who is not to listen, nor to read a key. */
static void close_doors(struct receive *r)
{
    close_fd(r->node->listen_fd);
    close_fd(r->node->tls_fd);
    keys_kept_close(&r->keys);
}

/* What a helper is not to have. */
static void close_rest(void *context)
{
    struct receive *r = context;
    close_doors(r);
    close_fd(r->committer.control);
    close_fd(r->desk.control);
}

static void start_helpers(struct receive *r, int64_t now)
{
    struct helper *c = &r->committer, *d = &r->desk;
    bool is_asked = r->node->conf->reading.offer != CONF_OFFER_NONE;
    if (c->pid == 0 && now >= c->start_at && helper_start(c, r->node, close_rest, r)) {
        (void)sigqueue(getppid(), SIGRTMIN, (union sigval){.sival_int = (int)c->pid});
        log_event(LOG_AT_INFO, "committer-started", "process=%d", (int)c->pid);
    }
    if (is_asked && d->pid == 0 && now >= d->start_at && helper_start(d, r->node, close_rest, r))
        log_event(LOG_AT_INFO, "desk-started", "process=%d", (int)d->pid);
}

static size_t from_peer(const struct receive *r, const char *address)
{
    size_t count = 0;
    for (size_t i = 0; i < r->slots; i++)
        count +=
            r->slot[i].pid != 0 && !r->slot[i].refuser && strcmp(r->slot[i].address, address) == 0;
    return count;
}

/* Counts a connection; true when the peer opened more than it may in this second. Two peers of
 * one place forget each other's count: the ceiling is then softer, never harder. */
static bool is_hasty(struct receive *r, const char *address)
{
    int64_t second = clock_monotonic_ms() / 1000;
    unsigned place = 0;
    for (const char *c = address; *c; c++)
        place = place * 31 + (unsigned char)*c;
    struct recent *recent = &r->recent[place % RECENT];
    if (recent->second != second || strcmp(recent->address, address) != 0) {
        *recent = (struct recent){.second = second};
        (void)snprintf(recent->address, sizeof recent->address, "%s", address);
    }
    return ++recent->count > r->node->conf->limits.connections_per_peer;
}

/* A child keeps its own peer only: not those who wait behind it, who would not see us close. */
static void close_others(struct receive *r)
{
    close_rest(r);
    for (size_t i = 0; i < r->guests; i++)
        close_fd(r->guest[i].fd);
}

static void occupy(struct receive *r, pid_t pid, bool refuser, const char *address)
{
    for (size_t i = 0; i < r->slots; i++)
        if (r->slot[i].pid == 0) {
            r->slot[i] = (struct slot){.pid = pid, .refuser = refuser};
            (void)snprintf(r->slot[i].address, sizeof r->slot[i].address, "%s", address);
            *(refuser ? &r->refusers : &r->associations) += 1;
            return;
        }
}

/* One line a second, however many come: a flood must not become a flood of lines. */
static void tell_refusal(struct receive *r, const char *address, const char *why)
{
    int64_t now = clock_monotonic_ms();
    r->untold++;
    if (now - r->told_at < 1000)
        return;
    log_event(LOG_AT_WARN, "association-refused", "address=%s reason=%s count=%u open=%zu", address,
              log_quote(why), r->untold, r->associations);
    committer_tell_refused(r->committer.control, address, why, r->untold);
    r->told_at = now;
    r->untold = 0;
}

/* A hasty peer gets the answer without its question being read: a process for each would be what it
 * wants. Over TLS there is no answer: it would cost the handshake that there is no room for. */
static void refuse(struct receive *r, const struct guest *guest, int fd, const char *why,
                   bool hasty)
{
    const char *address = guest->address;
    tell_refusal(r, address, why);
    pid_t parent = getpid();
    bool can_fork = !hasty && !guest->tls && r->refusers < REFUSERS;
    pid_t pid = can_fork ? fork() : -1;
    if (!can_fork && !guest->tls)
        dx_scp_refuse_now(fd);
    if (pid == 0) {
        child_signals("cervigated-ref", parent);
        close_others(r);
        if (confine(CONFINE_REFUSER, NULL, NULL))
            dx_scp_refuse(fd);
        _exit(0);
    }
    (void)close(fd);
    if (pid > 0)
        occupy(r, pid, true, address);
}

/* The child of an association. Its copy of every other descriptor must go: the committer takes the
 * end of a socket for the end of an association. */
static void run_association(struct receive *r, const struct assoc_ends *ends, bool is_tls,
                            const char *id, pid_t parent)
{
    struct dx_tls *tls = NULL;
    struct dx_error err = {.status = DX_OK};
    child_signals("cervigated-asc", parent);
    log_begin("assoc", r->node->conf);
    if (is_tls && keys_kept_open(r->node->conf, &r->keys, &tls, &err) != DX_OK) {
        log_event(LOG_AT_ERROR, "tls-unavailable", "association=%s reason=%s", id,
                  log_quote(err.text));
        _exit(EX_CONFIG);
    }
    close_others(r);
    if (!confine(CONFINE_ASSOCIATION, r->node->conf, NULL))
        _exit(EX_OSERR);
    _exit(assoc_run(r->node, ends, tls, id));
}

static bool start_association(struct receive *r, const struct guest *guest, int fd)
{
    char id[17];
    int on = 1;
    if (spool_random_name(id, 8) != 0)
        return false;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);

    pid_t parent = getpid(), pid = -1;
    struct assoc_ends ends = {.fd = fd, .commit_fd = helper_attach(&r->committer, id)};
    ends.desk_fd = helper_attach(&r->desk, id);
    if (ends.commit_fd >= 0 && (pid = fork()) == 0)
        run_association(r, &ends, guest->tls, id, parent);
    close_fd(ends.commit_fd);
    close_fd(ends.desk_fd);
    if (pid < 0)
        return false;
    crash_point("receive-forked");
    (void)close(fd);
    occupy(r, pid, false, guest->address);
    return true;
}

/* The peer has closed without a word: not worth a process. */
static bool has_left(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

static void admit(struct receive *r, struct guest *guest)
{
    const char *address = guest->address;
    int fd = guest->fd;
    guest->fd = -1;
    const struct conf_limits *limits = &r->node->conf->limits;
    if (has_left(fd))
        (void)close(fd);
    else if (is_hasty(r, address))
        refuse(r, guest, fd, "limit connectionsPerPeer", true);
    else if (r->associations >= (size_t)limits->associations)
        refuse(r, guest, fd, "limit associations", false);
    else if (from_peer(r, address) >= (size_t)limits->associations_per_peer)
        refuse(r, guest, fd, "limit associationsPerPeer", false);
    else if (guest->tls && !r->keys.good)
        refuse(r, guest, fd, "the files of <tls> cannot be used", false);
    else if (!start_association(r, guest, fd))
        refuse(r, guest, fd, "no process or committer", false);
}

/* The next connection that waits at a door, or false. */
static bool take_guest(struct receive *r, bool tls, struct guest *guest)
{
    struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof from;
    int door = tls ? r->node->tls_fd : r->node->listen_fd;
    if (door < 0)
        return false;
    guest->tls = tls;
    do
        guest->fd = accept4(door, (struct sockaddr *)&from, &size, SOCK_CLOEXEC);
    while (guest->fd < 0 && errno == ECONNABORTED);
    if (guest->fd >= 0) {
        crash_point("receive-accepted");
        host_of((const struct sockaddr *)&from, guest->address);
        guest->others = from_peer(r, guest->address);
        return true;
    }
    if (errno != EAGAIN && errno != EINTR) {
        log_event(LOG_AT_ERROR, "accept-failed", "error=%s", log_quote(strerror(errno)));
        r->accept_at = clock_monotonic_ms() + PAUSE_MS;
    }
    return false;
}

static int by_others(const void *a, const void *b)
{
    size_t left = ((const struct guest *)a)->others, right = ((const struct guest *)b)->others;
    return left < right ? -1 : left > right;
}

/* From both doors in turn; from the second only when its files are judged. */
static void accept_all(struct receive *r, bool tls_too)
{
    bool more = true;
    r->guests = 0;
    while (more) {
        more = false;
        for (int tls = 0; tls <= tls_too && r->guests < PER_WAKE; tls++)
            if (take_guest(r, tls != 0, &r->guest[r->guests])) {
                r->guests++;
                more = true;
            }
    }
    qsort(r->guest, r->guests, sizeof *r->guest, by_others);
    for (size_t i = 0; i < r->guests; i++)
        admit(r, &r->guest[i]);
}

static void kill_associations(const struct receive *r)
{
    for (size_t i = 0; i < r->slots; i++)
        if (r->slot[i].pid != 0)
            (void)kill(r->slot[i].pid, SIGKILL);
}

/* Without the committer nothing can be kept; without the desk images come as before, and who asks
 * is told so until it is back. */
static bool is_helper_lost(struct receive *r, pid_t pid, int status)
{
    if (pid == r->desk.pid) {
        helper_lost(&r->desk, status, 0);
        return true;
    }
    if (pid != r->committer.pid)
        return false;
    helper_lost(&r->committer, status, r->associations);
    kill_associations(r);
    return true;
}

static void reap(struct receive *r)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (is_helper_lost(r, pid, status) || keys_kept_reaped(&r->keys, pid))
            continue;
        for (size_t i = 0; i < r->slots; i++) {
            if (r->slot[i].pid != pid)
                continue;
            r->slot[i].pid = 0;
            *(r->slot[i].refuser ? &r->refusers : &r->associations) -= 1;
            if (WIFSIGNALED(status)) {
                log_event(LOG_AT_ERROR, "association-died", "process=%d signal=%d%s address=%s",
                          (int)pid, WTERMSIG(status),
                          WTERMSIG(status) == SIGXCPU ? " limit associationCpuTime" : "",
                          r->slot[i].address);
                (void)spool_forget_dead(r->node->conf);
            }
        }
    }
}

/* No new connection; those that are there may end by themselves. Where the node stops they are
 * ended after a while; where another receive has taken over they have all the time that they are
 * allowed. */
static void drain(struct receive *r, const sigset_t *unblocked)
{
    int64_t until = 0;
    close_doors(r);
    while (r->associations + r->refusers > 0) {
        int64_t now = clock_monotonic_ms(), left = SWEEP_MS;
        if (node_stopping && until == 0)
            until = now + DRAIN_MS;
        if (until != 0)
            left = until - now;
        if (left <= 0) {
            kill_associations(r);
            left = PAUSE_MS;
        }
        const struct timespec timeout = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
        (void)ppoll(NULL, 0, &timeout, unblocked);
        reap(r);
    }
    helper_leave(&r->committer);
    helper_leave(&r->desk);
    helper_await(&r->committer, COMMIT_MS);
    helper_await(&r->desk, COMMIT_MS);
}

static void serve(struct receive *r, const sigset_t *unblocked)
{
    while (!node_stopping && !node_leaving) {
        int64_t now = clock_monotonic_ms();
        start_helpers(r, now);
        if (now >= r->sweep_at) { /* also what the associations of a killed receive leave, later */
            (void)spool_forget_dead(r->node->conf);
            r->sweep_at = now + SWEEP_MS;
        }
        bool pausing = now < r->accept_at;
        bool lacks = r->desk.pid == 0 && r->node->conf->reading.offer != CONF_OFFER_NONE;
        bool judging = r->keys.judge.fd >= 0; /* who comes over TLS waits with the kernel */
        bool soon = pausing || r->committer.pid == 0 || lacks || judging;
        struct pollfd wait[2] = {{.fd = pausing ? -1 : r->node->listen_fd, .events = POLLIN},
                                 {.fd = judging   ? r->keys.judge.fd
                                        : pausing ? -1
                                                  : r->node->tls_fd,
                                  .events = POLLIN}};
        const struct timespec timeout = {.tv_sec = soon ? 0 : 5,
                                         .tv_nsec = soon ? PAUSE_MS * 1000000L : 0};
        int ready = ppoll(wait, 2, &timeout, unblocked);
        reap(r);
        bool tls = judging || (ready > 0 && wait[1].revents != 0);
        tls = tls && keys_kept_turn(r->node->conf, &r->keys);
        if (ready > 0 && !pausing && !node_stopping && !node_leaving)
            accept_all(r, tls);
    }
}

/* Who connects speaks first (PS3.8 9.1.4): a connection that says nothing is the kernel's affair
 * for so many seconds, and costs the node neither a process nor one of its associations. */
static void await_requests(int listen_fd)
{
    int seconds = 10;
    if (listen_fd < 0)
        return;
    (void)setsockopt(listen_fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
}

int receive_run(const struct node *node)
{
    struct dx_error err = {.status = DX_OK};
    if (dx_init(on_dcmtk, NULL, &err) != DX_OK) {
        log_event(LOG_AT_ERROR, "dicom-unavailable", "error=%s", log_quote(err.text));
        return 1;
    }
    if (!confine(CONFINE_RECEIVE, node->conf, NULL) || !confine_prepare(CONFINE_ASSOCIATION) ||
        !confine_prepare(CONFINE_REFUSER))
        return EX_OSERR;
    struct receive r = {.node = node,
                        .committer = {"committer", "committer-ended", "cervigated-com",
                                      committer_run, .control = -1},
                        .desk = {"desk", "desk-ended", "cervigated-dsk", desk_run, .control = -1}};
    await_requests(node->listen_fd);
    await_requests(node->tls_fd);
    keys_kept_init(&r.keys);
    if (node->tls_fd >= 0)
        (void)keys_kept_turn(node->conf, &r.keys);
    r.slots = (size_t)node->conf->limits.associations + REFUSERS;
    r.slot = calloc(r.slots, sizeof *r.slot);
    if (r.slot == NULL)
        return 1;

    sigset_t blocked, unblocked;
    struct sigaction action = {.sa_handler = on_child};
    (void)sigaction(SIGCHLD, &action, NULL);
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGCHLD);
    (void)sigaddset(&blocked, SIGTERM);
    (void)sigaddset(&blocked, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &blocked, &unblocked);

    serve(&r, &unblocked);
    drain(&r, &unblocked);
    free(r.slot);
    return 0;
}
