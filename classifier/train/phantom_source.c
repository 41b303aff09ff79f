/* phantom_source.c: phantom numbers for training, validation and test, in ranges that never meet.
 */
#include "nn_phantom_source.h"

struct drawing {
    struct nn_phantom_settings settings;
    uint64_t number;
    bool twin; /* without its injury */
};

static struct drawing drawing_of(const struct nn_phantom_source *from, size_t index, uint64_t epoch)
{
    struct drawing d = {.settings = from->settings};

    if (from->part == NN_PHANTOM_VALIDATION) {
        d.number = NN_PHANTOM_VALIDATION_FIRST + index;
    } else if (from->part == NN_PHANTOM_TEST) {
        d.number = NN_PHANTOM_TEST_FIRST + index;
    } else {
        uint64_t sample = epoch * from->count + index;
        double injured = from->settings.prevalence[0] + from->settings.prevalence[1];
        d.number = sample / 2 % NN_PHANTOM_VALIDATION_FIRST;
        d.twin = sample % 2 == 1;
        d.settings.prevalence[0] = injured > 0 ? from->settings.prevalence[0] / injured : 0.5;
        d.settings.prevalence[1] = 1 - d.settings.prevalence[0];
        d.settings.prevalence[2] = 0;
    }
    return d;
}

static int label(void *context, size_t index, uint64_t epoch)
{
    struct drawing d = drawing_of(context, index, epoch);
    struct nn_phantom_truth truth;

    nn_phantom_truth(&d.settings, d.number, &truth);
    return d.twin ? (int)NN_PHANTOM_NORMAL : (int)truth.class_;
}

static enum nn_status load(void *context, size_t index, uint64_t epoch, struct nn_plane *plane,
                           struct nn_error *err)
{
    struct drawing d = drawing_of(context, index, epoch);
    struct nn_phantom_truth truth;

    if (d.twin)
        return nn_phantom_draw_twin(&d.settings, d.number, plane, &truth, err);
    return nn_phantom_draw(&d.settings, d.number, plane, NULL, &truth, err);
}

struct nn_source nn_phantom_source(struct nn_phantom_source *from)
{
    return (struct nn_source){.context = from,
                              .count = (size_t)from->count,
                              .group = from->part == NN_PHANTOM_TRAINING ? 2 : 1,
                              .label = label,
                              .load = load};
}
