/* The site's items of a study: found, and their priority raised or taken back.
 *
 * A match is looked at again here: a manager may leave out a key that it does not know, and answer
 * with all that it has. */
#include "ups_step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_MATCHES 64
#define MOST_ITEMS   8

struct candidate {
    char uid[DX_UID_MAX];
    enum dx_ups_state state;
    bool is_exact; /* it has a reading's workitem code */
};
struct candidates {
    const struct telling *telling;
    size_t count;
    struct candidate list[MOST_ITEMS];
};

static bool differ(const char *a, const char *b)
{
    return a[0] != '\0' && b[0] != '\0' && strcmp(a, b) != 0;
}

static bool is_same(const char *a, const char *b)
{
    return a[0] != '\0' && strcmp(a, b) == 0;
}

/* Also under an ID from before a merge: then who assigned it must be the same, where the item says
 * who that was. */
static bool is_patient(const struct dx_ups_item *item, const struct news *news)
{
    if (!differ(item->patient_id, news->patient_id) && !differ(item->issuer, news->issuer))
        return true;
    for (unsigned i = 0; i < news->aliases && !item->cut; i++) {
        const struct site_id *alias = &news->alias[i];
        if (is_same(item->patient_id, alias->id) &&
            (item->issuer[0] == '\0' || is_same(item->issuer, alias->issuer) ||
             is_same(item->issuer, alias->universal)))
            return true;
    }
    return false;
}

static bool is_reading(const struct dx_ups_item *item, const struct telling *t)
{
    char code[sizeof item->code + sizeof item->scheme];
    int length = snprintf(code, sizeof code, "%s^%s", item->code, item->scheme);
    for (const char *at = t->manner->codes; item->codes > 0 && *at != '\0';) {
        size_t word = strcspn(at, " ");
        if (word == (size_t)length && memcmp(at, code, word) == 0)
            return true;
        at += word;
        at += strspn(at, " ");
    }
    return false;
}

/* Of this study, of this patient, to be read, and not ours. An accession may have several studies:
 * where a request names one, it must be ours. */
static bool fits(const struct dx_ups_item *item, const struct telling *t)
{
    const struct news *news = t->news;
    for (size_t i = 0; i < t->own_count; i++)
        if (strcmp(item->sop_instance, t->own[i]) == 0)
            return false;
    if (!dx_uid_is_usable(item->sop_instance) || !is_patient(item, news) ||
        (item->codes > 0 && !is_reading(item, t)))
        return false;
    for (unsigned i = 0; i < item->requests; i++) {
        const struct dx_ups_request *request = &item->request[i];
        if (is_same(request->study, news->study))
            return true;
        if (request->study[0] == '\0' && is_same(request->accession, news->accession) &&
            !differ(request->issuer, news->issuer_of_accession))
            return true;
    }
    for (unsigned i = 0; i < item->inputs; i++)
        if (is_same(item->input_study[i], news->study))
            return true;
    return false;
}

static bool collect(void *context, const struct dx_ups_item *match)
{
    struct candidates *to = context;
    if (!fits(match, to->telling))
        return true;
    struct candidate *one = &to->list[to->count++];
    (void)snprintf(one->uid, sizeof one->uid, "%s", match->sop_instance);
    one->state = match->state;
    one->is_exact = is_reading(match, to->telling);
    return to->count < MOST_ITEMS;
}

/* A manager that refuses a key, or has too many matches, has nothing for us by this key. */
static enum step search(struct telling *t, enum dx_ups_key key, const char *value,
                        const char *patient_id, struct candidates *found)
{
    static const char *const keys[] = {"accession", "requested study", "input study"};
    uint16_t answer = 0xffff;
    if (value[0] == '\0')
        return STEP_NONE;
    enum dx_status status =
        t->way->find(t, key, value, patient_id, MOST_MATCHES, collect, found, &answer);
    if (status == DX_LIMIT && !t->way->is_broken(t))
        return found->count > 0 ? STEP_TOLD : STEP_NONE;
    if (status != DX_OK)
        return ups_broken(t, status);
    if (found->count > 0)
        return STEP_TOLD;
    return answer != 0 && ups_say(t, "C-FIND by", keys[key], answer, "") == UPS_WAIT ? STEP_LATER
                                                                                     : STEP_NONE;
}

static enum step search_study(struct telling *t, const char *patient_id, struct candidates *found)
{
    const char *study = t->news->study;
    enum step step = search(t, DX_UPS_BY_REQUEST_STUDY, study, patient_id, found);
    return step == STEP_NONE ? search(t, DX_UPS_BY_INPUT_STUDY, study, patient_id, found) : step;
}

static enum step find_site(struct telling *t, struct candidates *found)
{
    const struct news *news = t->news;
    enum step step = search(t, DX_UPS_BY_ACCESSION, news->accession, "", found);
    if (step == STEP_NONE)
        step = search_study(t, news->patient_id, found);
    for (unsigned i = 0; i < news->aliases && step == STEP_NONE; i++)
        if (differ(news->alias[i].id, news->patient_id))
            step = search_study(t, news->alias[i].id, found);
    return step;
}

/* What the site's item is to have: raised by a finding only; else what it was, where it bears a
 * raise of ours, and never below a known order. What it was may be unknown: it is not lowered then.
 */
static enum dx_ups_priority wanted_of(const struct news *news, const struct dx_ups_item *item,
                                      bool is_ours, enum dx_ups_priority was)
{
    enum dx_ups_priority rank = ups_priority_of(news->rank);
    bool is_raised = news->kind == NEWS_PRIORITY && news->reason == REASON_FINDING;
    bool is_order = news->order != ORDER_UNKNOWN;
    if (!is_raised && !is_ours)
        return item->priority;
    if (was == DX_UPS_PRIORITY_UNKNOWN)
        return is_raised && rank == DX_UPS_HIGH ? rank : item->priority;
    return (is_raised || is_order) && rank > was ? rank : was;
}

/* Of one that was read. */
static enum step raise_site(struct telling *t, const char *uid, const struct dx_ups_item *item)
{
    struct ups_mark mark;
    ups_mark_find(item->comments, t->news->workitem, &mark);
    bool is_ours = mark.found && mark.to == item->priority;
    enum dx_ups_priority was = is_ours ? mark.was : item->priority;
    struct dx_ups_change change = {.priority = wanted_of(t->news, item, is_ours, was)};
    if (change.priority != item->priority || is_ours)
        return ups_set_marked(t, uid, item, &mark, was, &change);
    (void)snprintf(t->why, NEWS_WHY, "%s stays %s", uid, dx_ups_priority_word(item->priority));
    return STEP_TOLD;
}

static enum step change_site(struct telling *t, const char *uid)
{
    static const char *const states[] = {"in a state of its own", "scheduled", "in progress",
                                         "canceled", "completed"};
    struct dx_ups_item *item = calloc(1, sizeof *item);
    if (item == NULL)
        return STEP_LATER;
    enum step step = ups_read_item(t, uid, item);
    if (step == STEP_TOLD && item->state == DX_UPS_SCHEDULED) {
        step = raise_site(t, uid, item);
    } else if (step == STEP_TOLD) {
        (void)snprintf(t->why, NEWS_WHY, "%s is %s", uid, states[item->state]);
        if (item->state != DX_UPS_IN_PROGRESS && item->state != DX_UPS_COMPLETED)
            step = STEP_NONE;
    }
    free(item);
    return step;
}

/* Those that are a reading for sure, where there are any. */
static bool is_meant(const struct candidates *found, size_t i)
{
    bool has_exact = false;
    for (size_t j = 0; j < found->count; j++)
        has_exact = has_exact || found->list[j].is_exact;
    return (!has_exact || found->list[i].is_exact) && found->list[i].state != DX_UPS_CANCELED;
}

/* STEP_TOLD: the study has an item of the site's that is raised, or read. STEP_REFUSED: it has one
 * that may not be changed. */
enum step ups_tell_site(struct telling *t)
{
    struct candidates found = {.telling = t};
    enum step all = STEP_NONE;
    char why[NEWS_WHY] = "";
    if (t->manner->own_item || !t->pull)
        return STEP_NONE;
    enum step step = find_site(t, &found);
    if (step != STEP_TOLD)
        return step;
    for (size_t i = 0; i < found.count; i++) {
        if (!is_meant(&found, i))
            continue;
        step = change_site(t, found.list[i].uid);
        if (step == STEP_LATER)
            return step;
        if (step == STEP_TOLD || (step == STEP_REFUSED && all == STEP_NONE)) {
            (void)snprintf(why, sizeof why, "%s", t->why);
            all = step;
        }
    }
    if (all != STEP_NONE)
        (void)snprintf(t->why, NEWS_WHY, "%s", why);
    return all;
}

enum step ups_look_at(struct telling *t, const char *uid)
{
    struct dx_ups_item *item = calloc(1, sizeof *item);
    if (item == NULL)
        return STEP_LATER;
    enum step step = ups_read_item(t, uid, item);
    bool is_there = step == STEP_TOLD;
    t->is_completed = t->is_completed || (is_there && item->state == DX_UPS_COMPLETED);
    t->is_open =
        t->is_open || (is_there ? item->state != DX_UPS_COMPLETED && item->state != DX_UPS_CANCELED
                                : step != STEP_NONE);
    free(item);
    return step;
}

enum step ups_look_site(struct telling *t)
{
    struct candidates found = {.telling = t};
    if (t->manner->own_item || !t->pull)
        return STEP_NONE;
    enum step step = find_site(t, &found);
    for (size_t i = 0; i < found.count && step != STEP_LATER; i++)
        if (is_meant(&found, i))
            step = ups_look_at(t, found.list[i].uid);
    return step;
}
