/* health_json.h: health as JSON (docs/health.md), for `cervigate status --json` and /healthz. Each
 * is a new reference, the caller's, and holds copies; NULL: no memory. */
#ifndef HEALTH_JSON_H
#define HEALTH_JSON_H

#include "health.h"
#include <jansson.h>

/* [{"name", "subject", "detail"}]: why the node is not well. */
json_t *health_json_why(const struct health *health);
/* {"at", "passed", ...} of the last self-test, or null. */
json_t *health_json_selftest(const struct health *health);
/* All of it: what `cervigate status --json` prints; counts NULL: without them. */
json_t *health_json_status(const struct conf *conf, const struct health *health,
                           const struct store_counts *counts);

#endif
