/* train_internal.h: what the trainer's files share; not a public header. */
#ifndef TRAIN_INTERNAL_H
#define TRAIN_INTERNAL_H

#include "nn_train.h"

#include <pthread.h>
#include <time.h>

/* A stream of random numbers that is a function of its four keys alone (splitmix64). */
struct nn_random {
    uint64_t state;
};
struct nn_random nn_random_of(uint64_t seed, uint64_t purpose, uint64_t epoch, uint64_t index);
uint64_t nn_random_next(struct nn_random *random);

/* Replaces the plane by a slightly different view of the same patient. */
NN_MUST_USE enum nn_status nn_augment(struct nn_plane *plane, const struct nn_augmentation *how,
                                      struct nn_random random, struct nn_error *err);
bool nn_augmentation_is_none(const struct nn_augmentation *how);

/* Prepares batches in a thread of its own, one ahead of the training. */
struct nn_loader {
    const struct nn_source *source;
    const struct nn_preprocess *preprocess;
    int batch;
    uint64_t seed;
    struct nn_augmentation augmentation;
    bool shuffle;
    size_t steps;  /* batches an epoch; the last may be smaller */
    size_t *order; /* (count) of order_epoch */
    uint64_t order_epoch;
    bool ordered, running;
    pthread_t thread;
    int slot;       /* being filled */
    uint64_t epoch; /* of the batch being filled */
    size_t step;
    float *input[2];            /* (batch, 3, side, side) */
    int *labels[2];             /* (batch) */
    int place_rows, place_cols; /* 0: none are asked for */
    uint8_t *places[2];         /* (batch, place_rows, place_cols), or NULL */
    int size[2];                /* samples in the slot */
    enum nn_status status;      /* of the thread */
    struct nn_error error;
};
NN_MUST_USE enum nn_status nn_loader_init(struct nn_loader *loader, const struct nn_source *source,
                                          const struct nn_preprocess *preprocess, int batch,
                                          struct nn_error *err);
/* Of each sample what is where, too; before the first start. */
NN_MUST_USE enum nn_status nn_loader_places(struct nn_loader *loader, int rows, int cols,
                                            struct nn_error *err);
void nn_loader_finish(struct nn_loader *loader);
/* Starts on a batch; at most one may be under way. */
NN_MUST_USE enum nn_status nn_loader_start(struct nn_loader *loader, uint64_t epoch, size_t step,
                                           struct nn_error *err);
/* Waits for it; its slot stays untouched until the next but one start. */
NN_MUST_USE enum nn_status nn_loader_wait(struct nn_loader *loader, int *slot,
                                          struct nn_error *err);

/* measure.c: all samples of a source, in order: scores (count, classes), truth (count). */
NN_MUST_USE enum nn_status nn_measure_scores(const struct nn_graph *graph,
                                             const struct nn_values *values,
                                             const struct nn_preprocess *preprocess, int classes,
                                             const struct nn_source *source, struct nn_pool *pool,
                                             float *scores, int *truth, struct nn_error *err);

/* Where a training stands, beside values and the optimiser's state. */
struct nn_position {
    int epoch;
    size_t step; /* within the epoch; the next to be done */
    double loss_sum;
    long correct, seen;
    double seconds;   /* of this epoch so far */
    int best_epoch;   /* from 1; 0: none yet */
    double best_loss; /* its validation loss */
    char *history;    /* finished epochs, one CSV line each; malloc, may be NULL */
};

/* One training, from nn_trainer_open to nn_trainer_close. The state between two steps is values,
 * their average, optimiser, best and at: what a checkpoint holds. */
struct nn_trainer {
    const struct nn_train_settings *s;
    const struct nn_source *training, *validation;
    struct nn_train_output *out;
    struct nn_weights *init; /* NULL: from scratch */
    struct nn_graph *graph;
    const char *const *heads;
    bool *frozen; /* of each layer */
    struct nn_values *values;
    struct nn_values *average; /* their running mean; NULL: none */
    struct nn_pool *pool;
    struct nn_run *run;
    struct nn_optimiser *optimiser;
    struct nn_loader loader;
    const float **gradients; /* of each parameter, NULL: not trained */
    double *factors;         /* of each parameter's rate */
    float **best;            /* values of the best epoch; NULL: not kept */
    float *class_weight;     /* NULL: alike */
    float *probabilities;
    struct nn_position at;
    char *settings_text;                         /* nn_train_settings_print */
    int lock;                                    /* on the checkpoint's folder, or -1 */
    struct timespec began, saved;                /* of this process */
    double training_seconds, validation_seconds; /* of this process */
    uint64_t steps_done, images_done, epochs_done;
    double epoch_began, validation_loss, validation_accuracy;
};
NN_MUST_USE enum nn_status nn_trainer_open(struct nn_trainer *t, struct nn_error *err);
void nn_trainer_close(struct nn_trainer *t);
/* What is measured and written: the values, or their mean. */
static inline const struct nn_values *nn_trainer_result(const struct nn_trainer *t)
{
    return t->average ? t->average : t->values;
}

/* train_settings.c: refuses what cannot be meant. */
NN_MUST_USE enum nn_status nn_train_check(const struct nn_train_settings *settings,
                                          const struct nn_source *training,
                                          const struct nn_source *validation, struct nn_error *err);
double nn_train_rate(const struct nn_train_settings *settings, int epoch);
/* All that has to be the same for a checkpoint to be this training's, as "name=value ..."; malloc,
 * NULL without memory. */
char *nn_train_settings_print(const struct nn_trainer *t);
/* Names the first setting that two such texts do not share: "seed is 11 there, 12 here". */
void nn_train_difference(const char *there, const char *here, char *words, size_t size);

/* freeze.c: whether one of `heads` (NULL-terminated, or NULL: none) is the layer. */
bool nn_is_head(const struct nn_graph *graph, const char *const *heads, int layer);
/* Which layers `patterns` freeze (nn_train_settings), as bool of each layer. */
NN_MUST_USE enum nn_status nn_freeze(const struct nn_graph *graph, const char *const *heads,
                                     const char *patterns, bool *frozen, struct nn_error *err);

/* history.c: the finished epoch becomes a line; the lines become the file. */
NN_MUST_USE enum nn_status nn_history_add(struct nn_trainer *t, struct nn_error *err);
NN_MUST_USE enum nn_status nn_history_write(const struct nn_trainer *t, struct nn_error *err);

/* checkpoint.c: the whole state into s->checkpoint_dir. */
NN_MUST_USE enum nn_status nn_checkpoint_write(const struct nn_trainer *t, struct nn_error *err);
/* Removes what killed trainings have left half written in `dir`. */
void nn_checkpoint_sweep(const char *dir);
/* NN_MISSING when there is none. */
NN_MUST_USE enum nn_status nn_checkpoint_read(struct nn_trainer *t, struct nn_error *err);

#endif
