/* nn_phantom_source.h: phantoms as samples of the trainer.
 *
 * Phantom numbers are divided once and for all, so that nothing measured was ever trained on:
 * validation and test have fixed ranges of their own far above every training number, and training
 * draws fresh phantoms in every epoch.
 *
 * Training samples come as twins: an injured phantom and the same patient uninjured, so that the
 * injury is all that tells them apart. Half of training is therefore normal; dislocation and
 * fracture share the other half as the settings' prevalence says.
 *
 * The source's functions are pure of *from, index and epoch: any thread, several at once, as long
 * as nobody changes *from. */
#ifndef NN_PHANTOM_SOURCE_H
#define NN_PHANTOM_SOURCE_H

#include "nn_train.h"
#include "phantom/phantom.h"

enum nn_phantom_part { NN_PHANTOM_TRAINING, NN_PHANTOM_VALIDATION, NN_PHANTOM_TEST };

#define NN_PHANTOM_VALIDATION_FIRST (1ull << 40)
#define NN_PHANTOM_TEST_FIRST       (1ull << 41)

struct nn_phantom_source {
    struct nn_phantom_settings settings;
    enum nn_phantom_part part;
    uint64_t count;
};

/* `from` (filled, kept by the caller for as long as the source lives) -> source. Training sample
 * `index` of `epoch` belongs to phantom (epoch * count + index) / 2, odd ones are the uninjured
 * twins; the other parts ignore the epoch and have no twins. */
struct nn_source nn_phantom_source(struct nn_phantom_source *from);

#endif
