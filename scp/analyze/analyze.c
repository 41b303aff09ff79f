/* The analyze role: from received objects to results, without network.
 *
 * Three things happen in turn, woken by receive (wake_analyze) or by the slow poll:
 *
 *   objects   oldest first, each through [examine]; its state in the store goes
 *
 *               RECEIVED --> IGNORED | OWN | SAME | JUDGED | NOT_PROCESSED      [judge_one]
 *
 *             When limits.object_attempts object children died over it, the object is parsed once
 *             more, to learn whom to answer, and answered "not processed". An attempt is counted
 *             before it is made, and a stop or kill of this role during it is not the object's
 *             fault until it has happened CUT_OFF_MOST times. Trouble of the node's own (disk,
 *             memory) costs no attempt: the object waits, others pass it.
 *
 *   studies   those with judged images that no report holds, no object still RECEIVED and no open
 *             association, once they were quiet for conf->quiet_seconds           [report_one]
 *
 *               due --quiet--> report written --> entered with its deliveries --> deliver is woken
 *
 *             A later image makes the study due again: the next report amends the last.
 *
 *   taking back  what a person asks for, and a note for each destination that has what was
 *                retracted                                          [requests_answer, take_back]
 *
 *   itself       self-tests: before the first object, then daily [selftest_watch_turn]; alarms
 *                                                                        [health_watch_turn]
 *
 *   retention    what is done and old goes, a little a turn                      [retention_turn]
 *
 * The zygote is forked first, while there is one thread and nothing is open; model, pool, font and
 * job store follow. Everything durable is in the store and in results/: the role may die anywhere.
 */
#include "asks.h"
#include "clock.h"
#include "confine.h"
#include "dx_init.h"
#include "examine.h"
#include "health_watch.h"
#include "heap.h"
#include "log.h"
#include "nn_kernel_set.h"
#include "quiet.h"
#include "reconcile.h"
#include "requests.h"
#include "retention.h"
#include "selftest_watch.h"
#include "worklist/place.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define SLOW_POLL_MS 1000
#define SWEEP_MS     200  /* between two looks for complete studies while objects keep coming */
#define PAUSE_MS     1000 /* after trouble of the node's own */
#define YIELDING     5 /* where processors are short receiving goes first: modalities wait for it */
#define REST_MS      1000 /* without an image */
#define CUT_OFF_MOST 10   /* attempts that ended with the role, not with the child */

struct analyze {
    const struct node *node;
    struct examiner examiner;
    struct quiet *quiet;
    struct retention *retention;
    struct selftest_watch *selftest;
    struct health_watch health;
    int64_t waiting;  /* id of the object whose attempt is counted but did not come to an end */
    int64_t after;    /* id of the object that waits: the others have their turn first */
    int64_t pause_ms; /* monotonic: nothing is tried before */
    int64_t next_ms, report_ms;
    int64_t rest_ms;    /* monotonic: when memory is given back; 0: it has been */
    char model[520];    /* names and versions of the models, for who is told of their findings */
    bool store_trouble; /* the store is opened anew before it is used again */
    int exit_status;    /* 0: goes on */
};

/* ---- objects ---- */

/* With all that the scores depend on: `cervigate replay` recomputes them. */
static void log_judgement(const struct analyze *a, const struct instance *instance,
                          const struct examination *x)
{
    const struct judgement *j = &x->judgement;
    log_event(
        LOG_AT_INFO, "image-judged",
        "instance=%lld association=%s state=%s rule=%s reason=%s detail=%s outcome=%s "
        "decode_ms=%lld judge_ms=%lld picture_ms=%lld child_kib=%d digest=%s model=%s model2=%s "
        "kernels=%s build=%s",
        (long long)instance->id, instance->association, instance_state_name(j->state),
        log_quote(j->rule), srt_reason_name(j->reason), log_quote(j->detail),
        j->state != INSTANCE_JUDGED ? "none" : srt_outcome_name(j->outcome),
        (long long)x->decode_ms, (long long)x->judge_ms, (long long)x->picture_ms, x->child_kib,
        instance->digest, j->opinion[0].model_digest, j->opinion[1].model_digest, nn_kernel_name(),
        a->examiner.report.build);
    if (j->reason == SRT_CONFLICT)
        log_event(LOG_AT_ERROR, "image-conflict", "instance=%lld sop_instance=%s detail=%s",
                  (long long)instance->id, instance->sop_instance, log_quote(j->detail));
}

static void store_trouble(struct analyze *a, const char *what)
{
    log_event(LOG_AT_ERROR, "store-trouble", "what=%s error=%s", what,
              log_quote(store_error(a->examiner.store)));
    a->pause_ms = clock_monotonic_ms() + PAUSE_MS;
    a->store_trouble = true;
}

static void renew_store(struct analyze *a)
{
    char error[512] = "", path[4096];
    node_path(a->node->conf, path, sizeof path, "jobs.sqlite");
    a->store_trouble = store_renew(a->examiner.store, path, error, sizeof error) != STORE_OK;
    if (a->store_trouble)
        log_event(LOG_AT_ERROR, "store-unavailable", "error=%s", log_quote(error));
}

/* What came of an examination that did not end in a judgement. */
static void not_judged(struct analyze *a, const struct instance *instance, enum examine_end end,
                       const struct examination *x)
{
    static const char *const events[] = {[EXAMINE_LATER] = "image-later",
                                         [EXAMINE_AGAIN] = "object-child-died",
                                         [EXAMINE_BROKEN] = "zygote-broken"};
    log_event(end == EXAMINE_AGAIN ? LOG_AT_WARN : LOG_AT_ERROR, events[end],
              "instance=%lld attempts=%d child_kib=%d detail=%s", (long long)instance->id,
              instance->attempts + 1, x->child_kib, log_quote(x->judgement.detail));
    if (end == EXAMINE_AGAIN && store_count_death(a->examiner.store, instance->id) != STORE_OK)
        store_trouble(a, "count-death");
    if (end == EXAMINE_LATER) {
        if (store_forget_attempt(a->examiner.store, instance->id) != STORE_OK)
            a->waiting = instance->id;
        a->after = instance->id;
        a->pause_ms = clock_monotonic_ms() + PAUSE_MS;
        a->store_trouble = true; /* it may have been that */
    }
    if (end == EXAMINE_BROKEN)
        a->exit_status = EX_OSERR;
}

/* Whether its study's place may have changed by it alone. */
static bool judge_one(struct analyze *a, const struct instance *instance)
{
    bool raises = false;
    struct examination x;
    int most = a->node->conf->limits.object_attempts;
    bool counted = a->waiting == instance->id; /* waited for the node, not for itself */
    bool hopeless =
        instance->deaths >= most || instance->attempts - instance->deaths >= CUT_OFF_MOST;
    if (!counted && store_count_attempt(a->examiner.store, instance->id) != STORE_OK) {
        store_trouble(a, "count-attempt");
        return false;
    }
    a->waiting = 0;
    crash_point("analyze-counted");

    a->rest_ms = clock_monotonic_ms() + REST_MS;
    enum examine_end end = examine(&a->examiner, instance,
                                   hopeless                       ? EXAMINE_PARSE_ONLY
                                   : instance->deaths + 1 == most ? EXAMINE_LAST_TRY
                                                                  : EXAMINE_TRY,
                                   &x);
    if (end == EXAMINE_DONE) {
        crash_point("analyze-before-judge");
        x.judgement.now_ms = clock_utc_ms();
        if (store_judge(a->examiner.store, instance->id, &x.judgement) == STORE_OK) {
            crash_point("analyze-judged");
            log_judgement(a, instance, &x);
            raises = x.judgement.alone && x.judgement.outcome == SRT_FINDING;
        } else {
            store_trouble(a, "judge");
            a->waiting = instance->id;
        }
    } else {
        not_judged(a, instance, end, &x);
    }
    examination_finish(&x);
    return raises;
}

/* ---- studies ---- */

static void report_one(struct analyze *a, const struct study *study)
{
    char error[256] = "", uid[DX_UID_MAX];
    enum srt_outcome outcome;
    if (report_study(&a->examiner.report, a->examiner.store, study, &outcome, uid, error,
                     sizeof error) != REPORT_DONE) {
        log_event(LOG_AT_ERROR, "report-later", "study=%s error=%s", study->uid, log_quote(error));
        a->report_ms = clock_monotonic_ms() + PAUSE_MS;
        a->store_trouble = true; /* it may have been that */
        return;
    }
    log_event(LOG_AT_INFO, "report", "study=%s report=%s version=%d outcome=%s", study->uid, uid,
              study->version + 1, srt_outcome_name(outcome));
    node_wake(a->node->wake_deliver);
}

static bool look_at_study(void *context, const struct study *study)
{
    struct analyze *a = context;
    int64_t now = clock_monotonic_ms();
    int64_t left = quiet_left(a->quiet, study->uid, study->last_received_ms, now, clock_utc_ms());
    if (left <= 0)
        report_one(a, study);
    else if (now + left < a->next_ms)
        a->next_ms = now + left;
    return !node_stopping;
}

static void sweep_studies(struct analyze *a)
{
    int64_t now = clock_monotonic_ms();
    a->next_ms = now + SLOW_POLL_MS;
    if (now < a->report_ms) {
        a->next_ms = a->report_ms;
        return;
    }
    quiet_begin(a->quiet);
    if (store_studies_due(a->examiner.store, look_at_study, a) != STORE_OK)
        store_trouble(a, "studies-due");
    quiet_end(a->quiet);
}

/* ---- what is taken back ---- */

/* A rejection note for every destination that honours them and has what was retracted. */
static void take_back(struct analyze *a)
{
    const struct conf *conf = a->node->conf;
    for (size_t i = 0; i < conf->destination_count && !node_stopping; i++) {
        char error[256] = "", uid[DX_UID_MAX];
        const char *name = conf->destinations[i].peer->name;
        size_t count = 0;
        if (!conf->destinations[i].rejection_notes)
            continue;
        if (report_reject(&a->examiner.report, a->examiner.store, name, &count, uid, error,
                          sizeof error) != REPORT_DONE) {
            log_event(LOG_AT_ERROR, "rejection-later", "destination=%s error=%s", name,
                      log_quote(error));
            a->store_trouble = true; /* it may have been that */
            continue;
        }
        if (count > 0) {
            log_event(LOG_AT_INFO, "rejection", "destination=%s note=%s results=%zu", name, uid,
                      count);
            node_wake(a->node->wake_deliver);
        }
    }
}

/* ---- the role ---- */

/* Tests itself when it is time; false: there is no verdict yet. */
static bool is_tested(struct analyze *a)
{
    selftest_watch_turn(a->selftest);
    enum fitness fitness = selftest_watch_fitness(a->selftest);
    if (fitness == FITNESS_BROKEN)
        a->exit_status = EX_OSERR;
    return fitness == FITNESS_FIT || fitness == FITNESS_UNFIT;
}

/* The first finding of a study raises it at once, before the study is complete. */
static void place_studies(struct analyze *a)
{
    bool changed = false;
    if (place_turn(a->node->conf, a->examiner.store, a->model, &changed) != STORE_OK)
        store_trouble(a, "place");
    if (changed)
        node_wake(a->node->wake_announce);
}

/* What the site has said of patients since. */
static void correct_patients(struct analyze *a)
{
    bool changed = false;
    if (reconcile_turn(a->node->conf, a->examiner.store, &changed) != STORE_OK)
        store_trouble(a, "patients");
    if (changed)
        a->after = 0; /* pictures to be drawn anew */
}

/* Every RECEIVED object once, in order; whatever came meanwhile included; but for a moment only.
 * One that waits for the node does not hold up those behind it. */
static void take_objects(struct analyze *a)
{
    struct instance instance;
    enum store_status status = STORE_OK;
    int64_t after = a->after, now = clock_monotonic_ms(), end = now + SWEEP_MS;
    for (; !node_stopping && a->exit_status == 0 && now >= a->pause_ms && now < end;
         now = clock_monotonic_ms()) {
        if (!is_tested(a))
            break;
        status = store_next_received(a->examiner.store, after, &instance);
        if (status != STORE_OK)
            break;
        after = instance.id;
        if (judge_one(a, &instance) && !a->store_trouble)
            place_studies(a);
    }
    if (status == STORE_NONE)
        a->after = 0;
    else if (status != STORE_OK)
        store_trouble(a, "next-received");
}

static bool has_received(struct analyze *a)
{
    struct instance instance;
    return store_next_received(a->examiner.store, 0, &instance) == STORE_OK;
}

/* What images needed is given back when none comes. */
static void rest(struct analyze *a)
{
    for (int m = 0; m < a->examiner.models; m++)
        nn_judge_rest(a->examiner.judge[m]);
    zygote_rest(a->examiner.zygote);
    heap_rest();
    a->rest_ms = 0;
}

static void answer_people(struct analyze *a)
{
    bool selftest = false;
    if (asks_take(a->node, a->examiner.store, &selftest) != STORE_OK ||
        requests_answer(a->node, a->examiner.store) != STORE_OK)
        store_trouble(a, "request");
    if (selftest)
        selftest_watch_hurry(a->selftest);
}

static void live(struct analyze *a)
{
    a->rest_ms = clock_monotonic_ms() + REST_MS; /* the self-test has judged */
    while (!node_stopping && a->exit_status == 0) {
        node_drain(a->node->wake_analyze);
        if (a->store_trouble)
            renew_store(a);
        take_objects(a);
        if (node_stopping || a->exit_status != 0)
            break;
        answer_people(a);
        correct_patients(a);
        sweep_studies(a);
        take_back(a);
        place_studies(a);
        if (retention_turn(a->retention) != STORE_OK)
            store_trouble(a, "retention");
        if (health_watch_turn(&a->health, a->node->conf, a->examiner.store) != STORE_OK)
            store_trouble(a, "health");

        int64_t now = clock_monotonic_ms(), until = a->next_ms;
        if (a->pause_ms > now && a->pause_ms < until)
            until = a->pause_ms;
        if (a->pause_ms <= now && has_received(a) && is_tested(a))
            until = now; /* a child died: its next attempt */
        if (a->rest_ms > 0 && a->rest_ms <= now)
            rest(a);
        if (a->rest_ms > now && a->rest_ms < until)
            until = a->rest_ms;
        struct pollfd wake = {.fd = a->node->wake_analyze, .events = POLLIN};
        if (until > now)
            (void)poll(&wake, 1, (int)(until - now));
    }
}

/* What those who are told of findings are told of the models. */
static int open_network(struct analyze *a)
{
    struct examiner *x = &a->examiner;
    int status = examiner_open_network(x);
    for (int m = 0; m < x->models; m++) {
        const struct nn_model_info *info = nn_model_info(x->model[m]);
        size_t used = strlen(a->model);
        (void)snprintf(a->model + used, sizeof a->model - used, "%s%s %s", used > 0 ? ", " : "",
                       info->name, info->version);
    }
    return status;
}

static int open_rest(struct analyze *a)
{
    char error[512] = "", path[4096];
    const struct conf *conf = a->node->conf;
    struct examiner *x = &a->examiner;
    int status = EX_CONFIG;
    x->rules = rules_create(conf, error, sizeof error);
    if (!x->rules)
        goto out;
    if (picture_face_open(NULL, &x->face) != PICTURE_OK) {
        snprintf(error, sizeof error, "font %s is missing or unreadable", picture_font_path());
        goto out;
    }
    const struct nn_model_info *info[SRT_MAX_MODELS];
    for (int m = 0; m < x->models; m++)
        info[m] = nn_model_info(x->model[m]);
    if (!report_init(&x->report, conf, info, x->models, error, sizeof error))
        goto out;
    x->report.pool = x->pool;
    status = EX_IOERR;
    node_path(conf, path, sizeof path, "jobs.sqlite");
    if (store_open(path, &x->store, error, sizeof error) != STORE_OK)
        goto out;
    a->quiet = quiet_create(clock_monotonic_ms(), conf->quiet_seconds);
    a->retention = retention_create(conf, x->store);
    a->selftest = selftest_watch_create(x);
    if (a->quiet && a->retention && a->selftest)
        return 0;
    snprintf(error, sizeof error, "out of memory");

out:
    log_event(LOG_AT_ERROR, "analyze-cannot-start", "error=%s", log_quote(error));
    return status;
}

static void close_all(struct analyze *a)
{
    struct examiner *x = &a->examiner;
    retention_destroy(a->retention);
    selftest_watch_destroy(a->selftest);
    store_close(x->store);
    report_finish(&x->report);
    picture_face_close(x->face);
    rules_destroy(x->rules);
    examiner_close_network(x);
    quiet_destroy(a->quiet);
    zygote_stop(x->zygote);
}

int analyze_run(const struct node *node)
{
    struct analyze a = {.node = node, .examiner = {.node = node}};
    struct dx_error err = {0};
    if (dx_init(NULL, NULL, &err) != DX_OK) {
        log_event(LOG_AT_ERROR, "dicom-cannot-start", "error=%s", log_quote(err.text));
        return EX_SOFTWARE;
    }
    heap_begin();
    object_limits_of(&node->conf->limits, &a.examiner.limits);
    int level = nice(YIELDING); /* also of the zygote, its children and the pool */
    (void)level;
    a.examiner.zygote = zygote_start();
    if (!a.examiner.zygote) {
        log_event(LOG_AT_ERROR, "zygote-cannot-start", "error=%s", log_quote(strerror(errno)));
        return EX_OSERR;
    }
    int status = confine(CONFINE_ANALYZE, node->conf, NULL) ? open_network(&a) : EX_OSERR;
    if (status == 0)
        status = open_rest(&a);
    if (status == 0) {
        live(&a);
        status = a.exit_status;
    }
    close_all(&a);
    return status;
}
