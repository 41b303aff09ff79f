/* asks.h: the request socket, by which the console asks for what people may order there. It takes
 * records of one form and of few kinds; nothing else of the console's reaches who writes.
 *
 *   console --struct ask--> analyze: store_add_request, or mode_set --struct ask_taken--> console
 *
 * The answer to a request stands in the job store (store_request_answer). The socket pair lives in
 * the supervisor: either side may be started again meanwhile; what was asked of the one before is
 * taken by the one after, and an answer to somebody who is gone is dropped by its ticket. */
#ifndef ASKS_H
#define ASKS_H

#include "node.h"
#include "store.h"

#define ASKS_DONE "done"
enum ask_kind {
    ASK_READ,
    ASK_UNREAD,
    ASK_MODE,
    ASK_RETRY, /* this and the next three: `subject` as in struct request (store.h) */
    ASK_RELEASE,
    ASK_CANCEL,
    ASK_DISCARD,
    ASK_ECHO,     /* `subject` is KIND/NAME (store_contact.h) */
    ASK_SELFTEST, /* now */
    ASK_AGREE,
    ASK_DISAGREE,
    ASK_UNSAY,
    ASK_RELOAD, /* reloaded.h */
    ASK_KINDS
};
struct ask {
    uint64_t ticket;      /* random */
    uint32_t kind;        /* enum ask_kind */
    uint32_t mode;        /* MODE: enum conf_mode */
    char uid[DX_UID_MAX]; /* READ, UNREAD, AGREE, DISAGREE, UNSAY: of a study */
    char subject[96];     /* of what has one; printable */
    char who[64];         /* printable ASCII */
};
struct ask_taken {
    uint64_t ticket;
    int64_t request;  /* id in the job store; 0: none */
    char answer[256]; /* at once: "done", or why not; "": the request's is to be waited for */
};

/* The console's: false: the socket is full, nobody takes it. Never blocks; wakes analyze. */
bool asks_send(const struct node *node, const struct ask *ask);
/* false: none waits. Never blocks. */
bool asks_receive(const struct node *node, struct ask_taken *taken);

/* Analyze's: enters all that waits. Not STORE_OK: the store is in trouble, and the ask that met it
 * is refused. *selftest: one is wanted now. */
STORE_MUST_USE enum store_status asks_take(const struct node *node, struct store *store,
                                           bool *selftest);

#endif
