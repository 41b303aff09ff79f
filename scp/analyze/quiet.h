/* quiet.h: how long a study has been quiet, on the monotonic clock.
 *
 * The quiet time runs from the later of the study's last instance and the start of the role: a
 * restart counts from the restart, and a jump of the wall clock neither completes a study early nor
 * keeps it waiting. One thread. */
#ifndef QUIET_H
#define QUIET_H

#include <stdbool.h>
#include <stdint.h>

struct quiet;
/* start_ms: clock_monotonic_ms at the start of the role. NULL without memory. */
struct quiet *quiet_create(int64_t start_ms, int quiet_seconds);
void quiet_destroy(struct quiet *quiet);

/* A sweep over the studies that could be reported: begin, then quiet_left for each, then end, which
 * forgets the studies that were not named. */
void quiet_begin(struct quiet *quiet);
/* Milliseconds until the study is complete; 0 or less: it is. now_ms: monotonic; utc_ms: wall clock
 * now; last_received_ms: wall clock of the study's last instance. */
int64_t quiet_left(struct quiet *quiet, const char *study, int64_t last_received_ms, int64_t now_ms,
                   int64_t utc_ms);
void quiet_end(struct quiet *quiet);

#endif
