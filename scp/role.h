/* role.h: what the roles share that own a store handle and have a process for each peer: deliver,
 * announce, orders. */
#ifndef ROLE_H
#define ROLE_H

#include "node.h"
#include "store_contact.h"

struct role_child {
    pid_t pid;
    int fd; /* our end of a SOCK_SEQPACKET pair; -1: there is no process */
};
/* Closes the store, whose handle must not cross fork, and forks. In the child: 0, and its end in
 * *fd. In the parent: the child's number, or -1. */
pid_t role_fork(struct role_child *child, struct store **store, int *fd);
/* Kills it and waits for it. */
void role_end_child(struct role_child *child);

/* The handle, opened where there is none; false after a line in the log. */
bool role_open_store(const struct conf *conf, struct store **store);
void role_close_store(struct store **store);

/* What one lane has told of its peer. */
struct role_contact {
    bool is_known, was_good;
    int64_t told_at; /* monotonic */
};
#define ROLE_CONTACT_MS 10000 /* the same again is told so often at most */
/* It went well (why ""), or not: enters that, unless it was told just now. What cannot be entered
 * is told the next time. */
void role_contacted(struct role_contact *contact, struct store *store, enum contact_kind kind,
                    const char *name, const char *why);

/* `first` seconds, doubled `times` times, at most `most` seconds; in milliseconds. */
int64_t role_back_off(int first, int most, unsigned times);
/* 0.8 to 1.2 of ms: peers that fell together shall not be called together. */
int64_t role_jitter(int64_t ms);

#endif
