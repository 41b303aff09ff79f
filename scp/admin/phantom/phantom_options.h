/* phantom_options.h: what `cervigate phantom` was asked for. */
#ifndef PHANTOM_OPTIONS_H
#define PHANTOM_OPTIONS_H

#include "phantom/phantom.h"

enum phantom_format { PHANTOM_PNG, PHANTOM_DICOM };

#define PHANTOM_ALL NN_PHANTOM_SUBJECTS /* subject: each in turn */
#define PHANTOM_MIX (-1)                /* subject: not given (files: lateral; --send: studies) */

struct phantom_options {
    const char *out, *send, *config; /* one of out and send; config NULL: the default one */
    long count;                      /* --send: 0 until stopped */
    long seed, size, threads, modalities;
    double rate;  /* studies a second; 0: as fast as possible */
    double pause; /* seconds between two images of a study; negative: random, by the rate */
    double prevalence[3];
    long parts[3]; /* as asked for, when whole: they are exact numbers when they sum to count */
    enum phantom_format format;
    int subject; /* enum nn_phantom_subject, PHANTOM_ALL or PHANTOM_MIX */
    int configuration;
    bool twins, masks, careless, json, help;
};

/* False when it was told on standard error what is wrong. */
bool phantom_options_parse(int argc, char **argv, struct phantom_options *options);
/* Of phantom `index`: everything but exact numbers of classes. */
struct nn_phantom_settings phantom_options_settings(const struct phantom_options *options,
                                                    uint64_t index);
extern const char phantom_usage[];

#endif
