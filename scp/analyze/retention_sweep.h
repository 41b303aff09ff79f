/* retention_sweep.h: what a crash left: temporary names, files that no row wants, rows whose file
 * is not there.
 *
 * After start and then once in RETENTION_SWEEP_MS (files only), a little a turn. An unknown file
 * may be an object whose row comes in a moment: it is looked at again after RETENTION_GRACE on the
 * monotonic clock, and removed under the store's write lock if still nobody wants it. Missing files
 * are told, each once. */
#ifndef RETENTION_SWEEP_H
#define RETENTION_SWEEP_H

#include "retention.h"

struct sweep;
struct sweep *sweep_create(const struct conf *conf, struct store *store);
void sweep_destroy(struct sweep *sweep);
STORE_MUST_USE enum store_status sweep_turn(struct sweep *sweep);

#endif
