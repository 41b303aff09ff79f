/* echo_desk.h: echoes that people ask for, in the role that talks to the peer: deliver, announce,
 * inquire. One at a time, each in a process of its own under the rights that the role's other
 * children have; the role itself talks to nobody.
 *
 *   idle -> a request of this kind is open [echo_desk_turn] -> busy -> answered, dead, or too late
 */
#ifndef ECHO_DESK_H
#define ECHO_DESK_H

#include "echo.h"
#include "role.h"

struct echo_desk {
    enum contact_kind kind;
    struct role_child child;
    struct request request; /* that the child tries */
    int64_t until;          /* monotonic */
};
void echo_desk_init(struct echo_desk *desk, enum contact_kind kind);
/* Begins or ends one; closes *store around a fork. Called at least once a second. What cannot be
 * entered is logged, and asked again until it is too old. */
void echo_desk_turn(struct echo_desk *desk, const struct node *node, struct store **store);
void echo_desk_end(struct echo_desk *desk); /* kills the process, if there is one */

/* Whether the configuration has whom this subject ("destination/pacs") names. */
bool echo_desk_knows(const struct conf *conf, const char *subject);

#endif
