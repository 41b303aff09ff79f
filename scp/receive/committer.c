/* The group commit.
 *
 *   poll -> take every request that waits -> begin, add each, commit -> answer each -> poll
 *
 * While one transaction waits for the disk the next one's requests arrive: the busier, the larger
 * the group. A failed transaction fails every request in it (A700: their senders try again). The
 * store is opened when it is needed and closed after it broke, so that a full disk or a lost file
 * system is over when it is over.
 *
 * At its start no association of an earlier life may be open in the store [committer_earlier.h]. */
#include "committer.h"

#include "audit_traffic.h"
#include "clock.h"
#include "committer_again.h"
#include "committer_earlier.h"
#include "log.h"
#include "spool.h"
#include "store_health.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MS 30000
#define RETRY_MS  500
#define ENDS_MS   200 /* patience when nobody waits: a request must not wait behind it */

struct line { /* to one association's process */
    int fd;
    char association[24];
    bool waits, ended;
    bool brought, refused; /* an object came; one was refused */
    struct commit_request request;
    struct commit_answer answer;
};

struct committer {
    const struct node *node;
    int control; /* -1: receive has gone */
    struct earlier earlier;
    struct store *store;
    struct audit_traffic *traffic;
    struct line *line;
    struct pollfd *poll;
    size_t count, room;
};

/* What receive says of those that it refused itself. */
struct refused_note {
    char address[64], why[60];
    unsigned count;
};

void committer_tell_refused(int control, const char *address, const char *why, unsigned count)
{
    struct refused_note note = {.count = count};
    (void)snprintf(note.address, sizeof note.address, "%s", address);
    (void)snprintf(note.why, sizeof note.why, "%s", why);
    ssize_t n = control >= 0 ? send(control, &note, sizeof note, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    (void)n; /* the log has told it */
}

bool committer_attach(int control, int association_fd, const char *association)
{
    char name[24] = "";
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } rights = {.bytes = {0}};
    (void)snprintf(name, sizeof name, "%s", association);

    struct iovec data = {.iov_base = name, .iov_len = sizeof name};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = rights.bytes,
                             .msg_controllen = sizeof rights.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &association_fd, sizeof association_fd);
    return sendmsg(control, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof name;
}

static bool ask(int fd, const struct commit_request *request, struct commit_answer *answer)
{
    if (send(fd, request, sizeof *request, MSG_NOSIGNAL) != (ssize_t)sizeof *request)
        return false;

    int64_t until = clock_monotonic_ms() + ANSWER_MS;
    for (;;) {
        int64_t left = until - clock_monotonic_ms();
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int ready = left > 0 ? poll(&wait, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        return ready > 0 && recv(fd, answer, sizeof *answer, 0) == (ssize_t)sizeof *answer;
    }
}

bool committer_ask(int fd, const struct commit_request *request, struct commit_answer *answer)
{
    if (ask(fd, request, answer))
        return true;
    (void)shutdown(fd, SHUT_RDWR); /* an answer that comes late must not be the next one's */
    return false;
}

static bool make_room(struct committer *c)
{
    if (c->count < c->room)
        return true;
    size_t room = c->room == 0 ? 64 : c->room * 2;
    struct line *line = reallocarray(c->line, room, sizeof *line);
    if (line == NULL)
        return false;
    c->line = line;
    struct pollfd *polls = reallocarray(c->poll, room + 1, sizeof *polls); /* and control */
    if (polls == NULL)
        return false;
    c->poll = polls;
    c->room = room;
    return true;
}

static void take_note(struct committer *c, struct refused_note *note)
{
    note->address[sizeof note->address - 1] = '\0';
    note->why[sizeof note->why - 1] = '\0';
    audit_traffic_refused(c->traffic, note->address, "", "", note->why, note->count);
}

/* Takes a new association's socket, or a note of receive. */
static void take_line(struct committer *c)
{
    union {
        char name[24];
        struct refused_note note;
    } said;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } rights;
    struct iovec data = {.iov_base = &said, .iov_len = sizeof said};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = rights.bytes,
                             .msg_controllen = sizeof rights.bytes};
    ssize_t n = recvmsg(c->control, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    const struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (n <= 0) {
        (void)close(c->control);
        c->control = -1;
        return;
    }
    if (header == NULL && n == (ssize_t)sizeof said.note)
        take_note(c, &said.note);
    if (header == NULL || header->cmsg_type != SCM_RIGHTS || n != (ssize_t)sizeof said.name)
        return;

    int fd;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    if (!make_room(c)) {
        (void)close(fd); /* the association's process sees the end and answers A700 */
        return;
    }
    struct line *line = &c->line[c->count++];
    *line = (struct line){.fd = fd};
    (void)snprintf(line->association, sizeof line->association, "%.23s", said.name);
}

/* The sender parses hostile bytes: what it says is cut to size, and what it may not say replaced.
 */
static bool sanitise(struct line *line)
{
    struct instance *in = &line->request.instance;
    in->sop_class[sizeof in->sop_class - 1] = '\0';
    in->sop_instance[sizeof in->sop_instance - 1] = '\0';
    in->study[sizeof in->study - 1] = '\0';
    in->series[sizeof in->series - 1] = '\0';
    in->transfer_syntax[sizeof in->transfer_syntax - 1] = '\0';
    in->digest[sizeof in->digest - 1] = '\0';
    in->calling[sizeof in->calling - 1] = '\0';
    in->called[sizeof in->called - 1] = '\0';
    in->address[sizeof in->address - 1] = '\0';
    if (in->seen_bytes > sizeof in->seen)
        in->seen_bytes = 0;
    memcpy(in->association, line->association, sizeof in->association);
    line->request.patient[sizeof line->request.patient - 1] = '\0';
    line->request.accession[sizeof line->request.accession - 1] = '\0';
    line->request.why[sizeof line->request.why - 1] = '\0';
    line->request.again[sizeof line->request.again - 1] = '\0';
    in->received_ms = clock_utc_ms();
    return in->sop_instance[0] != '\0' && spool_object_name(in->digest, in->path, sizeof in->path);
}

static bool sanitise_event(struct dx_commitment *event)
{
    event->transaction[sizeof event->transaction - 1] = '\0';
    for (size_t i = 0; i < event->count && i < DX_COMMITMENT_MOST; i++)
        event->item[i].sop_instance[DX_UID_MAX - 1] = '\0';
    return event->transaction[0] != '\0' && event->count <= DX_COMMITMENT_MOST;
}

static void answer(struct line *line, enum store_status status)
{
    line->answer.status = status;
    line->waits = false;
    ssize_t n = send(line->fd, &line->answer, sizeof line->answer, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)n; /* it died: its end is read next */
}

static void take_request(const struct committer *c, struct line *line)
{
    ssize_t n = recv(line->fd, &line->request, sizeof line->request, MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n != (ssize_t)sizeof line->request ||
        (line->request.kind == COMMIT_EVENT && !sanitise_event(&line->request.event)) ||
        (!sanitise(line) && line->request.kind == COMMIT_INSTANCE)) {
        (void)close(line->fd);
        line->fd = -1;
        line->ended = true;
        return;
    }
    line->waits = true;
    line->brought |= line->request.kind == COMMIT_INSTANCE || line->request.kind == COMMIT_REFUSED;
    line->refused |= line->request.kind == COMMIT_REFUSED;
    if (line->request.kind == COMMIT_INSTANCE && line->request.again[0] != '\0' &&
        !committer_again(c->node->conf, &line->request.instance, line->request.again))
        answer(line, STORE_BROKEN);
}

static enum store_status clear_earlier(struct committer *c)
{
    const char **mine = calloc(c->count + 1, sizeof *mine);
    if (mine == NULL)
        return STORE_OK; /* later */
    for (size_t i = 0; i < c->count; i++)
        mine[i] = c->line[i].association;
    enum store_status status = earlier_end(&c->earlier, c->node->conf, c->store, mine, c->count);
    free(mine);
    return status;
}

static enum store_status ensure_store(struct committer *c)
{
    char path[PATH_MAX], error[384];
    if (c->store != NULL)
        return STORE_OK;
    node_path(c->node->conf, path, sizeof path, "jobs.sqlite");
    enum store_status status = store_open(path, &c->store, error, sizeof error);
    if (status != STORE_OK)
        log_event(LOG_AT_ERROR, "store-unavailable", "error=%s", log_quote(error));
    return status;
}

/* The file was synced before the row was asked for, but what was given up is removed meanwhile; in
 * this transaction no more. */
static enum store_status still_there(const struct committer *c, const struct instance *instance)
{
    char path[PATH_MAX];
    node_path(c->node->conf, path, sizeof path, "%s", instance->path);
    return instance->gone_ms != 0 || access(path, F_OK) == 0 ? STORE_OK : STORE_BROKEN;
}

static enum store_status end_association(struct committer *c, const struct line *line)
{
    enum store_status status = store_association_end(c->store, line->association);
    if (status == STORE_OK && line->brought)
        status = store_count_association(c->store, clock_utc_ms(), line->refused);
    return status;
}

static enum store_status take_event(struct committer *c, struct line *line)
{
    const struct dx_commitment *event = &line->request.event;
    line->answer.known = 0;
    for (size_t i = 0; i < event->count; i++) {
        const struct dx_commitment_item *item = &event->item[i];
        enum store_status status =
            store_commitment(c->store, event->transaction, item->sop_instance, item->failure,
                             dx_commitment_reason(item->failure), clock_utc_ms());
        if (status != STORE_OK && status != STORE_NONE)
            return status;
        line->answer.known += status == STORE_OK;
    }
    return STORE_OK;
}

static enum store_status perform(struct committer *c, struct line *line)
{
    if (line->ended)
        return end_association(c, line);
    if (line->request.kind == COMMIT_REJECTED)
        return STORE_OK;
    if (line->request.kind == COMMIT_REFUSED)
        return store_count(c->store, "refused");
    if (line->request.kind == COMMIT_EVENT)
        return take_event(c, line);
    if (line->request.kind == COMMIT_AVAILABLE)
        return store_delivery_may_be_there(c->store, line->request.instance.study,
                                           &line->answer.known);
    enum store_status status =
        store_add_instance(c->store, &line->request.instance, &line->answer.identity);
    line->answer.id = line->request.instance.id;
    return status == STORE_OK ? still_there(c, &line->request.instance) : status;
}

static bool someone_waits(const struct committer *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->line[i].waits)
            return true;
    return false;
}

static enum store_status transaction(struct committer *c, size_t *group)
{
    enum store_status status = ensure_store(c);
    if (status == STORE_OK) {
        store_patience(c->store, someone_waits(c) ? STORE_PATIENCE_MS : ENDS_MS);
        status = store_begin(c->store);
    }
    if (status != STORE_OK)
        return status;

    for (size_t i = 0; status == STORE_OK && i < c->count; i++)
        if (c->line[i].waits || c->line[i].ended) {
            status = perform(c, &c->line[i]);
            ++*group;
        }
    if (status == STORE_OK && !c->earlier.cleared)
        status = clear_earlier(c);
    if (*group > 0)
        crash_point("commit-before");
    if (status != STORE_OK) {
        store_rollback(c->store);
        return status;
    }
    return store_commit(c->store);
}

/* What is now so, for the audit log. */
static void note_traffic(struct committer *c, const struct line *line)
{
    const struct commit_request *request = &line->request;
    const struct instance *in = &request->instance;
    if (line->waits && request->kind == COMMIT_INSTANCE)
        audit_traffic_received(c->traffic, in, request->patient, request->accession);
    if (line->waits && request->kind == COMMIT_REJECTED)
        audit_traffic_refused(c->traffic, in->address, in->calling, in->called, request->why, 1);
    if (line->ended)
        audit_traffic_ended(c->traffic, line->association);
}

/* Answers those that wait and forgets those that ended; the ends of a failed transaction stay. */
static void settle(struct committer *c, enum store_status status)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->count; i++) {
        struct line *line = &c->line[i];
        if (status == STORE_OK)
            note_traffic(c, line);
        if (line->waits)
            answer(line, status);
        if (line->ended && status == STORE_OK)
            continue;
        if (kept != i)
            c->line[kept] = *line;
        kept++;
    }
    c->count = kept;
}

static void commit_all(struct committer *c)
{
    size_t group = 0;
    bool cleared = c->earlier.cleared;
    enum store_status status = transaction(c, &group);
    if (status != STORE_OK)
        c->earlier.cleared = cleared; /* it was taken back, too */
    if (status == STORE_OK) {
        if (group > 0)
            crash_point("commit-after");
        log_event(LOG_AT_DEBUG, "group-committed", "group=%zu", group);
        earlier_tell(&c->earlier, c->traffic);
    } else if (status == STORE_BUSY && c->store != NULL && !someone_waits(c)) {
        /* nothing has failed: there was no patience, and nobody was told anything */
        log_event(LOG_AT_DEBUG, "commit-put-off", "group=%zu", group);
    } else {
        log_event(LOG_AT_ERROR, "commit-failed", "status=%s error=%s group=%zu",
                  log_quote(store_status_text(status)),
                  log_quote(c->store != NULL ? store_error(c->store) : ""), group);
        store_close(c->store); /* what failed is not trusted again: the next one opens anew */
        c->store = NULL;
    }
    settle(c, status);
    if (group > 0)
        crash_point("commit-unwoken");
    if (status == STORE_OK && group > 0)
        node_wake(c->node->wake_analyze);
    audit_traffic_turn(c->traffic); /* when everybody has had an answer */
}

/* Polls everything; false when nothing came. */
static bool gather(struct committer *c, int timeout)
{
    size_t count = c->count;
    for (size_t i = 0; i < count; i++)
        c->poll[i] = (struct pollfd){.fd = c->line[i].fd, .events = POLLIN};
    c->poll[count] = (struct pollfd){.fd = c->control, .events = POLLIN};
    if (poll(c->poll, count + 1, timeout) <= 0)
        return false;

    bool work = false;
    for (size_t i = 0; i < count; i++)
        if (c->poll[i].revents != 0) {
            take_request(c, &c->line[i]);
            work = work || c->line[i].waits || c->line[i].ended;
        }
    if (c->poll[count].revents != 0)
        take_line(c);
    return work;
}

static bool ends_wait(const struct committer *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->line[i].ended)
            return true;
    return false;
}

int committer_run(const struct node *node, int control)
{
    struct committer c = {.node = node, .control = control, .earlier = {.lock_fd = -1}};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGTERM, &ignore, NULL); /* it ends when receive does */
    if (!make_room(&c))
        return 1;
    c.traffic = audit_traffic_create(node->conf);

    commit_all(&c);
    while (c.control >= 0 || c.count > 0) {
        bool again = !c.earlier.cleared || ends_wait(&c);
        if (gather(&c, again ? RETRY_MS : audit_traffic_wait(c.traffic)) || again)
            commit_all(&c);
        else
            audit_traffic_turn(c.traffic);
    }
    audit_traffic_destroy(c.traffic);
    earlier_finish(&c.earlier);
    store_close(c.store);
    free(c.line);
    free(c.poll);
    return 0;
}
