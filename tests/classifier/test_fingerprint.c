/* Fingerprints: a copy is found however it was turned or retouched, and says how; different
 * patients are not copies. */
#include "nn_fingerprint.h"
#include "phantom/phantom.h"
#include "retouch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PATIENTS = 24, SIDE = 256 };

static void draw(uint64_t index, struct nn_plane *plane)
{
    const struct nn_phantom_settings settings = {
        .seed = 31, .rows = SIDE, .cols = SIDE, .prevalence = {0.3, 0.3, 0.4}};
    struct nn_error err;

    assert_int_equal(nn_phantom_draw(&settings, index, plane, NULL, NULL, &err), NN_OK);
}

static struct nn_fingerprint *print_of(const struct nn_plane *plane)
{
    struct nn_fingerprint *print;
    struct nn_error err;

    if (nn_fingerprint_create(plane, &print, &err) != NN_OK)
        fail_msg("%s", err.text);
    return print;
}

/* The likeness of two prints; a score of 0: none. */
static struct nn_copy compare(const struct nn_fingerprint *a, const struct nn_fingerprint *b)
{
    const struct nn_fingerprint *both[2] = {a, b};
    struct nn_copy *copies, copy = {.score = 0};
    struct nn_error err;
    size_t count;

    assert_int_equal(
        nn_fingerprint_pairs(both, 2, NN_FINGERPRINT_ALIKE, &copies, &count, NULL, NULL, &err),
        NN_OK);
    if (count > 0)
        copy = copies[0];
    free(copies);
    return copy;
}

static void every_retouched_copy_is_found(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        struct nn_plane plane, copy;
        draw(i, &plane);
        struct nn_fingerprint *print = print_of(&plane);
        for (size_t r = 0; r < retouch_count; r++) {
            retouches[r].make(&plane, &copy);
            struct nn_fingerprint *other = print_of(&copy);
            if (compare(print, other).score < NN_FINGERPRINT_ALIKE)
                fail_msg("phantom %d: %s is not found", (int)i, retouches[r].name);
            if (compare(other, print).score < NN_FINGERPRINT_ALIKE)
                fail_msg("phantom %d: %s is not found the other way round", (int)i,
                         retouches[r].name);
            nn_fingerprint_destroy(other);
            nn_plane_finish(&copy);
        }
        nn_fingerprint_destroy(print);
        nn_plane_finish(&plane);
    }
}

static void how_a_copy_lies_is_told(void **state)
{
    static const struct {
        const char *name;
        enum nn_symmetry symmetry;
        bool inverted;
    } expected[] = {
        {"eight_bits", NN_UPRIGHT, false},      {"rotated_90", NN_ROTATED_90, false},
        {"rotated_180", NN_ROTATED_180, false}, {"rotated_270", NN_ROTATED_270, false},
        {"mirrored", NN_MIRRORED, false},       {"flipped_down", NN_FLIPPED_DOWN, false},
        {"inverted", NN_UPRIGHT, true},         {"inverted_and_turned", NN_ROTATED_90, true}};
    struct nn_plane plane, copy;

    (void)state;
    draw(7, &plane);
    struct nn_fingerprint *print = print_of(&plane);
    for (size_t e = 0; e < sizeof expected / sizeof *expected; e++) {
        for (size_t r = 0; r < retouch_count; r++) {
            if (strcmp(retouches[r].name, expected[e].name) != 0)
                continue;
            retouches[r].make(&plane, &copy);
            struct nn_fingerprint *other = print_of(&copy);
            struct nn_copy found = compare(print, other);
            assert_true(found.score > 0.99);
            assert_string_equal(nn_symmetry_name(found.symmetry),
                                nn_symmetry_name(expected[e].symmetry));
            assert_int_equal(found.inverted, expected[e].inverted);
            nn_fingerprint_destroy(other);
            nn_plane_finish(&copy);
        }
    }
    nn_fingerprint_destroy(print);
    nn_plane_finish(&plane);
}

static void last_report(void *context, size_t done, size_t count)
{
    size_t *last = context;

    assert_int_equal(done, *last + 1);
    assert_int_equal(count, PATIENTS + 2);
    *last = done;
}

/* Among different phantoms, all of which look alike, only the two planted pairs are pairs. */
static void different_patients_are_no_copies(void **state)
{
    struct nn_fingerprint *prints[PATIENTS + 2];
    struct nn_plane plane, copy;
    struct nn_copy *copies;
    struct nn_error err;
    size_t count, last = 0;

    (void)state;
    for (size_t i = 0; i < PATIENTS; i++) {
        draw(i, &plane);
        prints[i] = print_of(&plane);
        if (i == 3 || i == 9) {
            retouches[i].make(&plane, &copy);
            prints[PATIENTS + (i == 3)] = print_of(&copy);
            nn_plane_finish(&copy);
        }
        nn_plane_finish(&plane);
    }
    assert_int_equal(nn_fingerprint_pairs((const struct nn_fingerprint *const *)prints,
                                          PATIENTS + 2, NN_FINGERPRINT_ALIKE, &copies, &count,
                                          last_report, &last, &err),
                     NN_OK);
    assert_int_equal(last, PATIENTS + 2);
    assert_int_equal(count, 2);
    assert_int_equal(copies[0].a, 3);
    assert_int_equal(copies[0].b, PATIENTS + 1);
    assert_int_equal(copies[1].a, 9);
    assert_int_equal(copies[1].b, PATIENTS);
    free(copies);
    for (size_t i = 0; i < PATIENTS + 2; i++)
        nn_fingerprint_destroy(prints[i]);
}

static void planes_without_contrast_are_like_no_other(void **state)
{
    float grey[64], nothing[64];
    struct nn_plane flat = {8, 8, grey}, odd = {8, 8, nothing}, empty = {0};
    struct nn_fingerprint *print;
    struct nn_error err;

    (void)state;
    for (int i = 0; i < 64; i++) {
        grey[i] = 0.5f;
        nothing[i] = i % 2 ? 0 : __builtin_nanf("");
    }
    struct nn_fingerprint *a = print_of(&flat), *b = print_of(&flat), *c = print_of(&odd);
    assert_true(compare(a, b).score < 0.1);
    assert_true(compare(c, a).score < 0.1);
    nn_fingerprint_destroy(a);
    nn_fingerprint_destroy(b);
    nn_fingerprint_destroy(c);
    assert_int_equal(nn_fingerprint_create(&empty, &print, &err), NN_INVALID);
    assert_null(print);
    nn_fingerprint_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_retouched_copy_is_found),
        cmocka_unit_test(how_a_copy_lies_is_told),
        cmocka_unit_test(different_patients_are_no_copies),
        cmocka_unit_test(planes_without_contrast_are_like_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
