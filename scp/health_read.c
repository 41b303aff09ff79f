/* Is the node well, and why not: from its run file, its spool and its job store. */
#include "health.h"

#include "clock.h"
#include "log.h"
#include "node.h"
#include "sender.h"
#include "store_inquiry.h"
#include "store_place.h"
#include "worklist/announce.h"
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    const struct conf *conf;
    struct store *store;
    struct health *health;
    struct store_sample *reference, *sample; /* room for both */
};

void health_say(struct health *h, bool alarm, const char *name, const char *subject,
                const char *format, ...)
{
    va_list args;
    if (h->why_count == HEALTH_WHY_MOST)
        return;
    struct health_why *why = &h->why[h->why_count++];
    *why = (struct health_why){.alarm = alarm};
    (void)snprintf(why->name, sizeof why->name, "%s", name);
    (void)snprintf(why->subject, sizeof why->subject, "%s", subject);
    va_start(args, format);
    (void)vsnprintf(why->detail, sizeof why->detail, format, args);
    va_end(args);
    char *says = strstr(why->detail, LOG_PEER_SAYS);
    if (says != NULL)
        *says = '\0';
}

/* ---- the processes ---- */

static bool is_alive(long pid)
{
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/* "receive_pid=123", then, of a role that is wanted, "receive_since=1764" and "receive_died=0". */
static void take_role(struct health *h, const char *line, long *pid)
{
    const char *process = strstr(line, "_pid="), *since = strstr(line, "_since="),
               *died = strstr(line, "_died=");
    if (process != NULL)
        *pid = strtol(process + strlen("_pid="), NULL, 10);
    if (since != NULL && h->roles < HEALTH_ROLES) {
        struct health_role *role = &h->role[h->roles++];
        (void)snprintf(role->name, sizeof role->name, "%.*s", (int)(since - line), line);
        role->since_ms = strtoll(since + strlen("_since="), NULL, 10);
        role->runs = is_alive(*pid);
    }
    if (died != NULL && h->roles > 0)
        h->role[h->roles - 1].died = (int)strtol(died + strlen("_died="), NULL, 10);
}

/* NULL: nothing is known of it. */
static const struct health_role *role_of(const struct health *h, const char *name)
{
    for (size_t i = 0; i < h->roles; i++)
        if (strcmp(h->role[i].name, name) == 0)
            return &h->role[i];
    return NULL;
}

static bool runs(const struct health *h, const char *name)
{
    const struct health_role *role = role_of(h, name);
    return role != NULL && role->runs;
}

static void read_run_file(const struct conf *conf, struct health *h)
{
    char path[PATH_MAX], line[256];
    long role = 0;
    const struct {
        const char *key;
        long *value;
    } keys[] = {{"pid=", &h->pid},
                {"dicom_port=", &h->dicom_port},
                {"tls_port=", &h->tls_port},
                {"console_port=", &h->console_port},
                {"landlock=", &h->landlock}};
    node_path(conf, path, sizeof path, "run/node");
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        take_role(h, line, &role);
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            if (strncmp(line, keys[i].key, strlen(keys[i].key)) == 0)
                *keys[i].value = strtol(line + strlen(keys[i].key), NULL, 10);
    }
    (void)fclose(file);
    h->running = is_alive(h->pid);
    h->receives = runs(h, "receive");
    h->analyzes = runs(h, "analyze");
    h->delivers = runs(h, "deliver");
}

static void look_at_processes(const struct conf *conf, struct health *h)
{
    read_run_file(conf, h);
    if (!h->running)
        health_say(h, false, "node", "", "it does not run");
    for (size_t i = 0; h->running && i < h->roles; i++)
        if (!h->role[i].runs)
            health_say(h, false, h->role[i].name, "", "this role does not run");
    static const char *const always[] = {"receive", "analyze", "deliver"};
    for (size_t i = 0; h->running && i < sizeof always / sizeof *always; i++)
        if (role_of(h, always[i]) == NULL)
            health_say(h, false, always[i], "", "nothing is known of this role");
}

/* ---- the self-test ---- */

static enum store_status look_at_selftest(struct reading *r)
{
    struct health *h = r->health;
    enum store_status status = store_last_selftest(r->store, &h->selftest);
    h->tested = status == STORE_OK;
    if (status == STORE_NONE) {
        health_say(h, false, "selftest", "", "there was none yet");
        return STORE_OK;
    }
    if (status == STORE_OK && !h->selftest.passed)
        health_say(h, true, "selftest", "", "%s: %s", h->selftest.what, h->selftest.detail);
    return status;
}

/* ---- the oldest job ---- */

/* Whether the mode lets something go there. A destination that nobody knows any more waits for a
 * person: that is to be told. */
static bool may_go(const struct conf *conf, const char *destination)
{
    for (size_t i = 0; i < conf->destination_count; i++)
        if (strcmp(conf->destinations[i].peer->name, destination) == 0)
            return sender_allowed(node_mode(conf), &conf->destinations[i]);
    return true;
}

static enum store_status oldest_delivery(struct reading *r, int64_t *since_ms)
{
    struct store_oldest_pending list[CONF_MAX_PEERS];
    size_t count = 0;
    enum store_status status = store_oldest_pending(r->store, list, CONF_MAX_PEERS, &count);
    *since_ms = 0;
    for (size_t i = 0; status == STORE_OK && i < count; i++)
        if ((*since_ms == 0 || list[i].since_ms < *since_ms) &&
            may_go(r->conf, list[i].destination))
            *since_ms = list[i].since_ms;
    return status;
}

const char *health_queue_name(enum health_queue queue)
{
    static const char *const names[HEALTH_QUEUES] = {"object", "report", "delivery", "news"};
    return names[queue];
}

/* UTC, 0: nothing; of several the one that waits longest. A clock that was set back makes it 0 s.
 */
static void wait_since(struct health *h, enum health_queue queue, int64_t since_ms)
{
    int64_t seconds = h->at_ms > since_ms ? (h->at_ms - since_ms) / 1000 : 0;
    if (since_ms != 0 && seconds > h->waits_seconds[queue])
        h->waits_seconds[queue] = seconds;
}

static enum store_status look_at_jobs(struct reading *r)
{
    struct health *h = r->health;
    struct store_oldest oldest;
    int64_t pending_ms = 0, quiet_ms = r->conf->quiet_seconds * 1000LL;
    enum store_status status = store_oldest(r->store, &oldest);
    if (status == STORE_OK)
        status = oldest_delivery(r, &pending_ms);
    if (status != STORE_OK)
        return status;
    wait_since(h, QUEUE_OBJECT, oldest.received_ms);
    wait_since(h, QUEUE_REPORT, oldest.due_ms == 0 ? 0 : oldest.due_ms + quiet_ms);
    wait_since(h, QUEUE_DELIVERY, pending_ms);
    for (enum health_queue q = QUEUE_OBJECT; q <= QUEUE_DELIVERY; q++)
        if (h->waits_seconds[q] >= 0 &&
            (!h->oldest_kind || h->waits_seconds[q] > h->oldest_seconds)) {
            h->oldest_kind = health_queue_name(q);
            h->oldest_seconds = h->waits_seconds[q];
        }
    if (h->oldest_kind && h->oldest_seconds > r->conf->health.oldest_job_seconds)
        health_say(h, true, "oldest-job", h->oldest_kind, "it waits since %lld s, oldestJob is %d",
                   (long long)h->oldest_seconds, r->conf->health.oldest_job_seconds);
    return STORE_OK;
}

/* ---- rates and scores ---- */

static enum store_status take_series(struct reading *r, const char *series, int64_t since_ms,
                                     size_t *reference, size_t *samples)
{
    int64_t last;
    *samples = 0;
    enum store_status status =
        store_first_samples(r->store, series, since_ms, r->reference,
                            (size_t)r->conf->health.reference, reference, &last);
    if (status == STORE_OK && *reference == (size_t)r->conf->health.reference)
        status = store_last_samples(r->store, series, last, r->sample, STORE_SAMPLES, samples);
    return status;
}

static void tell_rate(struct health *h, const char *name, const char *subject,
                      const struct health_rate *rate)
{
    if (rate->more.on || rate->fewer.on)
        health_say(h, true, name, subject,
                   "%s than in the reference: %.1f %% of the last %zu, %.1f %% of %zu",
                   rate->more.on ? "more" : "fewer",
                   100.0 * (double)rate->hits / (double)rate->samples, rate->samples,
                   100.0 * (double)rate->reference_hits / (double)rate->reference, rate->reference);
}

static enum store_status look_at_rate(struct reading *r, const char *series, int64_t since_ms,
                                      const char *name, struct health_rate *rate)
{
    size_t reference, samples;
    enum store_status status = take_series(r, series, since_ms, &reference, &samples);
    if (status != STORE_OK)
        return status;
    health_rate(&r->conf->health, r->reference, reference, r->sample, samples, rate);
    tell_rate(r->health, name, "", rate);
    return STORE_OK;
}

static void tell_scores(struct health *h, const char *subject, const struct health_score *score)
{
    const struct {
        bool on;
        const char *how;
    } charts[] = {{score->higher.on, "higher"},
                  {score->lower.on, "lower"},
                  {score->wider.on, "further apart"},
                  {score->narrower.on, "closer together"}};
    char how[96] = "";
    for (size_t i = 0; i < sizeof charts / sizeof *charts; i++)
        if (charts[i].on)
            (void)snprintf(how + strlen(how), sizeof how - strlen(how), "%s%s", how[0] ? ", " : "",
                           charts[i].how);
    if (how[0])
        health_say(h, true, "score-shift", subject,
                   "scores are %s than in the reference of %zu (mean deviate %.2f of the last %zu)",
                   how, score->reference, score->mean, score->samples);
}

/* Of the models that the last self-test of the node named. */
static enum store_status look_at_models(struct reading *r, int64_t since_ms)
{
    struct health *h = r->health;
    const char *at = h->selftest.models;
    enum store_status status = STORE_OK;
    while (status == STORE_OK && h->models < SRT_MAX_MODELS && *(at += strspn(at, " ")) != '\0') {
        struct health_model *model = &h->model[h->models++];
        size_t length = strcspn(at, " "), reference, samples;
        char subject[17];
        (void)snprintf(model->digest, sizeof model->digest, "%.*s", (int)length, at);
        (void)snprintf(subject, sizeof subject, "%s", model->digest);
        at += length;
        status = take_series(r, model->digest, since_ms, &reference, &samples);
        if (status != STORE_OK)
            break;
        health_rate(&r->conf->health, r->reference, reference, r->sample, samples, &model->flags);
        tell_rate(h, "flag-rate", subject, &model->flags);
        if (!health_score(&r->conf->health, r->reference, reference, r->sample, samples,
                          &model->scores))
            return STORE_BROKEN;
        tell_scores(h, subject, &model->scores);
    }
    return status;
}

/* ---- stations ---- */

static bool look_at_station(struct reading *r, const struct store_hour *hours, size_t count)
{
    struct health *h = r->health;
    struct health_silence *more = reallocarray(h->station, h->stations + 1, sizeof *more);
    if (more == NULL)
        return false;
    h->station = more;
    struct health_silence *s = &h->station[h->stations++];
    health_silence(&r->conf->health, hours, count, h->at_ms / STORE_HOUR_MS, s);
    if (s->on)
        health_say(h, true, "station-silent", s->station,
                   "no study in %d hours in which it usually sends; %.0f would have come", s->hours,
                   s->expected);
    return true;
}

static enum store_status look_at_stations(struct reading *r)
{
    struct store_hour *hours = NULL;
    size_t count = 0, next;
    enum store_status status =
        store_hours(r->store, r->health->at_ms / STORE_HOUR_MS - HEALTH_HISTORY, HEALTH_STATIONS,
                    &hours, &count);
    for (size_t i = 0; status == STORE_OK && i < count; i = next) {
        for (next = i + 1; next < count && strcmp(hours[next].station, hours[i].station) == 0;)
            next++;
        if (!look_at_station(r, hours + i, next - i))
            status = STORE_BROKEN;
    }
    free(hours);
    return status;
}

/* ---- what waits for a person ---- */

/* Until somebody releases or cancels it, or it expires. */
static enum store_status look_at_parked(struct reading *r)
{
    struct store_refused list[CONF_MAX_PEERS];
    size_t count = 0;
    enum store_status status = store_refused(r->store, list, CONF_MAX_PEERS, &count);
    for (size_t i = 0; i < count; i++)
        health_say(r->health, true, "delivery", list[i].destination,
                   "%llu parked, the last: %.200s", (unsigned long long)list[i].count, list[i].why);
    return status;
}

#define CONFLICTS_MOST 32

/* Until somebody discards them, or their bytes go by retention. */
static enum store_status look_at_conflicts(struct reading *r)
{
    struct store_conflicts list[CONFLICTS_MOST];
    size_t count = 0;
    enum store_status status = store_conflicts(r->store, list, CONFLICTS_MOST, &count);
    for (size_t i = 0; i < count; i++)
        health_say(r->health, true, "conflict", list[i].station,
                   "%llu came with the SOP Instance UID of another object and other pixels, the "
                   "last is job %lld: they are not judged",
                   (unsigned long long)list[i].count, (long long)list[i].last);
    return status;
}

/* ---- announcements ---- */

#define DAY_MS (24 * STORE_HOUR_MS)

/* What a receiver refused for good is an alarm for a day: nothing can be done about it but to mend
 * the receiver; the next change of the study is told again. */
static enum store_status look_at_announcement(struct reading *r, const struct conf_announcement *to)
{
    struct store_news_state state;
    struct health *h = r->health;
    enum store_status status = store_news_state(r->store, to->name, h->at_ms - DAY_MS, &state);
    if (status != STORE_OK || !announce_allowed(node_mode(r->conf), to))
        return status;
    wait_since(h, QUEUE_NEWS, state.oldest_ms);
    int64_t seconds = state.oldest_ms == 0 ? 0 : (h->at_ms - state.oldest_ms) / 1000;
    if (seconds > r->conf->health.oldest_job_seconds)
        health_say(h, true, "announcement", to->name,
                   "%zu wait, the oldest since %lld s, oldestJob is %d", state.pending,
                   (long long)seconds, r->conf->health.oldest_job_seconds);
    if (state.parked > 0)
        health_say(h, true, "announcement", to->name,
                   "%zu refused for good in a day, the last: %.200s", state.parked, state.why);
    return STORE_OK;
}

static enum store_status look_at_announcements(struct reading *r)
{
    enum store_status status = STORE_OK;
    for (size_t i = 0; status == STORE_OK && i < r->conf->announcement_count; i++)
        status = look_at_announcement(r, &r->conf->announcements[i]);
    return status;
}

/* ---- the worklist that is asked for orders ---- */

/* Only while a study waits for it: nobody is asked, and nothing is known of the peer, without. */
static enum store_status look_at_inquiries(struct reading *r)
{
    const struct conf_order_query *how = &r->conf->order_query;
    struct store_inquiry_state state;
    struct health *h = r->health;
    if (how->peer == NULL)
        return STORE_OK;
    enum store_status status =
        store_inquiry_state(r->store, h->at_ms - (int64_t)how->window_seconds * 1000, &state);
    if (status != STORE_OK || state.since_ms == 0 || state.waiting == 0)
        return status;
    int64_t seconds = (h->at_ms - state.since_ms) / 1000;
    if (seconds > r->conf->health.oldest_job_seconds)
        health_say(h, true, "order-query", how->peer->name,
                   "%zu studies wait for their order's priority; it fails since %lld s: %.200s",
                   state.waiting, (long long)seconds, state.why);
    return STORE_OK;
}

/* ---- all ---- */

static enum store_status look_at_store(struct reading *r)
{
    int64_t since_ms = 0;
    struct health *h = r->health;
    enum store_status status = look_at_selftest(r);
    if (status == STORE_OK)
        status = look_at_jobs(r);
    if (status == STORE_OK)
        status = store_relearned(r->store, &since_ms);
    if (status == STORE_OK)
        status = look_at_rate(r, STORE_SERIES_ASSOCIATION, since_ms, "refusal-rate", &h->refusals);
    if (status == STORE_OK)
        status = look_at_rate(r, STORE_SERIES_STUDY, since_ms, "unprocessed-rate", &h->unprocessed);
    if (status == STORE_OK)
        status = look_at_models(r, since_ms);
    if (status == STORE_OK)
        status = look_at_stations(r);
    if (status == STORE_OK)
        status = look_at_parked(r);
    if (status == STORE_OK)
        status = look_at_conflicts(r);
    if (status == STORE_OK)
        status = look_at_announcements(r);
    if (status == STORE_OK)
        status = look_at_inquiries(r);
    return status;
}

bool health_read(const struct conf *conf, struct store *store, const char *no_store, int64_t now_ms,
                 struct health *health)
{
    struct reading r = {.conf = conf, .store = store, .health = health};
    *health = (struct health){.at_ms = now_ms, .waits_seconds = {-1, -1, -1, -1}};
    size_t reference = (size_t)conf->health.reference;
    health->why = calloc(HEALTH_WHY_MOST, sizeof *health->why);
    r.reference = calloc(reference + STORE_SAMPLES, sizeof *r.reference);
    bool done = health->why != NULL && r.reference != NULL;
    if (done) {
        r.sample = r.reference + reference;
        look_at_processes(conf, health);
        health_spool(conf, health);
        health_certificates(conf, health);
        health_audit(conf, health);
        health->has_store = store != NULL && look_at_store(&r) == STORE_OK;
        if (!health->has_store)
            health_say(health, false, "job-store", "", "%s",
                       store != NULL ? store_error(store) : no_store);
    }
    free(r.reference);
    return done;
}

void health_finish(struct health *health)
{
    free(health->why);
    free(health->station);
    *health = (struct health){.at_ms = 0};
}
