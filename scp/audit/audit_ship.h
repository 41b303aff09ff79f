/* audit_ship.h: what the audit role leaves for others.
 *
 *   audit/sent/cursor    the last record that the collector confirmed
 *   audit/sent/trouble   "TIME WHAT" since nothing can be sent; not there: all is well
 *
 * The log itself is the buffer: the role reads it from behind the cursor up to the noted head, in
 * order, at most AUDIT_RATE records a second. Records count as sent when the collector confirmed
 * them (audit_link.h); after anything else they are sent again, as the same messages. The role can
 * read the log, not change it. */
#ifndef AUDIT_SHIP_H
#define AUDIT_SHIP_H

#include "audit_log.h"

#define AUDIT_RATE 200

struct audit_waiting {
    uint64_t last, sent; /* numbers: of the last record, of the last that was confirmed */
    int64_t since_ms;    /* UTC, of the oldest record that waits; 0: none */
    char trouble[200];   /* "" none */
};
/* Any process that may read audit/. False: since when is unknown, as the oldest record that waits
 * cannot be read; all else is filled. */
bool audit_ship_waiting(const struct conf *conf, struct audit_waiting *waiting);

#endif
