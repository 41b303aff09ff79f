/* nn_divide.h: divides labelled images into training, validation and test so that nothing leaks.
 *
 * Images of one patient and near-duplicates (nn_fingerprint.h) are one group; a group falls on one
 * side as a whole. The division is stratified by class and a function of labels, keys, fractions
 * and seed alone: neither of the machine nor of the order in which a folder was listed. Pure
 * functions without state. */
#ifndef NN_DIVIDE_H
#define NN_DIVIDE_H

#include "nn_status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nn_part { NN_PART_TRAINING, NN_PART_VALIDATION, NN_PART_TEST, NN_PARTS };

struct nn_divide_item {
    int label;           /* 0 .. classes - 1 */
    const char *patient; /* "" where unknown */
    const char *name;    /* the file's path within the data */
};

/* Two images that are one group for another reason than their patient. */
struct nn_divide_pair {
    size_t a, b;
};

/* group (count) gets the numbers of the items' groups, 0 .. groups - 1 in order of their first
 * items: the union of equal patients and of pairs. NN_INVALID for a pair of no item. */
NN_MUST_USE enum nn_status nn_divide_group(const struct nn_divide_item *items, size_t count,
                                           const struct nn_divide_pair *pairs, size_t pair_count,
                                           size_t *group, size_t *groups, struct nn_error *err);

struct nn_divide_rule {
    int classes;                   /* 1 .. 1024 */
    const char *const *class_name; /* (classes), for messages; NULL: numbers */
    double fraction[NN_PARTS];     /* of 1; a part of fraction 0 stays empty */
    int folds;                     /* 0, or 3 and more: k-fold; `fraction` is not used */
    int fold;                      /* is the test part, the next one (cyclic) the validation part */
    uint64_t seed;
};

/* part (count) gets each item's part. group may be NULL: every item is divided alone (a random
 * division, stratified but not grouped).
 *
 * A group's class is its first item's, its key that item's patient, or name where there is none.
 * For each class the groups in the order of (mix64(fnv1a64(key) ^ mix64(seed)), key) go, whole,
 * to the part that lacks most: fraction * items of the class - items it has; a tie goes to the
 * first of training, validation, test. Folds likewise, with equal fractions.
 *
 * NN_BAD_DATA with what to do when a part of a fraction above 0 lacks images of a class. */
NN_MUST_USE enum nn_status nn_divide(const struct nn_divide_item *items, size_t count,
                                     const size_t *group, const struct nn_divide_rule *rule,
                                     enum nn_part *part, struct nn_error *err);

/* Pairs of items of one group that are in different parts: what a model could learn by heart. */
NN_MUST_USE enum nn_status nn_divide_leaks(const size_t *group, const enum nn_part *part,
                                           size_t count, size_t groups, size_t *pairs,
                                           struct nn_error *err);

const char *nn_part_name(enum nn_part part); /* "training", "validation", "test" */

#endif
