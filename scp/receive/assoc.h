/* assoc.h: one association, in a process of its own: bytes into the spool, answers out. */
#ifndef ASSOC_H
#define ASSOC_H

#include "dx_tls.h"
#include "node.h"

/* The accepted socket (taken), what leads to the committer, and to the desk (-1: there is none). */
struct assoc_ends {
    int fd, commit_fd, desk_fd;
};

/* Serves the socket until the association ends. tls (taken; NULL: plain) is our side of TLS; id
 * names the association in log and store. Returns the exit status. */
int assoc_run(const struct node *node, const struct assoc_ends *ends, struct dx_tls *tls,
              const char *id);

#endif
