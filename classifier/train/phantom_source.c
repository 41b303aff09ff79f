/* phantom_source.c: phantom numbers for training, validation and test, in ranges that never meet.
 */
#include "nn_phantom_source.h"

#include <math.h>
#include <string.h>

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

/* From MOSTLY of a cell, or of a box smaller than one, it is the injury's place; up to BARELY it
 * may be called uninjured. */
#define MOSTLY 0.5
#define BARELY 0.1

/* What an interval of `from` to `to` has in common with a cell of (number, number + 1). */
static double common(double from, double to, int number)
{
    double low = fmax(from, number), high = fmin(to, number + 1);
    return high > low ? high - low : 0;
}

/* By the injury's box; the cell of its middle is always the injury's. */
static void places(void *context, size_t index, uint64_t epoch, int rows, int cols, uint8_t *to)
{
    const struct nn_phantom_source *from = context;
    struct drawing d = drawing_of(from, index, epoch);
    struct nn_phantom_truth truth;

    memset(to, NN_PHANTOM_NORMAL, (size_t)rows * (size_t)cols);
    nn_phantom_truth(&d.settings, d.number, &truth);
    if (d.twin || truth.class_ == NN_PHANTOM_NORMAL)
        return;
    double x = (double)cols / d.settings.cols, y = (double)rows / d.settings.rows;
    double box[4] = {truth.box[0] * x, truth.box[1] * y, truth.box[2] * x, truth.box[3] * y};
    double most = fmin(1, (box[2] - box[0]) * (box[3] - box[1]));
    int row = (int)((box[1] + box[3]) / 2), col = (int)((box[0] + box[2]) / 2);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) {
            double share = common(box[0], box[2], j) * common(box[1], box[3], i) / most;
            bool middle = i == row && j == col;
            if (share > BARELY || middle)
                to[i * cols + j] =
                    share < MOSTLY && !middle ? NN_PLACE_UNKNOWN : (uint8_t)truth.class_;
        }
}

struct nn_source nn_phantom_source(struct nn_phantom_source *from)
{
    return (struct nn_source){.context = from,
                              .count = (size_t)from->count,
                              .group = from->part == NN_PHANTOM_TRAINING ? 2 : 1,
                              .label = label,
                              .load = load,
                              .places = places};
}
