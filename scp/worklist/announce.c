/* announce: news goes to its receivers while it is news.
 *
 * This process owns the store handle and talks to nobody; each announcement has a crier (crier.c)
 * and at most one piece of news with it. A crier's life is that of a sender (deliver.c):
 *
 *   idle -> due and allowed [hand_out] -> busy -> answered [take_answer] -> idle
 *     ^                                     |
 *     `-- paused (back-off) <---------------+-- receiver unreached, crier died or hung
 *
 * but what is late is not told any more [expire]: a raise that comes an hour late would pass by
 * patients who have waited, for one whose study may have been read. What is read or taken back
 * overtakes earlier news in the store (store_place). */
#include "announce.h"

#include "audit.h"
#include "clock.h"
#include "confine.h"
#include "dx_init.h"
#include "echo_desk.h"
#include "log.h"
#include "news_header.h"
#include "report_file.h"
#include "role.h"
#include "spool.h"
#include "store_place.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define LOOK_MS     1000  /* slow polling: mode, store, news */
#define ANSWERS     48    /* that one piece of news may need: UPS looks at several items */
#define GRACE_MS    10000 /* beyond what they may take */
#define STOP_MS     2000  /* what a crier may still take when the mode forbids it: design, 5 s */
#define DRAIN_MS    5000
#define SPAWN_MS    1000
#define PATIENCE_MS 1000 /* for the store's lock: the mode is looked at meanwhile */

struct lane {
    const struct conf_announcement *to;
    struct role_child crier;
    bool busy;
    struct news news;
    int64_t asked_at, retry_at, spawn_at, allowed_at, look_at; /* monotonic */
    unsigned failures;
    struct role_contact contact;
};

struct announce {
    const struct node *node;
    struct store *store;
    struct lane *lane;
    struct pollfd *poll;
    size_t lanes;
    enum conf_mode mode;
    struct echo_desk echo;
    char node_id[SPOOL_NODE_ID_MAX]; /* "": not read yet */
};

static int64_t back_off(const struct conf_announcement *to, unsigned times)
{
    return role_back_off(to->retry_first_seconds, to->retry_most_seconds, times);
}

static bool open_store(struct announce *a)
{
    if (!role_open_store(a->node->conf, &a->store))
        return false;
    store_patience(a->store, PATIENCE_MS);
    return true;
}

static void store_trouble(struct announce *a)
{
    log_event(LOG_AT_ERROR, "store-failed", "error=%s", log_quote(store_error(a->store)));
    role_close_store(&a->store);
}

/* ---- criers ---- */

static void run_crier(const struct announce *a, const struct lane *lane, int fd, pid_t parent)
{
    node_child("cervigated-cry", parent);
    (void)signal(SIGTERM, SIG_IGN); /* the parent decides when it has had its time */
    for (size_t i = 0; i < a->lanes; i++)
        if (a->lane[i].crier.fd >= 0)
            (void)close(a->lane[i].crier.fd);
    if (a->echo.child.fd >= 0)
        (void)close(a->echo.child.fd);
    log_begin("crier", a->node->conf);
    if (!confine(CONFINE_CRIER, a->node->conf, NULL))
        _exit(EX_OSERR);
    _exit(crier_run(a->node->conf, lane->to, fd));
}

static void start_crier(struct announce *a, struct lane *lane)
{
    int fd;
    pid_t parent = getpid();
    lane->spawn_at = clock_monotonic_ms() + SPAWN_MS;
    pid_t pid = role_fork(&lane->crier, &a->store, &fd);
    if (pid == 0)
        run_crier(a, lane, fd, parent);
    if (pid > 0)
        lane->busy = false;
}

static void pause_lane(struct lane *lane, const char *why)
{
    int64_t ms = back_off(lane->to, lane->failures);
    lane->retry_at = clock_monotonic_ms() + ms;
    lane->failures += lane->failures < 30;
    log_event(LOG_AT_WARN, "announcement-unreached",
              "announcement=%s failures=%u retry_ms=%lld reason=%s", lane->to->name, lane->failures,
              (long long)ms, log_quote(why));
}

static void end_crier(struct lane *lane, const char *why)
{
    role_end_child(&lane->crier);
    log_event(LOG_AT_ERROR, "crier-ended", "announcement=%s reason=%s", lane->to->name,
              log_quote(why));
    lane->busy = false;
}

/* ---- news ---- */

/* The same whenever this news is sent, and another for any other. There is news: so analyze has
 * given the node its id. */
static bool name_news(struct announce *a, const struct lane *lane, struct news *news)
{
    if (a->node_id[0] == '\0' && spool_node_id(a->node->conf, a->node_id) != 0) {
        a->node_id[0] = '\0';
        return false;
    }
    char revision[64], digest[DX_DIGEST_MAX];
    const char *const item[] = {"workitem", a->node_id, lane->to->name, news->study};
    /* A study that was forgotten and comes again begins anew; what is research says so. */
    (void)snprintf(revision, sizeof revision, "%lld %lld %s", (long long)news->revision,
                   (long long)news->created_ms, news->research ? "research" : "");
    struct dx_sha256 *sha = dx_sha256_create();
    if (sha == NULL || !report_hashed_uid(item, 4, news->workitem)) {
        dx_sha256_take(sha, digest);
        return false;
    }
    dx_sha256_add_text(sha, "message");
    for (size_t i = 1; i < 4; i++)
        dx_sha256_add_text(sha, item[i]);
    dx_sha256_add_text(sha, revision);
    dx_sha256_take(sha, digest);
    (void)snprintf(news->message, sizeof news->message, "%.32s", digest);
    return digest[0] != '\0';
}

static void expire(struct announce *a, const struct lane *lane)
{
    size_t count = 0;
    int64_t now = clock_utc_ms();
    if (store_expire_news(a->store, lane->to->name, now - (int64_t)lane->to->expire_seconds * 1000,
                          now, &count) != STORE_OK)
        store_trouble(a);
    else if (count > 0)
        log_event(LOG_AT_WARN, "news-stale", "announcement=%s count=%zu older_than_s=%d",
                  lane->to->name, count, lane->to->expire_seconds);
}

/* News; where there is none, a study that may have been read there: one a second, so that a long
 * list is no load. */
static enum store_status next_for(struct announce *a, struct lane *lane, uint8_t **attrs,
                                  size_t *bytes)
{
    int64_t now = clock_utc_ms();
    const struct priority_policy policy = {.ageing_seconds = a->node->conf->ageing_seconds,
                                           .delay_seconds = a->node->conf->delay_seconds,
                                           .now_ms = now};
    enum store_status status = store_next_news(a->store, &policy, lane->to->name, now,
                                               now + (int64_t)lane->to->retry_most_seconds * 1000,
                                               &lane->news, attrs, bytes);
    if (status != STORE_NONE || lane->to->look_seconds == 0 || clock_monotonic_ms() < lane->look_at)
        return status;
    lane->look_at = clock_monotonic_ms() + LOOK_MS;
    return store_next_look(a->store, lane->to->name, now, (int64_t)lane->to->look_seconds * 1000,
                           &lane->news, attrs, bytes);
}

/* A workflow manager may know the patient by an ID from before a merge. */
static enum store_status find_aliases(struct announce *a, struct news *news)
{
    const char *standard = a->node->conf->orders.issuer;
    struct site_id image = {.id = ""};
    int64_t began_ms = 0;
    size_t id = strlen(news->patient_id), issuer = strlen(news->issuer);
    if (id >= sizeof image.id || issuer >= sizeof image.issuer)
        return STORE_OK;
    memcpy(image.id, news->patient_id, id + 1);
    memcpy(image.issuer, news->issuer, issuer + 1);
    enum store_status status = store_study_began(a->store, news->study, &began_ms);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;
    return store_aliases_of(a->store, &image, news->patient_name, news->birth_date, began_ms,
                            standard != NULL ? standard : "", news->alias, &news->aliases);
}

static void hand_out(struct announce *a, struct lane *lane)
{
    uint8_t *attrs = NULL;
    size_t bytes = 0;
    enum store_status status = next_for(a, lane, &attrs, &bytes);
    if (status == STORE_OK) {
        news_take_header(&lane->news, attrs, bytes);
        news_identify(&lane->news);
        if (lane->to->way == CONF_UPS)
            status = find_aliases(a, &lane->news);
    }
    free(attrs);
    if (status != STORE_OK) {
        if (status != STORE_NONE)
            store_trouble(a);
        return;
    }
    lane->news.research = a->mode != CONF_CLINICAL;
    if (!name_news(a, lane, &lane->news)) {
        log_event(LOG_AT_ERROR, "news-unnamed", "announcement=%s study=%s", lane->to->name,
                  lane->news.study);
        lane->retry_at = clock_monotonic_ms() + LOOK_MS;
        return;
    }
    crash_point("announce-chosen");
    status = lane->news.kind == NEWS_LOOK
                 ? store_look_asked(a->store, lane->to->name, lane->news.study, clock_utc_ms())
                 : store_news_asked(a->store, &lane->news);
    if (status != STORE_OK) {
        if (status != STORE_NONE)
            store_trouble(a);
        return;
    }
    lane->asked_at = lane->allowed_at = clock_monotonic_ms();
    lane->busy = true;
    if (send(lane->crier.fd, &lane->news, sizeof lane->news, MSG_NOSIGNAL | MSG_DONTWAIT) !=
        (ssize_t)sizeof lane->news)
        end_crier(lane, "cannot be reached");
}

static void tell_log(const struct lane *lane, const struct crier_answer *answer)
{
    static const char *const events[] = {[NEWS_TOLD] = "announced",
                                         [NEWS_LATER] = "announcement-put-off",
                                         [NEWS_UNREACHED] = "announcement-put-off",
                                         [NEWS_REFUSED] = "announcement-parked"};
    log_event(answer->end == NEWS_TOLD      ? LOG_AT_INFO
              : answer->end == NEWS_REFUSED ? LOG_AT_ERROR
                                            : LOG_AT_WARN,
              events[answer->end],
              "announcement=%s study=%s revision=%lld rank=%s event=%s message_id=%s ms=%lld "
              "reason=%s",
              lane->to->name, lane->news.study, (long long)lane->news.revision,
              priority_rank_name(lane->news.rank),
              lane->news.kind == NEWS_PRIORITY ? "priority" : "withdrawn", lane->news.message,
              (long long)(clock_monotonic_ms() - lane->asked_at), log_quote_own(answer->why));
}

/* Whoever reads there says that it is over: so it is here. */
static enum store_status record_look(struct announce *a, const struct lane *lane,
                                     const struct crier_answer *answer)
{
    if (answer->end == NEWS_LATER || answer->end == NEWS_REFUSED)
        log_event(LOG_AT_DEBUG, "look-failed", "announcement=%s study=%s", lane->to->name,
                  lane->news.study);
    if (!answer->read)
        return STORE_OK;
    crash_point("announce-answered");
    enum store_status status = store_look_read(a->store, lane->to->name, lane->news.study);
    if (status == STORE_OK) {
        log_event(LOG_AT_INFO, "read-elsewhere", "announcement=%s study=%s", lane->to->name,
                  lane->news.study);
        audit_ordered(a->node->conf, lane->to->name, "read", lane->news.study,
                      "read at the workflow manager");
        node_wake(a->node->wake_analyze);
    }
    return status;
}

static enum store_status record_news(struct announce *a, const struct lane *lane,
                                     const struct crier_answer *answer)
{
    int64_t now = clock_utc_ms();
    int64_t next =
        answer->end == NEWS_LATER ? now + back_off(lane->to, (unsigned)lane->news.attempts) : 0;
    crash_point("announce-answered");
    enum store_status status =
        store_news_end(a->store, answer->news, answer->end, next, answer->why, now);
    tell_log(lane, answer);
    return status;
}

static void record(struct announce *a, struct lane *lane, const struct crier_answer *answer)
{
    if (answer->forbidden)
        return;
    enum store_status status =
        lane->news.kind == NEWS_LOOK ? record_look(a, lane, answer) : record_news(a, lane, answer);
    role_contacted(&lane->contact, a->store, CONTACT_ANNOUNCEMENT, lane->to->name,
                   answer->end == NEWS_UNREACHED ? answer->why : "");
    if (answer->end == NEWS_UNREACHED)
        pause_lane(lane, answer->why);
    else
        lane->failures = 0;
    if (status != STORE_OK && status != STORE_NONE) { /* told again, as the same message */
        store_trouble(a);
        lane->retry_at = clock_monotonic_ms() + LOOK_MS;
    }
}

static void take_answer(struct announce *a, struct lane *lane)
{
    struct crier_answer answer;
    if (!open_store(a)) /* what cannot be kept is not taken: it waits in the socket */
        return;
    ssize_t n = recv(lane->crier.fd, &answer, sizeof answer, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n != (ssize_t)sizeof answer || !lane->busy || answer.news != lane->news.id ||
        (unsigned)answer.end > NEWS_REFUSED) {
        end_crier(lane, n == 0 ? "died" : "nonsense");
        pause_lane(lane, "its process ended");
        return;
    }
    answer.why[sizeof answer.why - 1] = '\0';
    lane->busy = false;
    record(a, lane, &answer);
}

/* ---- the role ---- */

/* Ends a crier that hangs or that the mode has forbidden meanwhile. */
static void watch_lane(const struct announce *a, struct lane *lane, int64_t now)
{
    if (announce_allowed(a->mode, lane->to))
        lane->allowed_at = now;
    if (lane->busy && now - lane->allowed_at > STOP_MS)
        end_crier(lane, "the mode forbids it");
    if (lane->busy &&
        now - lane->asked_at > (int64_t)lane->to->answer_seconds * 1000 * ANSWERS + GRACE_MS) {
        end_crier(lane, "no answer for too long");
        pause_lane(lane, "no answer for too long");
    }
}

static void keep_lane(struct announce *a, struct lane *lane)
{
    int64_t now = clock_monotonic_ms();
    watch_lane(a, lane, now);
    if (lane->crier.fd < 0 && now >= lane->spawn_at)
        start_crier(a, lane);
    if (lane->crier.fd < 0 || lane->busy || !open_store(a))
        return;
    expire(a, lane);
    if (announce_allowed(a->mode, lane->to) && now >= lane->retry_at && open_store(a))
        hand_out(a, lane);
}

static void look_at_mode(struct announce *a)
{
    a->mode = node_mode(a->node->conf);
}

static void wait_for_work(struct announce *a)
{
    size_t count = 0;
    int64_t now = clock_monotonic_ms(), until = now + LOOK_MS;
    for (size_t i = 0; i < a->lanes; i++) {
        a->poll[count++] = (struct pollfd){.fd = a->lane[i].crier.fd, .events = POLLIN};
        if (!a->lane[i].busy && a->lane[i].retry_at > now && a->lane[i].retry_at < until)
            until = a->lane[i].retry_at;
    }
    a->poll[count++] = (struct pollfd){.fd = a->node->wake_announce, .events = POLLIN};
    a->poll[count++] = (struct pollfd){.fd = a->echo.child.fd, .events = POLLIN};
    if (poll(a->poll, count, (int)(until - now)) <= 0)
        return;
    if (a->poll[a->lanes].revents != 0)
        node_drain(a->node->wake_announce);
    if (!open_store(a)) {
        (void)usleep(LOOK_MS * 100);
        return;
    }
    for (size_t i = 0; i < a->lanes; i++)
        if (a->lane[i].crier.fd >= 0 && a->poll[i].revents != 0)
            take_answer(a, &a->lane[i]);
}

static bool any_busy(const struct announce *a)
{
    for (size_t i = 0; i < a->lanes; i++)
        if (a->lane[i].busy)
            return true;
    return false;
}

static void serve(struct announce *a)
{
    for (size_t i = 0; i < a->lanes; i++)
        start_crier(a, &a->lane[i]);
    while (!node_stopping) {
        look_at_mode(a);
        for (size_t i = 0; i < a->lanes && !node_stopping; i++)
            keep_lane(a, &a->lane[i]);
        echo_desk_turn(&a->echo, a->node, &a->store);
        wait_for_work(a);
    }
    echo_desk_end(&a->echo);
    int64_t until = clock_monotonic_ms() + DRAIN_MS;
    while (any_busy(a) && clock_monotonic_ms() < until) {
        look_at_mode(a);
        for (size_t i = 0; i < a->lanes; i++)
            watch_lane(a, &a->lane[i], clock_monotonic_ms());
        wait_for_work(a);
    }
}

int announce_run(const struct node *node)
{
    struct dx_error err = {.status = DX_OK};
    struct announce a = {.node = node, .lanes = node->conf->announcement_count};
    if (dx_init(NULL, NULL, &err) != DX_OK) {
        log_event(LOG_AT_ERROR, "dicom-unavailable", "error=%s", log_quote(err.text));
        return 1;
    }
    if (!confine(CONFINE_ANNOUNCE, node->conf, NULL))
        return EX_OSERR;
    int status = 1;
    a.lane = calloc(a.lanes + 1, sizeof *a.lane);
    a.poll = calloc(a.lanes + 2, sizeof *a.poll);
    echo_desk_init(&a.echo, CONTACT_ANNOUNCEMENT);
    if (a.lane == NULL || a.poll == NULL)
        goto out;
    for (size_t i = 0; i < a.lanes; i++) {
        a.lane[i].to = &node->conf->announcements[i];
        a.lane[i].crier.fd = -1;
    }
    serve(&a);
    status = 0;
out:
    role_close_store(&a.store);
    free(a.lane);
    free(a.poll);
    return status;
}
