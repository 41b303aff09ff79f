/* look.h: whether a destination has the images that a result was made of, as the result names them.
 * It is asked by C-FIND (look_find.c) or QIDO-RS (stow_look.c), in the destination's sender. */
#ifndef LOOK_H
#define LOOK_H

#include "dx_result.h"
#include "dx_scu.h"
#include "sender.h"

enum look_end {
    LOOK_THERE,     /* and patient, issuer and accession number agree */
    LOOK_MISSING,   /* study or images */
    LOOK_OTHER,     /* they are another patient's or order's */
    LOOK_NOT_TAKEN, /* the peer takes no such question */
    LOOK_FAILED,    /* it answered with a failure */
    LOOK_UNREACHED, /* it broke off over the question */
    LOOK_AWAY       /* the peer as a whole: it was not even asked */
};

/* What is looked for, and what answers have told of it so far. */
struct look_found {
    const struct send_look *look;
    size_t count;
    const char *differs;               /* name of the first attribute that does */
    const struct dx_reference *wanted; /* of one series */
    size_t wanted_count;
    bool *seen; /* of each wanted */
};
void look_take_study(struct look_found *found, const char *study, const char *patient_id,
                     const char *issuer, const char *accession);
void look_take_image(struct look_found *found, const char *sop_instance);

/* How a peer is asked. LOOK_THERE: it answered, and all that it said was taken. text says what was
 * wrong, without a word of the patient. */
struct look_peer {
    void *peer;
    enum look_end (*study)(void *peer, struct look_found *found, char text[256]);
    enum look_end (*images)(void *peer, struct look_found *found, char text[256]);
    const char *configure; /* what to change there where it does not answer */
};
struct look_peer look_find_peer(struct dx_scu *scu);

/* What was found is remembered for the batch's other results of that study. */
struct look_memory {
    struct send_look look;
    enum look_end end;
    char text[256];
    bool is_fresh; /* the peer was asked this time, not remembered */
};
enum look_end look_for(const struct look_peer *peer, const struct conf *conf,
                       const struct send_look *look, struct look_memory *memory, char text[256]);

#endif
