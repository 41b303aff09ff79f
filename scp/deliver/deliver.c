/* deliver: what is pending goes to its destination until it is there.
 *
 * This process owns the store handle and talks to no peer; each destination has a lane: a process
 * (sender.c) and at most one batch in it. A lane's life:
 *
 *   idle -> due and allowed [hand_out] -> busy -> every job answered [take_answer] -> idle
 *     ^                                     |
 *     `-- paused (back-off, jitter) <-------+-- unreached, first not taken, sender died or hung
 *     `-- forbidden [watch_lane] <----------'-- the mode changed
 *
 * An unreached peer pauses the lane, not the objects: their order stays. So does an object that the
 * peer does not take now, until it is seen that it takes others (deliver_head.h): that one is put
 * off by itself. Nothing is ever given up here; what a peer refuses for good is parked, with an
 * alarm. A store handle must not cross fork, so it is closed around one. */
#include "sender.h"

#include "audit_traffic.h"
#include "clock.h"
#include "confine.h"
#include "deliver_lane.h"
#include "dx_commitment.h"
#include "dx_init.h"
#include "echo_desk.h"
#include "log.h"
#include "role.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS  1000   /* slow polling: mode, store, lanes */
#define HUNG_MS  900000 /* a batch without any answer */
#define STOP_MS  2000   /* what a batch may still take when the mode forbids it: design, 5 s */
#define DRAIN_MS 10000
#define SPAWN_MS 1000

struct deliver {
    const struct node *node;
    struct store *store;
    struct audit_traffic *traffic;
    struct lane *lane;
    struct pollfd *poll;
    size_t lanes;
    enum conf_mode mode;
    struct echo_desk echo;
};

static void run_sender(const struct deliver *d, const struct lane *lane, int fd, pid_t parent)
{
    node_child("cervigated-snd", parent);
    (void)signal(SIGTERM, SIG_IGN); /* the parent decides when a batch has had its time */
    for (size_t i = 0; i < d->lanes; i++)
        if (d->lane[i].sender.fd >= 0)
            (void)close(d->lane[i].sender.fd);
    if (d->echo.child.fd >= 0)
        (void)close(d->echo.child.fd);
    log_begin("sender", d->node->conf);
    if (!confine(CONFINE_SENDER, d->node->conf, lane->to))
        _exit(EX_OSERR);
    _exit(sender_run(d->node->conf, lane->to, fd));
}

static void start_sender(struct deliver *d, struct lane *lane)
{
    int fd;
    pid_t parent = getpid();
    lane->spawn_at = clock_monotonic_ms() + SPAWN_MS;
    pid_t pid = role_fork(&lane->sender, &d->store, &fd);
    if (pid == 0)
        run_sender(d, lane, fd, parent);
    if (pid > 0) {
        lane->batch.count = lane->answered = 0;
        lane->is_new = true;
    }
}

static void end_sender(struct lane *lane, const char *why)
{
    role_end_child(&lane->sender);
    log_event(LOG_AT_ERROR, "sender-ended", "destination=%s reason=%s unanswered=%zu",
              lane->to->peer->name, log_quote(why), lane->batch.count - lane->answered);
    lane->batch.count = lane->answered = 0;
}

/* What waits for a commitment that the configuration no longer asks for. */
static enum store_status waive_commitment(struct deliver *d, const struct lane *lane)
{
    size_t count;
    enum store_status status = store_commitment_waived(d->store, lane->to->peer->name, &count);
    if (count > 0)
        log_event(LOG_AT_INFO, "commitment-waived", "destination=%s count=%zu",
                  lane->to->peer->name, count);
    return status;
}

/* What goes next, and nothing for now (STORE_OK) where it was cancelled while it was chosen. */
static enum store_status choose(struct deliver *d, struct lane *lane)
{
    struct send_batch *batch = &lane->batch;
    size_t most = rate_allows(&lane->bucket, lane->to->rate, clock_monotonic_ms());
    enum store_status status = STORE_OK;
    batch->count = 0;
    if (lane->is_new)
        status = store_deliveries_lost(d->store, lane->to->peer->name);
    if (status != STORE_OK)
        return status;
    lane->is_new = false;
    status = choose_jobs(d->store, lane->to, lane->head.passing && most > 0 ? 1 : most,
                         lane->head.passing ? lane->head.study : NULL, batch, lane->job);
    if (status == STORE_OK && most > 0 && head_chosen(&lane->head, lane->job, batch->count))
        lane_keeps_head(lane);
    batch->check = lane->head.delivery != 0 && lane->head.broke;
    if (status == STORE_OK && batch->count == 0)
        return lane->to->commitment ? choose_commitment(d->store, lane->to, batch, lane->job)
                                    : waive_commitment(d, lane);
    if (status == STORE_OK)
        status = store_deliveries_offered(d->store, lane->job, batch->count);
    if (status == STORE_NONE)
        batch->count = 0;
    return status == STORE_NONE ? STORE_OK : status;
}

static void hand_out(struct deliver *d, struct lane *lane)
{
    struct send_batch *batch = &lane->batch;
    enum store_status status = choose(d, lane);
    lane->answered = 0;
    if (status != STORE_OK) {
        batch->count = 0;
        log_event(LOG_AT_ERROR, "store-failed", "error=%s", log_quote(store_error(d->store)));
        role_close_store(&d->store);
    }
    if (batch->count == 0)
        return;
    if (batch->transaction[0] == '\0')
        rate_take(&lane->bucket, lane->to->rate, batch->count);
    lane->heard_at = clock_monotonic_ms();
    crash_point("deliver-chosen");
    log_event(LOG_AT_DEBUG, "delivery-begun", "destination=%s count=%zu commitment=%s",
              lane->to->peer->name, batch->count, batch->transaction[0] != '\0' ? "true" : "false");
    if (batch->transaction[0] == '\0')
        audit_traffic_sending(d->traffic, d->store, lane->to, lane->job, batch->count);
    if (send(lane->sender.fd, batch, sizeof *batch, MSG_NOSIGNAL | MSG_DONTWAIT) !=
        (ssize_t)sizeof *batch)
        end_sender(lane, "cannot be reached");
}

/* The images are not there yet, or are another's: that may mend itself, but not for ever. */
static enum store_status let_wait(struct deliver *d, const struct lane *lane,
                                  const struct delivery *job, struct send_answer *answer,
                                  int64_t now)
{
    char why[sizeof answer->text];
    int64_t waited = job->looked_ms == 0 ? 0 : now - job->looked_ms;
    if (waited < (int64_t)lane->to->look_most_seconds * 1000)
        return store_delivery_waits(d->store, job->id,
                                    now + role_jitter(lane_back_off(lane, (unsigned)job->attempts)),
                                    now, answer->text);
    (void)snprintf(why, sizeof why, "looked for in vain for %lld s: %.200s",
                   (long long)(waited / 1000), answer->text);
    memcpy(answer->text, why, sizeof why);
    answer->verdict = VERDICT_REFUSED;
    return store_delivery_failed(d->store, job->id, now, true, false, why);
}

/* It keeps its place, or others may pass it. */
static enum store_status not_taken(struct deliver *d, struct lane *lane, const struct delivery *job,
                                   const struct send_answer *answer)
{
    int64_t next_ms = 0;
    if (head_failed(&lane->head, job, answer->broke))
        next_ms = clock_utc_ms() + role_jitter(lane_back_off(lane, (unsigned)job->attempts));
    return store_delivery_failed(d->store, job->id, next_ms, false, answer->may_be_there,
                                 answer->text);
}

static enum store_status record(struct deliver *d, struct lane *lane, const struct delivery *job,
                                struct send_answer *answer)
{
    int64_t now = clock_utc_ms();
    switch (answer->verdict) {
    case VERDICT_DELIVERED:
        crash_point("deliver-answered-unjournalled");
        head_decided(&lane->head, job, true);
        if (lane->to->commitment)
            return store_delivery_stored(d->store, job->id, answer->result, now);
        return store_delivered(d->store, job->id, answer->result, now);
    case VERDICT_LATER:
        return not_taken(d, lane, job, answer);
    case VERDICT_UNREACHED:
        return store_delivery_failed(d->store, job->id, job->next_ms, false, answer->may_be_there,
                                     answer->text);
    case VERDICT_REFUSED:
        head_decided(&lane->head, job, false);
        return store_delivery_failed(d->store, job->id, now, true, answer->may_be_there,
                                     answer->text);
    case VERDICT_WAITS:
        head_decided(&lane->head, job, false);
        return let_wait(d, lane, job, answer, now);
    case VERDICT_NOT_ALLOWED:
    case VERDICT_BEHIND:
        return store_delivery_unsent(d->store, job->id);
    case VERDICT_ASKED:
        break;
    }
    return STORE_OK;
}

/* What became of the request to commit to one object. Asked: its time-out is entered already. */
static enum store_status record_commitment(struct deliver *d, const struct lane *lane,
                                           const struct delivery *job,
                                           const struct send_answer *answer)
{
    int64_t now = clock_utc_ms();
    switch (answer->verdict) {
    case VERDICT_DELIVERED:
    case VERDICT_REFUSED:
        return store_commitment(d->store, lane->batch.transaction, job->result.uid,
                                answer->verdict == VERDICT_DELIVERED ? 0 : answer->dimse_status,
                                dx_commitment_reason(answer->dimse_status), now);
    case VERDICT_LATER:
    case VERDICT_UNREACHED:
        return store_commitment_unasked(
            d->store, job->id, now + role_jitter((int64_t)lane->to->retry_most_seconds * 1000),
            answer->text);
    default:
        return STORE_OK;
    }
}

/* Whether the peer was there; what it said of one object does not matter. */
static void tell_contact(const struct deliver *d, struct lane *lane,
                         const struct send_answer *answer)
{
    if (lane_was_asked(answer) || answer->verdict == VERDICT_UNREACHED)
        role_contacted(&lane->contact, d->store, CONTACT_DESTINATION, lane->to->peer->name,
                       answer->verdict == VERDICT_UNREACHED ? answer->text : "");
}

/* Its process died, and may do so again over the same object. */
static void take_death(struct deliver *d, struct lane *lane, const struct delivery *job,
                       const char *how)
{
    struct send_answer none = {.broke = true, .may_be_there = true, .text = "its process ended"};
    bool commitment = lane->batch.transaction[0] != '\0';
    end_sender(lane, how);
    if (job != NULL && !commitment && not_taken(d, lane, job, &none) != STORE_OK)
        log_event(LOG_AT_ERROR, "store-failed", "error=%s", log_quote(store_error(d->store)));
    (void)head_batch_over(&lane->head);
    lane_unreached(lane, none.text, 0);
}

/* One answer of a lane's process; false when there is none (any more). */
static bool take_answer(struct deliver *d, struct lane *lane)
{
    struct send_answer answer;
    if (!role_open_store(d->node->conf,
                         &d->store)) /* what cannot be kept is not taken: it waits in the socket */
        return false;
    ssize_t n = recv(lane->sender.fd, &answer, sizeof answer, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    const struct delivery *job = lane_is_busy(lane) ? &lane->job[lane->answered] : NULL;
    if (n != (ssize_t)sizeof answer || job == NULL || answer.delivery != job->id ||
        (unsigned)answer.verdict > VERDICT_ASKED) {
        take_death(d, lane, job, n == 0 ? "died" : "nonsense");
        return false;
    }

    answer.text[sizeof answer.text - 1] = '\0';
    lane->answered++;
    lane->heard_at = clock_monotonic_ms();
    bool commitment = lane->batch.transaction[0] != '\0';
    enum store_status status =
        commitment ? record_commitment(d, lane, job, &answer) : record(d, lane, job, &answer);
    crash_point("deliver-journalled");
    lane_tell(lane, job, &answer);
    if (answer.verdict == VERDICT_DELIVERED && !commitment)
        audit_traffic_sent(d->traffic, lane->to, d->store, &job->result);
    if (lane_was_asked(&answer))
        lane->failures = 0;
    else if (!commitment)
        rate_return(&lane->bucket, lane->to->rate);
    if (!lane_is_busy(lane))
        lane_batch_over(lane, &answer);
    tell_contact(d, lane, &answer);
    if (status == STORE_OK || status == STORE_NONE) /* NONE: a person removed it meanwhile */
        return true;

    /* It stays pending and is sent again under the same UID, which the peer knows. */
    log_event(LOG_AT_ERROR, "store-failed", "error=%s", log_quote(store_error(d->store)));
    lane_pause(lane, LOOK_MS);
    role_close_store(&d->store);
    return true;
}

/* Ends a batch that hangs or that the mode has forbidden meanwhile. */
static void watch_lane(const struct deliver *d, struct lane *lane, int64_t now)
{
    if (sender_allowed(d->mode, lane->to))
        lane->allowed_at = now;
    if (!lane_is_busy(lane))
        return;
    if (now - lane->allowed_at > STOP_MS) {
        end_sender(lane, "the mode forbids sending");
    } else if (now - lane->heard_at > HUNG_MS) {
        end_sender(lane, "no answer for too long");
        lane_unreached(lane, "no answer for too long", 0);
    }
}

/* It pauses for its first, which was alone: where something came since, that shows more. */
static void end_pause(struct deliver *d, struct lane *lane)
{
    enum store_status status =
        choose_jobs(d->store, lane->to, 1, lane->head.study, &lane->batch, lane->job);
    if (status == STORE_OK && lane->batch.count > 0)
        lane_pause(lane, 0);
    lane->batch.count = lane->answered = 0;
}

static void keep_lane(struct deliver *d, struct lane *lane)
{
    int64_t now = clock_monotonic_ms();
    watch_lane(d, lane, now);
    if (lane->sender.fd < 0 && now >= lane->spawn_at)
        start_sender(d, lane);
    if (!lane_is_busy(lane))
        audit_traffic_batch_ended(d->traffic, lane->to);
    if (lane->sender.fd < 0 || lane_is_busy(lane) || !sender_allowed(d->mode, lane->to))
        return;
    if (lane_is_paused(lane) && !lane->head.alone)
        return;
    if (!role_open_store(d->node->conf, &d->store))
        return;
    if (lane_is_paused(lane))
        end_pause(d, lane);
    if (!lane_is_paused(lane))
        hand_out(d, lane);
}

static void look_at_mode(struct deliver *d)
{
    enum conf_mode mode = node_mode(d->node->conf);
    if (mode != d->mode)
        log_event(LOG_AT_INFO, "mode", "from=%s to=%s", conf_mode_name(d->mode),
                  conf_mode_name(mode));
    d->mode = mode;
}

static void wait_for_work(struct deliver *d)
{
    size_t count = 0;
    for (size_t i = 0; i < d->lanes; i++) /* answers can only be taken where they can be kept */
        d->poll[count++] = (struct pollfd){.fd = d->lane[i].sender.fd, .events = POLLIN};
    d->poll[count++] = (struct pollfd){.fd = d->node->wake_deliver, .events = POLLIN};
    d->poll[count++] = (struct pollfd){.fd = d->echo.child.fd, .events = POLLIN};

    int64_t now = clock_monotonic_ms(), until = now + LOOK_MS;
    for (size_t i = 0; i < d->lanes; i++)
        if (!lane_is_busy(&d->lane[i]) && d->lane[i].retry_at > now && d->lane[i].retry_at < until)
            until = d->lane[i].retry_at;
    if (poll(d->poll, count, (int)(until - now)) <= 0)
        return;
    if (d->poll[d->lanes].revents != 0)
        node_drain(d->node->wake_deliver);
    if (!role_open_store(d->node->conf, &d->store)) {
        (void)usleep(LOOK_MS * 100);
        return;
    }
    for (size_t i = 0; i < d->lanes; i++)
        while (d->lane[i].sender.fd >= 0 && d->poll[i].revents != 0 && take_answer(d, &d->lane[i]))
            continue;
}

static bool any_busy(const struct deliver *d)
{
    for (size_t i = 0; i < d->lanes; i++)
        if (lane_is_busy(&d->lane[i]))
            return true;
    return false;
}

static void serve(struct deliver *d)
{
    for (size_t i = 0; i < d->lanes; i++)
        start_sender(d, &d->lane[i]);
    while (!node_stopping) {
        look_at_mode(d);
        for (size_t i = 0; i < d->lanes && !node_stopping; i++)
            keep_lane(d, &d->lane[i]);
        echo_desk_turn(&d->echo, d->node, &d->store);
        audit_traffic_turn(d->traffic); /* after what can be sent is on its way */
        wait_for_work(d);
    }
    echo_desk_end(&d->echo);
    int64_t until = clock_monotonic_ms() + DRAIN_MS;
    while (any_busy(d) && clock_monotonic_ms() < until) {
        look_at_mode(d);
        for (size_t i = 0; i < d->lanes; i++)
            watch_lane(d, &d->lane[i], clock_monotonic_ms());
        wait_for_work(d);
    }
}

int deliver_run(const struct node *node)
{
    struct dx_error err = {.status = DX_OK};
    if (dx_init(NULL, NULL, &err) != DX_OK) {
        log_event(LOG_AT_ERROR, "dicom-unavailable", "error=%s", log_quote(err.text));
        return 1;
    }
    tzset(); /* for windows: time zones are files */
    if (!confine(CONFINE_DELIVER, node->conf, NULL))
        return EX_OSERR;
    struct deliver d = {.node = node, .lanes = node->conf->destination_count};
    d.mode = node_mode(node->conf);
    d.lane = calloc(d.lanes + 1, sizeof *d.lane);
    d.poll = calloc(d.lanes + 2, sizeof *d.poll);
    echo_desk_init(&d.echo, CONTACT_DESTINATION);
    int status = 1;
    if (d.lane == NULL || d.poll == NULL)
        goto out;
    for (size_t i = 0; i < d.lanes; i++) {
        d.lane[i].to = &node->conf->destinations[i];
        d.lane[i].sender.fd = -1;
    }
    d.traffic = audit_traffic_create(node->conf);
    serve(&d);
    status = 0;
out:
    audit_traffic_destroy(d.traffic);
    role_close_store(&d.store);
    free(d.lane);
    free(d.poll);
    return status;
}
