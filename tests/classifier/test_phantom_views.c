/* Views and things of the phantom: the column lies in the field as each view promises, letters
 * never lie on it, and each subject is drawn, the same each time. */
#include "phantom/phantom.h"
#include "phantom/phantom_parts.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct nn_phantom_settings settings_of(enum nn_phantom_subject subject, int configuration)
{
    return (struct nn_phantom_settings){.seed = 23,
                                        .rows = 200,
                                        .cols = 180,
                                        .prevalence = {0.25, 0.25, 0.5},
                                        .subject = subject,
                                        .configuration = configuration};
}

struct stand {
    struct phantom_anatomy anatomy;
    struct nn_camera camera;
};

static struct stand stand_of(const struct nn_phantom_settings *settings, uint64_t index)
{
    struct stand stand;

    nn_phantom_anatomy(settings, index, &stand.anatomy);
    nn_phantom_view(settings, index, &stand.anatomy, &stand.camera);
    return stand;
}

static bool holds(const struct nn_camera *camera, struct vec3 p)
{
    double col, row;

    nn_camera_project(camera, p, &col, &row, NULL);
    return col >= 0 && row >= 0 && col <= camera->cols && row <= camera->rows;
}

/* How many of the middle plane's four corners of a body are in the field. */
static int corners_held(const struct stand *stand, int level)
{
    const struct phantom_level *l = &stand->anatomy.level[level];
    int held = 0;

    for (int i = 0; i < 4; i++) {
        double x = (i & 1 ? 0.5 : -0.5) * l->depth, y = (i & 2 ? 0.5 : -0.5) * l->height;

        held += holds(&stand->camera, nn_pose_apply(&l->body, (struct vec3){x, y, 0}));
    }
    return held;
}

/* Cosine of the angle between the beam and the patient's axis (0 front, 1 down, 2 left). */
static double along(const struct stand *stand, int axis)
{
    return stand->camera.pose.turn[2][axis];
}

static double row_of(const struct stand *stand, int level)
{
    double col, row;

    nn_camera_project(&stand->camera, stand->anatomy.level[level].body.at, &col, &row, NULL);
    return row;
}

static void laterals_hold_the_column(void **state)
{
    enum { COUNT = 600 };

    (void)state;
    for (int configuration = 0; configuration < 2; configuration++) {
        struct nn_phantom_settings settings = settings_of(NN_PHANTOM_LATERAL, configuration);
        int cut[9] = {0};

        for (uint64_t i = 0; i < COUNT; i++) {
            struct stand stand = stand_of(&settings, i);
            double tall = (row_of(&stand, 7) - row_of(&stand, 1)) / settings.rows;
            int last = 1;

            while (last <= 7 && corners_held(&stand, last) == 4)
                last++;
            /* the first that is cut off; 8: none. Of C4 at most a corner in a bent neck */
            assert_true(last >= 4 && holds(&stand.camera, stand.anatomy.level[4].body.at));
            cut[last]++;
            if (last < 8)
                assert_false(holds(&stand.camera, stand.anatomy.level[PHANTOM_T1].body.at));
            assert_true(tall > 0.2 && tall < 0.95);
        }
        assert_in_range(cut[4] + cut[5] + cut[6] + cut[7], COUNT * 5 / 100,
                        COUNT * 11 / 100); /* 8 % */
        for (int level = 5; level <= 7; level++)
            assert_true(cut[level] > 5);
    }
}

/* A field that ends high cuts no label off: the injury is chosen where it can be seen. */
static void an_injury_lies_in_the_field(void **state)
{
    struct nn_phantom_settings settings = settings_of(NN_PHANTOM_LATERAL, 0);
    int cut = 0;

    (void)state;
    settings.prevalence[0] = settings.prevalence[1] = 0.5;
    settings.prevalence[2] = 0;
    for (uint64_t i = 0; i < 2000; i++) {
        struct stand stand = stand_of(&settings, i);
        struct nn_phantom_truth truth;

        nn_phantom_truth(&settings, i, &truth);
        assert_true(truth.box[2] - truth.box[0] > 3 && truth.box[3] - truth.box[1] > 3);
        if (corners_held(&stand, 6) == 4)
            continue;
        cut++;
        assert_true(truth.level < 6);
    }
    assert_true(cut > 50);
}

static void a_view_knows_no_class(void **state)
{
    struct nn_phantom_settings a = settings_of(NN_PHANTOM_LATERAL, 0), b = a;
    int left = 0;

    (void)state;
    a.prevalence[0] = 1;
    a.prevalence[1] = a.prevalence[2] = 0;
    b.prevalence[0] = b.prevalence[1] = 0;
    b.prevalence[2] = 1;
    for (uint64_t i = 0; i < 300; i++) {
        struct nn_phantom_truth injured, normal;

        nn_phantom_truth(&a, i, &injured);
        nn_phantom_truth(&b, i, &normal);
        assert_true(injured.mm_per_pixel == normal.mm_per_pixel);
        assert_true(injured.turn_deg == normal.turn_deg && fabs(normal.turn_deg) < 14);
        assert_int_equal(injured.facing_left, normal.facing_left);
        assert_memory_equal(injured.c2, normal.c2, sizeof normal.c2);
        assert_memory_equal(injured.c7, normal.c7, sizeof normal.c7);
        double spine = hypot(normal.c7[0] - normal.c2[0], normal.c7[1] - normal.c2[1]);
        assert_true(spine * normal.mm_per_pixel > 65 && spine * normal.mm_per_pixel < 115);
        assert_true(normal.c2[1] < normal.c7[1] && normal.c2[0] > 0 && normal.c2[0] < a.cols);
        left += normal.facing_left;
    }
    assert_in_range(left, 110, 190);
}

/* Either side to the tube, turned in the plane and about both its axes, flexion and extension
 * views beside the usual curve. */
static void laterals_are_positioned_as_in_practice(void **state)
{
    enum { COUNT = 600 };
    int flexed = 0, extended = 0, mirrored = 0, left = 0;
    double turned[3] = {0};

    (void)state;
    for (uint64_t i = 0; i < COUNT; i++) {
        struct nn_phantom_settings settings = settings_of(NN_PHANTOM_LATERAL, 0);
        struct stand stand = stand_of(&settings, i);
        struct nn_phantom_truth truth;

        nn_phantom_truth(&settings, i, &truth);
        flexed += truth.flexion_deg > 10;
        extended += truth.flexion_deg < -35;
        mirrored += stand.camera.mirrored;
        left += stand.camera.mirrored != truth.facing_left;
        turned[0] += pow(along(&stand, 0), 2) / COUNT;
        turned[1] += pow(along(&stand, 1), 2) / COUNT;
        turned[2] += pow(truth.turn_deg, 2) / COUNT;
    }
    assert_in_range(mirrored, COUNT * 2 / 5, COUNT * 3 / 5);
    assert_in_range(left, COUNT * 2 / 5, COUNT * 3 / 5);
    assert_in_range(flexed, COUNT * 4 / 100, COUNT * 20 / 100);
    assert_in_range(extended, COUNT * 4 / 100, COUNT * 20 / 100);
    /* two to seven degrees, root mean square */
    for (int axis = 0; axis < 2; axis++)
        assert_true(sqrt(turned[axis]) > 0.03 && sqrt(turned[axis]) < 0.1);
    assert_true(sqrt(turned[2]) > 3 && sqrt(turned[2]) < 7);
}

static void cropped_ones_lack_a_part_of_c4(void **state)
{
    struct nn_phantom_settings settings = settings_of(NN_PHANTOM_CROPPED, 0);
    int above = 0, below = 0;

    (void)state;
    for (uint64_t i = 0; i < 300; i++) {
        struct stand stand = stand_of(&settings, i);

        assert_true(corners_held(&stand, 4) < 4);
        above += corners_held(&stand, 2) == 4;
        below += corners_held(&stand, 6) == 4;
    }
    assert_in_range(above, 90, 210);
    assert_in_range(below, 90, 210);
}

static void near_misses_come_from_where_they_should(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 200; i++) {
        struct nn_phantom_settings settings = settings_of(NN_PHANTOM_AP, (int)(i % 2));
        struct stand stand = stand_of(&settings, i);

        assert_true(fabs(along(&stand, 0)) > 0.9);
        assert_int_equal(corners_held(&stand, 5), 4);
        settings.subject = NN_PHANTOM_ODONTOID;
        stand = stand_of(&settings, i);
        assert_true(fabs(along(&stand, 0)) > 0.96);
        assert_int_equal(corners_held(&stand, 2), 4);
        settings.subject = NN_PHANTOM_OBLIQUE;
        stand = stand_of(&settings, i);
        assert_true(fabs(along(&stand, 2)) > 0.6 && fabs(along(&stand, 2)) < 0.85);
        assert_true(fabs(along(&stand, 0)) > 0.5 && fabs(along(&stand, 0)) < 0.75);
        settings.subject = NN_PHANTOM_SWIMMERS;
        stand = stand_of(&settings, i);
        assert_true(fabs(along(&stand, 2)) > 0.94);
        assert_int_equal(corners_held(&stand, 7) + corners_held(&stand, PHANTOM_T1), 8);
        settings.subject = NN_PHANTOM_SKULL_LATERAL;
        stand = stand_of(&settings, i);
        assert_true(corners_held(&stand, 4) < 4);
        assert_true(
            holds(&stand.camera, nn_pose_apply(&stand.anatomy.skull, (struct vec3){0, -125, 0})));
        settings.subject = NN_PHANTOM_THORACIC_LATERAL;
        stand = stand_of(&settings, i);
        for (int level = PHANTOM_T1; level <= PHANTOM_LAST; level++)
            assert_int_equal(corners_held(&stand, level), 4);
    }
}

/* No letter within the bodies, the arches' middles or the spinous processes. */
static void assert_clear(const struct stand *stand, const float *plane, float ground)
{
    for (int level = 1; level <= 7; level++) {
        const struct phantom_level *l = &stand->anatomy.level[level];
        double tip = -l->depth / 2 - l->canal - l->spinous;

        for (int i = 0; i <= 20; i++)
            for (int k = -1; k <= 1; k++) {
                double t = i / 20.0, col, row, x = tip + t * (l->depth / 2 - tip);
                double y = (1 - t) * l->spinous_drop + 0.5 * k * l->height * t;

                nn_camera_project(&stand->camera, nn_pose_apply(&l->body, (struct vec3){x, y, 0}),
                                  &col, &row, NULL);
                if (col >= 0 && row >= 0 && col < stand->camera.cols && row < stand->camera.rows)
                    assert_true(plane[(int)row * stand->camera.cols + (int)col] == ground);
            }
    }
}

static void letters_stay_off_the_column(void **state)
{
    static const enum nn_phantom_subject SUBJECTS[] = {NN_PHANTOM_LATERAL, NN_PHANTOM_AP};
    size_t pixels = (size_t)200 * 180;
    float *plane = malloc(pixels * sizeof *plane);
    int marked = 0;

    (void)state;
    assert_non_null(plane);
    for (uint64_t i = 0; i < 400; i++) {
        struct nn_phantom_settings settings = settings_of(SUBJECTS[i % 2], (int)(i / 2 % 2));
        struct stand stand = stand_of(&settings, i);
        bool any = false;

        for (size_t k = 0; k < pixels; k++)
            plane[k] = 0.25f;
        nn_phantom_mark(&settings, i, &stand.camera, plane);
        for (size_t k = 0; k < pixels; k++) {
            assert_true(plane[k] >= 0 && plane[k] <= 1);
            any = any || plane[k] != 0.25f;
        }
        marked += any;
        assert_clear(&stand, plane, 0.25f);
    }
    free(plane);
    assert_in_range(marked, 280, 390);
}

static struct nn_plane drawn(const struct nn_phantom_settings *settings, uint64_t index,
                             struct nn_phantom_truth *truth)
{
    struct nn_plane plane;
    struct nn_error err = {0};

    assert_int_equal(nn_phantom_draw(settings, index, &plane, NULL, truth, &err), NN_OK);
    return plane;
}

static void each_subject_is_drawn_the_same_twice(void **state)
{
    (void)state;
    for (int subject = 0; subject < NN_PHANTOM_SUBJECTS; subject++)
        for (int configuration = 0; configuration < 2; configuration++) {
            struct nn_phantom_settings settings =
                settings_of((enum nn_phantom_subject)subject, configuration);
            struct nn_phantom_truth truth;
            uint64_t index = (uint64_t)(3 * configuration);
            struct nn_plane a = drawn(&settings, index, &truth);
            struct nn_plane b = drawn(&settings, index, NULL);
            size_t pixels = (size_t)a.rows * (size_t)a.cols;

            assert_int_equal(truth.subject, subject);
            assert_true(subject == NN_PHANTOM_LATERAL || truth.class_ == NN_PHANTOM_NORMAL);
            assert_memory_equal(a.pixels, b.pixels, pixels * sizeof *a.pixels);
            for (size_t i = 0; i < pixels; i++)
                assert_true(a.pixels[i] >= 0 && a.pixels[i] <= 1); /* no NaN either */
            nn_plane_finish(&a);
            nn_plane_finish(&b);
        }
}

static void odd_fields_are_drawn(void **state)
{
    static const int SIDES[3][2] = {{16, 16}, {16, 90}, {130, 20}};

    (void)state;
    for (int subject = 0; subject < NN_PHANTOM_SUBJECTS; subject++)
        for (int i = 0; i < 3; i++) {
            struct nn_phantom_settings settings =
                settings_of((enum nn_phantom_subject)subject, i % 2);
            struct nn_plane plane;

            settings.rows = SIDES[i][0];
            settings.cols = SIDES[i][1];
            plane = drawn(&settings, (uint64_t)i, NULL);
            for (int k = 0; k < plane.rows * plane.cols; k++)
                assert_true(plane.pixels[k] >= 0 && plane.pixels[k] <= 1);
            nn_plane_finish(&plane);
        }
}

static void images_of_a_thing_differ(void **state)
{
    (void)state;
    for (int subject = NN_PHANTOM_CHEST; subject < NN_PHANTOM_SUBJECTS; subject++) {
        struct nn_phantom_settings settings = settings_of((enum nn_phantom_subject)subject, 0);
        double apart = 0;

        for (uint64_t index = 0; index < 4; index++) {
            struct nn_plane a = drawn(&settings, index, NULL),
                            b = drawn(&settings, index + 4, NULL);

            for (size_t i = 0; i < (size_t)a.rows * (size_t)a.cols; i++)
                apart += fabs((double)a.pixels[i] - (double)b.pixels[i]);
            nn_plane_finish(&a);
            nn_plane_finish(&b);
        }
        assert_true(apart / 4 / settings.rows / settings.cols > 0.02);
    }
}

static void inverted_is_the_lateral_upside_down_in_grey(void **state)
{
    struct nn_phantom_settings settings = settings_of(NN_PHANTOM_LATERAL, 0);

    (void)state;
    settings.prevalence[0] = settings.prevalence[1] = 0;
    settings.prevalence[2] = 1;
    for (uint64_t index = 0; index < 2; index++) {
        struct nn_plane a, b;

        settings.subject = NN_PHANTOM_LATERAL;
        a = drawn(&settings, index, NULL);
        settings.subject = NN_PHANTOM_INVERTED;
        b = drawn(&settings, index, NULL);
        for (size_t i = 0; i < (size_t)a.rows * (size_t)a.cols; i++)
            assert_true(fabsf(a.pixels[i] + b.pixels[i] - 1) < 1e-6f);
        nn_plane_finish(&a);
        nn_plane_finish(&b);
    }
}

/* A scene of nothing yet; attenuation first, the caller's to free. */
static struct phantom_scene empty_scene(const struct nn_camera *camera, bool *failed)
{
    size_t pixels = (size_t)camera->rows * (size_t)camera->cols;
    float *plane = calloc(3 * pixels, sizeof *plane);

    assert_non_null(plane);
    *failed = false;
    return (struct phantom_scene){.camera = *camera,
                                  .attenuation = plane,
                                  .sponge = plane + pixels,
                                  .soft = plane + 2 * pixels,
                                  .cell = 2.5,
                                  .failed = failed};
}

static void implants_are_named_and_seen(void **state)
{
    static const char *const WORD[5][2] = {{"plate", "rods"},
                                           {"cage", "disc prosthesis"},
                                           {"halo", "halo"},
                                           {"laminectomy", "laminectomy"},
                                           {"ankylosed", "ankylosed"}};
    struct nn_phantom_settings settings = settings_of(NN_PHANTOM_HARDWARE, 0);
    int kinds[5] = {0};

    (void)state;
    for (uint64_t index = 0; index < 100; index++) {
        struct stand stand = stand_of(&settings, index);
        int kind = (int)nn_phantom_hardware(&settings, index);
        char variant[NN_PHANTOM_VARIANT] = "collar";
        float most = 0;
        bool failed;
        struct phantom_scene scene = empty_scene(&stand.camera, &failed);

        nn_phantom_draw_hardware(&scene, &settings, index, &stand.anatomy, variant);
        assert_false(failed);
        assert_in_range(kind, 0, 4);
        kinds[kind]++;
        assert_non_null(strstr(variant, "collar; "));
        assert_true(strstr(variant, WORD[kind][0]) != NULL ||
                    strstr(variant, WORD[kind][1]) != NULL);
        for (size_t i = 0; i < (size_t)scene.camera.rows * (size_t)scene.camera.cols; i++)
            most = fmaxf(most, scene.attenuation[i]);
        assert_true(kind == PHANTOM_LAMINECTOMY || most > 0.05f);
        free(scene.attenuation);
    }
    for (int i = 0; i < 5; i++)
        assert_in_range(kinds[i], 8, 36);
}

/* Lungs are less than nothing: outside the skin they would be lighter than air. */
static void lungs_stay_in_the_skin(void **state)
{
    static const enum nn_phantom_subject SUBJECTS[] = {
        NN_PHANTOM_LATERAL, NN_PHANTOM_THORACIC_LATERAL, NN_PHANTOM_AP, NN_PHANTOM_SWIMMERS};

    (void)state;
    for (uint64_t index = 0; index < 40; index++) {
        struct nn_phantom_settings settings =
            settings_of(SUBJECTS[index % 4], (int)(index / 4 % 2));
        struct stand stand = stand_of(&settings, index);
        bool failed;
        struct phantom_scene scene = empty_scene(&stand.camera, &failed);
        size_t pixels = (size_t)scene.camera.rows * (size_t)scene.camera.cols;
        float *skin = malloc(pixels * sizeof *skin);
        int lighter = 0;

        assert_non_null(skin);
        nn_phantom_draw_neck(&scene, &settings, index, &stand.anatomy, &stand.anatomy);
        memcpy(skin, scene.attenuation, pixels * sizeof *skin);
        nn_phantom_draw_thorax(&scene, &settings, index, &stand.anatomy);
        assert_false(failed);
        for (size_t i = 0; i < pixels; i++)
            lighter += scene.attenuation[i] < fminf(skin[i], 0) - 0.02f;
        assert_int_equal(lighter, 0);
        free(skin);
        free(scene.attenuation);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(laterals_hold_the_column),
        cmocka_unit_test(an_injury_lies_in_the_field),
        cmocka_unit_test(a_view_knows_no_class),
        cmocka_unit_test(laterals_are_positioned_as_in_practice),
        cmocka_unit_test(cropped_ones_lack_a_part_of_c4),
        cmocka_unit_test(near_misses_come_from_where_they_should),
        cmocka_unit_test(letters_stay_off_the_column),
        cmocka_unit_test(each_subject_is_drawn_the_same_twice),
        cmocka_unit_test(odd_fields_are_drawn),
        cmocka_unit_test(images_of_a_thing_differ),
        cmocka_unit_test(inverted_is_the_lateral_upside_down_in_grey),
        cmocka_unit_test(implants_are_named_and_seen),
        cmocka_unit_test(lungs_stay_in_the_skin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
