/* store_site.h: the job store's part in what the site says of its orders: priority, numbers, that a
 * study has been read.
 *
 * An order is known by accession number, Study Instance UID or both, and by the placer's and the
 * filler's number: those of one accession and study are told apart by them. A message is about the
 * orders that it names and that have no other number than it: that have one of its numbers; where
 * none has, the one order that lacks them. One without numbers is about all that it names. What a
 * message names that its order lacks completes the order; two that become the same are one.
 *
 * One that came before its images counts when they come. A study's orders are those that name its
 * UID; where none does, those of its accession number. What is said later replaces what was said
 * before; where several orders are one study's, the highest priority counts, and it is read or
 * post-operative when all are. What changes a study's orders makes its place due (store_place.h).
 */
#ifndef STORE_SITE_H
#define STORE_SITE_H

#include "store_keep.h"
#include "worklist/priority.h"

/* What one message says of one order; "" and ORDER_UNKNOWN: nothing. */
struct site_order {
    char accession[65], study[DX_UID_MAX]; /* both "": the order is known by its numbers */
    /* NAME&UNIVERSAL; of two that both are known the same accession number is another one */
    char accession_issuer[131];
    char placer_order[65], filler_order[65], procedure_id[65], procedure[257];
    enum priority_order priority;
    bool postoperative; /* where there is a procedure */
    enum site_read { SITE_READ_UNSAID, SITE_UNREAD, SITE_READ } read;
    /* of a final report, where read is SITE_READ; of several the least holds */
    enum site_conclusion {
        SITE_UNCONCLUDED, /* no report was seen */
        SITE_INJURY,
        SITE_UNCLEAR, /* it says neither, or both */
        SITE_NO_INJURY
    } conclusion;
    bool cancelled; /* it is forgotten */
    bool changed;   /* it may have another accession number than before */
    char
        patients[196]; /* of a changed one: IDs of its patient, as many as fit, each after a "\\" */
    bool reports; /* no order, but of one: known by nothing that the store has, it is passed over */
};

/* One message, whole or not at all. message: names it; one that is there changes nothing. *studies:
 * how many are due by it. STORE_NONE: order number *missing (from 0) is known by nothing that the
 * store has. A message of which all was passed over is not remembered. */
STORE_MUST_USE enum store_status store_site_orders(struct store *store, const char *message,
                                                   const struct site_order *orders, size_t count,
                                                   int64_t now_ms, size_t *studies,
                                                   size_t *missing);
/* What is known of a study's orders; all of it empty: nothing. */
STORE_MUST_USE enum store_status store_site_of(struct store *store, const char *study,
                                               const char *accession, struct site_order *known);
/* A person says that the study has not been read: whatever the site said. */
STORE_MUST_USE enum store_status store_site_unread(struct store *store, const char *study);
/* The next step->look orders of a walk over all: those that were last told before step->before_ms
 * go, and those told before unmatched_ms that no study is of; and as many names of messages before
 * unmatched_ms. step->looked below look: the walk is at its end. Writes only when something goes.
 */
STORE_MUST_USE enum store_status store_site_expire(struct store *store, struct store_walk *walk,
                                                   struct store_step *step, int64_t unmatched_ms);

#endif
