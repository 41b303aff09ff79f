/* phantom.h: synthetic cervical radiographs, deterministic by seed and index.
 *
 * Not evidence about patients: a phantom is a projection through a scene that is built from
 * published sizes and angles (docs/phantom.md), and serves tests, demos, load and the bundled
 * model's training. */
#ifndef NN_PHANTOM_H
#define NN_PHANTOM_H

#include "nn_image.h"
#include <stdbool.h>
#include <stdint.h>

enum nn_phantom_class { NN_PHANTOM_DISLOCATION, NN_PHANTOM_FRACTURE, NN_PHANTOM_NORMAL };

/* What is projected. All but the first are material for the input gate: class normal, no truth
 * about injuries. */
enum nn_phantom_subject {
    NN_PHANTOM_LATERAL, /* an adult's lateral cervical spine: what the model is meant for */
    NN_PHANTOM_AP,      /* near misses */
    NN_PHANTOM_ODONTOID,
    NN_PHANTOM_OBLIQUE,
    NN_PHANTOM_SWIMMERS,
    NN_PHANTOM_SKULL_LATERAL,
    NN_PHANTOM_THORACIC_LATERAL,
    NN_PHANTOM_CHILD,         /* pseudosubluxation, synchondroses, wide atlanto-dental interval */
    NN_PHANTOM_HARDWARE,      /* plate, cage, halo, laminectomy, ankylosed: `variant` says which */
    NN_PHANTOM_INVERTED,      /* bone is black */
    NN_PHANTOM_CROPPED,       /* the field begins or ends so that C4 is not all in it */
    NN_PHANTOM_LATERAL_SHORT, /* the field ends amid C5, C6 or C7: C7/T1 is not shown */
    NN_PHANTOM_CHEST,         /* other things */
    NN_PHANTOM_HAND,
    NN_PHANTOM_HIP,
    NN_PHANTOM_DENTAL,
    NN_PHANTOM_PHOTOGRAPH,
    NN_PHANTOM_BLANK,
    NN_PHANTOM_NOISE,
    NN_PHANTOM_CT_SLICE,
    NN_PHANTOM_SUBJECTS
};

#define NN_PHANTOM_MIN_SIDE         16
#define NN_PHANTOM_SUBTLETY_VERSION 2 /* changes whenever `subtlety` of the same measures does */
/* From this ratio of contrast to noise a change is seen for certain: Rose, J Opt Soc Am 38 (1948)
 * 196. */
#define NN_PHANTOM_SHOWN   5.0
#define NN_PHANTOM_VARIANT 256 /* bytes: all words that there are, at once */

struct nn_phantom_settings {
    uint64_t seed;
    int rows, cols;       /* each >= NN_PHANTOM_MIN_SIDE, rows x cols <= NN_IMAGE_MAX_PIXELS */
    double prevalence[3]; /* dislocation, fracture, normal; sums to 1; for NN_PHANTOM_LATERAL */
    enum nn_phantom_subject subject;
    /* 0: what the bundled model is trained on. 1: other ranges of anatomy, detector and noise,
     * never used in training. */
    int configuration;
};

/* What was drawn; everything that manifest.csv writes. */
struct nn_phantom_truth {
    enum nn_phantom_subject subject;
    enum nn_phantom_class class_;
    uint64_t patient; /* stable number of the synthetic patient */
    int level;        /* 0 C0 (occiput on C1), 1..7: the injured vertebra (dislocation: the upper
                       * one); -1 normal */
    char lesion[32];  /* "wedge", "burst", "flexion teardrop"...; "" normal */
    char variant[NN_PHANTOM_VARIANT]; /* what else is there: "osteophytes; collar", "plate"...;
                                       * "" nothing */
    double translation_mm, angulation_deg, height_loss_percent, gap_mm; /* absolute values */
    /* Where the injury changes the attenuation by more than 0.001, inside the box: the mean change
     * of the displayed grey over the deviation of the grey's noise there, of 1 mm2 and not under
     * one level of eight bits; 0 none, or not computed: it takes a mask. */
    double contrast_to_noise;
    /* 0 obvious .. 1 invisible: 1 - 0.4 r v, not under 0; r the largest of translation / 3.5 mm,
     * angulation / 11 degrees, height loss / 25 %, gap / 2 mm; v the contrast to noise over
     * NN_PHANTOM_SHOWN, at most 1, and 1 where it is not computed. Meaningless if normal. */
    double subtlety;
    double box[4];       /* x0, y0, x1, y1 in pixels; zeros for normal */
    double c2[2], c7[2]; /* x, y in pixels: the middle of these bodies, uninjured; maybe outside */
    double mm_per_pixel;
    bool facing_left;
    double flexion_deg, turn_deg; /* posture's C2-C7 angle; in-plane turn */
    bool c7_t1; /* of a lateral: the disc C7/T1 and the upper endplate of T1 are in the field */
    int age;    /* years */
    char sex;   /* M or F */
};

/* Draws phantom `index`. Pure function of settings and index; thread-safe. The plane is the
 * caller's to finish (zeroed on failure); bone is white (but for NN_PHANTOM_INVERTED). truth may be
 * NULL. mask, when not NULL, becomes a plane of the same size: 1 where the injury or what it moves
 * changes the attenuation, 0.5 inside the injury's box only, else 0 (all 0: normal). Errors:
 * NN_INVALID for a side under NN_PHANTOM_MIN_SIDE, prevalences that are none, an unknown subject or
 * configuration; NN_LIMIT, NN_NO_MEMORY. */
NN_MUST_USE enum nn_status nn_phantom_draw(const struct nn_phantom_settings *settings,
                                           uint64_t index, struct nn_plane *plane,
                                           struct nn_plane *mask, struct nn_phantom_truth *truth,
                                           struct nn_error *err);
/* The same patient, view, exposure and noise without the injury; truth tells class normal. Pixels
 * outside the injured one's mask are equal. */
NN_MUST_USE enum nn_status nn_phantom_draw_twin(const struct nn_phantom_settings *settings,
                                                uint64_t index, struct nn_plane *plane,
                                                struct nn_phantom_truth *truth,
                                                struct nn_error *err);
/* The truth alone, exactly as nn_phantom_draw without a mask tells it but for variant (""), without
 * drawing (labels of a stream). */
void nn_phantom_truth(const struct nn_phantom_settings *settings, uint64_t index,
                      struct nn_phantom_truth *truth);
const char *nn_phantom_class_name(enum nn_phantom_class class_);      /* "dislocation", ... */
const char *nn_phantom_subject_name(enum nn_phantom_subject subject); /* "lateral", "ap", ... */

#endif
