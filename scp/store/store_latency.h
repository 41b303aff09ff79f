/* store_latency.h: how long studies take, counted as they pass: histograms that only grow, in the
 * job store, so that neither a restart nor retention takes anything back.
 *
 * Times run from the receipt of the latest image that a step is about. What a person asks for anew
 * is not counted: it would be counted from the first receipt. */
#ifndef STORE_LATENCY_H
#define STORE_LATENCY_H

#include "store.h"

#define STORE_STAGE_MAP(X)                                                                         \
    X(STAGE_ANALYSED, "analysed")   /* an image: judged, or not processed */                       \
    X(STAGE_COMPLETE, "complete")   /* a study, each time that it has new images: quiet */         \
    X(STAGE_STORED, "stored")       /* its report is in the job store */                           \
    X(STAGE_SENT, "sent")           /* each destination has the report */                          \
    X(STAGE_COMMITTED, "committed") /* each that commits to it */                                  \
    X(STAGE_NOTIFIED, "notified")   /* each receiver is told of the study for the first time */
enum store_stage {
#define X(code, text) code,
    STORE_STAGE_MAP(X)
#undef X
        STORE_STAGES
};
const char *store_stage_name(enum store_stage stage);

#define STORE_LATENCY_BOUNDS 16
extern const int64_t store_latency_bound_ms[STORE_LATENCY_BOUNDS];

struct store_latency {
    uint64_t bucket[STORE_LATENCY_BOUNDS + 1]; /* each alone; the last: above all bounds */
    uint64_t count;
    int64_t sum_ms;
};
/* Since the store was made; zeros of a stage that nothing has passed. */
STORE_MUST_USE enum store_status store_latencies(struct store *store,
                                                 struct store_latency list[STORE_STAGES]);

#endif
