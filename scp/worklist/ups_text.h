/* ups_text.h: what is written into an item of a workflow manager, in words.
 *
 * Comments on the Scheduled Procedure Step (0040,0400) end with a line of ours, the mark:
 *
 *     [RESEARCH - ]cervigate: HIGH, was MEDIUM; REASON (MODEL) [WORKITEM UID]
 *
 * It tells the reader why, and us what the priority was; an item of our own was nothing. The UID is
 * that of the study at this receiver: another node's marks are not ours.
 *
 * Pure functions of their arguments. */
#ifndef UPS_TEXT_H
#define UPS_TEXT_H

#include "dx_ups.h"
#include "news.h"

#define UPS_MARK_MAX 1024

struct ups_mark {
    bool found;
    enum dx_ups_priority to, was; /* was UNKNOWN: nothing, or not known */
    size_t begin, end;            /* of the line in the comments, without its end */
};
/* The last one of this workitem. */
void ups_mark_find(const char *comments, const char *workitem, struct ups_mark *mark);
/* The line that says so. */
void ups_mark_write(const struct news *news, enum dx_ups_priority to, enum dx_ups_priority was,
                    char line[UPS_MARK_MAX]);
/* The comments with `line` as their only mark, malloc'd; NULL: more than an LT may have, or no
 * memory. */
char *ups_comments_with(const char *comments, const struct ups_mark *mark, const char *line);

/* Procedure Step Label (0074,1204): the reason where it fits. */
#define UPS_LABEL_MAX 128
void ups_label(const struct news *news, char label[UPS_LABEL_MAX]);
/* Reason for Cancellation (0074,1238). replaced: by an item of another patient or order. */
#define UPS_CANCEL_MAX 256
void ups_cancel_reason(const struct news *news, bool replaced, char reason[UPS_CANCEL_MAX]);
/* UTC as DT with its offset. */
#define UPS_TIME_MAX 32
void ups_time(int64_t ms, char text[UPS_TIME_MAX]);

enum dx_ups_priority ups_priority_of(enum priority_rank rank);

#endif
