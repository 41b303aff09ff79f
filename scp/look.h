/* look.h: whether a destination has the images that a result was made of, as the result names them:
 * C-FIND, Study Root (PS3.4 C.6.2). Runs in the destination's sender. */
#ifndef LOOK_H
#define LOOK_H

#include "dx_scu.h"
#include "sender.h"

enum look_end {
    LOOK_THERE,     /* and patient, issuer and accession number agree */
    LOOK_MISSING,   /* study or images */
    LOOK_OTHER,     /* they are another patient's or order's */
    LOOK_NOT_TAKEN, /* the peer takes no C-FIND */
    LOOK_FAILED,    /* it answered with a failure */
    LOOK_UNREACHED  /* the association is gone */
};
/* What was found is remembered for the association's other results of that study. */
struct look_memory {
    struct send_look look;
    enum look_end end;
    char text[256];
    bool is_fresh; /* the peer was asked this time, not remembered */
};
/* text says why not, without a word of the patient. */
enum look_end look_for(struct dx_scu *scu, const struct conf *conf, const struct send_look *look,
                       struct look_memory *memory, char text[256]);

#endif
