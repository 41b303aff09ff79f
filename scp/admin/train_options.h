/* train_options.h: the command line of `cervigate train`. */
#ifndef ADMIN_TRAIN_OPTIONS_H
#define ADMIN_TRAIN_OPTIONS_H

#include "nn_network.h"

#include <limits.h>

struct train_options {
    const char *data, *network, *init, *out;
    const char *more_init[NN_WEIGHTS_MAX_PARTS]; /* a second --init, a third, ... */
    size_t more_init_count;
    long epochs, batch, images, size, seed, threads, validation, test, rate_drop_epochs;
    double rate, momentum, rate_drop, decay, clip, head;
    enum nn_provenance provenance;
    bool resume, help;
    struct nn_preprocess preprocess;
    char name[64];         /* the model's: the last part of --out */
    char network_name[64]; /* when --network is a model folder: its network */
    char init_path[PATH_MAX];
    char start[128]; /* what the training starts from, in words */
};

extern const char train_usage[];

/* Fills options from the command line, or says what is wrong on standard error. */
bool train_options_parse(int argc, char **argv, struct train_options *options);

#endif
