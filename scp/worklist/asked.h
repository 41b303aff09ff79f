/* asked.h: what a peer asks of the reading worklist, in its association's process: parsed, matched
 * and answered here; what is known and what is changed is the desk's (desk.h). */
#ifndef ASKED_H
#define ASKED_H

#include "dx_scp.h"
#include "node.h"

struct asked {
    const struct conf *conf;
    int desk_fd; /* -1: there is none */
    const char *association;
    const struct dx_peer *peer; /* valid when something is asked */
    unsigned finds;
    void *bytes; /* of an answer; malloc, NULL at first */
};
/* The context of these is a struct asked of the caller's. */
unsigned asked_offers(struct asked *asked);
uint16_t asked_find(struct asked *asked, const uint8_t *identifier, size_t count,
                    struct dx_scp_found *found, char comment[65]);
uint16_t asked_get(struct asked *asked, const char *instance, const uint32_t *tags, size_t count,
                   struct dx_writing *answer, char comment[65]);
uint16_t asked_set(struct asked *asked, const char *instance, const uint8_t *change, size_t count,
                   char comment[65]);
uint16_t asked_change_state(struct asked *asked, const char *instance, const uint8_t *information,
                            size_t count, char comment[65]);
void asked_finish(struct asked *asked);

#endif
