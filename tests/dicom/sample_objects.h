/* sample_objects.h: one good object of each kind that we write, about sample_source's study. */
#ifndef SAMPLE_OBJECTS_H
#define SAMPLE_OBJECTS_H

#include "sample.h"

enum sample_kind { SAMPLE_SR, SAMPLE_SC, SAMPLE_KINDS };

/* Writes it; what dx_result_check is to expect of it. Patient and study as in source. */
void sample_object(enum sample_kind kind, const struct dx_attrs *source, const char *path,
                   struct dx_expectation *expected);

#endif
