/* committer.h: the one process that writes what receive learns into the job store.
 *
 * receive forks it, and hands it one end of a SOCK_SEQPACKET pair for every association; the
 * association's process keeps the other and asks over it, one request at a time. All requests that
 * wait when the committer looks go into one transaction: the group commit. It believes nothing that
 * an association's process says but the values themselves: association id, path and time are its
 * own.
 *
 * It writes the audit log for receive and its children, which cannot: what came, an association and
 * study, and who was refused. */
#ifndef COMMITTER_H
#define COMMITTER_H

#include "dx_commitment.h"
#include "node.h"
#include "store.h"

enum commit_kind {
    COMMIT_INSTANCE,
    COMMIT_REFUSED,
    COMMIT_EVENT,
    COMMIT_REJECTED,
    COMMIT_AVAILABLE
};

struct commit_request {
    enum commit_kind kind;
    /* COMMIT_INSTANCE: what was received; COMMIT_REJECTED: the peer; COMMIT_AVAILABLE: the study */
    struct instance instance;
    char patient[258];  /* COMMIT_INSTANCE: its Patient ID, raw */
    char accession[68]; /* COMMIT_INSTANCE: its Accession Number, raw */
    /* COMMIT_INSTANCE: the new file in incoming/ where one of this digest is stored already, else
     * "" [committer_again.h] */
    char again[64];
    char why[128];              /* COMMIT_REJECTED: why the association was refused */
    struct dx_commitment event; /* COMMIT_EVENT: a destination's answer to our request */
};
struct commit_answer {
    enum store_status status;
    enum store_identity identity;
    int64_t id;
    /* COMMIT_EVENT: how many of its instances we had asked for; COMMIT_AVAILABLE: how many
     * deliveries had waited for the study */
    size_t known;
};

/* The process's body; control carries the associations' sockets and ends when receive does. */
int committer_run(const struct node *node, int control);
/* receive: hands over an association's socket. Never blocks; false when it cannot be done. */
bool committer_attach(int control, int association_fd, const char *association);
/* receive: that it refused connections, for the audit log. Never blocks. */
void committer_tell_refused(int control, const char *address, const char *why, unsigned count);
/* An association's process: asks and waits. False when the committer is gone or does not answer in
 * 30 s: then nothing may be called stored, and every later question on this socket has the same
 * answer. */
bool committer_ask(int fd, const struct commit_request *request, struct commit_answer *answer);

#endif
