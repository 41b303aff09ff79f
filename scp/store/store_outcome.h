/* store_outcome.h: the job store's part in outcomes: what readers say of the node's answers, and
 * every study's answer beside what became of it. */
#ifndef STORE_OUTCOME_H
#define STORE_OUTCOME_H

#include "store_site.h"
#include "worklist/priority.h"

/* What a reader says of a study's answer. The answer that it was said of stays with it: a later
 * report may say something else. */
struct store_verdict {
    bool agrees;
    char who[64];
    int64_t said_ms; /* UTC */
    enum srt_outcome outcome;
    char report[DX_UID_MAX];
};
/* Says it, of the answer as it is now, in place of what was said before. STORE_NONE: there is no
 * such study, or no answer yet. */
STORE_MUST_USE enum store_status store_say(struct store *store, const char *study, bool agrees,
                                           const char *who, int64_t now_ms);
/* Takes it back. STORE_NONE: nothing was said. */
STORE_MUST_USE enum store_status store_unsay(struct store *store, const char *study);
/* STORE_NONE: nothing was said. */
STORE_MUST_USE enum store_status store_verdict(struct store *store, const char *study,
                                               struct store_verdict *verdict);

/* How it is known that a study has been read; a set. */
enum store_read_by {
    READ_BY_REPORT = 1, /* another's report is in the study */
    READ_BY_ORDER = 2,  /* the site said so by HL7 */
    READ_BY_UPS = 4     /* its item was completed, here or at a workflow manager */
};

/* One study: times are UTC, 0: it did not happen. */
struct store_outcome {
    char study[DX_UID_MAX], accession[65];
    bool answered;
    enum srt_outcome outcome;
    double score, point; /* of the finding that stands out most; score 0: none */
    bool raised;
    char model[520];
    int64_t arrived_ms, analysed_ms, reported_ms, sent_ms, read_ms;
    unsigned read_by; /* of enum store_read_by; 0 though it was read: a person said so */
    int64_t final_ms; /* the first final report of others: an SR, or a message of the site's */
    /* what the site's messages said of it: an injury where one does, none where all do */
    enum site_conclusion conclusion;
    bool said;
    struct store_verdict verdict;
};
/* The `most` latest studies, the oldest of them first. each: outcome lives until it returns; false
 * ends, as STORE_OK; it must not call store_outcomes. */
STORE_MUST_USE enum store_status
store_outcomes(struct store *store, size_t most,
               bool (*each)(void *context, const struct store_outcome *outcome), void *context);

#endif
