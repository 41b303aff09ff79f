/* json_time.h: a moment as JSON; JSON as text. */
#ifndef JSON_TIME_H
#define JSON_TIME_H

#include <jansson.h>
#include <stdint.h>

/* "2026-11-22T05:30:00.123Z"; null for 0. A new reference, the caller's; NULL: no memory. */
json_t *json_time(int64_t utc_ms);
/* json_dumps, but all of it or NULL: without memory that leaves out what it has no room for, a name
 * for instance (jansson 2.14). malloc; NULL for NULL, too. */
char *json_text(const json_t *json, size_t flags);

#endif
