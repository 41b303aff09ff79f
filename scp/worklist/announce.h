/* announce.h: who tells what to whom. announce_run (node.h) is the role; each announcement has a
 * process of its own, the crier, so that a receiver that is dead, slow or hostile delays no other.
 *
 * The role hands its crier one struct news at a time over a SOCK_SEQPACKET pair; the crier tells it
 * and answers with one struct crier_answer. It never opens the job store. */
#ifndef ANNOUNCE_H
#define ANNOUNCE_H

#include "news.h"
#include "node.h"

struct crier_answer {
    int64_t news;
    enum news_end end;
    bool forbidden; /* the mode has changed: nothing was tried */
    bool read;      /* of NEWS_LOOK: the study has been read there */
    char why[NEWS_WHY];
};
/* Whether `mode` lets news go to this announcement. */
bool announce_allowed(enum conf_mode mode, const struct conf_announcement *to);
/* The crier's body; returns when the role closes the pair. */
int crier_run(const struct conf *conf, const struct conf_announcement *to, int fd);

#endif
