/* train_model.h: what a finished training becomes: operating points, measures, model.xml,
 * card.md.*/
#ifndef ADMIN_TRAIN_MODEL_H
#define ADMIN_TRAIN_MODEL_H

#include "nn_train.h"

struct train_outcome {
    const char *out;  /* the model folder; weights.safetensors is there already */
    const char *name; /* the model's */
    enum nn_provenance provenance;
    const char *data;    /* "phantom" or what the images were */
    const char *command; /* how it was made, for the provenance */
    const char *start;   /* the initial weights, in words */
    const struct nn_train_settings *settings;
    const struct nn_source *validation, *test;
};

/* Chooses operating points on the validation images, measures on the test images, writes model.xml
 * and card.md. `info` gets what was written. */
NN_MUST_USE enum nn_status train_model_write(const struct train_outcome *outcome,
                                             struct nn_model_info *info, struct nn_error *err);

#endif
