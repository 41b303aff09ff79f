/* desk.h: the process that knows the reading worklist for those who ask by DICOM (Unified Procedure
 * Step).
 *
 * An association's process parses what its peer sends and may not open the store; it asks this one
 * over a SOCK_SEQPACKET pair, in records of fixed form, one at a time. receive forks the desk
 * beside the committer, only where the worklist is offered, and hands it an end for each
 * association. It is a process of its own so that no question, however long or many, keeps an image
 * waiting: what it needs of the store is readers' work, and of the lock a few milliseconds for each
 * change.
 *
 * It believes nothing that an association's process says but the values themselves: the state of an
 * item, its Transaction UID and the mode are looked at here. */
#ifndef DESK_H
#define DESK_H

#include "dx_ups_scp.h"
#include "node.h"
#include "store_reading.h"
#include <stddef.h>

enum desk_kind {
    DESK_OFFER, /* whether the worklist may be shown now: offers */
    DESK_LIST,  /* states -> ids of items, the first to be read first; begins a query */
    DESK_ITEM,  /* id -> item */
    DESK_GET,   /* uid -> item; words "": for ourselves */
    DESK_ACT,   /* uid, revision, transaction, wanted, is_final: changes the state */
    DESK_SAY,   /* uid, revision, transaction, said: what its performer has said, whole */
    DESK_ASKED  /* the query has ended: words, matches, status */
};

#define DESK_WORDS   1024
#define DESK_CHANGED 0xffffu /* status: the item has another revision by now; look again */
struct desk_request {
    enum desk_kind kind;
    char calling[17], called[17], address[64];
    char uid[DX_UID_MAX], transaction[DX_UID_MAX];
    int64_t id, revision;
    unsigned states; /* a set of 1 << enum reading_state */
    unsigned wanted; /* enum dx_ups_state */
    unsigned matches;
    unsigned is_final; /* 0, 1 */
    uint16_t status;
    char words[DESK_WORDS]; /* the keys, for the audit log */
    size_t said_bytes;
    uint8_t said[DX_UPS_SAID_MOST];
};
#define DESK_REQUEST_BYTES(said_bytes) (offsetof(struct desk_request, said) + (said_bytes))

/* An item as it is answered; reading.transaction is "". */
struct desk_item {
    struct store_reading reading;
    struct news news;
    size_t said_bytes;
};
/* Followed by: ids (LIST); a desk_item and what was said (ITEM, GET). */
struct desk_answer {
    uint16_t status; /* of DIMSE; 0000: done */
    unsigned offers; /* OFFER: set of enum dx_scp_offer */
    unsigned cut_at; /* LIST: not 0: there are more than so many, read after these */
    char comment[65];
    size_t bytes; /* that follow */
};
#define DESK_ANSWER_MOST (sizeof(struct desk_item) + CONF_LIST_MOST * sizeof(int64_t))

/* The process's body; control carries the associations' sockets and ends when receive does. */
int desk_run(const struct node *node, int control);
/* An association's process: asks and waits. bytes gets what follows, of at most room. False when
 * the desk is gone or does not answer in 10 s; every later question has the same answer. */
bool desk_ask(int fd, const struct desk_request *request, struct desk_answer *answer, void *bytes,
              size_t room);

/* ---- its parts ---- */

struct desk_line { /* to one association's process */
    int fd;
    char association[24];
    int64_t query_ends_ms; /* monotonic: until then it counts as one that asks; 0: it does not */
};
struct desk_audit;
struct desk {
    const struct node *node;
    int control; /* -1: receive has gone */
    struct store *store;
    struct desk_line *line;
    struct pollfd *poll;
    size_t count, room;
    char node_id[40];
    struct desk_request request;
    struct desk_answer answer;
    uint8_t *bytes; /* what follows the answer */
    struct store_reading_place *list;
    struct desk_audit *audit;
};
/* Fills answer and bytes. The request is one of the right size whose texts end. */
void desk_perform(struct desk *d, struct desk_line *line);

/* desk_audit.c: who asked for what, and who changed what. The same question of the same asker is
 * told once a minute, with how often it was asked. */
struct desk_audit *
desk_audit_create(const struct conf *conf); /* NULL: no memory; nothing is told */
void desk_audit_destroy(struct desk_audit *audit);
void desk_audit_asked(struct desk_audit *audit, const struct desk_request *request);
void desk_audit_item(struct desk_audit *audit, const struct desk_request *request,
                     const struct desk_item *item, const char *what);
void desk_audit_turn(struct desk_audit *audit);
int desk_audit_wait(const struct desk_audit *audit); /* milliseconds to the next turn; -1: none */

#endif
