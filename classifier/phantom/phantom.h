/* phantom.h: synthetic lateral cervical radiographs, deterministic by seed and index.
 *
 * Not evidence about patients: a phantom is drawn from published sizes and angles, and serves
 * tests, demos and the bundled model's start. */
#ifndef NN_PHANTOM_H
#define NN_PHANTOM_H

#include "nn_image.h"
#include <stdbool.h>
#include <stdint.h>

enum nn_phantom_class { NN_PHANTOM_DISLOCATION, NN_PHANTOM_FRACTURE, NN_PHANTOM_NORMAL };

#define NN_PHANTOM_MIN_SIDE 16

struct nn_phantom_settings {
    uint64_t seed;
    int rows, cols;       /* each >= NN_PHANTOM_MIN_SIDE, rows x cols <= NN_IMAGE_MAX_PIXELS */
    double prevalence[3]; /* dislocation, fracture, normal; sums to 1 */
};

/* What was drawn; everything that manifest.csv writes. */
struct nn_phantom_truth {
    enum nn_phantom_class class_;
    uint64_t patient; /* stable number of the synthetic patient */
    int level;        /* 1..7: the injured vertebra (dislocation: the upper one); 0 normal */
    char lesion[32];  /* "wedge", "burst", "teardrop", "spinous", "dens", "bilateral facet"... */
    double translation_mm, angulation_deg, height_loss_percent, gap_mm; /* absolute values */
    /* 0 obvious .. 1 invisible: max(0, 1 - 0.4 r), r the largest of translation / 3.5 mm,
     * angulation / 11 degrees, height loss / 25 %, gap / 2 mm; version 1. Meaningless if normal. */
    double subtlety;
    double box[4]; /* x0, y0, x1, y1 in pixels; zeros for normal */
    double mm_per_pixel;
    bool facing_left;
    int age;  /* years */
    char sex; /* M or F */
};

/* Draws phantom `index`. Pure function of settings and index; thread-safe. The plane is the
 * caller's to finish (zeroed on failure); bone is white. truth may be NULL. Errors: NN_INVALID for
 * a side under NN_PHANTOM_MIN_SIDE or prevalences that are none, NN_LIMIT, NN_NO_MEMORY. */
NN_MUST_USE enum nn_status nn_phantom_draw(const struct nn_phantom_settings *settings,
                                           uint64_t index, struct nn_plane *plane,
                                           struct nn_phantom_truth *truth, struct nn_error *err);
/* The same patient, view, exposure and noise without the injury; truth tells class normal. */
NN_MUST_USE enum nn_status nn_phantom_draw_twin(const struct nn_phantom_settings *settings,
                                                uint64_t index, struct nn_plane *plane,
                                                struct nn_phantom_truth *truth,
                                                struct nn_error *err);
/* The truth alone, exactly as nn_phantom_draw tells it, without drawing (labels of a stream). */
void nn_phantom_truth(const struct nn_phantom_settings *settings, uint64_t index,
                      struct nn_phantom_truth *truth);
const char *nn_phantom_class_name(enum nn_phantom_class class_); /* "dislocation", ... */

#endif
