/* deliver_lane.h: one destination, as deliver.c has it: its process, what it has in hand, and until
 * when it pauses. */
#ifndef DELIVER_LANE_H
#define DELIVER_LANE_H

#include "deliver_choose.h"
#include "deliver_head.h"
#include "role.h"

struct lane {
    const struct conf_destination *to;
    struct role_child sender;
    struct send_batch batch;
    struct delivery job[SENDER_BATCH];
    struct rate_bucket bucket;
    struct head head;
    size_t answered;                      /* of batch.count; equal: idle */
    int64_t heard_at, retry_at, spawn_at; /* monotonic */
    int64_t retry_utc;  /* the same as retry_at: monotonic time stands while a machine sleeps */
    int64_t allowed_at; /* when the mode last let it send */
    unsigned failures;
    bool is_new; /* its sender: what the one before was given is not cleared up yet */
    struct role_contact contact;
};

int64_t lane_back_off(const struct lane *lane, unsigned times); /* ms */
bool lane_is_busy(const struct lane *lane);
void lane_pause(struct lane *lane, int64_t ms);
bool lane_is_paused(const struct lane *lane);
/* The first keeps its place and is tried again, after a pause. */
void lane_keeps_head(struct lane *lane);
/* The peer as a whole was not there: a pause. after_ms: it wants no call before; heeded up to
 * retryMost. */
void lane_unreached(struct lane *lane, const char *why, int64_t after_ms);
/* last: its last answer. */
void lane_batch_over(struct lane *lane, const struct send_answer *last);
/* Whether the peer was asked about the object. */
bool lane_was_asked(const struct send_answer *answer);
/* A line of what it said. */
void lane_tell(const struct lane *lane, const struct delivery *job,
               const struct send_answer *answer);

#endif
