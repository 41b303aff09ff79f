/* tally.h: running figures out of what readers said of the node's answers, out of final reports
 * that were understood, and how long studies waited. Pure: no store, no clock.
 *
 * Two references, never mixed. What readers said, of the studies of which they said something: no
 * follow-up, and no sample by chance. A finding that a reader agrees with is a true positive; no
 * finding (or an incomplete answer) that a reader disagrees with is a miss. Answers of other kinds
 * count in agreement only. And what final reports say (site_conclusion), of the studies of which
 * they say whether there is an injury, beside the answer as it stands: answers of other kinds
 * decide nothing, and are counted as such. Intervals are of 95 %: exact (Clopper-Pearson) for
 * rates, by order statistics for medians. */
#ifndef TALLY_H
#define TALLY_H

#include "nn_measures.h"
#include "store_outcome.h"

#define TALLY_LEVEL    0.95
#define TALLY_OUTCOMES 5

/* Durations. */
struct spans {
    int64_t *ms;
    size_t count, room;
};
/* Median and its interval, in ms; low and high are -1 where there are too few. False: none. */
bool spans_median(struct spans *spans, int64_t *median, int64_t *low, int64_t *high);

struct tally {
    uint64_t studies, read, said;
    uint64_t of[TALLY_OUTCOMES], agreed[TALLY_OUTCOMES]; /* by enum srt_outcome */
    struct nn_tally answers; /* tp, fp: findings; fn, tn: no finding, or incomplete */
    uint64_t reported, understood, undecided; /* final reports; of an injury or none; of those
                                                 without an answer that decides */
    struct nn_tally finals;                   /* as answers */
    struct spans answered, read_raised, read_others, final; /* from the first image on */
};
/* False: no memory. */
bool tally_add(struct tally *tally, const struct store_outcome *outcome);
void tally_finish(struct tally *tally);

/* With its exact interval; undefined of 0. */
struct nn_figure tally_rate(uint64_t hits, uint64_t of);
/* Of a finding: how often it was right; of no finding likewise. */
struct nn_figure tally_positive(const struct nn_tally *tally);
struct nn_figure tally_negative(const struct nn_tally *tally);
/* Whether the answer is what the final report says; false: one of them decides nothing. */
bool tally_compare(const struct store_outcome *outcome, bool *agrees);

#endif
