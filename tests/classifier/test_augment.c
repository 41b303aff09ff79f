/* Each augmentation alone: what it does, how far it goes, that it touches nothing else. */
#include "train_fixture.h"

#define SIDE  41
#define DRAWS 60

static struct nn_plane flat(float level)
{
    struct nn_plane plane = {SIDE, SIDE, malloc(SIDE * SIDE * sizeof(float))};
    assert_non_null(plane.pixels);
    for (int i = 0; i < SIDE * SIDE; i++)
        plane.pixels[i] = level;
    return plane;
}

static struct nn_plane textured(void)
{
    struct nn_plane plane = flat(0.5f);
    uint64_t state = 9;
    for (int i = 0; i < SIDE * SIDE; i++)
        plane.pixels[i] += 0.4f * fixture_random(&state);
    return plane;
}

/* A smooth spot, so that its centre of mass is exact. */
static struct nn_plane spot(double x, double y)
{
    struct nn_plane plane = flat(0);
    for (int i = 0; i < SIDE * SIDE; i++) {
        double dx = i % SIDE - x, dy = i / SIDE - y;
        plane.pixels[i] = (float)exp(-(dx * dx + dy * dy) / 8);
    }
    return plane;
}

static void centre_of(const struct nn_plane *plane, double *x, double *y)
{
    double sum = 0;
    *x = *y = 0;
    for (int i = 0; i < SIDE * SIDE; i++) {
        double value = (double)plane->pixels[i];
        sum += value;
        *x += value * (i % SIDE);
        *y += value * (i / SIDE);
    }
    *x /= sum;
    *y /= sum;
}

static void augment(struct nn_plane *plane, const struct nn_augmentation *how, uint64_t key)
{
    struct nn_error err;
    assert_int_equal(nn_augment(plane, how, nn_random_of(5, 2, 1, key), &err), NN_OK);
}

static void none_changes_no_bit(void **state)
{
    const struct nn_augmentation none = {0};
    struct nn_augmentation all = nn_augmentation_default();

    (void)state;
    assert_true(nn_augmentation_is_none(&none));
    assert_false(nn_augmentation_is_none(&all));
    for (uint64_t key = 0; key < 5; key++) {
        struct nn_plane a = textured(), b = textured();
        augment(&a, &none, key);
        assert_memory_equal(a.pixels, b.pixels, SIDE * SIDE * sizeof(float));
        nn_plane_finish(&a);
        nn_plane_finish(&b);
    }
}

static void rotation_turns_about_the_centre(void **state)
{
    const struct nn_augmentation how = {.rotation = 10};
    double least = 0, most = 0;

    (void)state;
    for (uint64_t key = 0; key < DRAWS; key++) {
        struct nn_plane plane = spot(30, 20);
        double x, y;
        augment(&plane, &how, key);
        centre_of(&plane, &x, &y);
        double angle = atan2(y - 20, x - 20) * 57.29577951;
        assert_true(fabs(hypot(x - 20, y - 20) - 10) < 0.15);
        assert_true(fabs(angle) < 10.3);
        least = fmin(least, angle);
        most = fmax(most, angle);
        nn_plane_finish(&plane);
    }
    assert_true(least < -6 && most > 6);
}

static void scale_changes_the_distance(void **state)
{
    const struct nn_augmentation how = {.scale_low = 0.8, .scale_high = 1.2};
    double least = 100, most = 0;

    (void)state;
    for (uint64_t key = 0; key < DRAWS; key++) {
        struct nn_plane plane = spot(27, 20);
        double x, y;
        augment(&plane, &how, key);
        centre_of(&plane, &x, &y);
        assert_true(fabs(y - 20) < 0.05);
        least = fmin(least, (x - 20) / 7);
        most = fmax(most, (x - 20) / 7);
        nn_plane_finish(&plane);
    }
    assert_true(least > 1 / 1.21 && least < 0.9 && most < 1 / 0.79 && most > 1.1);
}

static void aspect_changes_columns_against_rows(void **state)
{
    const struct nn_augmentation how = {.aspect_low = 0.7, .aspect_high = 1.4};
    double most = 0;

    (void)state;
    for (uint64_t key = 0; key < DRAWS; key++) {
        struct nn_plane plane = spot(26, 26);
        double x, y;
        augment(&plane, &how, key);
        centre_of(&plane, &x, &y);
        most = fmax(most, fabs((x - 20) / (y - 20) - 1));
        assert_true(fabs((x - 20) * (y - 20) - 36) < 1.5);
        nn_plane_finish(&plane);
    }
    assert_true(most > 0.15 && most < 0.45);
}

static void shift_moves(void **state)
{
    const struct nn_augmentation how = {.shift = 0.1};
    double most = 0;

    (void)state;
    for (uint64_t key = 0; key < DRAWS; key++) {
        struct nn_plane plane = spot(20, 20);
        double x, y;
        augment(&plane, &how, key);
        centre_of(&plane, &x, &y);
        assert_true(fabs(x - 20) < 4.2 && fabs(y - 20) < 4.2);
        most = fmax(most, fabs(x - 20));
        nn_plane_finish(&plane);
    }
    assert_true(most > 2.5);
}

/* Left for right, never top for bottom; as often as it was told. */
static void flip_mirrors(void **state)
{
    (void)state;
    for (int p = 0; p <= 2; p++) {
        const struct nn_augmentation how = {.flip = 0.5 * p};
        int flipped = 0;
        for (uint64_t key = 0; key < DRAWS; key++) {
            struct nn_plane plane = textured(), same = textured();
            augment(&plane, &how, key);
            bool mirror = plane.pixels[0] != same.pixels[0];
            for (int i = 0; i < SIDE * SIDE; i++) {
                int from = mirror ? i / SIDE * SIDE + SIDE - 1 - i % SIDE : i;
                assert_float_equal(plane.pixels[i], same.pixels[from], 1e-6f);
            }
            flipped += mirror;
            nn_plane_finish(&plane);
            nn_plane_finish(&same);
        }
        assert_in_range(flipped,
                        p == 0   ? 0
                        : p == 1 ? DRAWS / 4
                                 : DRAWS,
                        p == 0   ? 0
                        : p == 1 ? 3 * DRAWS / 4
                                 : DRAWS);
    }
}

/* A window of the plane, of at least 1 - crop of a side; the other draws stay what they were. */
static void crop_cuts_a_window(void **state)
{
    const struct nn_augmentation how = {.crop = 0.3}, both = {.crop = 0.3, .flip = 0.5};
    const struct nn_augmentation flip = {.flip = 0.5};
    int least = SIDE;

    (void)state;
    for (uint64_t key = 0; key < DRAWS; key++) {
        struct nn_plane part = textured(), whole = textured(), a = textured(), b = textured();
        bool found = false;
        augment(&part, &how, key);
        assert_true(part.rows >= 28 && part.cols >= 28 && part.rows <= SIDE && part.cols <= SIDE);
        least = part.rows < least ? part.rows : least;
        for (int top = 0; top + part.rows <= SIDE && !found; top++) {
            for (int left = 0; left + part.cols <= SIDE && !found; left++) {
                found = true;
                for (int y = 0; y < part.rows && found; y++)
                    found =
                        memcmp(part.pixels + y * part.cols, whole.pixels + (top + y) * SIDE + left,
                               (size_t)part.cols * sizeof(float)) == 0;
            }
        }
        assert_true(found);
        augment(&a, &both, key);
        augment(&b, &flip, key);
        bool mirrored = b.pixels[0] != whole.pixels[0];
        assert_int_equal(mirrored, a.pixels[0] != part.pixels[0]);
        nn_plane_finish(&part);
        nn_plane_finish(&whole);
        nn_plane_finish(&a);
        nn_plane_finish(&b);
    }
    assert_true(least < 33);
}

static void levels_change_as_told(void **state)
{
    const struct nn_augmentation brightness = {.brightness = 0.1}, contrast = {.contrast = 0.5};
    const struct nn_augmentation gamma = {.gamma = 0.5};
    double most[3] = {0};

    (void)state;
    for (uint64_t key = 0; key < DRAWS; key++) {
        struct nn_plane a = flat(0.25f), b = flat(0.25f), c = flat(0.25f);
        a.pixels[1] = b.pixels[1] = c.pixels[1] = 0.5f;
        c.pixels[2] = 1;
        augment(&a, &brightness, key);
        augment(&b, &contrast, key);
        augment(&c, &gamma, key);
        assert_true(fabsf(a.pixels[0] - 0.25f) <= 0.1001f);
        assert_float_equal(a.pixels[1] - a.pixels[0], 0.25f, 1e-6f);
        assert_float_equal(b.pixels[1], 0.5f, 1e-6f); /* the middle stays */
        double factor = (0.5 - (double)b.pixels[0]) / 0.25;
        assert_true(factor >= 0.4999 && factor <= 1.5001);
        double power = log((double)c.pixels[0]) / log(0.25);
        assert_true(fabs(log(power)) < 0.5001);
        assert_true(fabs(log((double)c.pixels[1]) / log(0.5) - power) < 1e-4);
        assert_float_equal(c.pixels[2], 1.0f, 1e-6f);
        most[0] = fmax(most[0], fabs((double)a.pixels[0] - 0.25));
        most[1] = fmax(most[1], fabs(factor - 1));
        most[2] = fmax(most[2], fabs(log(power)));
        nn_plane_finish(&a);
        nn_plane_finish(&b);
        nn_plane_finish(&c);
    }
    assert_true(most[0] > 0.07 && most[1] > 0.35 && most[2] > 0.35);
}

static void blur_softens_and_keeps_the_sum(void **state)
{
    const struct nn_augmentation how = {.blur = 1};
    double least = 1;

    (void)state;
    for (uint64_t key = 0; key < DRAWS; key++) {
        struct nn_plane plane = flat(0);
        double sum = 0;
        plane.pixels[20 * SIDE + 20] = 1;
        augment(&plane, &how, key);
        for (int i = 0; i < SIDE * SIDE; i++)
            sum += (double)plane.pixels[i];
        assert_true(fabs(sum - 1) < 1e-5);
        least = fmin(least, (double)plane.pixels[20 * SIDE + 20]);
        nn_plane_finish(&plane);
    }
    assert_true(least >= 0.25 && least < 0.4);
}

/* Half of the samples get some; none more than told. */
static void noise_is_noise(void **state)
{
    const struct nn_augmentation how = {.noise = 0.05};
    int noisy = 0;
    double most = 0;

    (void)state;
    for (uint64_t key = 0; key < DRAWS; key++) {
        struct nn_plane plane = flat(0.5f);
        double sum = 0, squares = 0;
        augment(&plane, &how, key);
        for (int i = 0; i < SIDE * SIDE; i++) {
            double d = (double)plane.pixels[i] - 0.5;
            sum += d;
            squares += d * d;
        }
        double deviation = sqrt(squares / (SIDE * SIDE));
        assert_true(fabs(sum / (SIDE * SIDE)) < 0.005 && deviation < 0.055);
        noisy += deviation > 0;
        most = fmax(most, deviation);
        nn_plane_finish(&plane);
    }
    assert_in_range(noisy, DRAWS / 4, 3 * DRAWS / 4);
    assert_true(most > 0.03);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_changes_no_bit),
        cmocka_unit_test(rotation_turns_about_the_centre),
        cmocka_unit_test(scale_changes_the_distance),
        cmocka_unit_test(aspect_changes_columns_against_rows),
        cmocka_unit_test(shift_moves),
        cmocka_unit_test(flip_mirrors),
        cmocka_unit_test(crop_cuts_a_window),
        cmocka_unit_test(levels_change_as_told),
        cmocka_unit_test(blur_softens_and_keeps_the_sum),
        cmocka_unit_test(noise_is_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
