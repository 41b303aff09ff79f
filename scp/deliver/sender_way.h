/* sender_way.h: how a sender's batch travels: on an association (sender_dimse.c), or by HTTP
 * (stow.c). sender.c asks whether a result may go, and answers for it. */
#ifndef SENDER_WAY_H
#define SENDER_WAY_H

#include "look.h"
#include "sender.h"

struct sender_way {
    const struct conf *conf;
    const struct conf_destination *to;
    const struct look_peer *look;
    bool alive;     /* false: of no more use for this batch */
    char text[256]; /* then: why */
    int retry_after_seconds;
    /* Sends one; fills verdict, may_be_there, result, dimse_status and text. */
    void (*store)(struct sender_way *way, const struct send_job *job, struct send_answer *answer);
    void (*close)(struct sender_way *way);
};

/* One at a time in a process; not alive when the peer is not reached. */
struct sender_way *sender_dimse_open(const struct conf *conf, const struct conf_destination *to,
                                     const struct send_batch *batch);
/* Asks for commitment to what the batch names, and answers for each; false when the parent has
 * gone. */
bool sender_dimse_commit(const struct conf *conf, const struct conf_destination *to,
                         const struct send_batch *batch, int fd);

bool sender_answer(int fd, const struct send_answer *answer);

#endif
