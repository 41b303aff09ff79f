/* results.h: the results that the report tests share: every outcome and reason, one
 * and two models, regions, slices, amendments. */
#ifndef RESULTS_H
#define RESULTS_H

#include "srt.h"

#define MOST_RESULTS  64
#define SAMPLE_SLICES 3

struct sample_result {
    char name[48];
    struct srt_result result;
    struct srt_image images[4];
    struct dx_reference slices[SAMPLE_SLICES];
};

/* Fills list and returns how many. */
size_t make_results(struct sample_result list[MOST_RESULTS]);

#endif
