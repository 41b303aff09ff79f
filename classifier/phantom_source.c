/* phantom_source.c: phantom numbers for training, validation and test, in ranges that never meet.
 */
#include "nn_phantom_source.h"

static uint64_t number(const struct nn_phantom_source *from, size_t index, uint64_t epoch)
{
    switch (from->part) {
    case NN_PHANTOM_VALIDATION:
        return NN_PHANTOM_VALIDATION_FIRST + index;
    case NN_PHANTOM_TEST:
        return NN_PHANTOM_TEST_FIRST + index;
    case NN_PHANTOM_TRAINING:
        break;
    }
    return (epoch * from->count + index) % NN_PHANTOM_VALIDATION_FIRST;
}

static int label(void *context, size_t index, uint64_t epoch)
{
    const struct nn_phantom_source *from = context;
    struct nn_phantom_truth truth;

    nn_phantom_truth(&from->settings, number(from, index, epoch), &truth);
    return (int)truth.class_;
}

static enum nn_status load(void *context, size_t index, uint64_t epoch, struct nn_plane *plane,
                           struct nn_error *err)
{
    const struct nn_phantom_source *from = context;
    struct nn_phantom_truth truth;

    return nn_phantom_draw(&from->settings, number(from, index, epoch), plane, &truth, err);
}

struct nn_source nn_phantom_source(struct nn_phantom_source *from)
{
    return (struct nn_source){
        .context = from, .count = (size_t)from->count, .label = label, .load = load};
}
