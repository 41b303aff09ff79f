/* stow.h: the way out by DICOMweb: STOW-RS (PS3.18 10.5), with the look by QIDO-RS (10.6).
 *
 * Runs in the destination's sender, or in `cervigate echo`. One connection a batch, one request an
 * object: what an answer says is about that object alone. */
#ifndef STOW_H
#define STOW_H

#include "sender_way.h"
#include "stow_http.h"

/* A batch's way; one at a time in a process. */
struct sender_way *stow_open(const struct conf *conf, const struct conf_destination *to);

/* The look at this archive; http and what it tells stay the caller's. */
struct stow_look {
    struct stow_http *http;
    int retry_after_seconds; /* of LOOK_AWAY */
    long status;             /* of the last answer; 0: none came */
};
struct look_peer stow_look_peer(struct stow_look *look);

/* What an answer to one object's STOW-RS means for its delivery. text holds none of the peer's own
 * words: they may name patients. */
struct stow_told {
    enum verdict verdict;
    bool broke, may_be_there; /* struct send_answer */
    uint16_t reason; /* failure or warning reason (PS3.18 I.2.2), as a C-STORE status; 0: none */
    char text[256];
};
void stow_judge(const struct stow_reply *reply, const char *sop_instance, struct stow_told *told);

/* What the answer's body says of this object (Store Instances Response, PS3.18 I.2 in the DICOM
 * JSON model, F.2). False: it is no such body. Pure; bytes may be anything. */
struct stow_said {
    bool stored, failed;
    uint16_t warning, failure; /* 0: none, or without a reason */
};
bool stow_read(const char *bytes, size_t count, const char *sop_instance, struct stow_said *said);

/* Matches of a QIDO-RS answer: calls `take` with each one's first values ("" where there is none)
 * of the attributes `tags` (as "00080018"). False: it is no such body. */
#define STOW_TAGS 4
typedef void (*stow_take)(void *context, const char *const values[STOW_TAGS]);
bool stow_matches(const char *bytes, size_t count, const char *const tags[STOW_TAGS],
                  stow_take take, void *context, size_t *matches);

#endif
