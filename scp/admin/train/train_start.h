/* train_start.h: what a training starts from: a named network with weights, or a model folder. */
#ifndef ADMIN_TRAIN_START_H
#define ADMIN_TRAIN_START_H

#include "train_options.h"

#include <limits.h>

struct train_start {
    char network[64];       /* nn_model_info's */
    struct nn_graph *graph; /* a model folder's own graph with these classes; NULL: a named one */
    const char *heads[2];   /* its layer that other classes replace, NULL-terminated */
    struct nn_preprocess preprocess;
    const char *init[NN_WEIGHTS_MAX_PARTS]; /* init_count of them; none: from scratch */
    size_t init_count;
    char init_path[PATH_MAX]; /* a model folder's weights */
    char words[320];          /* the initial weights, in words */
    char layers_afresh[160];  /* AlexNet's, whose ImageNet weights are not to be had; or "" */
};

/* Reads --network and --init; options' preprocessing is laid over the network's. Says what is wrong
 * on standard error; returns an exit status. train_start_finish may be called in any case. */
int train_start_open(struct train_start *start, const struct train_options *options, int classes);
void train_start_finish(struct train_start *start);

#endif
