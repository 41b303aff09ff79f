/* committer_earlier.h: the associations that an earlier committer left open in the job store:
 * ended, and told in the audit log as far as their record died with it.
 *
 * The right to end them is a lock, run/committer.lock: while it is held by the committer of an
 * earlier receive (a reload overlaps) they are left alone. Not for threads. */
#ifndef COMMITTER_EARLIER_H
#define COMMITTER_EARLIER_H

#include "audit_traffic.h"
#include "store.h"

struct conf;
struct earlier_brought;

struct earlier {
    int lock_fd;  /* -1: none yet */
    bool cleared; /* none is open */
    struct earlier_brought *brought;
    size_t count;
};

/* In the caller's transaction: ends all but the caller's own. STORE_OK without `cleared`: later.
 * The caller takes `cleared` back when the transaction fails. */
STORE_MUST_USE enum store_status earlier_end(struct earlier *earlier, const struct conf *conf,
                                             struct store *store, const char *const *own,
                                             size_t count);
/* After the commit: what they brought. */
void earlier_tell(struct earlier *earlier, struct audit_traffic *traffic);
void earlier_finish(struct earlier *earlier);

#endif
