/* receive_helper.h: a process beside the listener that associations' processes ask, each over a
 * line of its own: the committer, the desk. */
#ifndef RECEIVE_HELPER_H
#define RECEIVE_HELPER_H

#include "node.h"
#include <sys/types.h>

struct helper {
    const char *name, *ended; /* in the log: its role; the message id of its end */
    const char *title;        /* of the process, 15 characters */
    int (*run)(const struct node *node, int control); /* its body */
    pid_t pid;                                        /* 0: there is none */
    int control;                                      /* hands over lines; -1: there is none */
    int64_t start_at;                                 /* monotonic: not before */
};

/* Forks it; in the child `close_rest` closes what it is not to have. False: later. */
bool helper_start(struct helper *helper, const struct node *node, void (*close_rest)(void *context),
                  void *context);
/* A line to it: an association's end, or -1. */
int helper_attach(const struct helper *helper, const char *association);
/* It has ended, with this status. dropped: associations that end with it. */
void helper_lost(struct helper *helper, int status, size_t dropped);
/* Tells it to end, and waits so long at most. */
void helper_leave(struct helper *helper);
void helper_await(struct helper *helper, int milliseconds);

#endif
