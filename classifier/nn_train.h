/* nn_train.h: fine-tunes a network on labelled planes, writes its values, and measures models on
 * such planes. By default as papers A and B do (docs/training.md). A training has a thread of its
 * own that loads and a pool; `report` is called from the caller's thread. Settings and sources are
 * borrowed for the call.
 *
 * Same data, settings, seed and build give the same bits on any number of threads, with or without
 * an interruption: a checkpoint holds parameters, the optimiser's state and the position; all
 * chance is a function of (seed, epoch, step, sample). */
#ifndef NN_TRAIN_H
#define NN_TRAIN_H

#include "nn_measures.h"
#include "nn_model.h"
#include "nn_optimiser.h"

/* Where samples come from. `load` fills a plane for sample index (0..count-1) in `epoch`, `label`
 * tells its class; both must be functions of (index, epoch) and are called from a thread of the
 * trainer, one call of a source at a time; but training and validation may be asked at once, so
 * that what they share needs a lock. The trainer frees the plane. Measuring always asks for epoch
 * 0. */
struct nn_source {
    void *context;
    size_t count;
    size_t
        group; /* so many neighbours are one patient: kept together and augmented alike; 0 is 1 */
    int (*label)(void *context, size_t index, uint64_t epoch);
    enum nn_status (*load)(void *context, size_t index, uint64_t epoch, struct nn_plane *plane,
                           struct nn_error *err);
    /* May be NULL. The class that each cell of the plane shows, divided into (rows, cols) alike;
     * NN_PLACE_UNKNOWN: none. */
    void (*places)(void *context, size_t index, uint64_t epoch, int rows, int cols,
                   uint8_t *places);
};
#define NN_PLACE_UNKNOWN 255

/* Another view of the same patient (paper B names such), drawn anew for each sample and epoch:
 * uniform within the ranges below. All zero: none. Never turned by 90 or 180 degrees and
 * never flipped upside down: a standing patient's radiograph does not come so, and up and down are
 * anatomy. Left and right are not: both face directions are taken. */
struct nn_augmentation {
    double rotation;                /* degrees, either way */
    double scale_low, scale_high;   /* factor; 0, 0: 1 */
    double aspect_low, aspect_high; /* columns to rows; 0, 0: 1 */
    double shift;                   /* part of a side, either way */
    double flip;                    /* probability of left for right */
    double crop;                    /* up to this part of each side is cut away, anywhere */
    double blur;                    /* up to this part of a 3 x 3 binomial blur */
    double gamma;                   /* of its logarithm, either way */
    double contrast, brightness;    /* factor 1 -+ contrast about the middle; -+ brightness */
    double noise; /* standard deviation, up to this; half of the samples get none */
};
/* rotation 7, scale 0.93 to 1.08, aspect the same, shift 0.04, flip 0.5, blur 1, gamma 0.3,
 * contrast 0.2, brightness 0.08, noise 0.02. */
struct nn_augmentation nn_augmentation_default(void);

enum nn_class_weighting {
    NN_CLASSES_ALIKE,
    NN_CLASSES_BALANCED, /* samples / (classes * samples of the class), of epoch 0 */
    NN_CLASSES_GIVEN
};
enum nn_keep { NN_KEEP_LAST, NN_KEEP_BEST };

/* Zero where 0 is not explained below means: none. */
struct nn_train_settings {
    const char *network; /* "googlenet", "alexnet", "stacked"; what `graph` is called, if given */
    /* NULL: the network of that name. Borrowed; `dropout` is set in it. `heads` (NULL-terminated,
     * in graph order) are its layers that are learned afresh when init does not fit them. */
    struct nn_graph *graph;
    const char *const *heads;
    int classes; /* 2..NN_MAX_CLASSES */
    struct nn_preprocess preprocess;
    const char *init;             /* safetensors to start from; a head of other shape is replaced;
                                   * NULL: from scratch, all layers are new */
    const char *const *more_init; /* further files, more_init_count of them: nn_weights_join */
    size_t more_init_count;
    const char *data; /* what the samples are (a digest): a checkpoint of other data is refused */
    const char *checkpoint_dir;             /* must exist; holds checkpoint.safetensors */
    int epochs, batch;                      /* from 1; 1..1024; papers: 30, 10 */
    struct nn_optimiser_settings optimiser; /* papers: SGD, momentum 0.95 */
    double rate;                            /* 0.001 */
    int rate_drop_epochs;                   /* lowered every four epochs ... */
    double rate_drop;                       /* ... by this factor */
    double head_rate_factor;                /* the heads learn this much faster; not from scratch */
    /* NULL or "none"; "all": all but the heads; or PATTERN[,PATTERN]: beginnings of layers' names,
     * or globs of whole names. A pattern without a layer is NN_INVALID. */
    const char *freeze;
    bool auxiliary; /* with the named network's auxiliary heads, which stay out of the weights
                     * written; NN_UNSUPPORTED when it has none */
    /* Above 0: the named network also learns what is where, from the source's places, by a loss of
     * this weight (nn_graph_places); its scores at places stay out of the weights written. Not with
     * auxiliary heads, nor with what moves the image: NN_INVALID. */
    double places;
    bool set_dropout; /* every dropout layer's rate becomes `dropout`, 0 to below 1 */
    double dropout;
    enum nn_class_weighting class_weighting; /* of the training's loss, not of the validation's */
    float class_weight[NN_MAX_CLASSES];      /* GIVEN: each above 0 */
    double label_smoothing;                  /* 0 to below 1; of the training's loss */
    int patience; /* stop after so many epochs without a lower validation loss; 0: never */
    /* 0, or 0.5 to below 1: measured and written is a running mean of the values, to which those
     * after step n (from 1) add the larger of 1 - average and 9 / (n + 10) of what they differ
     * (Polyak and Juditsky 1992; the beginning as in TensorFlow's ExponentialMovingAverage). */
    double average;
    enum nn_keep keep; /* which epoch's values are written: the last, or that of the lowest
                        * validation loss (the earlier of two that are equal) */
    uint64_t seed;
    int threads;
    struct nn_augmentation augmentation;
    long checkpoint_seconds; /* of the monotonic clock; 0: none but every epoch and on stop */
    int checkpoint_steps;    /* the same by steps */
    bool resume;
};

struct nn_train_progress {
    int epoch, epochs;
    long step, steps;                            /* within the epoch */
    double loss, accuracy;                       /* running, of this epoch */
    double rate, images_per_second, eta_seconds; /* of this process, since it began or resumed */
    bool epoch_done;
    double validation_loss, validation_accuracy; /* epoch_done only */
};

struct nn_train_output {
    const char *weights; /* where the values are written on success ... */
    enum nn_dtype store; /* ... as F16 or F32 */
    /* May be NULL. Rewritten after every epoch: epoch, rate, train_loss, train_accuracy,
     * validation_loss, validation_accuracy, seconds. */
    const char *history_csv;
    /* May be NULL; returning false stops: a checkpoint is written, NN_STOPPED returned. */
    bool (*report)(void *context, const struct nn_train_progress *);
    void *report_context;
    /* Filled on success: epochs done; the one whose values were written and the one of the lowest
     * validation loss (from 1), and that loss. */
    int epochs, kept_epoch, best_epoch;
    double best_loss;
};

/* `resume` goes on from the checkpoint when there is one, to the same bits as without interruption;
 * one of other settings is refused with the setting's name (more epochs are allowed). A loss or
 * gradient that is no number is NN_BAD_DATA. The validation loss is the plain cross-entropy. */
NN_MUST_USE enum nn_status nn_train(const struct nn_train_settings *settings,
                                    const struct nn_source *training,
                                    const struct nn_source *validation,
                                    struct nn_train_output *output, struct nn_error *err);

/* confusion[truth * classes + answer] over a source, answer being the highest score; scores (may be
 * NULL) gets (count, classes). */
NN_MUST_USE enum nn_status nn_measure(const struct nn_model *model, const struct nn_source *source,
                                      struct nn_pool *pool, long *confusion, float *scores,
                                      struct nn_error *err);

/* nn_model_info.saliency_scale of a model, measured on a source: the first NN_SALIENCY_IMAGES in
 * its order that are scored at or above an operating point of `points` (a finding, right or wrong,
 * since that is what will be drawn), each explained for its highest such class. *scale is 0 when
 * there is none; *images (may be NULL): how many there were. */
#define NN_SALIENCY_IMAGES 64
NN_MUST_USE enum nn_status nn_measure_saliency_scale(const struct nn_model *model,
                                                     const struct nn_model_info *points,
                                                     const struct nn_source *source,
                                                     struct nn_pool *pool, double *scale,
                                                     size_t *images, struct nn_error *err);

#endif
