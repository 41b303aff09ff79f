/* train_model.h: what a finished training becomes: operating points, measures, model.xml,
 * card.md.*/
#ifndef ADMIN_TRAIN_MODEL_H
#define ADMIN_TRAIN_MODEL_H

#include "train_data.h"
#include "train_start.h"

struct train_outcome {
    const char *out;  /* the model folder; weights.safetensors is there already */
    const char *name; /* the model's */
    const struct train_options *options;
    const struct train_start *start;
    const struct train_data *data;
    const struct nn_train_settings *settings;
    const struct nn_train_output *output;
    int fold; /* from 1; 0: no folds */
};

/* Chooses operating points on the validation images, measures on the test images, writes model.xml
 * and card.md. `info` gets what was written. */
NN_MUST_USE enum nn_status train_model_write(const struct train_outcome *outcome,
                                             struct nn_model_info *info, struct nn_error *err);

/* train_card.c: card.md, for the reader of the folder. */
NN_MUST_USE enum nn_status train_card_write(const struct train_outcome *outcome,
                                            const struct nn_model_info *info, struct nn_error *err);

#endif
