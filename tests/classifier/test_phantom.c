/* The phantom's promises to its callers: determinism, refusals, range, truth, prevalence, subtlety,
 * names. Twins and masks: test_phantom_twins.c. */
#include "phantom_fixture.h"

#include "phantom/phantom_parts.h"
#include "phantom/plan.h"
#include <pthread.h>

enum { COUNT = 8 };

static void same_index_same_bits(void **state)
{
    struct nn_phantom_settings settings = phantom_settings(72, 60);
    struct nn_plane first[COUNT];
    struct nn_phantom_truth told[COUNT];

    (void)state;
    for (uint64_t i = 0; i < COUNT; i++)
        first[i] = phantom_drawn(&settings, i, &told[i]);
    for (uint64_t i = COUNT; i-- > 0;) { /* whatever was drawn before */
        struct nn_phantom_truth again;
        struct nn_plane plane = phantom_drawn(&settings, i, &again);

        assert_memory_equal(first[i].pixels, plane.pixels,
                            phantom_pixels(&plane) * sizeof *plane.pixels);
        phantom_same_truth(&told[i], &again);
        assert_string_equal(told[i].variant, again.variant);
        nn_plane_finish(&plane);
    }
    for (int i = 0; i < COUNT; i++)
        nn_plane_finish(&first[i]);
}

/* A mask, or the truth, asked for or not, changes nothing; and the truth alone is the same. */
static void what_is_asked_for_changes_nothing(void **state)
{
    struct nn_phantom_settings settings = phantom_settings(48, 48);

    (void)state;
    for (uint64_t i = 0; i < COUNT; i++) {
        struct nn_phantom_truth masked, bare, alone;
        struct nn_plane a, b, mask;
        struct nn_error err = {0};

        settings.configuration = (int)(i % 2);
        assert_int_equal(nn_phantom_draw(&settings, i, &a, &mask, &masked, &err), NN_OK);
        b = phantom_drawn(&settings, i, &bare);
        nn_phantom_truth(&settings, i, &alone);
        assert_memory_equal(a.pixels, b.pixels, phantom_pixels(&a) * sizeof *a.pixels);
        phantom_same_truth(&masked, &bare);
        phantom_same_truth(&masked, &alone);
        assert_true(alone.contrast_to_noise == 0 && bare.contrast_to_noise == 0);
        assert_true(alone.subtlety == bare.subtlety && alone.subtlety <= masked.subtlety);
        assert_true(masked.class_ != NN_PHANTOM_NORMAL || masked.contrast_to_noise == 0);
        nn_plane_finish(&a);
        nn_plane_finish(&b);
        nn_plane_finish(&mask);
    }
}

static void other_index_or_seed_other_picture(void **state)
{
    struct nn_phantom_settings settings = phantom_settings(64, 64), other = settings;
    struct nn_plane a = phantom_drawn(&settings, 3, NULL), b = phantom_drawn(&settings, 4, NULL), c;
    size_t bytes = phantom_pixels(&a) * sizeof *a.pixels;

    (void)state;
    other.seed++;
    c = phantom_drawn(&other, 3, NULL);
    assert_memory_not_equal(a.pixels, b.pixels, bytes);
    assert_memory_not_equal(a.pixels, c.pixels, bytes);
    nn_plane_finish(&c);
    other = settings;
    other.configuration = 1;
    c = phantom_drawn(&other, 3, NULL);
    assert_memory_not_equal(a.pixels, c.pixels, bytes);
    nn_plane_finish(&a);
    nn_plane_finish(&b);
    nn_plane_finish(&c);
}

struct share {
    struct nn_plane planes[COUNT];
    bool ok;
};

static void *draw_share(void *argument)
{
    struct share *share = argument;
    struct nn_phantom_settings settings = phantom_settings(56, 64);

    share->ok = true;
    for (uint64_t i = 0; i < COUNT; i++)
        share->ok = nn_phantom_draw(&settings, i, &share->planes[i], NULL, NULL, NULL) == NN_OK &&
                    share->ok;
    return NULL;
}

static void threads_agree(void **state)
{
    static struct share shares[2];
    pthread_t threads[2];

    (void)state;
    for (int t = 0; t < 2; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, draw_share, &shares[t]), 0);
    for (int t = 0; t < 2; t++)
        assert_int_equal(pthread_join(threads[t], NULL), 0);
    assert_true(shares[0].ok && shares[1].ok);
    for (int i = 0; i < COUNT; i++) {
        struct nn_plane *a = &shares[0].planes[i], *b = &shares[1].planes[i];

        assert_memory_equal(a->pixels, b->pixels, phantom_pixels(a) * sizeof *a->pixels);
        nn_plane_finish(a);
        nn_plane_finish(b);
    }
}

static void classes_follow_prevalence(void **state)
{
    struct nn_phantom_settings settings = phantom_settings(64, 64);
    const int n = 4000;
    int counts[3] = {0};

    (void)state;
    for (uint64_t i = 0; i < (uint64_t)n; i++) {
        struct nn_phantom_truth truth;

        nn_phantom_truth(&settings, i, &truth);
        counts[truth.class_]++;
    }
    for (int k = 0; k < 3; k++) { /* four standard errors */
        double p = settings.prevalence[k];

        assert_true(fabs(counts[k] / (double)n - p) < 4 * sqrt(p * (1 - p) / n));
    }
    for (int k = 0; k < 3; k++) {
        settings = phantom_class(64, 64, (enum nn_phantom_class)k);
        for (uint64_t i = 0; i < 100; i++) {
            struct nn_phantom_truth truth;

            nn_phantom_truth(&settings, i, &truth);
            assert_int_equal(truth.class_, k);
        }
    }
}

static void assert_normal(const struct nn_phantom_truth *t)
{
    assert_int_equal(t->level, -1);
    assert_string_equal(t->lesion, "");
    for (int k = 0; k < 4; k++)
        assert_true(t->box[k] == 0);
    assert_true(t->translation_mm == 0 && t->angulation_deg == 0);
    assert_true(t->height_loss_percent == 0 && t->gap_mm == 0);
}

static void truth_is_sound(void **state)
{
    struct nn_phantom_settings settings = phantom_settings(384, 320);
    int obvious = 0, moderate = 0, injured = 0;

    (void)state;
    for (uint64_t i = 0; i < 3000; i++) {
        struct nn_phantom_truth t;

        settings.configuration = (int)(i % 2);
        nn_phantom_truth(&settings, i, &t);
        assert_int_equal(t.patient, i);
        assert_true(t.age >= 18 && t.age <= 92 && (t.sex == 'M' || t.sex == 'F'));
        assert_true(t.mm_per_pixel > 0.2 && t.mm_per_pixel < 1.5);
        if (t.class_ == NN_PHANTOM_NORMAL) {
            assert_normal(&t);
            continue;
        }
        injured++;
        obvious += t.subtlety < 0.35;
        moderate += t.subtlety >= 0.35 && t.subtlety <= 0.6;
        assert_in_range(t.level, 0, 7);
        assert_true(t.lesion[0] != 0);
        assert_true(t.translation_mm >= 0 && t.angulation_deg >= 0);
        assert_true(t.height_loss_percent >= 0 && t.gap_mm >= 0);
        assert_true(t.subtlety >= 0 && t.subtlety < 0.93);
        assert_true(t.subtlety == nn_phantom_subtlety(t.translation_mm, t.angulation_deg,
                                                      t.height_loss_percent, t.gap_mm,
                                                      NN_PHANTOM_SHOWN));
        assert_true(t.box[0] >= 0 && t.box[1] >= 0 && t.box[2] <= 320 && t.box[3] <= 384);
        assert_true(t.box[2] - t.box[0] > 6 / t.mm_per_pixel);
        assert_true(t.box[3] - t.box[1] > 6 / t.mm_per_pixel);
    }
    print_message("%d injured: %d obvious, %d moderate\n", injured, obvious, moderate);
    assert_true(obvious > injured * 0.4 && moderate > injured * 0.1);
    assert_true(obvious + moderate < injured);
}

/* Chest and after are seen by cameras of their own, of which the truth tells nothing. */
static void other_things_have_no_view(void **state)
{
    struct nn_phantom_settings settings = phantom_settings(64, 64);

    (void)state;
    for (int subject = 0; subject < NN_PHANTOM_SUBJECTS; subject++)
        for (uint64_t i = 0; i < 20; i++) {
            struct nn_phantom_truth t;

            settings.subject = (enum nn_phantom_subject)subject;
            nn_phantom_truth(&settings, i, &t);
            assert_int_equal(t.subject, subject);
            assert_int_equal(t.mm_per_pixel > 0, subject < NN_PHANTOM_CHEST);
            if (subject != NN_PHANTOM_LATERAL) {
                assert_int_equal(t.class_, NN_PHANTOM_NORMAL);
                assert_normal(&t);
            }
            if (subject >= NN_PHANTOM_CHEST)
                assert_true(!t.facing_left && t.turn_deg == 0 && t.flexion_deg == 0);
        }
}

/* Three quarters of what an injury changes, by area, were it not for the field's edges. */
static void injuries_lie_in_the_field(void **state)
{
    struct nn_phantom_settings settings = phantom_settings(200, 160), wide = settings;
    int injured = 0, least_shown = 0;

    (void)state;
    wide.rows *= 3;
    wide.cols *= 3;
    for (uint64_t i = 0; i < 3000; i++) {
        struct phantom_plan plan;
        double box[4], whole[4], share;

        settings.configuration = (int)(i % 2);
        nn_phantom_make_plan(&settings, i, false, &plan);
        if (plan.class_ == NN_PHANTOM_NORMAL)
            continue;
        nn_phantom_find_box(&settings, &plan, box);
        plan.camera.cols *= 3;
        plan.camera.middle_x += settings.cols;
        plan.camera.middle_y += settings.rows;
        nn_phantom_find_box(&wide, &plan, whole);
        share =
            (box[2] - box[0]) * (box[3] - box[1]) / (whole[2] - whole[0]) / (whole[3] - whole[1]);
        injured++;
        least_shown += share < 0.75;
    }
    assert_true(injured > 1500);
    assert_int_equal(least_shown, 0);
}

static void pixels_are_in_range(void **state)
{
    static const int SIZES[][2] = {{16, 16}, {16, 300}, {300, 16}, {224, 224}, {384, 320}};

    (void)state;
    for (size_t k = 0; k < sizeof SIZES / sizeof SIZES[0]; k++) {
        struct nn_phantom_settings settings = phantom_settings(SIZES[k][0], SIZES[k][1]);

        for (uint64_t i = 0; i < 4; i++) {
            struct nn_plane plane;
            double low = 1, high = 0;

            settings.configuration = (int)(i % 2);
            plane = phantom_drawn(&settings, i, NULL);
            for (size_t p = 0; p < phantom_pixels(&plane); p++) {
                assert_true(plane.pixels[p] >= 0 && plane.pixels[p] <= 1); /* no NaN either */
                low = fmin(low, plane.pixels[p]);
                high = fmax(high, plane.pixels[p]);
            }
            assert_true(high - low > 0.3);
            nn_plane_finish(&plane);
        }
    }
}

static void refused(struct nn_phantom_settings settings, enum nn_status status)
{
    struct nn_plane plane = {1, 1, (float *)&settings}, mask = plane;
    struct nn_error err = {0};

    assert_int_equal(nn_phantom_draw(&settings, 0, &plane, &mask, NULL, &err), status);
    assert_true(plane.pixels == NULL && plane.rows == 0 && plane.cols == 0);
    assert_true(mask.pixels == NULL && mask.rows == 0 && mask.cols == 0);
    assert_int_not_equal(err.text[0], 0);
    plane.pixels = (float *)&settings;
    memset(&err, 0, sizeof err);
    assert_int_equal(nn_phantom_draw_twin(&settings, 0, &plane, NULL, &err), status);
    assert_null(plane.pixels);
    assert_int_not_equal(err.text[0], 0);
    assert_int_equal(nn_phantom_draw(&settings, 0, &plane, NULL, NULL, NULL), status);
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
                 {64, 15, {0.3, 0.3, 0.4}, NN_INVALID},
                 {64, -2147483647 - 1, {0.3, 0.3, 0.4}, NN_INVALID},
                 {8193, 8193, {0.3, 0.3, 0.4}, NN_LIMIT},
                 {16, 2147483647, {0.3, 0.3, 0.4}, NN_LIMIT},
                 {2147483647, 2147483647, {0.3, 0.3, 0.4}, NN_LIMIT},
                 {64, 64, {0.3, 0.3, 0.3}, NN_INVALID},
                 {64, 64, {0, 0, 0}, NN_INVALID},
                 {64, 64, {-0.1, 0.6, 0.5}, NN_INVALID},
                 {64, 64, {1.5, -0.5, 0}, NN_INVALID},
                 {64, 64, {INFINITY, 0, 0}, NN_INVALID},
                 {64, 64, {NAN, 0.5, 0.5}, NN_INVALID}};
    struct nn_phantom_settings settings = phantom_settings(64, 64);

    (void)state;
    for (size_t k = 0; k < sizeof CASES / sizeof CASES[0]; k++) {
        struct nn_phantom_settings bad = phantom_settings(CASES[k].rows, CASES[k].cols);

        memcpy(bad.prevalence, CASES[k].prevalence, sizeof bad.prevalence);
        refused(bad, CASES[k].status);
    }
    settings.configuration = 2;
    refused(settings, NN_INVALID);
    settings.configuration = -1;
    refused(settings, NN_INVALID);
    settings.configuration = 0;
    settings.subject = NN_PHANTOM_SUBJECTS;
    refused(settings, NN_INVALID);
    settings.subject = (enum nn_phantom_subject)(-1);
    refused(settings, NN_INVALID);
}

static void subtlety_falls_with_every_measure(void **state)
{
    static const double STEP[4] = {0.5, 2, 5, 0.4};
    const double full = NN_PHANTOM_SHOWN;

    (void)state;
    assert_int_equal(NN_PHANTOM_SUBTLETY_VERSION, 2); /* whose values these are */
    assert_true(nn_phantom_subtlety(0, 0, 0, 0, full) == 1);
    assert_true(fabs(nn_phantom_subtlety(3.5, 0, 0, 0, full) - 0.6) < 1e-12);
    assert_true(fabs(nn_phantom_subtlety(0, 11, 0, 0, full) - 0.6) < 1e-12);
    assert_true(fabs(nn_phantom_subtlety(0, 0, 25, 0, full) - 0.6) < 1e-12);
    assert_true(fabs(nn_phantom_subtlety(0, 0, 0, 2, full) - 0.6) < 1e-12);
    assert_true(nn_phantom_subtlety(3.5, 11, 25, 2, full) ==
                nn_phantom_subtlety(3.5, 0, 0, 0, full));
    for (int k = 0; k < 4; k++) {
        double m[4] = {0}, last = 1;

        for (int i = 0; i < 30; i++) {
            double now;

            m[k] += STEP[k];
            now = nn_phantom_subtlety(m[0], m[1], m[2], m[3], full);
            assert_true(now <= last && now >= 0 && (now < last || now == 0));
            last = now;
        }
        assert_true(last == 0);
    }
}

/* However large: what the picture does not show is not obvious. */
static void subtlety_rises_as_contrast_falls(void **state)
{
    double last = -1;

    (void)state;
    assert_true(nn_phantom_subtlety(9, 0, 0, 0, 0) == 1);
    assert_true(fabs(nn_phantom_subtlety(7, 0, 0, 0, 2.5) - 0.6) < 1e-12);
    assert_true(nn_phantom_subtlety(3.5, 0, 0, 0, 80) == nn_phantom_subtlety(3.5, 0, 0, 0, 5));
    for (double seen = 5; seen >= 0; seen -= 0.5) {
        double now = nn_phantom_subtlety(5, 0, 0, 0, seen);

        assert_true(now > last);
        last = now;
    }
}

/* The ratio is of the finished picture, twin against twin: over one level of grey there is none
 * where neither changes by as much, and what is hidden in white or noise is told from the rest. */
static void contrast_is_of_what_is_displayed(void **state)
{
    struct nn_phantom_settings settings = phantom_settings(160, 160);
    int hidden = 0, shown = 0;

    (void)state;
    settings.prevalence[0] = 0;
    settings.prevalence[1] = 1;
    settings.prevalence[2] = 0;
    for (uint64_t i = 0; i < 60; i++) {
        struct nn_plane plane, twin, mask;
        struct nn_phantom_truth truth, normal;
        struct nn_error err = {0};
        double largest = 0;

        assert_int_equal(nn_phantom_draw(&settings, i, &plane, &mask, &truth, &err), NN_OK);
        assert_int_equal(nn_phantom_draw_twin(&settings, i, &twin, &normal, &err), NN_OK);
        for (size_t k = 0; k < phantom_pixels(&plane); k++)
            largest = fmax(largest, fabs((double)plane.pixels[k] - (double)twin.pixels[k]));
        assert_true(truth.contrast_to_noise <= 255 * largest);
        assert_true(truth.subtlety == nn_phantom_subtlety(truth.translation_mm,
                                                          truth.angulation_deg,
                                                          truth.height_loss_percent, truth.gap_mm,
                                                          truth.contrast_to_noise));
        hidden += truth.contrast_to_noise < 1;
        shown += truth.contrast_to_noise > NN_PHANTOM_SHOWN;
        nn_plane_finish(&plane);
        nn_plane_finish(&twin);
        nn_plane_finish(&mask);
    }
    print_message("contrast to noise: %d under 1, %d over 5\n", hidden, shown);
    assert_true(hidden > 0 && shown > 20);
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(nn_phantom_class_name(NN_PHANTOM_DISLOCATION), "dislocation");
    assert_string_equal(nn_phantom_class_name(NN_PHANTOM_FRACTURE), "fracture");
    assert_string_equal(nn_phantom_class_name(NN_PHANTOM_NORMAL), "normal");
    assert_string_equal(nn_phantom_class_name((enum nn_phantom_class)77), "unknown");
    for (int a = 0; a < NN_PHANTOM_SUBJECTS; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(nn_phantom_subject_name((enum nn_phantom_subject)a),
                                    nn_phantom_subject_name((enum nn_phantom_subject)b));
    assert_string_equal(nn_phantom_subject_name(NN_PHANTOM_SUBJECTS), "unknown");
    for (int a = 0; a < PHANTOM_KINDS; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(nn_phantom_kind_name((enum phantom_kind)a),
                                    nn_phantom_kind_name((enum phantom_kind)b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_index_same_bits),
        cmocka_unit_test(what_is_asked_for_changes_nothing),
        cmocka_unit_test(other_index_or_seed_other_picture),
        cmocka_unit_test(threads_agree),
        cmocka_unit_test(classes_follow_prevalence),
        cmocka_unit_test(truth_is_sound),
        cmocka_unit_test(other_things_have_no_view),
        cmocka_unit_test(injuries_lie_in_the_field),
        cmocka_unit_test(pixels_are_in_range),
        cmocka_unit_test(bad_settings_are_refused),
        cmocka_unit_test(subtlety_falls_with_every_measure),
        cmocka_unit_test(subtlety_rises_as_contrast_falls),
        cmocka_unit_test(contrast_is_of_what_is_displayed),
        cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
