/* phantom_fixture.h: what the tests of classifier/phantom share. */
#ifndef PHANTOM_FIXTURE_H
#define PHANTOM_FIXTURE_H

#include "phantom/phantom.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline struct nn_phantom_settings phantom_settings(int rows, int cols)
{
    return (struct nn_phantom_settings){
        .seed = 11, .rows = rows, .cols = cols, .prevalence = {0.26, 0.38, 0.36}};
}

/* One class alone. */
static inline struct nn_phantom_settings phantom_class(int rows, int cols,
                                                       enum nn_phantom_class class_)
{
    struct nn_phantom_settings settings = phantom_settings(rows, cols);

    memset(settings.prevalence, 0, sizeof settings.prevalence);
    settings.prevalence[class_] = 1;
    return settings;
}

/* The caller's to finish. */
static inline struct nn_plane phantom_drawn(const struct nn_phantom_settings *settings,
                                            uint64_t index, struct nn_phantom_truth *truth)
{
    struct nn_plane plane;
    struct nn_error err = {0};

    assert_int_equal(nn_phantom_draw(settings, index, &plane, NULL, truth, &err), NN_OK);
    assert_non_null(plane.pixels);
    assert_int_equal(plane.rows, settings->rows);
    assert_int_equal(plane.cols, settings->cols);
    return plane;
}

static inline size_t phantom_pixels(const struct nn_plane *plane)
{
    return (size_t)plane->rows * (size_t)plane->cols;
}

/* All but variant, contrast and subtlety: drawing alone tells the first, a mask the others. */
static inline void phantom_same_truth(const struct nn_phantom_truth *a,
                                      const struct nn_phantom_truth *b)
{
    assert_int_equal(a->subject, b->subject);
    assert_int_equal(a->class_, b->class_);
    assert_int_equal(a->patient, b->patient);
    assert_int_equal(a->level, b->level);
    assert_string_equal(a->lesion, b->lesion);
    assert_true(a->translation_mm == b->translation_mm && a->gap_mm == b->gap_mm);
    assert_true(a->angulation_deg == b->angulation_deg);
    assert_true(a->height_loss_percent == b->height_loss_percent);
    assert_memory_equal(a->box, b->box, sizeof a->box);
    assert_memory_equal(a->c2, b->c2, sizeof a->c2);
    assert_memory_equal(a->c7, b->c7, sizeof a->c7);
    assert_true(a->mm_per_pixel == b->mm_per_pixel && a->facing_left == b->facing_left);
    assert_true(a->flexion_deg == b->flexion_deg && a->turn_deg == b->turn_deg);
    assert_true(a->age == b->age && a->sex == b->sex);
}

#endif
