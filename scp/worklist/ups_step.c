#include "ups_step.h"

#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum step ups_broken(struct telling *t, enum dx_status status)
{
    (void)snprintf(t->why, NEWS_WHY, "%.250s", t->err.text);
    return status == DX_INVALID || status == DX_NO_CONTEXT ? STEP_REFUSED : STEP_LATER;
}

enum ups_sense ups_say(struct telling *t, const char *what, const char *uid, uint16_t status,
                       const char *comment)
{
    const char *words;
    enum ups_sense sense = ups_sense_of(status, &words);
    (void)snprintf(t->why, NEWS_WHY, "%s %s: %04x, %s%s%s", what, uid, status, words,
                   comment[0] != '\0' ? LOG_PEER_SAYS : "", comment);
    return sense;
}

enum step ups_read_item(struct telling *t, const char *uid, struct dx_ups_item *item)
{
    struct dx_ups_answer answer;
    enum dx_status status = t->way->get(t, uid, item, &answer);
    if (status != DX_OK)
        return ups_broken(t, status);
    switch (ups_say(t, "N-GET of", uid, answer.status, answer.comment)) {
    case UPS_DONE:
        return STEP_TOLD;
    case UPS_WAIT:
        return STEP_LATER;
    case UPS_ABSENT:
        return STEP_NONE;
    default:
        return STEP_REFUSED;
    }
}

/* N-SET. What was read says SCHEDULED, but a reader may have been faster: C301, C300. */
static enum step set_item(struct telling *t, const char *uid, const struct dx_ups_change *change)
{
    struct dx_writing dataset = {.count = 0};
    struct dx_ups_answer answer;
    dx_ups_write_change(change, &dataset);
    enum dx_status status = t->way->set(t, uid, &dataset, &answer);
    dx_writing_finish(&dataset);
    if (status != DX_OK)
        return ups_broken(t, status);
    switch (ups_say(t, "N-SET of", uid, answer.status, answer.comment)) {
    case UPS_DONE:
    case UPS_OVER:
        return STEP_TOLD;
    case UPS_WAIT:
        return STEP_LATER;
    case UPS_ABSENT:
        return STEP_NONE;
    default:
        return STEP_REFUSED;
    }
}

enum step ups_set_marked(struct telling *t, const char *uid, const struct dx_ups_item *item,
                         const struct ups_mark *mark, enum dx_ups_priority was,
                         struct dx_ups_change *change)
{
    char line[UPS_MARK_MAX];
    char *comments = NULL;
    ups_mark_write(t->news, change->priority, was, line);
    bool is_new = !mark->found || strlen(line) != mark->end - mark->begin ||
                  memcmp(item->comments + mark->begin, line, strlen(line)) != 0;
    if (change->priority == item->priority && !is_new && change->input.study == NULL) {
        (void)snprintf(t->why, NEWS_WHY, "%s has it", uid);
        return STEP_TOLD;
    }
    if (!item->cut_comments)
        comments = ups_comments_with(item->comments, mark, line);
    change->comments = comments;
    enum step step = set_item(t, uid, change);
    free(comments);
    return step;
}
