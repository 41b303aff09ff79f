/* A study is looked at when anything about it changed (triggers in store_schema.c); its place
 * changes when what is told of it does. */
#include "place.h"

#include "clock.h"
#include "log.h"
#include <stdio.h>
#include <string.h>

/* Whoever was told that it is over needs no word of what becomes of it then. */
static bool stays_over(const struct store_case *c, const struct priority *p)
{
    return c->revision > 0 && p->reason == REASON_READ && c->now.reason == REASON_READ;
}

static bool is_told_so(const struct store_case *c, const struct priority *p)
{
    return c->revision > 0 && c->now.rank == p->rank && c->now.band == p->band &&
           c->now.raised == p->raised && c->now.reason == p->reason &&
           c->told_answered == c->known.answered &&
           (!c->known.answered || c->told_outcome == c->known.outcome) &&
           (!p->raised || c->told_order == c->known.order) && /* above what, others are told */
           strcmp(c->report, c->told_report) == 0;
}

/* Nothing to be told of it, now or ever before. */
static bool is_nothing(const struct store_case *c)
{
    return c->revision == 0 && !c->known.answered;
}

static enum store_status place_one(const struct conf *conf, struct store *store,
                                   const struct store_case *c, bool *changed)
{
    struct store_receiver to[CONF_MAX_ANNOUNCEMENTS];
    struct priority p;
    for (size_t i = 0; i < conf->announcement_count; i++) /* a workflow manager has the order's */
        to[i] = (struct store_receiver){.name = conf->announcements[i].name,
                                        .raises_only = conf->announcements[i].way == CONF_UPS};
    priority_of(&c->known, &p);
    if (is_nothing(c) || stays_over(c, &p) || is_told_so(c, &p))
        return store_place_stays(store, c, clock_utc_ms());
    bool over = c->withdrawn || c->known.read;
    enum store_status status = store_place(store, c, &p, over ? NEWS_WITHDRAWN : NEWS_PRIORITY, to,
                                           conf->announcement_count, clock_utc_ms());
    if (status != STORE_OK)
        return status;
    crash_point("placed");
    *changed = true;
    log_event(LOG_AT_INFO, "placed", "study=%s revision=%lld rank=%s raised=%s reason=%s", c->study,
              (long long)c->revision + 1, priority_rank_name(p.rank), p.raised ? "yes" : "no",
              c->withdrawn ? "withdrawn" : priority_reason_code(p.reason));
    return STORE_OK;
}

enum store_status place_turn(const struct conf *conf, struct store *store, const char *model,
                             bool *changed)
{
    struct store_case c;
    enum store_status status = STORE_OK;
    int64_t since = clock_utc_ms() - conf->known_days * PRIORITY_DAY_MS;
    *changed = false;
    while (!node_stopping && (status = store_next_case(store, since, &c)) == STORE_OK) {
        (void)snprintf(c.model, sizeof c.model, "%s", model);
        status = place_one(conf, store, &c, changed);
        if (status != STORE_OK)
            break;
    }
    return status == STORE_NONE ? STORE_OK : status;
}
