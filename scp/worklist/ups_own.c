/* Items of our own in the worklist of another: made, changed, cancelled. */
#include "ups_step.h"

#include <stdio.h>
#include <stdlib.h>

static struct dx_ups_input input_of(const struct telling *t)
{
    const struct news *news = t->news;
    if (!news->is_report || t->manner->retrieve_ae == NULL || t->manner->report_class == NULL ||
        news->report[0] == '\0' || t->manner->retrieve_ae[0] == '\0')
        return (struct dx_ups_input){.study = NULL};
    return (struct dx_ups_input){.study = news->study,
                                 .series = news->report_series,
                                 .sop_class = t->manner->report_class,
                                 .sop_instance = news->report,
                                 .retrieve_ae = t->manner->retrieve_ae};
}

static void write_own(const struct telling *t, struct dx_writing *to)
{
    struct ups_item_texts texts;
    struct dx_ups_new item;
    const struct dx_ups_input input = input_of(t);
    ups_item_of(t->news, t->manner->worklist_label, &input, t->news->created_ms, &texts, &item);
    dx_ups_write_new(&item, to);
}

/* Ours: set as we like while it bears what we gave it; else only raised. */
static enum step set_own(struct telling *t, const struct dx_ups_item *item)
{
    const struct news *news = t->news;
    enum dx_ups_priority to = ups_priority_of(news->rank);
    struct ups_mark mark;
    char label[UPS_LABEL_MAX];
    ups_mark_find(item->comments, news->workitem, &mark);
    bool is_ours =
        (mark.found && mark.to == item->priority) ||
        ((news->was_told || news->may_know) && ups_priority_of(news->told) == item->priority);
    struct dx_ups_change change = {.priority = is_ours || to > item->priority ? to : item->priority,
                                   .label = label};
    if (item->inputs == 0)
        change.input = input_of(t);
    ups_label(news, label);
    return ups_set_marked(t, t->own[0], item, &mark, DX_UPS_PRIORITY_UNKNOWN, &change);
}

static bool is_over(const struct dx_ups_item *item)
{
    return item->state == DX_UPS_IN_PROGRESS || item->state == DX_UPS_COMPLETED ||
           item->state == DX_UPS_CANCELED;
}

/* That it may be refused is the standard's: then it is the reader's. */
static enum step cancel_own(struct telling *t, const char *uid, bool replaced)
{
    struct dx_writing dataset = {.count = 0};
    struct dx_ups_answer answer;
    char reason[UPS_CANCEL_MAX];
    ups_cancel_reason(t->news, replaced, reason);
    dx_ups_write_cancel(reason, &dataset);
    enum dx_status status = t->way->cancel(t, uid, &dataset, &answer);
    dx_writing_finish(&dataset);
    if (status != DX_OK)
        return ups_broken(t, status);
    switch (ups_say(t, "cancel of", uid, answer.status, answer.comment)) {
    case UPS_WAIT:
        return STEP_LATER;
    case UPS_REFUSED:
        return STEP_REFUSED;
    default:
        return STEP_TOLD;
    }
}

/* Those of another patient or order, where nobody reads them. */
static enum step cancel_earlier(struct telling *t, struct dx_ups_item *item)
{
    enum step step = STEP_TOLD;
    for (size_t i = 1; i < t->own_count && step == STEP_TOLD; i++) {
        step = ups_read_item(t, t->own[i], item);
        if (step == STEP_TOLD && !is_over(item))
            step = cancel_own(t, t->own[i], true);
        else if (step == STEP_NONE)
            step = STEP_TOLD;
    }
    return step;
}

static enum step make_own(struct telling *t)
{
    struct dx_writing dataset = {.count = 0};
    struct dx_ups_answer answer;
    write_own(t, &dataset);
    enum dx_status status = t->way->create(t, t->own[0], &dataset, &answer);
    dx_writing_finish(&dataset);
    if (status != DX_OK)
        return ups_broken(t, status);
    switch (ups_say(t, "N-CREATE of", t->own[0], answer.status, answer.comment)) {
    case UPS_DONE:
        return STEP_TOLD;
    case UPS_PRESENT:
        return ups_change_own(t);
    case UPS_WAIT:
        return STEP_LATER;
    default:
        return STEP_REFUSED;
    }
}

/* The latest one that the manager has; what is replaced is there until the new one is. */
static enum step change_latest(struct telling *t, size_t latest, struct dx_ups_item *item)
{
    const char *uid = t->own[latest];
    if (item->state == DX_UPS_CANCELED && t->news->rank == PRIORITY_HIGH) {
        (void)snprintf(t->why, NEWS_WHY, "our item %s was canceled: it cannot be HIGH any more",
                       uid);
        return STEP_REFUSED;
    }
    if (is_over(item)) {
        (void)snprintf(t->why, NEWS_WHY, "our item %s is not waiting any more", uid);
        return STEP_TOLD;
    }
    enum step step = latest == 0 ? set_own(t, item) : make_own(t);
    return step == STEP_TOLD ? cancel_earlier(t, item) : step;
}

enum step ups_change_own(struct telling *t)
{
    struct dx_ups_item *item = calloc(1, sizeof *item);
    if (item == NULL)
        return STEP_LATER;
    enum step step = STEP_NONE;
    for (size_t i = 0; i < t->own_count && step == STEP_NONE; i++) {
        step = ups_read_item(t, t->own[i], item);
        if (step == STEP_TOLD)
            step = change_latest(t, i, item);
    }
    free(item);
    return step;
}

/* One that the manager has no more was read, or thrown away, or never was, since the site had its
 * own: it is made again for a finding, and for more than was told, not for less. */
enum step ups_tell_own(struct telling *t)
{
    const struct news *news = t->news;
    if (!t->push) {
        (void)snprintf(t->why, NEWS_WHY, "no item of the study, and no UPS Push to make one");
        return STEP_LATER;
    }
    if (!news->was_told && !news->may_know)
        return make_own(t);
    enum step step = ups_change_own(t);
    if (step == STEP_NONE && (news->rank > news->told || news->reason == REASON_FINDING))
        return make_own(t);
    return step == STEP_NONE ? STEP_TOLD : step;
}

enum step ups_cancel_own(struct telling *t)
{
    enum step step = STEP_TOLD;
    for (size_t i = 0; i < t->own_count && step == STEP_TOLD; i++)
        step = cancel_own(t, t->own[i], false);
    return step;
}
