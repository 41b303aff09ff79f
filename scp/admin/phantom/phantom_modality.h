/* phantom_modality.h: one modality of `cervigate phantom --send`: a process of its own.
 *
 * Modality m of M examines the studies m, m + M, ...: draws ahead, waits until the study is due,
 * sends it over one association, tells what became of it. SIGTERM stops it between two objects. */
#ifndef PHANTOM_MODALITY_H
#define PHANTOM_MODALITY_H

#include "phantom_study.h"

struct phantom_peer {
    char ae_title[DX_AE_MAX], host[256];
    uint16_t port;
    struct conf *conf; /* owned; NULL: given by address, plain */
    const struct conf_peer *configured;
};

enum phantom_end {
    PHANTOM_SENT,
    PHANTOM_REFUSED, /* by the peer: the association, or an object */
    PHANTOM_LOST,    /* not reached, or the association broke: nobody has the rest */
    PHANTOM_STOPPED, /* between two objects */
    PHANTOM_BROKEN   /* could not be drawn */
};

/* What became of a study; written to the pipe as it is. */
struct phantom_outcome {
    uint64_t index, patient;
    int modality; /* from 0 */
    enum phantom_end end;
    int views, stored, refused; /* the rest was not sent */
    long bytes;                 /* of what was stored */
    int64_t milliseconds;       /* of the association */
    int64_t late;               /* milliseconds after it was due */
    char uid[DX_UID_MAX];
    char subjects[160]; /* blanks between */
    char error[256];    /* the last */
};

/* Associates: a configured peer as it is configured. */
DX_MUST_USE enum dx_status phantom_modality_open(const struct phantom_peer *peer, int modality,
                                                 const struct dx_scu_context *contexts,
                                                 size_t count, struct dx_scu **scu,
                                                 struct dx_error *err);
/* Runs in the child: begin_ms is the monotonic time of the first study; outcomes go to fd. SIGTERM
 * must be blocked. Returns the child's exit status. */
int phantom_modality_run(const struct phantom_options *options, const struct phantom_peer *peer,
                         int modality, int64_t begin_ms, int fd);

#endif
