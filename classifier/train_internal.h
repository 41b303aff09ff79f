/* train_internal.h: what the trainer's files share; not a public header. */
#ifndef TRAIN_INTERNAL_H
#define TRAIN_INTERNAL_H

#include "model_internal.h"
#include "nn_train.h"

#include <pthread.h>

/* A stream of random numbers that is a function of its four keys alone (splitmix64). */
struct nn_random {
    uint64_t state;
};
struct nn_random nn_random_of(uint64_t seed, uint64_t purpose, uint64_t epoch, uint64_t index);
uint64_t nn_random_next(struct nn_random *random);
double nn_random_uniform(struct nn_random *random, double low, double high);
double nn_random_normal(struct nn_random *random);

/* Replaces the plane by a slightly different view of the same patient. */
NN_MUST_USE enum nn_status nn_augment(struct nn_plane *plane, struct nn_random random,
                                      struct nn_error *err);

/* Prepares batches in a thread of its own, one ahead of the training. */
struct nn_loader {
    const struct nn_source *source;
    const struct nn_preprocess *preprocess;
    int batch;
    uint64_t seed;
    bool augment, shuffle;
    size_t steps;  /* batches an epoch; the last may be smaller */
    size_t *order; /* (count) of order_epoch */
    uint64_t order_epoch;
    bool ordered, running;
    pthread_t thread;
    int slot;       /* being filled */
    uint64_t epoch; /* of the batch being filled */
    size_t step;
    float *input[2];       /* (batch, 3, side, side) */
    int *labels[2];        /* (batch) */
    int size[2];           /* samples in the slot */
    enum nn_status status; /* of the thread */
    struct nn_error error;
};
NN_MUST_USE enum nn_status nn_loader_init(struct nn_loader *loader, const struct nn_source *source,
                                          const struct nn_preprocess *preprocess, int batch,
                                          struct nn_error *err);
void nn_loader_finish(struct nn_loader *loader);
/* Starts on a batch; at most one may be under way. */
NN_MUST_USE enum nn_status nn_loader_start(struct nn_loader *loader, uint64_t epoch, size_t step,
                                           struct nn_error *err);
/* Waits for it; its slot stays untouched until the next but one start. */
NN_MUST_USE enum nn_status nn_loader_wait(struct nn_loader *loader, int *slot,
                                          struct nn_error *err);

/* Scores of all samples of a source, in order: scores (count, classes), truth (count). */
NN_MUST_USE enum nn_status nn_measure_scores(const struct nn_graph *graph,
                                             const struct nn_values *values,
                                             const struct nn_preprocess *preprocess, int classes,
                                             const struct nn_source *source, struct nn_pool *pool,
                                             float *scores, int *truth, struct nn_error *err);

/* Where a training stands, beside parameters and momentum. */
struct nn_position {
    int epoch;
    size_t step; /* within the epoch; the next to be done */
    double loss_sum;
    long correct, seen;
    double seconds; /* of this epoch so far */
    char *history;  /* finished epochs, one CSV line each; malloc, may be NULL */
};
NN_MUST_USE enum nn_status nn_checkpoint_write(const char *dir, const char *fingerprint,
                                               const struct nn_graph *graph,
                                               struct nn_values *values, float *const *momentum,
                                               const struct nn_position *position,
                                               struct nn_error *err);
/* NN_MISSING when there is none. */
NN_MUST_USE enum nn_status nn_checkpoint_read(const char *dir, const char *fingerprint,
                                              const struct nn_graph *graph,
                                              struct nn_values *values, float *const *momentum,
                                              struct nn_position *position, struct nn_error *err);

#endif
