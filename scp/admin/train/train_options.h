/* train_options.h: the command line of `cervigate train`. */
#ifndef ADMIN_TRAIN_OPTIONS_H
#define ADMIN_TRAIN_OPTIONS_H

#include "data.h"
#include "nn_network.h"

#define TRAIN_COMMAND_SIZE 1024
#define TRAIN_MAX_FOLDS    20

struct train_options {
    const char *data, *network, *out;
    const char *init[NN_WEIGHTS_MAX_PARTS]; /* --init, in order */
    size_t init_count;
    bool scratch; /* --init none */
    long epochs, batch, images, size, seed, threads, validation, test;
    long rate_drop_epochs, patience, folds, fold, side;
    double rate, momentum, rate_drop, decay, clip, head, smoothing, dropout, denoise, places,
        average;
    enum nn_optimiser_kind optimiser;
    struct nn_augmentation augmentation;
    enum nn_class_weighting class_weighting;
    float class_weight[NN_MAX_CLASSES];
    int class_weights; /* how many were given */
    const char *freeze;
    enum nn_keep keep;
    enum data_split split;
    double fraction[DATA_PARTS];
    const char *none; /* the class that is no finding */
    enum nn_provenance provenance;
    enum nn_fit fit;
    enum nn_normalise normalise;
    enum nn_region region;
    bool keep_given, split_given, fit_given, normalise_given, denoise_given, region_given;
    bool dropout_given, side_given, keep_copies, auxiliary, resume, help;
    /* What was given, so that it can be repeated: all but what changes no bit, without folders. */
    char command[TRAIN_COMMAND_SIZE];
};

extern const char train_usage[];

/* Fills options from the command line, or says what is wrong on standard error. */
bool train_options_parse(int argc, char **argv, struct train_options *options);

#endif
