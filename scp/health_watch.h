/* health_watch.h: tells changes of the node's health in the log, once each:
 * "alarm name=... subject=... state=on|off". What is on is kept in the job store, so that a restart
 * tells nothing anew. */
#ifndef HEALTH_WATCH_H
#define HEALTH_WATCH_H

#include "health.h"

struct health_watch {
    int64_t next_ms, trim_ms; /* monotonic; {0} looks at once */
};
/* Looks when that is due, else STORE_OK at once. STORE_BROKEN also when health cannot be read or
 * there is no memory; the next look tells what this one did not. */
STORE_MUST_USE enum store_status health_watch_turn(struct health_watch *watch,
                                                   const struct conf *conf, struct store *store);
/* One look; health_watch_turn without the clock. */
STORE_MUST_USE enum store_status health_watch_tell(const struct health *health,
                                                   struct store *store);

#endif
