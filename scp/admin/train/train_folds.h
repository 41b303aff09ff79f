/* train_folds.h: k trainings of one set of images, and what they say together. */
#ifndef ADMIN_TRAIN_FOLDS_H
#define ADMIN_TRAIN_FOLDS_H

#include "train_options.h"

struct train_folds {
    int count; /* of rows */
    struct {
        int fold; /* from 1 */
        size_t images[DATA_PARTS];
        double accuracy;                   /* of the highest score */
        double finding[NN_MAX_CLASSES][3]; /* sensitivity, specificity, AUC; finding classes */
    } row[TRAIN_MAX_FOLDS];
    int classes;
    bool finding[NN_MAX_CLASSES];
    char class_name[NN_MAX_CLASSES][64];
};

void train_folds_add(struct train_folds *folds, int fold, const size_t images[DATA_PARTS],
                     const struct nn_model_info *info);
/* OUT/folds.csv: a row a fold, then mean and standard deviation (of the sample); the last two are
 * printed on standard output too. */
NN_MUST_USE enum nn_status train_folds_write(const struct train_folds *folds, const char *out,
                                             struct nn_error *err);

#endif
