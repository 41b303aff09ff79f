/* deliver_head.h: the first of a destination's queue, when the peer did not take it now.
 *
 * Is it the object, or the peer? Only another object can show it. So it keeps its place, and all
 * that follows waits; when it was not taken HEAD_TRIES times in a row, one of another study goes
 * before it, right after such a try, so that a peer that returns has hardly a moment to do so
 * between the two:
 *
 *   none -> not taken [head_failed] -> kept, the lane pauses [head_batch_over] -> first again
 *   kept, HEAD_TRIES times -> one other goes before it (passing)
 *     the other is not taken either: it is the peer. kept
 *     the other is taken, and the first is not, again: put off by itself [head_failed]
 *
 * What was put off by itself already stays that. Where the association ended over it, the peer is
 * asked for an echo before the next try (send_batch.check): one that is silent gets no object, and
 * nothing passes. Pure; one a lane. */
#ifndef DELIVER_HEAD_H
#define DELIVER_HEAD_H

#include "store.h"

#define HEAD_TRIES 3

struct head {
    int64_t delivery; /* 0: none */
    char study[DX_UID_MAX];
    unsigned times; /* not taken, in a row */
    bool broke;     /* and the association ended over it */
    bool passed;    /* another was taken since */
    bool passing;   /* another goes now */
    bool alone;     /* there was none that could */
    bool held;      /* this batch: something was not taken and keeps its place */
};

/* Whether it is put off by itself; else it keeps its place. */
bool head_failed(struct head *head, const struct delivery *job, bool broke);
/* It was decided about: taken, or not (parked, waits for its images). */
void head_decided(struct head *head, const struct delivery *job, bool taken);
/* The peer as a whole was not there. */
void head_unreached(struct head *head);
/* Whether the lane pauses now. */
bool head_batch_over(struct head *head);
/* What was chosen; whether it pauses since nothing is there that could go before it. */
bool head_chosen(struct head *head, const struct delivery *job, size_t count);
/* How a delivery was put off by itself: not by its images. */
bool head_is_aside(const struct delivery *job);

#endif
