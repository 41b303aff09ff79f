/* conf_room.h: a configuration in one piece of memory, for a program that lets a child process read
 * it: libxml2 dies where memory runs out.
 *
 * The parent makes the room and forks; the child loads into the room, which lies at the same
 * address there, and sends back what it holds [conf_room_used bytes from the room on]; the parent
 * puts that into its own and has the same configuration. Only between such two processes. */
#ifndef CONF_ROOM_H
#define CONF_ROOM_H

#include "conf.h"

struct conf_room;

/* bytes: with its own head. Costs nothing but addresses until it is used. NULL with errno. */
struct conf_room *conf_room_create(size_t bytes);
void conf_room_destroy(struct conf_room *room); /* takes NULL */
size_t conf_room_used(const struct conf_room *room);

/* conf_load into the room (NULL: as conf_load). CONF_NO_MEMORY when it is too small. With CONF_OK
 * the room belongs to *conf, and conf_destroy ends both. */
CONF_MUST_USE enum conf_status conf_load_in(const char *path, struct conf_room *room,
                                            struct conf **conf, struct conf_complaints *complaints);

#endif
