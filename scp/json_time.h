/* json_time.h: a moment as JSON. */
#ifndef JSON_TIME_H
#define JSON_TIME_H

#include <jansson.h>
#include <stdint.h>

/* "2026-11-22T05:30:00.123Z"; null for 0. */
json_t *json_time(int64_t utc_ms);

#endif
