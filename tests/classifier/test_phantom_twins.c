/* What an injury changes and what it must not: twins, masks and boxes pixel by pixel, and nuisances
 * (age, posture, view, exposure, devices) that tell nothing about the class. */
#include "phantom_fixture.h"

#include "phantom/phantom_parts.h"
#include "phantom/plan.h"
#include <stdio.h>

/* Counts of pixels. */
struct tally {
    long changed, outside; /* differ from the twin inside and outside the mask */
    long ones, halves;
};

static struct tally compare(const struct nn_plane *plane, const struct nn_plane *twin,
                            const struct nn_plane *mask)
{
    struct tally tally = {0};

    for (size_t p = 0; p < phantom_pixels(plane); p++) {
        bool differs = memcmp(&plane->pixels[p], &twin->pixels[p], sizeof(float)) != 0;

        tally.ones += mask->pixels[p] == 1;
        tally.halves += mask->pixels[p] == 0.5f;
        tally.changed += differs && mask->pixels[p] == 1;
        tally.outside += differs && mask->pixels[p] != 1;
        assert_true(mask->pixels[p] == 0 || mask->pixels[p] == 0.5f || mask->pixels[p] == 1);
    }
    return tally;
}

/* Inside the box there is no 0, and outside it no 0.5. */
static void assert_box_is_masked(const struct nn_plane *mask, const double box[4])
{
    for (int r = 0; r < mask->rows; r++)
        for (int c = 0; c < mask->cols; c++) {
            float at = mask->pixels[r * mask->cols + c];
            bool inside = c >= box[0] && c < box[2] && r >= box[1] && r < box[3];

            assert_true(inside ? at > 0 : at != 0.5f);
        }
}

static void check_twin(const struct nn_phantom_settings *settings, uint64_t index)
{
    struct nn_phantom_truth truth, normal;
    struct nn_plane plane, twin, mask;
    struct nn_error err = {0};
    struct tally tally;

    assert_int_equal(nn_phantom_draw(settings, index, &plane, &mask, &truth, &err), NN_OK);
    assert_int_equal(nn_phantom_draw_twin(settings, index, &twin, &normal, &err), NN_OK);
    tally = compare(&plane, &twin, &mask);
    if (tally.outside > 0)
        print_error("index %u, %s at C%d: %ld pixels differ outside the mask\n", (unsigned)index,
                    truth.lesion, truth.level, tally.outside);
    assert_int_equal(tally.outside, 0);
    assert_true(tally.changed > 0 && tally.ones < (long)phantom_pixels(&plane));
    assert_true(truth.contrast_to_noise >= 0 && isfinite(truth.contrast_to_noise)); /* 0: white */
    assert_box_is_masked(&mask, truth.box);
    assert_int_equal(normal.class_, NN_PHANTOM_NORMAL);
    assert_int_equal(normal.level, -1);
    assert_string_equal(normal.lesion, "");
    assert_string_equal(normal.variant, truth.variant);
    assert_true(normal.patient == truth.patient && normal.age == truth.age);
    assert_true(normal.mm_per_pixel == truth.mm_per_pixel && normal.sex == truth.sex);
    assert_true(normal.box[0] == 0 && normal.box[2] == 0 && normal.contrast_to_noise == 0);
    nn_plane_finish(&plane);
    nn_plane_finish(&twin);
    nn_plane_finish(&mask);
}

/* Three of each kind, 48 in all, of both configurations. */
static void twins_are_equal_outside_the_mask(void **state)
{
    struct nn_phantom_settings settings = phantom_settings(110, 90);
    int seen[PHANTOM_KINDS] = {0}, all = 0;

    (void)state;
    for (uint64_t i = 0; i < 3000 && all < 3 * (PHANTOM_KINDS - 1); i++) {
        struct phantom_plan plan;

        settings.configuration = (int)(i % 2);
        nn_phantom_make_plan(&settings, i, false, &plan);
        if (plan.injury.kind == PHANTOM_NONE || seen[plan.injury.kind] == 3)
            continue;
        check_twin(&settings, i);
        seen[plan.injury.kind]++;
        all++;
    }
    assert_int_equal(all, 3 * (PHANTOM_KINDS - 1));
}

static void a_normal_is_its_own_twin(void **state)
{
    struct nn_phantom_settings settings = phantom_class(64, 64, NN_PHANTOM_NORMAL);

    (void)state;
    for (uint64_t i = 0; i < 4; i++) {
        struct nn_phantom_truth truth, normal;
        struct nn_plane plane, twin, mask;
        struct nn_error err = {0};
        struct tally tally;

        assert_int_equal(nn_phantom_draw(&settings, i, &plane, &mask, &truth, &err), NN_OK);
        assert_int_equal(nn_phantom_draw_twin(&settings, i, &twin, &normal, &err), NN_OK);
        tally = compare(&plane, &twin, &mask);
        assert_true(tally.ones == 0 && tally.halves == 0 && tally.outside == 0);
        phantom_same_truth(&truth, &normal);
        assert_true(truth.contrast_to_noise == 0);
        nn_plane_finish(&plane);
        nn_plane_finish(&twin);
        nn_plane_finish(&mask);
    }
}

/* The same index asked for as another class is the same patient, view, exposure and devices: what
 * is drawn is the other's twin. */
static void the_class_changes_the_injury_alone(void **state)
{
    struct nn_phantom_settings normal = phantom_class(64, 56, NN_PHANTOM_NORMAL);
    struct nn_phantom_settings slipped = phantom_class(64, 56, NN_PHANTOM_DISLOCATION);
    struct nn_phantom_settings broken = phantom_class(64, 56, NN_PHANTOM_FRACTURE);

    (void)state;
    for (uint64_t i = 0; i < 500; i++) {
        struct nn_phantom_truth n, d, f;

        nn_phantom_truth(&normal, i, &n);
        nn_phantom_truth(&slipped, i, &d);
        nn_phantom_truth(&broken, i, &f);
        assert_true(n.age == d.age && n.age == f.age && n.sex == d.sex && n.sex == f.sex);
        assert_true(n.mm_per_pixel == d.mm_per_pixel && n.mm_per_pixel == f.mm_per_pixel);
        assert_true(n.facing_left == d.facing_left && n.facing_left == f.facing_left);
        assert_true(n.turn_deg == d.turn_deg && n.turn_deg == f.turn_deg);
        assert_true(n.flexion_deg == d.flexion_deg && n.flexion_deg == f.flexion_deg);
    }
    for (uint64_t i = 0; i < 4; i++) {
        struct nn_plane plane = phantom_drawn(&normal, i, NULL), twin;
        struct nn_error err = {0};

        assert_int_equal(nn_phantom_draw_twin(i % 2 ? &slipped : &broken, i, &twin, NULL, &err),
                         NN_OK);
        assert_memory_equal(plane.pixels, twin.pixels,
                            phantom_pixels(&plane) * sizeof *plane.pixels);
        nn_plane_finish(&plane);
        nn_plane_finish(&twin);
    }
}

enum { MANY = 6000, MEASURES = 6 };

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The greatest distance of two samples' distribution functions (Kolmogorov and Smirnov). */
static double furthest(double *a, int m, double *b, int n)
{
    double most = 0;
    int i = 0, j = 0;

    qsort(a, (size_t)m, sizeof *a, ascending);
    qsort(b, (size_t)n, sizeof *b, ascending);
    while (i < m && j < n) {
        double at = a[i] < b[j] ? a[i] : b[j];

        while (i < m && a[i] <= at)
            i++;
        while (j < n && b[j] <= at)
            j++;
        most = fmax(most, fabs((double)i / m - (double)j / n));
    }
    return most;
}

static void measure(const struct nn_phantom_truth *t, double value[MEASURES])
{
    value[0] = t->age;
    value[1] = t->sex == 'F';
    value[2] = t->facing_left;
    value[3] = t->mm_per_pixel;
    value[4] = t->turn_deg;
    value[5] = t->flexion_deg;
}

/* At a level of 1e-4 a comparison; the seed is fixed. */
static void nuisances_are_distributed_alike(void **state)
{
    struct nn_phantom_settings settings = phantom_settings(224, 224);
    static double values[3][MEASURES][MANY];
    int count[3] = {0};

    (void)state;
    for (uint64_t i = 0; i < MANY; i++) {
        struct nn_phantom_truth t;
        double value[MEASURES];

        nn_phantom_truth(&settings, i, &t);
        measure(&t, value);
        for (int k = 0; k < MEASURES; k++)
            values[t.class_][k][count[t.class_]] = value[k];
        count[t.class_]++;
    }
    for (int c = 0; c < 2; c++)
        for (int k = 0; k < MEASURES; k++) {
            double m = count[c], n = count[2];
            double apart = furthest(values[c][k], count[c], values[2][k], count[2]);

            assert_true(apart < sqrt(-0.5 * log(1e-4 / 2)) * sqrt((m + n) / (m * n)));
        }
}

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define WORDS    32
struct words {
    char name[WORDS][32];
    int count[WORDS][3], names, patients[3];
};

static void count_words(struct words *words, enum nn_phantom_class class_, char *variant)
{
    char *rest = variant;

    words->patients[class_]++;
    for (char *word = strtok_r(variant, ";", &rest); word; word = strtok_r(NULL, ";", &rest)) {
        int at = 0;

        word += word[0] == ' ';
        while (at < words->names && strcmp(words->name[at], word) != 0)
            at++;
        assert_true(at < WORDS);
        if (at == words->names)
            snprintf(words->name[words->names++], sizeof words->name[0], "%s", word);
        words->count[at][class_]++;
    }
}

/* In at least `least` patients of each class. */
static void assert_word(const struct words *words, const char *word, int least)
{
    int at = 0;

    while (at < words->names && strcmp(words->name[at], word) != 0)
        at++;
    if (at == words->names)
        fail_msg("nobody has: %s", word);
    for (int c = 0; c < 3; c++)
        if (words->count[at][c] < least)
            fail_msg("%s: %d of class %d, not %d", word, words->count[at][c], c, least);
}

/* Wear is sampled and devices are drawn without knowing of an injury; the manifest's column,
 * counted. */
static void variants_are_as_frequent_in_each_class(void **state)
{
    struct nn_phantom_settings settings = phantom_settings(16, 16);
    static const char *const COMMON[] = {"osteophytes", "narrow disc", "osteopenia", "listhesis",
                                         "collar",      "board",       "crowns",     "fillings"};
    static const char *const RARE[] = {"block C2/3",   "necklace", "earrings", "tracheal tube",
                                       "gastric tube", "bridge",   "implant",  "leads"};
    static struct words words;
    float planes[3][16 * 16];

    (void)state;
    for (uint64_t i = 0; i < 1500; i++) {
        struct phantom_plan plan;
        struct phantom_scene scene = {.cell = 12, .failed = &(bool){false}};
        char variant[NN_PHANTOM_VARIANT] = "";

        nn_phantom_make_plan(&settings, i, false, &plan);
        scene.camera = plan.camera;
        scene.attenuation = planes[0];
        scene.sponge = planes[1];
        scene.soft = planes[2];
        memset(planes, 0, sizeof planes);
        nn_phantom_tell_wear(&plan.uninjured, variant);
        nn_phantom_draw_devices(&scene, &settings, i, &plan.uninjured, variant);
        assert_false(*scene.failed);
        count_words(&words, plan.class_, variant);
    }
    for (int w = 0; w < COUNT(COMMON); w++)
        assert_word(&words, COMMON[w], 5);
    for (int w = 0; w < COUNT(RARE); w++)
        assert_word(&words, RARE[w], 1);
    for (int d = 0; d < words.names; d++)
        for (int c = 0; c < 2; c++) {
            const int *at = words.count[d], *of = words.patients;
            double p = (double)(at[c] + at[2]) / (of[c] + of[2]);
            double apart = (double)at[c] / of[c] - (double)at[2] / of[2];

            assert_true(fabs(apart) < 4 * sqrt(p * (1 - p) * (1.0 / of[c] + 1.0 / of[2])));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twins_are_equal_outside_the_mask),
        cmocka_unit_test(a_normal_is_its_own_twin),
        cmocka_unit_test(the_class_changes_the_injury_alone),
        cmocka_unit_test(nuisances_are_distributed_alike),
        cmocka_unit_test(variants_are_as_frequent_in_each_class),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
