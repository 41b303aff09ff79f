#include "selftest_watch.h"

#include "audit.h"
#include "build_id.h"
#include "clock.h"
#include "log.h"
#include "nn_kernel_set.h"
#include "store_health.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNDONE_SECONDS 5 /* after one that came to no verdict: objects may wait for it */

struct selftest_watch {
    struct examiner *examiner;
    const struct conf_health *limits;
    struct selftest_with with;
    struct object_limits limits_of_child; /* a site's ceilings for datasets are no matter of it */
    char scratch[4096], site[4096];
    enum fitness fitness;
    int64_t next_ms;
    bool ordered;             /* by a person */
    struct selftest selftest; /* the last */
};

struct selftest_watch *selftest_watch_create(struct examiner *x)
{
    const struct conf *conf = x->node->conf;
    struct selftest_watch *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->examiner = x;
    w->limits = &conf->health;
    w->next_ms = clock_monotonic_ms();
    w->limits_of_child = x->limits;
    dx_limits_default(&w->limits_of_child.dx);
    node_path(conf, w->scratch, sizeof w->scratch, "run");
    node_path(conf, w->site, sizeof w->site, "selftest");
    w->with = (struct selftest_with){.zygote = x->zygote,
                                     .limits = &w->limits_of_child,
                                     .models = x->models,
                                     .site = w->site,
                                     .template_ = x->report.template_,
                                     .face = x->face,
                                     .scratch = w->scratch};
    for (int m = 0; m < x->models; m++) {
        w->with.model[m] = x->model[m];
        w->with.judge[m] = x->judge[m];
        w->with.folder[m] = conf->models[m];
    }
    return w;
}

void selftest_watch_destroy(struct selftest_watch *watch)
{
    free(watch);
}

enum fitness selftest_watch_fitness(const struct selftest_watch *watch)
{
    return watch->fitness;
}

void selftest_watch_hurry(struct selftest_watch *watch)
{
    watch->next_ms = clock_monotonic_ms();
    watch->ordered = true;
}

static void name_models(const struct selftest_watch *w, char *text, size_t size)
{
    text[0] = '\0';
    for (int m = 0; m < w->with.models; m++)
        (void)snprintf(text + strlen(text), size - strlen(text), "%s%s", m > 0 ? " " : "",
                       nn_model_info(w->with.model[m])->digest);
}

static const char *cause_of(struct selftest_watch *w, const struct store_selftest *now)
{
    struct store_selftest last;
    if (w->ordered)
        return "order";
    if (w->fitness == FITNESS_UNFIT)
        return "again";
    if (w->fitness == FITNESS_FIT)
        return "daily";
    if (store_last_selftest(w->examiner->store, &last) != STORE_OK ||
        (strcmp(last.build, now->build) == 0 && strcmp(last.models, now->models) == 0))
        return "start";
    return "upgrade";
}

static void conclude(struct selftest_watch *w, struct store_selftest *row)
{
    const struct selftest *s = &w->selftest;
    const struct selftest_step *bad = selftest_first_bad(s);
    char *unfit = w->examiner->unfit;
    row->passed = s->end == SELFTEST_PASSED;
    row->unlocked = s->unlocked;
    w->fitness = row->passed ? FITNESS_FIT : FITNESS_UNFIT;
    unfit[0] = '\0';
    if (bad) {
        (void)snprintf(row->what, sizeof row->what, "%s", bad->name);
        (void)snprintf(row->detail, sizeof row->detail, "%s%s%s", bad->subject,
                       bad->subject[0] ? ": " : "", bad->detail);
        (void)snprintf(unfit, sizeof w->examiner->unfit, "the self-test failed: %s %.60s",
                       bad->name, bad->subject);
        log_event(LOG_AT_ERROR, "selftest-failed", "cause=%s what=%s detail=%s look=%s", row->cause,
                  row->what, log_quote(row->detail),
                  log_quote("cervigate selftest --json; docs/health.md"));
        audit_selftest(w->examiner->node->conf, row->what, row->detail);
    } else {
        log_event(LOG_AT_INFO, "selftest", "cause=%s passed=true unlocked=%d ms=%lld", row->cause,
                  row->unlocked, (long long)s->milliseconds);
    }
    if (store_add_selftest(w->examiner->store, row) != STORE_OK)
        log_event(LOG_AT_ERROR, "store-trouble", "what=selftest error=%s",
                  log_quote(store_error(w->examiner->store)));
}

void selftest_watch_turn(struct selftest_watch *w)
{
    struct store_selftest row = {.at_ms = clock_utc_ms()};
    if (clock_monotonic_ms() < w->next_ms)
        return;
    build_id(row.build, sizeof row.build);
    (void)snprintf(row.kernels, sizeof row.kernels, "%s", nn_kernel_name());
    name_models(w, row.models, sizeof row.models);
    (void)snprintf(row.cause, sizeof row.cause, "%s", cause_of(w, &row));
    w->with.prepared = w->fitness == FITNESS_UNKNOWN; /* at start objects wait */
    w->ordered = false;
    selftest_run(&w->with, &w->selftest);
    if (w->selftest.end == SELFTEST_UNDONE)
        log_event(LOG_AT_ERROR, "selftest-undone", "cause=%s error=%s", row.cause,
                  log_quote(w->selftest.trouble));
    else
        conclude(w, &row);
    if (w->selftest.zygote_gone)
        w->fitness = FITNESS_BROKEN;
    int wait = w->selftest.end == SELFTEST_PASSED   ? w->limits->selftest_seconds
               : w->selftest.end == SELFTEST_FAILED ? w->limits->selftest_retry_seconds
                                                    : UNDONE_SECONDS;
    w->next_ms = clock_monotonic_ms() + 1000 * (int64_t)wait;
}
