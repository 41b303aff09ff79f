/* start.h: what must hold before a role may run: fatal at start, with one clear line each on
 * standard error. Exit statuses are of sysexits.h. For the supervisor, before it forks a role and
 * at a reload, and for commands. */
#ifndef START_H
#define START_H

#include "conf_room.h"
#include "node.h"
#include <stdio.h>

/* Loads the configuration (into room, or NULL: conf_load_in); every complaint goes to standard
 * error, and to copy (NULL: none), as file:line: text. NULL: *status is the exit status; else the
 * caller's, to conf_destroy. */
struct conf *start_conf(const char *path, struct conf_room *room, int *status, FILE *copy);
/* Tells them; the exit status that goes with it, 0: none is wrong. */
int start_tell(const char *path, enum conf_status loaded, const struct conf_complaints *complaints,
               FILE *out);
/* Whether the audit role can use its files; else says why, as start_conf does. True where there is
 * no collector. Not for commands: `cervigate mode shadow` must work whatever a file is. */
bool start_collector(const struct conf *conf, FILE *copy);
/* Whether the files of <tls> can be used; else says why. True where there are none. */
bool start_keys(const struct conf *conf);
/* Spool, files of <audit>, lock, files of <tls>, sockets, job store, model and mode, in this order.
 * 0, or the exit status after a clear message. Fills node's descriptors; lock_fd stays open as long
 * as the node lives. */
int start_node(struct node *node, int *lock_fd);
/* Opens the sockets that differ from `old` (NULL: all). False, with a message, when one cannot be
 * opened; then nothing is changed. */
bool start_sockets(struct node *node, const struct conf *old);

#endif
