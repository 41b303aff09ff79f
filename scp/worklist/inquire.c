/* inquire: asks for the orders of studies, and what is answered goes into the job store.
 *
 *   idle -> a study is due [hand_out] -> busy -> answered [take_answer] -> idle
 *     ^                                    |
 *     `-- paused (back-off) <--------------+-- peer away, or it refuses; inquirer died or hung
 *
 * This process owns the store handle and talks to nobody; its one child, the inquirer, has at most
 * one question with it. An answer counts when the study's order is still unknown then: what HL7 has
 * said meanwhile is newer. It is entered as a message of HL7 would be, so both tell of the same
 * order. A study that breaks the talk is put off by itself: it holds up none behind it. */
#include "inquire.h"

#include "clock.h"
#include "confine.h"
#include "dx_init.h"
#include "dx_result.h"
#include "echo_desk.h"
#include "log.h"
#include "role.h"
#include "store_site.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define LOOK_MS     1000
#define SPAWN_MS    1000
#define PATIENCE_MS 5000 /* for the store's lock */
#define ANSWERS     4    /* that one question may need: connection, association, two C-FINDs */
#define GRACE_MS    10000

struct inquire {
    const struct node *node;
    const struct conf_order_query *how;
    struct store *store;
    struct role_child child;
    bool busy;
    bool works; /* the store has no trouble of the peer */
    struct store_inquiry of;
    int64_t asked_at, retry_at, spawn_at; /* monotonic */
    unsigned failures;
    struct role_contact contact;
    struct echo_desk echo;
    struct inquire_answer answer;
};

static bool open_store(struct inquire *q)
{
    if (!role_open_store(q->node->conf, &q->store))
        return false;
    store_patience(q->store, PATIENCE_MS);
    return true;
}

static void store_trouble(struct inquire *q)
{
    log_event(LOG_AT_ERROR, "store-failed", "error=%s", log_quote(store_error(q->store)));
    role_close_store(&q->store);
    q->retry_at = clock_monotonic_ms() + LOOK_MS;
}

/* ---- the inquirer ---- */

static void run_child(const struct inquire *q, int fd, pid_t parent)
{
    node_child("cervigated-ask", parent);
    (void)signal(SIGTERM, SIG_IGN); /* the parent ends it */
    if (q->echo.child.fd >= 0)
        (void)close(q->echo.child.fd);
    log_begin("inquirer", q->node->conf);
    if (!confine(CONFINE_INQUIRER, q->node->conf, NULL))
        _exit(EX_OSERR);
    _exit(inquire_ask(q->node->conf, fd));
}

static void start_child(struct inquire *q)
{
    int fd;
    pid_t parent = getpid();
    q->spawn_at = clock_monotonic_ms() + SPAWN_MS;
    pid_t pid = role_fork(&q->child, &q->store, &fd);
    if (pid == 0)
        run_child(q, fd, parent);
    q->busy = false;
}

static void pause_asking(struct inquire *q, const char *why)
{
    int64_t ms =
        role_back_off(q->how->retry_first_seconds, q->how->retry_most_seconds, q->failures);
    q->retry_at = clock_monotonic_ms() + ms;
    q->failures += q->failures < 30;
    log_event(LOG_AT_WARN, "inquiry-failed", "peer=%s failures=%u retry_ms=%lld reason=%s",
              q->how->peer->name, q->failures, (long long)ms, log_quote(why));
    q->works = false;
    role_contacted(&q->contact, open_store(q) ? q->store : NULL, CONTACT_WORKLIST,
                   q->how->peer->name, why);
    if (!open_store(q) || store_inquiry_peer(q->store, why, clock_utc_ms()) != STORE_OK)
        log_event(LOG_AT_WARN, "inquiry-untold", "peer=%s", q->how->peer->name);
}

/* The peer has answered: an earlier trouble is over. */
static void resume_asking(struct inquire *q)
{
    q->failures = 0;
    role_contacted(&q->contact, q->store, CONTACT_WORKLIST, q->how->peer->name, "");
    if (!q->works)
        q->works = store_inquiry_peer(q->store, "", 0) == STORE_OK;
}

static void end_child(struct inquire *q, const char *why)
{
    role_end_child(&q->child);
    log_event(LOG_AT_ERROR, "inquirer-ended", "reason=%s", log_quote(why));
    q->busy = false;
}

/* ---- questions ---- */

/* What is not there yet may come, ever less likely; what failed says nothing of the study. */
static int64_t again_ms(const struct inquire *q, enum inquire_end end)
{
    bool failed = end == INQUIRE_REFUSED || end == INQUIRE_BROKEN;
    unsigned times = failed ? 0 : q->of.asked < 30 ? (unsigned)q->of.asked : 30;
    return clock_utc_ms() +
           role_back_off(q->how->period_seconds, q->how->period_most_seconds, times);
}

static void hand_out(struct inquire *q)
{
    int64_t now = clock_utc_ms();
    enum store_status status =
        store_next_inquiry(q->store, now - (int64_t)q->how->window_seconds * 1000, now,
                           now + (int64_t)q->how->period_most_seconds * 1000, &q->of);
    if (status != STORE_OK) {
        if (status != STORE_NONE)
            store_trouble(q);
        return;
    }
    q->asked_at = clock_monotonic_ms();
    q->busy = true;
    if (send(q->child.fd, &q->of, sizeof q->of, MSG_NOSIGNAL | MSG_DONTWAIT) !=
        (ssize_t)sizeof q->of)
        end_child(q, "cannot be reached");
}

/* One line when it is said for the first time, not each time that it is asked. */
static void tell_log(const struct inquire *q, enum inquire_end end, const char *why)
{
    const char *word = inquire_end_word(end);
    if (strcmp(q->of.said, word) == 0)
        return;
    bool doubtful = end == INQUIRE_OTHER || end == INQUIRE_AMBIGUOUS || end == INQUIRE_MANY;
    log_event(doubtful ? LOG_AT_WARN : LOG_AT_INFO, "inquiry",
              "study=%s end=%s orders=%u ms=%lld reason=%s", q->of.study, word, q->answer.count,
              (long long)(clock_monotonic_ms() - q->asked_at), log_quote(why));
}

static void put_off(struct inquire *q, enum inquire_end end, const char *why)
{
    tell_log(q, end, why);
    if (store_inquiry_asked(q->store, &q->of, end == INQUIRE_FOUND, again_ms(q, end),
                            inquire_end_word(end)) != STORE_OK)
        store_trouble(q);
}

/* Of this time: were it of what was said, an order that was forgotten could not come back. */
static bool name_answer(const struct inquire *q, char name[DX_DIGEST_MAX])
{
    char number[32];
    (void)snprintf(number, sizeof number, "%lld", (long long)clock_utc_ms());
    struct dx_sha256 *sha = dx_sha256_create();
    if (sha == NULL)
        return false;
    dx_sha256_add_text(sha, "inquiry");
    dx_sha256_add_text(sha, q->of.study);
    dx_sha256_add_text(sha, number);
    dx_sha256_take(sha, name);
    return name[0] != '\0';
}

static enum store_status enter(struct inquire *q)
{
    char name[DX_DIGEST_MAX];
    size_t studies = 0, missing = 0;
    bool stands = false;
    enum store_status status = store_inquiry_stands(q->store, &q->of, &stands);
    if (status != STORE_OK || !stands)
        return status;
    if (!name_answer(q, name))
        return STORE_BROKEN;
    crash_point("inquiry-taken");
    status = store_site_orders(q->store, name, q->answer.order, q->answer.count, clock_utc_ms(),
                               &studies, &missing);
    if (status != STORE_OK)
        return status;
    crash_point("inquiry-entered");
    if (studies > 0)
        node_wake(q->node->wake_analyze);
    return STORE_OK;
}

static void record(struct inquire *q)
{
    enum inquire_end end = q->answer.end;
    if (end == INQUIRE_AWAY) {
        pause_asking(q, q->answer.why);
        return;
    }
    if (end == INQUIRE_REFUSED || end == INQUIRE_BROKEN)
        pause_asking(q, q->answer.why);
    else
        resume_asking(q);
    if (!open_store(q))
        return;
    if (end == INQUIRE_FOUND && enter(q) != STORE_OK)
        store_trouble(q); /* asked again: what is the same changes nothing */
    else
        put_off(q, end, q->answer.why);
}

/* What the child was asked may be what broke it: the study waits, and the next is asked about. */
static void give_up(struct inquire *q, const char *end, const char *why)
{
    bool asked = q->busy;
    end_child(q, end);
    pause_asking(q, why);
    q->answer.count = 0;
    if (asked && open_store(q))
        put_off(q, INQUIRE_BROKEN, why);
}

static void take_answer(struct inquire *q)
{
    if (!open_store(q)) { /* what cannot be kept is not taken: it waits in the socket */
        (void)usleep(LOOK_MS * 100);
        return;
    }
    ssize_t n = recv(q->child.fd, &q->answer, sizeof q->answer, MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    bool good = n > 0 && q->busy && inquire_is_answer(&q->answer, (size_t)n, &q->of);
    if (good) {
        q->busy = false;
        record(q);
        return;
    }
    give_up(q, n == 0 ? "died" : "nonsense", "the process that asks ended");
}

/* ---- the role ---- */

static void watch_child(struct inquire *q)
{
    int64_t most = (int64_t)q->how->answer_seconds * 1000 * ANSWERS + GRACE_MS;
    if (!q->busy || clock_monotonic_ms() - q->asked_at <= most)
        return;
    give_up(q, "no answer for too long", "no answer for too long");
}

static void turn(struct inquire *q)
{
    int64_t now = clock_monotonic_ms();
    watch_child(q);
    if (q->child.fd < 0 && now >= q->spawn_at)
        start_child(q);
    if (q->child.fd >= 0 && !q->busy && now >= q->retry_at && open_store(q))
        hand_out(q);
    echo_desk_turn(&q->echo, q->node, &q->store);
    struct pollfd wait[] = {{.fd = q->child.fd, .events = POLLIN},
                            {.fd = q->echo.child.fd, .events = POLLIN}};
    if (poll(wait, 2, LOOK_MS) > 0 && wait[0].revents != 0)
        take_answer(q);
}

int inquire_run(const struct node *node)
{
    static struct inquire q;
    struct dx_error err = {.status = DX_OK};
    char digest[DX_DIGEST_MAX];
    q = (struct inquire){.node = node, .how = &node->conf->order_query, .child = {.fd = -1}};
    if (dx_init(NULL, NULL, &err) != DX_OK) {
        log_event(LOG_AT_ERROR, "dicom-unavailable", "error=%s", log_quote(err.text));
        return 1;
    }
    dx_sha256_take(dx_sha256_create(), digest); /* OpenSSL reads its files while it may */
    if (!confine(CONFINE_INQUIRE, node->conf, NULL))
        return EX_OSERR;
    echo_desk_init(&q.echo, CONTACT_WORKLIST);
    while (!node_stopping)
        turn(&q);
    echo_desk_end(&q.echo);
    if (q.child.fd >= 0) /* what it was asked is asked again */
        role_end_child(&q.child);
    role_close_store(&q.store);
    return 0;
}
