/* deliver_choose.h: what a destination gets next. Pure of network; the caller owns the store. */
#ifndef DELIVER_CHOOSE_H
#define DELIVER_CHOOSE_H

#include "sender.h"

/* How many objects may go now where a destination has a rate: a bucket that fills by it and holds
 * one minute's. */
struct rate_bucket {
    double objects;
    int64_t filled_ms; /* monotonic; 0: never */
};
size_t rate_allows(struct rate_bucket *bucket, int rate, int64_t now_ms);
void rate_take(struct rate_bucket *bucket, int rate, size_t objects);
void rate_return(struct rate_bucket *bucket, int rate); /* one was not sent */

/* Whether this local time lies in "HH:MM-HH:MM" (its end excluded; over midnight when the second is
 * the earlier); NULL: always. */
bool window_is_open(const char *window, int64_t utc_ms);

/* Fills batch and, beside it, job with at most `most` deliveries that are due, none of the study
 * `but` (NULL: of all); drops pictures that are late. */
STORE_MUST_USE enum store_status choose_jobs(struct store *store, const struct conf_destination *to,
                                             size_t most, const char *but, struct send_batch *batch,
                                             struct delivery job[SENDER_BATCH]);
/* The same with what the destination has and did not commit to; enters the transaction first. */
STORE_MUST_USE enum store_status choose_commitment(struct store *store,
                                                   const struct conf_destination *to,
                                                   struct send_batch *batch,
                                                   struct delivery job[SENDER_BATCH]);

#endif
