/* sample_objects.h: one good object of each kind that we write, about sample_source's study. */
#ifndef SAMPLE_OBJECTS_H
#define SAMPLE_OBJECTS_H

#include "sample.h"

enum sample_kind {
    SAMPLE_SR,
    SAMPLE_SC,
    SAMPLE_GSPS,
    SAMPLE_PMAP,
    SAMPLE_REJECTION,
    SAMPLE_FRAMES,
    SAMPLE_KINDS
};
#define SAMPLE_NAMES                                                                               \
    {                                                                                              \
        "sr", "sc", "gsps", "pmap", "rejection", "frames"                                          \
    }
#define SAMPLE_ROWS 12
#define SAMPLE_COLS 17
extern const float sample_points[10]; /* a closed region of 5 points */

/* Writes it; what dx_result_check is to expect of it. Patient and study as in source. */
void sample_object(enum sample_kind kind, const struct dx_attrs *source, const char *path,
                   struct dx_expectation *expected);

#endif
