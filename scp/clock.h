/* clock.h: the one clock. Monotonic for durations, UTC with offset for records.
 *
 * CERVIGATE_CLOCK_OFFSET (tests) shifts the wall clock by so many seconds; @FILE: by the number in
 * the file's first 32 bytes, which may change at any time. A file that cannot be mapped shifts
 * nothing. Any thread; but the first call with @FILE maps it, so that it comes before threads and
 * before a role is confined. Times are written within the years 1 to 9999. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

int64_t clock_monotonic_ms(void);
int64_t clock_utc_ms(void);
/* DICOM DA "20261122", TM "053000.123" and "+0000" of a UTC time. */
void clock_dicom(int64_t utc_ms, char date[9], char time[15], char zone[6]);
void clock_iso(int64_t utc_ms, char text[25]); /* 2026-11-22T05:30:00.123Z */

#endif
