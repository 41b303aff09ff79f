/* doors.h: who may call (<callers>, checkCalledAeTitle), and what an administrator is told of who
 * may not. */
#ifndef DOORS_H
#define DOORS_H

#include "conf.h"
#include "dx_scp.h"

/* A refusal in words: who is in the log line anyway. */
struct doors_refusal {
    const char *answer; /* A-ASSOCIATE-RJ: result/source/reason of PS3.8 9.3.4; "none" */
    char why[256];
    char configure[200]; /* what to change, here or there */
};

/* Whether this peer may call; tls NULL: it calls in plain. refusal is filled when not. */
enum dx_admission doors_admit(const struct conf *conf, const struct dx_peer *peer,
                              const struct dx_tls *tls, struct doors_refusal *refusal);

/* The same for one that never began (DX_TLS, DX_MIXUP) on the TLS port or the plain one. False: it
 * was something else. */
bool doors_explain(const struct conf *conf, bool is_tls, const struct dx_error *err,
                   struct doors_refusal *refusal);

#endif
