/* What the desk does: the mode, the list in its order, items, changes of their state. */
#include "desk.h"

#include "audit.h"
#include "clock.h"
#include "dx_scp.h"
#include "log.h"
#include "news_header.h"
#include "priority.h"
#include "reading_state.h"
#include "report_file.h"
#include "role.h"
#include "spool.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 3000              /* for the store's lock */
#define SHOWN_MS    INT64_C(86400000) /* what has ended is listed for a day */

static const struct conf_reading *conf_of(const struct desk *d)
{
    return &d->node->conf->reading;
}

static void say(struct desk *d, uint16_t status, const char *comment)
{
    d->answer.status = status;
    d->answer.bytes = 0;
    (void)snprintf(d->answer.comment, sizeof d->answer.comment, "%.64s", comment);
}

/* Whatever the association was offered: `cervigate mode shadow` ends it. */
static unsigned offers(const struct desk *d, enum conf_mode *mode)
{
    const struct conf_reading *reading = conf_of(d);
    *mode = node_mode(d->node->conf);
    bool is_shown = *mode == CONF_CLINICAL || (*mode == CONF_DEMO && reading->demo);
    if (!is_shown || reading->offer == CONF_OFFER_NONE)
        return 0;
    return reading->offer == CONF_OFFER_PULL ? DX_OFFER_UPS_QUERY | DX_OFFER_UPS_PULL
                                             : DX_OFFER_UPS_QUERY;
}

static bool name_item(void *context, const char *study, int64_t arrived_ms, int64_t number,
                      char uid[DX_UID_MAX])
{
    struct desk *d = context;
    char numbers[64];
    const char *const fields[] = {"reading", d->node_id, study, numbers};
    if (d->node_id[0] == '\0' && spool_node_id(d->node->conf, d->node_id) != 0) {
        d->node_id[0] = '\0';
        return false;
    }
    (void)snprintf(numbers, sizeof numbers, "%lld %lld", (long long)arrived_ms, (long long)number);
    return report_hashed_uid(fields, 4, uid);
}

static void store_trouble(struct desk *d, enum store_status status, uint16_t answer)
{
    log_event(LOG_AT_ERROR, "worklist-store-failed", "status=%s error=%s",
              log_quote(store_status_text(status)), log_quote(store_error(d->store)));
    if (status != STORE_BUSY)
        role_close_store(&d->store);
    say(d, answer, "the job store is busy or broken");
}

/* The handle with its items up to date; false after a line in the log. */
static bool is_ready(struct desk *d)
{
    if (!role_open_store(d->node->conf, &d->store)) {
        say(d, DX_UPS_OUT_OF_RESOURCES, "the job store cannot be read");
        return false;
    }
    store_patience(d->store, PATIENCE_MS);
    int64_t now = clock_utc_ms();
    enum store_status status = store_readings_turn(
        d->store, now, now - (int64_t)conf_of(d)->claim_seconds * 1000, name_item, d);
    if (status != STORE_OK)
        store_trouble(d, status, DX_UPS_OUT_OF_RESOURCES);
    return status == STORE_OK;
}

/* STORE_OK, or STORE_NONE, which says something; everything else has been told. */
static bool is_known(struct desk *d, enum store_status status)
{
    if (status == STORE_OK || status == STORE_NONE)
        return true;
    store_trouble(d, status, DX_UPS_FAILED);
    return false;
}

/* ---- the list ---- */

static size_t asking(const struct desk *d, int64_t now)
{
    size_t count = 0;
    for (size_t i = 0; i < d->count; i++)
        count += d->line[i].query_ends_ms > now;
    return count;
}

static void list(struct desk *d, struct desk_line *line)
{
    size_t count = 0, most = (size_t)d->node->conf->list_most;
    int64_t now = clock_monotonic_ms();
    line->query_ends_ms = 0;
    if (asking(d, now) >= (size_t)conf_of(d)->queries) {
        say(d, DX_UPS_OUT_OF_RESOURCES, "limit readingWorklist queries");
        return;
    }
    if (!is_ready(d))
        return;
    const struct priority_policy policy = {.ageing_seconds = d->node->conf->ageing_seconds,
                                           .delay_seconds = d->node->conf->delay_seconds,
                                           .now_ms = clock_utc_ms()};
    enum store_status status = store_readings(d->store, &policy, d->request.states,
                                              policy.now_ms - SHOWN_MS, d->list, most + 1, &count);
    if (!is_known(d, status))
        return;
    d->answer.cut_at = count > most ? (unsigned)most : 0;
    count = count > most ? most : count;
    for (size_t i = 0; i < count; i++)
        memcpy(d->bytes + i * sizeof d->list[i].id, &d->list[i].id, sizeof d->list[i].id);
    d->answer.bytes = count * sizeof d->list[0].id;
    line->query_ends_ms = now + (int64_t)conf_of(d)->query_seconds * 1000;
}

/* ---- items ---- */

/* Into bytes: a desk_item, and what was said. */
static bool put_item(struct desk *d, int64_t id, enum conf_mode mode)
{
    struct desk_item item;
    uint8_t *attrs = NULL, *said = NULL;
    size_t attrs_bytes = 0;
    memset(&item, 0, sizeof item);
    enum store_status status = store_reading_get(d->store, id, &item.reading, &item.news, &attrs,
                                                 &attrs_bytes, &said, &item.said_bytes);
    bool known = is_known(d, status);
    if (known && status == STORE_NONE)
        say(d, DX_UPS_NO_SUCH_ITEM, reading_words(DX_UPS_NO_SUCH_ITEM));
    if (known && status == STORE_OK) {
        news_take_header(&item.news, attrs, attrs_bytes);
        item.news.research = mode != CONF_CLINICAL;
        memset(item.reading.transaction, 0, sizeof item.reading.transaction);
        if (item.said_bytes > DX_UPS_SAID_MOST)
            item.said_bytes = 0;
        memcpy(d->bytes, &item, sizeof item);
        if (item.said_bytes > 0)
            memcpy(d->bytes + sizeof item, said, item.said_bytes);
        d->answer.bytes = sizeof item + item.said_bytes;
    }
    free(attrs);
    free(said);
    return known && status == STORE_OK;
}

/* By UID; false: it has been said why not. */
static bool find(struct desk *d, struct store_reading *reading)
{
    if (!is_ready(d))
        return false;
    enum store_status status = store_reading_find(d->store, d->request.uid, reading);
    if (!is_known(d, status))
        return false;
    if (status == STORE_NONE)
        say(d, DX_UPS_NO_SUCH_ITEM, reading_words(DX_UPS_NO_SUCH_ITEM));
    return status == STORE_OK;
}

static void tell_audit(struct desk *d, const char *what)
{
    struct desk_item item;
    if (d->answer.bytes < sizeof item)
        return;
    memcpy(&item, d->bytes, sizeof item);
    desk_audit_item(d->audit, &d->request, &item, what);
}

static void get(struct desk *d, enum conf_mode mode)
{
    struct store_reading reading;
    if (find(d, &reading) && put_item(d, reading.id, mode) && d->request.words[0] != '\0')
        tell_audit(d, "");
}

/* ---- changes ---- */

static void describe(const struct desk_request *r, char performer[READING_PERFORMER])
{
    (void)snprintf(performer, READING_PERFORMER, "%s at %s", r->calling, r->address);
}

static enum store_status change(struct desk *d, const struct store_reading *reading)
{
    const struct desk_request *r = &d->request;
    char performer[READING_PERFORMER];
    int64_t now = clock_utc_ms();
    describe(r, performer);
    switch (r->wanted) {
    case DX_UPS_IN_PROGRESS:
        return store_reading_claim(d->store, reading->id, r->transaction, performer, now);
    case DX_UPS_COMPLETED:
        return store_reading_end(d->store, reading->id, r->revision, READING_COMPLETED, now);
    default:
        return store_reading_end(d->store, reading->id, reading->revision, READING_CANCELED, now);
    }
}

static void tell_change(struct desk *d, const struct desk_line *line,
                        const struct store_reading *reading, enum conf_mode mode)
{
    const struct desk_request *r = &d->request;
    const char *word = dx_ups_state_word((enum dx_ups_state)r->wanted);
    char who[READING_PERFORMER];
    describe(r, who);
    log_event(LOG_AT_INFO, "reading-changed", "association=%s study=%s item=%s state=%s by=%s",
              line->association, reading->study, reading->uid, log_quote(word), log_quote(who));
    if (put_item(d, reading->id, mode))
        tell_audit(d, word);
    if (r->wanted == DX_UPS_COMPLETED)
        audit_ordered(d->node->conf, who, "read", reading->study, "read");
    say(d, DX_UPS_SUCCESS, "");
}

static void act(struct desk *d, const struct desk_line *line, enum conf_mode mode)
{
    const struct desk_request *r = &d->request;
    struct store_reading reading;
    if (!find(d, &reading))
        return;
    uint16_t status = reading_judge(reading.state, reading.transaction,
                                    (enum dx_ups_state)r->wanted, r->transaction, r->is_final != 0);
    if (status == DX_UPS_SUCCESS && r->wanted == DX_UPS_COMPLETED &&
        r->revision != reading.revision)
        status = DESK_CHANGED;
    say(d, status, reading_words(status));
    if (status != DX_UPS_SUCCESS)
        return;
    crash_point("desk-uncommitted");
    enum store_status done = change(d, &reading);
    if (!is_known(d, done))
        return;
    if (done == STORE_NONE) {
        say(d, DESK_CHANGED, "");
        return;
    }
    crash_point("desk-committed");
    tell_change(d, line, &reading, mode);
    crash_point("desk-unwoken");
    if (r->wanted == DX_UPS_COMPLETED)
        node_wake(d->node->wake_analyze);
}

static void keep_said(struct desk *d)
{
    const struct desk_request *r = &d->request;
    struct store_reading reading;
    if (!find(d, &reading))
        return;
    uint16_t status = reading_judge_set(reading.state, reading.transaction, r->transaction);
    if (status == DX_UPS_SUCCESS && r->revision != reading.revision)
        status = DESK_CHANGED;
    say(d, status, reading_words(status));
    if (status != DX_UPS_SUCCESS)
        return;
    enum store_status done = store_reading_say(d->store, reading.id, r->revision, r->said,
                                               r->said_bytes, clock_utc_ms());
    if (is_known(d, done) && done == STORE_NONE)
        say(d, DESK_CHANGED, "");
}

static void asked(struct desk *d, struct desk_line *line)
{
    line->query_ends_ms = 0;
    log_event(LOG_AT_INFO, "worklist-asked", "association=%s calling=%s matches=%u status=%04X",
              line->association, log_quote(d->request.calling), d->request.matches,
              d->request.status);
    desk_audit_asked(d->audit, &d->request);
}

void desk_perform(struct desk *d, struct desk_line *line)
{
    enum conf_mode mode;
    unsigned may = offers(d, &mode);
    enum desk_kind kind = d->request.kind;
    bool changes = kind == DESK_ACT || kind == DESK_SAY;
    if (kind == DESK_OFFER) {
        d->answer.offers = may;
        (void)snprintf(d->answer.comment, sizeof d->answer.comment, "%s", conf_mode_name(mode));
    } else if (kind == DESK_ASKED) {
        asked(d, line);
    } else if (may == 0 || (changes && (may & DX_OFFER_UPS_PULL) == 0)) {
        say(d, DX_UPS_CLASS_REFUSED, reading_words(DX_UPS_CLASS_REFUSED));
    } else if (kind == DESK_LIST) {
        list(d, line);
    } else if (kind == DESK_ITEM) {
        if (d->store != NULL || is_ready(d))
            (void)put_item(d, d->request.id, mode);
    } else if (kind == DESK_GET) {
        get(d, mode);
    } else if (kind == DESK_ACT) {
        act(d, line, mode);
    } else {
        keep_said(d);
    }
}
