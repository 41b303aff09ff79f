/* phantom.h: synthetic lateral cervical radiographs, deterministic by seed and index.
 *
 * Not evidence about patients: a phantom is drawn from published sizes and angles, and serves
 * tests, demos and the bundled model's start. */
#ifndef NN_PHANTOM_H
#define NN_PHANTOM_H

#include "../nn_image.h"
#include <stdbool.h>
#include <stdint.h>

enum nn_phantom_class { NN_PHANTOM_DISLOCATION, NN_PHANTOM_FRACTURE, NN_PHANTOM_NORMAL };

struct nn_phantom_settings {
    uint64_t seed;
    int rows, cols;
    double prevalence[3]; /* dislocation, fracture, normal; sums to 1 */
};

/* What was drawn; everything that manifest.csv writes. */
struct nn_phantom_truth {
    enum nn_phantom_class class_;
    uint64_t patient; /* stable number of the synthetic patient */
    int level;        /* 1..7: the injured vertebra (dislocation: the upper one); 0 normal */
    char lesion[32];  /* "wedge", "burst", "teardrop", "spinous", "dens", "bilateral facet"... */
    double translation_mm, angulation_deg, height_loss_percent, gap_mm;
    double subtlety; /* 0 obvious .. 1 invisible */
    double box[4];   /* x0, y0, x1, y1 in pixels; zeros for normal */
    double mm_per_pixel;
    bool facing_left;
    int age;  /* years */
    char sex; /* M or F */
};

/* Draws phantom `index`. Pure function of settings and index; thread-safe. */
NN_MUST_USE enum nn_status nn_phantom_draw(const struct nn_phantom_settings *settings,
                                           uint64_t index, struct nn_plane *plane,
                                           struct nn_phantom_truth *truth, struct nn_error *err);
/* The truth alone, without drawing (labels of a stream). */
void nn_phantom_truth(const struct nn_phantom_settings *settings, uint64_t index,
                      struct nn_phantom_truth *truth);
const char *nn_phantom_class_name(enum nn_phantom_class class_); /* "dislocation", ... */

#endif
