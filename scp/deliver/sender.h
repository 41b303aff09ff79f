/* sender.h: a process that talks to one destination, so that a peer that is dead, slow or hostile
 * harms nobody else.
 *
 * The parent (deliver.c) hands it batches over a SOCK_SEQPACKET pair; for each job it answers once,
 * in order. It opens one association (one HTTP connection) a batch and never touches the job store.
 */
#ifndef SENDER_H
#define SENDER_H

#include "node.h"
#include "store.h"

#define SENDER_BATCH 16

enum verdict {
    VERDICT_DELIVERED, /* 0000, a warning, or 0111: the peer has the object */
    VERDICT_LATER, /* this object, another time: A7xx and the like, or it ended the association */
    VERDICT_UNREACHED,   /* the peer as a whole: nothing was decided about the object */
    VERDICT_REFUSED,     /* the peer will never take it: for a person to look at */
    VERDICT_NOT_ALLOWED, /* the mode forbids sending now */
    VERDICT_WAITS,       /* its images are not there, or are another's */
    VERDICT_BEHIND,      /* not tried: what goes before it was not taken now */
    VERDICT_ASKED        /* commitment: the answer comes on another association */
};

/* A report may go in one of several kinds of SR: the first that the peer takes. */
#define SENDER_FORMS 3
struct send_job {
    int64_t delivery;
    bool picture;   /* may be compressed on its way */
    bool aside;     /* was put off by itself: where it is not taken again, others go on */
    size_t follows; /* number (from 1) of the job of its study before it: does not go when that does
                       not; 0: none */
    size_t forms;   /* at least 1 */
    struct send_form {
        int64_t result;
        char sop_class[DX_UID_MAX], sop_instance[DX_UID_MAX];
        char path[256]; /* below the spool */
    } form[SENDER_FORMS];
    /* What the peer must have before: asked where study is not "". */
    struct send_look {
        char study[DX_UID_MAX];
        char patient_id[65], issuer[65], accession[17]; /* as they stand in the result */
        char report[256]; /* below the spool: its evidence are the images; "" the study alone */
    } look;
};
struct send_batch {
    size_t count;
    /* Not "": the objects are there, and the peer is asked, under this Transaction UID, to commit
     * to them. Each is answered DELIVERED (committed), REFUSED (it did not; dimse_status has the
     * failure reason), ASKED, LATER or UNREACHED. */
    char transaction[DX_UID_MAX];
    bool check; /* the peer must answer an echo before the first */
    struct send_job job[SENDER_BATCH];
};
struct send_answer {
    int64_t delivery;
    int64_t result; /* which form went */
    enum verdict verdict;
    bool broke;        /* LATER: the association ended over it */
    bool may_be_there; /* the peer got it, or some of it, and did not say that it has not kept it */
    uint16_t dimse_status;   /* by STOW-RS: the failure or warning reason */
    int retry_after_seconds; /* UNREACHED: the peer wants no call before; 0: it said nothing */
    char text[256];
};

/* What a C-STORE status (PS3.4 table B.2-1, PS3.7 annex C) means for a delivery. */
enum verdict sender_verdict(uint16_t dimse_status);
/* Whether `mode` lets results go to this destination. */
bool sender_allowed(enum conf_mode mode, const struct conf_destination *destination);
/* The process's body; returns when the parent closes the pair. */
int sender_run(const struct conf *conf, const struct conf_destination *destination, int fd);

#endif
