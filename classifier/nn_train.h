/* nn_train.h: fine-tunes a network on labelled planes and writes a model folder.
 *
 * Same data, settings, seed and build give the same bits on any number of threads, with or without
 * an interruption: a checkpoint holds parameters, momentum, position and random state. */
#ifndef NN_TRAIN_H
#define NN_TRAIN_H

#include "nn_measures.h"
#include "nn_model.h"

/* Where samples come from. `load` fills a plane for sample index (0..count-1) in `epoch`, `label`
 * tells its class; both must be functions of (index, epoch) and are called from a thread of the
 * trainer, one call at a time. The trainer frees the plane. Measuring always asks for epoch 0. */
struct nn_source {
    void *context;
    size_t count;
    size_t
        group; /* so many neighbours are one patient: kept together and augmented alike; 0 is 1 */
    int (*label)(void *context, size_t index, uint64_t epoch);
    enum nn_status (*load)(void *context, size_t index, uint64_t epoch, struct nn_plane *plane,
                           struct nn_error *err);
};

struct nn_train_settings {
    const char *network; /* "googlenet", "alexnet", "stacked" */
    int classes;         /* 2..NN_MAX_CLASSES */
    struct nn_preprocess preprocess;
    const char *init;             /* safetensors to start from; a head of other shape is replaced */
    const char *const *more_init; /* further files, more_init_count of them: nn_weights_join */
    size_t more_init_count;
    const char *checkpoint_dir; /* must exist; holds checkpoint.safetensors */
    int epochs, batch;          /* papers: 30, 10 */
    double rate, momentum;      /* 0.001, 0.95 */
    int rate_drop_epochs;       /* lowered every four epochs ... */
    double rate_drop;           /* ... by this factor */
    double weight_decay;        /* of weights, not of biases */
    double clip_norm;           /* longest gradient (Euclidean, all parameters); 0: any */
    double head_rate_factor;    /* the new layer learns this much faster */
    uint64_t seed;
    int threads;
    bool augment;         /* small rotation, scale, shift, brightness, contrast, noise, flip */
    int checkpoint_steps; /* also every epoch and on stop */
    bool resume;
};

struct nn_train_progress {
    int epoch, epochs;
    long step, steps;      /* within the epoch */
    double loss, accuracy; /* running, of this epoch */
    double rate, images_per_second, eta_seconds;
    bool epoch_done;
    double validation_loss, validation_accuracy; /* epoch_done only */
};

/* report may be NULL; returning false stops: a checkpoint is written, NN_STOPPED returned. `resume`
 * goes on from the checkpoint when there is one, to the same bits as without interruption; one of
 * other settings is refused (more epochs are allowed). A loss that is no number is NN_BAD_DATA.
 * history_csv (may be NULL) is rewritten after every epoch: epoch, rate, train_loss,
 * train_accuracy, validation_loss, validation_accuracy, seconds. On success `out_weights` is
 * written (F16 or F32) and the final values are in the checkpoint. */
NN_MUST_USE enum nn_status nn_train(const struct nn_train_settings *settings,
                                    const struct nn_source *training,
                                    const struct nn_source *validation, const char *out_weights,
                                    enum nn_dtype store, const char *history_csv,
                                    bool (*report)(void *context, const struct nn_train_progress *),
                                    void *report_context, struct nn_error *err);

/* confusion[truth * classes + answer] over a source, answer being the highest score; scores (may be
 * NULL) gets (count, classes). */
NN_MUST_USE enum nn_status nn_measure(const struct nn_model *model, const struct nn_source *source,
                                      struct nn_pool *pool, long *confusion, float *scores,
                                      struct nn_error *err);

#endif
