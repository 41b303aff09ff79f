/* The outline of the most salient region: closed, inside the plane, simple, where the colour
 * begins; within the room; the same every time. */
#include "picture_canvas.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIDE = 96, ROOM = 400 };

static float map[SIDE * SIDE], points[2 * ROOM];
static const struct nn_box whole;

static void clear(float value)
{
    for (int i = 0; i < SIDE * SIDE; i++)
        map[i] = value;
}

/* A hill of height `top` whose slope is 0.05 a cell. */
static void hill(float x, float y, float top)
{
    for (int row = 0; row < SIDE; row++)
        for (int col = 0; col < SIDE; col++) {
            float value = top - 0.05f * hypotf((float)col + 0.5f - x, (float)row + 0.5f - y);
            map[row * SIDE + col] = fmaxf(map[row * SIDE + col], value);
        }
}

static double area_of(size_t count)
{
    double sum = 0;
    for (size_t i = 0; i + 1 < count; i++)
        sum += (double)points[2 * i] * (double)points[2 * i + 3] -
               (double)points[2 * i + 2] * (double)points[2 * i + 1];
    return fabs(sum) / 2;
}

static double side_of(const float *a, const float *b, const float *c)
{
    return ((double)b[0] - (double)a[0]) * ((double)c[1] - (double)a[1]) -
           ((double)b[1] - (double)a[1]) * ((double)c[0] - (double)a[0]);
}

static bool crosses_itself(size_t count)
{
    for (size_t i = 0; i + 1 < count; i++)
        for (size_t j = i + 2; j + 1 < count; j++) {
            const float *a = points + 2 * i, *b = a + 2, *c = points + 2 * j, *d = c + 2;
            if (i == 0 && j + 2 == count)
                continue; /* neighbours across the end */
            if (side_of(a, b, c) * side_of(a, b, d) < 0 && side_of(c, d, a) * side_of(c, d, b) < 0)
                return true;
        }
    return false;
}

static size_t region(enum nn_fit fit, struct nn_box box, int rows, int cols, size_t room)
{
    size_t count = picture_region(map, SIDE, fit, box, rows, cols, 0.5f, points, room);
    if (box.x1 <= box.x0)
        box = (struct nn_box){0, 0, cols, rows};
    assert_true(count <= room && (count == 0 || count >= 4));
    for (size_t i = 0; i < count; i++) {
        assert_true(points[2 * i] >= (float)box.x0 && points[2 * i] <= (float)box.x1);
        assert_true(points[2 * i + 1] >= (float)box.y0 && points[2 * i + 1] <= (float)box.y1);
    }
    if (count > 0)
        assert_memory_equal(points, points + 2 * (count - 1), 2 * sizeof *points);
    return count;
}

static void centre_is(size_t count, double x, double y, double within)
{
    double sum_x = 0, sum_y = 0;
    for (size_t i = 0; i + 1 < count; i++) {
        sum_x += (double)points[2 * i];
        sum_y += (double)points[2 * i + 1];
    }
    if (fabs(sum_x / (double)(count - 1) - x) > within ||
        fabs(sum_y / (double)(count - 1) - y) > within)
        fail_msg("centre %g, %g", sum_x / (double)(count - 1), sum_y / (double)(count - 1));
}

static void test_a_hill_has_a_round_outline(void **state)
{
    (void)state;
    clear(0);
    hill(40, 60, 1.1f); /* a radius of 12 cells at 0.5 */
    size_t count = region(NN_FIT_STRETCH, whole, 960, 1920, ROOM);
    assert_true(count >= 12 && count < 80);
    centre_is(count, 800, 600, 10);
    double expected = 3.14159265 * 120 * 240;
    assert_true(fabs(area_of(count) - expected) < 0.03 * expected);
    assert_false(crosses_itself(count));
    /* where the colour of 0.5 begins: within 0.15 cells of the contour, a slope of 0.05 */
    const struct colour_part part = {0, 0, 1920, 960};
    for (size_t i = 0; i < count; i++)
        assert_float_equal(colour_map_at(map, SIDE, NN_FIT_STRETCH, part, points[2 * i] - 0.5f,
                                         points[2 * i + 1] - 0.5f),
                           0.5f, 0.01f);
}

static void test_the_heavier_region_is_taken(void **state)
{
    (void)state;
    clear(0);
    hill(20, 20, 1.2f);  /* higher, */
    hill(60, 60, 1.15f); /* but these touch, */
    hill(70, 66, 1.15f); /* and hold more */
    centre_is(region(NN_FIT_STRETCH, whole, SIDE, SIDE, ROOM), 65, 63, 3);
    /* equal ones: the first in reading order */
    clear(0);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            map[(10 + i) * SIDE + 80 + k] = map[(50 + i) * SIDE + 20 + k] = 1;
    centre_is(region(NN_FIT_STRETCH, whole, SIDE, SIDE, ROOM), 81.5, 11.5, 1);
}

static void test_there_is_none(void **state)
{
    (void)state;
    clear(0.49f);
    assert_int_equal(region(NN_FIT_STRETCH, whole, 100, 100, ROOM), 0);
    clear(1);
    for (size_t room = 0; room < 4; room++)
        assert_int_equal(region(NN_FIT_STRETCH, whole, 100, 100, room), 0);
    assert_int_equal(region(NN_FIT_STRETCH, whole, 100, 100, 4), 4);
    assert_int_equal(picture_region(map, SIDE, NN_FIT_STRETCH, whole, 100, 100, 0, points, ROOM),
                     0);
}

static void test_all_of_it_is_the_plane(void **state)
{
    (void)state;
    clear(1);
    size_t count = region(NN_FIT_STRETCH, whole, 200, 300, ROOM);
    assert_true(area_of(count) > 0.999 * 200 * 300);
    const struct nn_box box = {50, 20, 250, 170};
    count = region(NN_FIT_STRETCH, box, 200, 300, ROOM);
    assert_true(area_of(count) > 0.999 * 200 * 150);
    count = region(NN_FIT_PAD, box, 200, 300, ROOM); /* the padding's cells do not count */
    assert_true(area_of(count) > 0.98 * 200 * 150);
    map[5 * SIDE + 5] = 0; /* a hole changes no outline */
    assert_true(area_of(region(NN_FIT_STRETCH, whole, 200, 300, ROOM)) > 0.999 * 200 * 300);
}

static void test_padding_and_box_are_undone(void **state)
{
    (void)state;
    clear(0);
    hill(48, 24, 0.8f);
    centre_is(region(NN_FIT_STRETCH, whole, 400, 400, ROOM), 200, 100, 3);
    /* 960 wide, 640 high: rows 16..79 of the map show it */
    centre_is(region(NN_FIT_PAD, whole, 640, 960, ROOM), 480, 80, 4);
    const struct nn_box box = {100, 200, 196, 296};
    centre_is(region(NN_FIT_STRETCH, box, 1000, 1000, ROOM), 148, 224, 1);
    centre_is(region(NN_FIT_PAD, box, 1000, 1000, ROOM), 148, 224, 1);
    clear(0);
    hill(48, 8, 0.6f); /* in the padding: cut off, or gone */
    size_t count = region(NN_FIT_PAD, whole, 640, 960, ROOM);
    assert_int_equal(count, 0);
}

static void test_one_cell_and_a_line(void **state)
{
    (void)state;
    clear(0);
    map[30 * SIDE + 40] = 1;
    size_t count = region(NN_FIT_STRETCH, whole, SIDE, SIDE, ROOM);
    assert_int_equal(count, 5);
    centre_is(count, 40.5, 30.5, 1e-6);
    clear(0);
    for (int x = 0; x < SIDE; x++)
        map[30 * SIDE + x] = 1;
    for (size_t room = 4; room < 12; room++) {
        count = region(NN_FIT_STRETCH, whole, SIDE, SIDE, room);
        assert_true(count >= 4 && area_of(count) > 20);
    }
}

static void test_regions_that_touch_at_a_corner_are_two(void **state)
{
    (void)state;
    clear(0);
    map[10 * SIDE + 10] = map[11 * SIDE + 11] = 1;
    size_t count = region(NN_FIT_STRETCH, whole, SIDE, SIDE, ROOM);
    assert_int_equal(count, 5);
    centre_is(count, 10.5, 10.5, 1e-6);
    /* and one that holds such a corner in itself does not cross itself */
    map[10 * SIDE + 11] = 0;
    for (int x = 5; x <= 11; x++)
        map[15 * SIDE + x] = 1;
    for (int y = 10; y <= 15; y++)
        map[y * SIDE + 5] = 1;
    for (int y = 11; y <= 15; y++)
        map[y * SIDE + 11] = 1;
    for (int x = 5; x <= 10; x++)
        map[10 * SIDE + x] = 1;
    assert_false(crosses_itself(region(NN_FIT_STRETCH, whole, SIDE, SIDE, ROOM)));
}

/* Random landscapes of a few hills, as smooth as a saliency map is. */
static void test_random_landscapes(void **state)
{
    uint64_t dice = 7;
    float again[2 * ROOM];

    (void)state;
    for (int i = 0; i < 300; i++) {
        clear(0);
        for (int k = 0; k < 6; k++) {
            float v[3];
            for (int n = 0; n < 3; n++) {
                dice = dice * 6364136223846793005u + 1442695040888963407u;
                v[n] = (float)(dice >> 40) / 16777216.0f;
            }
            hill(v[0] * SIDE, v[1] * SIDE, 0.4f + v[2]);
        }
        enum nn_fit fit = i & 1 ? NN_FIT_PAD : NN_FIT_STRETCH;
        size_t count = region(fit, whole, 300 + i, 700 - i, ROOM);
        assert_false(crosses_itself(count));
        double full = area_of(count);
        memcpy(again, points, sizeof again);
        assert_int_equal(region(fit, whole, 300 + i, 700 - i, ROOM), count);
        assert_memory_equal(again, points, 2 * count * sizeof *points);
        size_t room = 4 + (size_t)i % 40;
        size_t fewer = region(fit, whole, 300 + i, 700 - i, room);
        assert_true((fewer == 0) == (count == 0));
        if (room >= 24 && count > 0)
            assert_true(fabs(area_of(fewer) - full) < 0.1 * full + 50);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hill_has_a_round_outline),
        cmocka_unit_test(test_the_heavier_region_is_taken),
        cmocka_unit_test(test_there_is_none),
        cmocka_unit_test(test_all_of_it_is_the_plane),
        cmocka_unit_test(test_padding_and_box_are_undone),
        cmocka_unit_test(test_one_cell_and_a_line),
        cmocka_unit_test(test_regions_that_touch_at_a_corner_are_two),
        cmocka_unit_test(test_random_landscapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
