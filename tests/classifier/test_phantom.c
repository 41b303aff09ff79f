/* The phantom: determinism, truth, prevalence, boxes against twins, extreme sizes, subtlety. */
#include "phantom/phantom.h"
#include "phantom/phantom_parts.h"
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct nn_phantom_settings settings_of(int rows, int cols)
{
    return (struct nn_phantom_settings){
        .seed = 11, .rows = rows, .cols = cols, .prevalence = {0.26, 0.38, 0.36}};
}

static struct nn_plane drawn(const struct nn_phantom_settings *settings, uint64_t index,
                             struct nn_phantom_truth *truth)
{
    struct nn_plane plane;
    struct nn_error err = {0};

    assert_int_equal(nn_phantom_draw(settings, index, &plane, truth, &err), NN_OK);
    return plane;
}

static size_t bytes_of(const struct nn_plane *plane)
{
    return (size_t)plane->rows * (size_t)plane->cols * sizeof *plane->pixels;
}

static void same_truth(const struct nn_phantom_truth *a, const struct nn_phantom_truth *b)
{
    assert_int_equal(a->class_, b->class_);
    assert_int_equal(a->patient, b->patient);
    assert_int_equal(a->level, b->level);
    assert_string_equal(a->lesion, b->lesion);
    assert_true(a->translation_mm == b->translation_mm && a->gap_mm == b->gap_mm);
    assert_true(a->angulation_deg == b->angulation_deg && a->subtlety == b->subtlety);
    assert_true(a->height_loss_percent == b->height_loss_percent);
    assert_memory_equal(a->box, b->box, sizeof a->box);
    assert_true(a->mm_per_pixel == b->mm_per_pixel && a->facing_left == b->facing_left);
    assert_true(a->age == b->age && a->sex == b->sex);
}

static void same_index_same_bits(void **state)
{
    struct nn_phantom_settings settings = settings_of(120, 96);

    (void)state;
    for (uint64_t i = 0; i < 12; i++) {
        struct nn_phantom_truth a, b, alone;
        struct nn_plane first = drawn(&settings, i, &a), again = drawn(&settings, i, &b);

        assert_memory_equal(first.pixels, again.pixels, bytes_of(&first));
        same_truth(&a, &b);
        nn_phantom_truth(&settings, i, &alone);
        same_truth(&a, &alone);
        nn_plane_finish(&first);
        nn_plane_finish(&again);
    }
}

static void other_index_or_seed_other_picture(void **state)
{
    struct nn_phantom_settings settings = settings_of(64, 64), other = settings;
    struct nn_plane a = drawn(&settings, 3, NULL), b = drawn(&settings, 4, NULL), c;

    (void)state;
    other.seed++;
    c = drawn(&other, 3, NULL);
    assert_memory_not_equal(a.pixels, b.pixels, bytes_of(&a));
    assert_memory_not_equal(a.pixels, c.pixels, bytes_of(&a));
    nn_plane_finish(&a);
    nn_plane_finish(&b);
    nn_plane_finish(&c);
}

struct share {
    struct nn_plane planes[8];
    bool ok;
};

static void *draw_share(void *argument)
{
    struct share *share = argument;
    struct nn_phantom_settings settings = settings_of(100, 100);

    share->ok = true;
    for (uint64_t i = 0; i < 8; i++)
        share->ok =
            nn_phantom_draw(&settings, i, &share->planes[i], NULL, NULL) == NN_OK && share->ok;
    return NULL;
}

static void threads_agree(void **state)
{
    static struct share shares[4];
    pthread_t threads[4];

    (void)state;
    for (int t = 0; t < 4; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, draw_share, &shares[t]), 0);
    for (int t = 0; t < 4; t++)
        assert_int_equal(pthread_join(threads[t], NULL), 0);
    for (int t = 0; t < 4; t++) {
        assert_true(shares[t].ok);
        for (int i = 0; i < 8; i++)
            assert_memory_equal(shares[t].planes[i].pixels, shares[0].planes[i].pixels,
                                bytes_of(&shares[0].planes[i]));
    }
    for (int t = 0; t < 4; t++)
        for (int i = 0; i < 8; i++)
            nn_plane_finish(&shares[t].planes[i]);
}

static void classes_follow_prevalence(void **state)
{
    struct nn_phantom_settings settings = settings_of(64, 64);
    const int n = 6000;
    int counts[3] = {0};

    (void)state;
    for (uint64_t i = 0; i < (uint64_t)n; i++) {
        struct nn_phantom_truth truth;

        nn_phantom_truth(&settings, i, &truth);
        counts[truth.class_]++;
    }
    for (int k = 0; k < 3; k++) /* four standard errors */
        assert_true(fabs(counts[k] / (double)n - settings.prevalence[k]) < 4 * 0.5 / sqrt(n));
    for (int k = 0; k < 3; k++) {
        memset(settings.prevalence, 0, sizeof settings.prevalence);
        settings.prevalence[k] = 1;
        for (uint64_t i = 0; i < 50; i++) {
            struct nn_phantom_truth truth;

            nn_phantom_truth(&settings, i, &truth);
            assert_int_equal(truth.class_, k);
        }
    }
}

static void truth_is_sound(void **state)
{
    struct nn_phantom_settings settings = settings_of(384, 320);
    int obvious = 0, moderate = 0, injured = 0;

    (void)state;
    for (uint64_t i = 0; i < 3000; i++) {
        struct nn_phantom_truth t;

        nn_phantom_truth(&settings, i, &t);
        assert_true(t.age >= 18 && t.age <= 92 && (t.sex == 'M' || t.sex == 'F'));
        if (t.class_ == NN_PHANTOM_NORMAL) {
            assert_true(t.level == 0 && t.lesion[0] == 0 && t.box[2] == 0 && t.box[3] == 0);
            continue;
        }
        injured++;
        obvious += t.subtlety < 0.35;
        moderate += t.subtlety >= 0.35 && t.subtlety <= 0.6;
        assert_true(t.level >= 1 && t.level <= 7 && t.lesion[0] != 0);
        assert_true(t.subtlety >= 0 && t.subtlety <= 0.81);
        assert_true(t.subtlety == nn_phantom_subtlety(t.translation_mm, t.angulation_deg,
                                                      t.height_loss_percent, t.gap_mm));
        assert_true(t.box[0] >= 0 && t.box[1] >= 0 && t.box[2] <= 320 && t.box[3] <= 384);
        assert_true(t.box[2] - t.box[0] > 8 / t.mm_per_pixel);
        assert_true(t.box[3] - t.box[1] > 8 / t.mm_per_pixel);
    }
    assert_true(obvious > injured * 0.4 && moderate > injured * 0.1);
    assert_true(obvious + moderate < injured);
}

/* Nuisance must not tell the class: means of view and patient agree within chance. */
static void nuisance_is_equal_in_each_class(void **state)
{
    struct nn_phantom_settings settings = settings_of(224, 224);
    double sum[3][3] = {{0}}, square[3][3] = {{0}};
    int counts[3] = {0};

    (void)state;
    for (uint64_t i = 0; i < 6000; i++) {
        struct nn_phantom_truth t;
        double value[3];

        nn_phantom_truth(&settings, i, &t);
        value[0] = t.facing_left;
        value[1] = t.mm_per_pixel;
        value[2] = t.age;
        counts[t.class_]++;
        for (int k = 0; k < 3; k++) {
            sum[t.class_][k] += value[k];
            square[t.class_][k] += value[k] * value[k];
        }
    }
    for (int c = 0; c < 2; c++)
        for (int k = 0; k < 3; k++) {
            double mean = sum[c][k] / counts[c], other = sum[2][k] / counts[2];
            double variance = square[2][k] / counts[2] - other * other;

            assert_true(fabs(mean - other) <
                        4 * sqrt(variance * (1.0 / counts[c] + 1.0 / counts[2])));
        }
}

static void pixels_are_in_range(void **state)
{
    static const int SIZES[][2] = {{16, 16},   {16, 400},  {400, 16},
                                   {224, 224}, {384, 320}, {700, 500}};

    (void)state;
    for (size_t k = 0; k < sizeof SIZES / sizeof SIZES[0]; k++) {
        struct nn_phantom_settings settings = settings_of(SIZES[k][0], SIZES[k][1]);

        for (uint64_t i = 0; i < 6; i++) {
            struct nn_plane plane = drawn(&settings, i, NULL);
            double low = 1, high = 0;

            assert_int_equal(plane.rows, SIZES[k][0]);
            assert_int_equal(plane.cols, SIZES[k][1]);
            for (size_t p = 0; p < bytes_of(&plane) / sizeof(float); p++) {
                assert_true(plane.pixels[p] >= 0 && plane.pixels[p] <= 1);
                low = fmin(low, plane.pixels[p]);
                high = fmax(high, plane.pixels[p]);
            }
            assert_true(high - low > 0.3);
            nn_plane_finish(&plane);
        }
    }
}

static void bad_settings_are_refused(void **state)
{
    static const struct {
        int rows, cols;
        double prevalence[3];
        enum nn_status status;
    } CASES[] = {{1, 1, {0.3, 0.3, 0.4}, NN_INVALID},
                 {0, 64, {0.3, 0.3, 0.4}, NN_INVALID},
                 {-5, 64, {0.3, 0.3, 0.4}, NN_INVALID},
                 {15, 64, {0.3, 0.3, 0.4}, NN_INVALID},
                 {8193, 8193, {0.3, 0.3, 0.4}, NN_LIMIT},
                 {2147483647, 2147483647, {0.3, 0.3, 0.4}, NN_LIMIT},
                 {64, 64, {0.3, 0.3, 0.3}, NN_INVALID},
                 {64, 64, {-0.1, 0.6, 0.5}, NN_INVALID},
                 {64, 64, {NAN, 0.5, 0.5}, NN_INVALID}};

    (void)state;
    for (size_t k = 0; k < sizeof CASES / sizeof CASES[0]; k++) {
        struct nn_phantom_settings settings = settings_of(CASES[k].rows, CASES[k].cols);
        struct nn_plane plane = {1, 1, (float *)&settings};
        struct nn_error err = {0};

        memcpy(settings.prevalence, CASES[k].prevalence, sizeof settings.prevalence);
        assert_int_equal(nn_phantom_draw(&settings, 0, &plane, NULL, &err), CASES[k].status);
        assert_null(plane.pixels);
        assert_int_not_equal(err.text[0], 0);
    }
}

/* Mean absolute difference from the twin: inside the box, below it, over the rest of the plane. */
struct differences {
    double inside, below, rest;
};

static struct differences differ(const struct nn_plane *a, const struct nn_plane *b,
                                 const double box[4])
{
    double sums[3] = {0}, counts[3] = {0};

    for (int r = 0; r < a->rows; r++)
        for (int c = 0; c < a->cols; c++) {
            int in = c >= box[0] && c <= box[2] && r >= box[1] && r <= box[3];
            int where = in ? 0 : r > box[3] ? 1 : 2;
            size_t at = (size_t)r * (size_t)a->cols + (size_t)c;

            sums[where] += fabs((double)a->pixels[at] - (double)b->pixels[at]);
            counts[where]++;
        }
    return (struct differences){sums[0] / fmax(counts[0], 1), sums[1] / fmax(counts[1], 1),
                                sums[2] / fmax(counts[2], 1)};
}

/* An injury moves all that stands on it, the skull too: the box must differ as that does,
 * and far more than what lies below, which only scatter and display reach. */
static void boxes_hold_what_differs_from_the_twin(void **state)
{
    struct nn_phantom_settings settings = settings_of(256, 256);
    int injured = 0, above = 0, below = 0;

    (void)state;
    for (uint64_t i = 0; i < 150; i++) {
        struct nn_phantom_truth truth, normal;
        struct nn_plane plane = drawn(&settings, i, &truth), twin;
        struct differences d;

        assert_int_equal(nn_phantom_draw_twin(&settings, i, &twin, &normal, NULL), NN_OK);
        assert_int_equal(normal.class_, NN_PHANTOM_NORMAL);
        if (truth.class_ == NN_PHANTOM_NORMAL) {
            assert_memory_equal(plane.pixels, twin.pixels, bytes_of(&plane));
        } else {
            d = differ(&plane, &twin, truth.box);
            assert_true(d.inside > 0.0005);
            injured++;
            above += d.inside > 0.5 * d.rest;
            below += d.inside > 3 * d.below;
        }
        nn_plane_finish(&plane);
        nn_plane_finish(&twin);
    }
    print_message("%d injured: %d more than above, %d more than below\n", injured, above, below);
    assert_true(injured > 50);
    assert_true(above >= 0.8 * injured);
    assert_true(below >= 0.9 * injured);
}

static void subtlety_falls_with_every_measure(void **state)
{
    static const double STEP[4] = {0.5, 2, 5, 0.4};

    (void)state;
    assert_true(nn_phantom_subtlety(0, 0, 0, 0) == 1);
    assert_true(fabs(nn_phantom_subtlety(3.5, 0, 0, 0) - 0.6) < 1e-12);
    assert_true(fabs(nn_phantom_subtlety(0, 0, 25, 0) - 0.6) < 1e-12);
    for (int k = 0; k < 4; k++) {
        double m[4] = {0}, last = 1;

        for (int i = 0; i < 30; i++) {
            double now;

            m[k] += STEP[k];
            now = nn_phantom_subtlety(m[0], m[1], m[2], m[3]);
            assert_true(now <= last && now >= 0 && (now < last || now == 0));
            last = now;
        }
        assert_true(last == 0);
    }
}

static void names_of_classes(void **state)
{
    (void)state;
    assert_string_equal(nn_phantom_class_name(NN_PHANTOM_DISLOCATION), "dislocation");
    assert_string_equal(nn_phantom_class_name(NN_PHANTOM_FRACTURE), "fracture");
    assert_string_equal(nn_phantom_class_name(NN_PHANTOM_NORMAL), "normal");
    assert_string_equal(nn_phantom_class_name((enum nn_phantom_class)77), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_index_same_bits),
        cmocka_unit_test(other_index_or_seed_other_picture),
        cmocka_unit_test(threads_agree),
        cmocka_unit_test(classes_follow_prevalence),
        cmocka_unit_test(truth_is_sound),
        cmocka_unit_test(nuisance_is_equal_in_each_class),
        cmocka_unit_test(pixels_are_in_range),
        cmocka_unit_test(bad_settings_are_refused),
        cmocka_unit_test(boxes_hold_what_differs_from_the_twin),
        cmocka_unit_test(subtlety_falls_with_every_measure),
        cmocka_unit_test(names_of_classes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
