/* assoc.h: one association, in a process of its own: bytes into the spool, answers out. */
#ifndef ASSOC_H
#define ASSOC_H

#include "node.h"

/* Serves the accepted socket (taken) until the association ends. commit_fd leads to the committer;
 * id names the association in log and store. Returns the exit status. */
int assoc_run(const struct node *node, int fd, int commit_fd, const char *id);

#endif
