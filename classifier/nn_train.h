/* nn_train.h: fine-tunes a network on labelled planes and writes a model folder.
 *
 * Same data, settings, seed and build give the same bits on any number of threads, with or without
 * an interruption: a checkpoint holds parameters, momentum, position and random state. */
#ifndef NN_TRAIN_H
#define NN_TRAIN_H

#include "nn_model.h"

/* Where samples come from. `load` fills a plane for sample index (0..count-1) in `epoch`; it must
 * be a function of (index, epoch) and may be called from several threads. The trainer frees the
 * plane. */
struct nn_source {
    void *context;
    size_t count;
    int (*label)(void *context, size_t index);
    enum nn_status (*load)(void *context, size_t index, uint64_t epoch, struct nn_plane *plane,
                           struct nn_error *err);
};

struct nn_train_settings {
    const char *network; /* "googlenet" */
    int classes;
    const char *const *class_names;
    const char *init; /* safetensors to start from */
    const char *checkpoint_dir;
    int epochs, batch;     /* papers: 30, 10 */
    double rate, momentum; /* 0.001, 0.95 */
    int rate_drop_epochs;  /* lowered every four epochs ... */
    double rate_drop;      /* ... by this factor */
    double weight_decay;
    double head_rate_factor; /* the new layer learns this much faster */
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

/* report may be NULL; returning false stops: a checkpoint is written, NN_STOPPED returned.
 * On success `out_weights` is written (F16 or F32) and the final values are in the checkpoint. */
NN_MUST_USE enum nn_status nn_train(const struct nn_train_settings *settings,
                                    const struct nn_source *training,
                                    const struct nn_source *validation, const char *out_weights,
                                    enum nn_dtype store, const char *history_csv,
                                    bool (*report)(void *context, const struct nn_train_progress *),
                                    void *report_context, struct nn_error *err);

/* confusion[truth * classes + answer] over a source. */
NN_MUST_USE enum nn_status nn_measure(const struct nn_model *model, const struct nn_source *source,
                                      struct nn_pool *pool, long *confusion, float *scores,
                                      struct nn_error *err);

#endif
