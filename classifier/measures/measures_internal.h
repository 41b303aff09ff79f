/* measures_internal.h: what the statistics share: checks, ranks, groups, parts of a set. */
#ifndef NN_MEASURES_INTERNAL_H
#define NN_MEASURES_INTERNAL_H

#include "nn_measures.h"

/* NN_LIMIT over NN_MEASURES_MAX. */
enum nn_status nn_measures_count(size_t count, struct nn_error *err);
/* NN_BAD_DATA for the first value that is not finite. */
enum nn_status nn_measures_finite(const double *values, size_t count, struct nn_error *err);
/* count, classes, every score finite, every truth in range; truth may be NULL. */
enum nn_status nn_measures_scores(const float *scores, const int *truth, size_t count, int classes,
                                  struct nn_error *err);
/* Class with the highest score, the lowest among equals. */
int nn_measures_top(const float *scores, int classes);
/* In place, rising. No NaN. */
void nn_measures_sort(double *values, size_t count);

/* Sample numbers by falling score, equal scores by number; ends[k]: the k-th ends a run of equal
 * scores. */
struct nn_ranking {
    size_t count;
    uint32_t *order;
    bool *ends;
};
enum nn_status nn_ranking_create(const double *score, size_t count, struct nn_ranking *ranking,
                                 struct nn_error *err);
void nn_ranking_finish(struct nn_ranking *ranking);
/* AUC and average precision of samples counted weight[i] times (NULL: once); NaN: undefined. */
void nn_ranking_areas(const struct nn_ranking *ranking, const bool *positive,
                      const uint32_t *weight, double *auc, double *average_precision);

/* group[i] in 0..groups-1 by rising key; key NULL: each sample is a group. group is the caller's
 * (count). */
enum nn_status nn_groups_number(const uint32_t *key, size_t count, uint32_t *group, size_t *groups,
                                struct nn_error *err);

/* A copy of the samples index[0..count-1] of a binary, that owns its arrays. */
struct nn_binary_part {
    struct nn_binary view;
    double *score;
    bool *positive, *called, *refused;
    uint32_t *patient;
};
enum nn_status nn_binary_take(const struct nn_binary *binary, const uint32_t *index, size_t count,
                              struct nn_binary_part *part, struct nn_error *err);
void nn_binary_part_finish(struct nn_binary_part *part);

/* nn_binary_measure on strata that the caller gives (NULL with stratify: by the positives). */
enum nn_status nn_binary_measure_strata(const struct nn_binary *binary, const uint8_t *stratum,
                                        const struct nn_bootstrap *settings,
                                        struct nn_binary_figures *figures, struct nn_error *err);

/* Where a rate has no error or no hit: Clopper-Pearson over the patients it is about, those with a
 * sample for which about[i] != against (about NULL: all). Else leaves the interval as it is. */
enum nn_status nn_rate_without_error(struct nn_figure *figure, const uint32_t *patient,
                                     const bool *about, bool against, size_t count, double level,
                                     struct nn_error *err);

#endif
