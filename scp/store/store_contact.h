/* store_contact.h: the job store's part in knowing whom the node talks to: when it last went well
 * with each, when not and why, and what an echo that a person asked for said. */
#ifndef STORE_CONTACT_H
#define STORE_CONTACT_H

#include "store.h"

/* What a peer is to us, and so which role talks to it. */
enum contact_kind {
    CONTACT_DESTINATION,  /* deliver; by its peer's name */
    CONTACT_ANNOUNCEMENT, /* announce; by its own name */
    CONTACT_WORKLIST,     /* inquire; by its peer's name */
    CONTACT_KINDS
};
const char *contact_kind_name(enum contact_kind kind); /* "destination", ... */

#define STORE_WHY_MAX  256
#define STORE_ECHO_MAX 512
struct store_contact {
    enum contact_kind kind;
    char name[64];
    int64_t good_ms, bad_ms; /* UTC; 0: never */
    char why[STORE_WHY_MAX]; /* of bad_ms */
    int64_t echo_ms;         /* when the last echo was answered; 0: there was none */
    char echo_who[64], echo[STORE_ECHO_MAX];
};
/* It went well, or not (why not ""), just now. Not synced: what is lost is found again. */
STORE_MUST_USE enum store_status store_contacted(struct store *store, enum contact_kind kind,
                                                 const char *name, const char *why, int64_t now_ms);
/* In no order; those beyond room are left out. */
STORE_MUST_USE enum store_status store_contacts(struct store *store, struct store_contact *list,
                                                size_t room, size_t *count);

/* The oldest request for an echo of this kind that has no answer: its subject is KIND/NAME;
 * STORE_NONE. store_next_request passes those over. */
STORE_MUST_USE enum store_status store_next_echo(struct store *store, enum contact_kind kind,
                                                 struct request *request);
/* One transaction: the request's answer, and what is known of the contact. */
STORE_MUST_USE enum store_status store_answer_echo(struct store *store,
                                                   const struct request *request,
                                                   enum contact_kind kind, const char *answer,
                                                   bool good, int64_t now_ms);
/* The name in a subject of this kind; NULL: it is of another. */
const char *contact_name_of(enum contact_kind kind, const char *subject);

#endif
