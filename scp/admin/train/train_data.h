/* train_data.h: the samples of one training: phantoms, or files divided in three. */
#ifndef ADMIN_TRAIN_DATA_H
#define ADMIN_TRAIN_DATA_H

#include "nn_phantom_source.h"
#include "train_options.h"

struct train_data {
    int classes, none; /* none: the class that is no finding */
    char class_name[NN_MAX_CLASSES][64];
    struct nn_source training, validation, test;
    char words[160];       /* what the images are */
    char digest[128];      /* of images and division: a checkpoint of others is refused */
    char split[16];        /* nn_model_info's */
    struct data_set *set;  /* NULL: phantoms */
    size_t trained_before; /* validation and test images that the start was trained on */
    struct nn_phantom_source phantoms[DATA_PARTS];
    struct data_view views[DATA_PARTS];
};

/* Lists the data. Before any thread: see data_open. */
NN_MUST_USE enum nn_status train_data_open(struct train_data *data, const struct train_options *o,
                                           struct nn_error *err);
/* Divides files (fold: 0..folds-1, told by --folds), with progress on standard error, warns of what
 * leaks. Phantoms are divided already. */
NN_MUST_USE enum nn_status train_data_divide(struct train_data *data, const struct train_options *o,
                                             int fold, struct nn_error *err);
/* Asks the folders of the weights that a training starts from for their split.csv, and warns of
 * images that are judged and were trained on there. After each train_data_divide. */
NN_MUST_USE enum nn_status train_data_ask_start(struct train_data *data, const char *const *init,
                                                size_t count, struct nn_error *err);
void train_data_close(struct train_data *data);

#endif
