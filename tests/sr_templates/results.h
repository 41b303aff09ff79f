/* results.h: the results that the report tests share: every outcome, every reason. */
#ifndef RESULTS_H
#define RESULTS_H

#include "srt.h"

#define MOST_RESULTS 32

struct sample_result {
    char name[48];
    struct srt_result result;
    struct srt_image images[4];
};

/* Fills list and returns how many. */
size_t make_results(struct sample_result list[MOST_RESULTS]);

#endif
