/* A workstation asks every few seconds, for the same: the log would hold little else. */
#include "desk.h"

#include "audit.h"
#include "clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KINDS   64    /* of questions that are told apart */
#define KIND_MS 60000 /* between two records of one */

struct question {
    char calling[17], called[17], address[64], words[DESK_WORDS];
    uint16_t status;
    unsigned matches, times; /* since it was told */
    int64_t told_ms;         /* monotonic; 0: free */
};

struct desk_audit {
    const struct conf *conf;
    struct question question[KINDS];
};

struct desk_audit *desk_audit_create(const struct conf *conf)
{
    struct desk_audit *audit = calloc(1, sizeof *audit);
    if (audit != NULL)
        audit->conf = conf;
    return audit;
}

static void tell(const struct desk_audit *audit, struct question *q)
{
    const struct audit_asker asker = {q->calling, q->called, q->address};
    if (q->times > 0)
        audit_worklist_asked(audit->conf, &asker, q->words, q->matches, q->times, q->status);
    q->times = 0;
}

static bool is_same(const struct question *q, const struct desk_request *r)
{
    return q->told_ms != 0 && q->status == r->status && strcmp(q->calling, r->calling) == 0 &&
           strcmp(q->called, r->called) == 0 && strcmp(q->address, r->address) == 0 &&
           strcmp(q->words, r->words) == 0;
}

/* Its own place, a free one, or that of who was told longest ago, who is told now. */
static struct question *place_of(const struct desk_audit *audit, struct question *all,
                                 const struct desk_request *r)
{
    struct question *oldest = &all[0];
    for (size_t i = 0; i < KINDS; i++) {
        if (is_same(&all[i], r))
            return &all[i];
        if (all[i].told_ms < oldest->told_ms)
            oldest = &all[i];
    }
    tell(audit, oldest);
    *oldest = (struct question){.status = r->status};
    memcpy(oldest->calling, r->calling, sizeof oldest->calling);
    memcpy(oldest->called, r->called, sizeof oldest->called);
    memcpy(oldest->address, r->address, sizeof oldest->address);
    memcpy(oldest->words, r->words, sizeof oldest->words);
    return oldest;
}

void desk_audit_asked(struct desk_audit *audit, const struct desk_request *request)
{
    if (audit == NULL)
        return;
    int64_t now = clock_monotonic_ms();
    struct question *q = place_of(audit, audit->question, request);
    bool is_new = q->told_ms == 0 || request->matches > q->matches;
    q->matches = request->matches;
    q->times++;
    if (!is_new && now - q->told_ms < KIND_MS)
        return;
    tell(audit, q);
    q->told_ms = now;
}

void desk_audit_item(struct desk_audit *audit, const struct desk_request *request,
                     const struct desk_item *item, const char *what)
{
    const struct audit_asker asker = {request->calling, request->called, request->address};
    if (audit != NULL)
        audit_worklist_item(audit->conf, &asker, item->reading.study, item->news.patient_id,
                            item->news.accession, what);
}

void desk_audit_turn(struct desk_audit *audit)
{
    int64_t now = clock_monotonic_ms();
    for (size_t i = 0; audit != NULL && i < KINDS; i++) {
        struct question *q = &audit->question[i];
        if (q->told_ms == 0 || now - q->told_ms < KIND_MS)
            continue;
        q->told_ms = q->times > 0 ? now : 0; /* nobody asks any more: its place is free */
        tell(audit, q);
    }
}

int desk_audit_wait(const struct desk_audit *audit)
{
    int64_t now = clock_monotonic_ms(), wait = -1;
    for (size_t i = 0; audit != NULL && i < KINDS; i++) {
        int64_t left = audit->question[i].told_ms + KIND_MS - now;
        if (audit->question[i].told_ms == 0)
            continue;
        left = left < 1 ? 1 : left;
        wait = wait < 0 || left < wait ? left : wait;
    }
    return (int)wait;
}

void desk_audit_destroy(struct desk_audit *audit)
{
    for (size_t i = 0; audit != NULL && i < KINDS; i++)
        tell(audit, &audit->question[i]);
    free(audit);
}
