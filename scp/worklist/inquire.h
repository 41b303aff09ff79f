/* inquire.h: asks the site's Modality Worklist (<orderQuery>) for the orders of studies in the
 * reading worklist whose order is not known. inquire_run (node.h) is the role; a process of its
 * own, the inquirer, talks to the peer.
 *
 *   store --struct store_inquiry--> role --> inquirer --C-FIND--> peer
 *     <-- struct site_order (as a message of HL7 would say it) -- struct inquire_answer
 *
 * The inquirer opens nothing of the spool; the role reads no byte of the peer but in records of
 * this form, in which it believes nothing. */
#ifndef INQUIRE_H
#define INQUIRE_H

#include "conf.h"
#include "dx_mwl.h"
#include "orders.h"
#include "store_inquiry.h"

/* ---- what answers come to ---- */

enum inquire_end {
    INQUIRE_FOUND,     /* orders */
    INQUIRE_NONE,      /* the worklist has nothing of the study */
    INQUIRE_OTHER,     /* only of another patient */
    INQUIRE_AMBIGUOUS, /* of several patients, or one order in two ways */
    INQUIRE_MANY,      /* more matches than <orderQuery matches> */
    INQUIRE_REFUSED,   /* the peer takes no such question, or answers with a failure */
    INQUIRE_BROKEN,    /* the association ended in the middle, or what came was malformed */
    INQUIRE_AWAY       /* there was none */
};
/* A word of at most 15 bytes: "found", ... */
const char *inquire_end_word(enum inquire_end end);

/* What the matches so far say of one study. */
struct inquire_found {
    const struct store_inquiry *of;
    bool by_study; /* one names its UID: those that have only its accession number do not count */
    bool other, ambiguous;
    char patient_id[257], issuer[257]; /* of those that count */
    uint32_t count;
    struct site_order order[ORDERS_MOST];
};
/* Takes a match, if it is of the study: it names its Study Instance UID, or its accession number;
 * and no other patient, as far as both sides say who (identifiers that are not ASCII are not
 * compared). postoperative: what its procedure is. */
void inquire_take(struct inquire_found *found, const struct dx_mwl_item *item, bool postoperative);
enum inquire_end inquire_end_of(const struct inquire_found *found);

/* ---- the inquirer ---- */

struct inquire_answer {
    char study[DX_UID_MAX]; /* the question's */
    enum inquire_end end;
    char why[200]; /* for people; nothing of the patient */
    uint32_t count;
    struct site_order order[ORDERS_MOST]; /* `count` of them are sent */
};
#define INQUIRE_BYTES(count)                                                                       \
    (offsetof(struct inquire_answer, order) + (size_t)(count) * sizeof(struct site_order))
/* Whether so many bytes are an answer to this question: texts end, numbers are in their ranges,
 * orders are there when some were found and say what this way can say. */
bool inquire_is_answer(const struct inquire_answer *answer, size_t bytes,
                       const struct store_inquiry *of);

/* The inquirer's body; returns when fd is closed. */
int inquire_ask(const struct conf *conf, int fd);

#endif
