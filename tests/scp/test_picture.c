/* The picture: the source untouched on the left, coloured on the right where the map says, whatever
 * its size; nothing drawn outside; the same bytes every time. */
#include "picture.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIDE 64

static struct nn_model_info model = {
    .name = "test-model",
    .version = "1.0",
    .digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    .classes = 3,
    .class_ = {{"dislocation", true, 0.5}, {"fracture", true, 0.4}, {"normal", false, 0}},
    .preprocess = {.side = SIDE, .fit = NN_FIT_STRETCH},
};
static float map[SIDE * SIDE];
static struct nn_box box; /* zeros: the whole plane was judged */
static struct picture_face *face;

/* A plane of 8-bit levels: a ramp with a grid, so that a shift of one pixel shows. */
static float *make_plane(int rows, int cols)
{
    float *plane = malloc((size_t)rows * (size_t)cols * sizeof *plane);
    assert_non_null(plane);
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < cols; x++)
            plane[(size_t)y * (size_t)cols + (size_t)x] =
                (float)((x * 7 + y * 13 + (x % 16 == 0) * 50) % 256) / 255.0f;
    return plane;
}

static struct picture draw(const float *plane, int rows, int cols, uint32_t matrix)
{
    static const float score[] = {0.1f, 0.7f, 0.2f};
    const struct picture_input input = {.plane = plane,
                                        .rows = rows,
                                        .cols = cols,
                                        .map = map,
                                        .box = box,
                                        .explained = 1,
                                        .side = SIDE,
                                        .fit = model.preprocess.fit,
                                        .opinion = {{&model, score}},
                                        .opinions = 1,
                                        .sentence = "Finding at or above the operating point.",
                                        .warning = "RESEARCH - a line that has to be wrapped when "
                                                   "the picture is a narrow one (n = 0)",
                                        .matrix = matrix};
    struct picture picture;
    assert_int_equal(picture_draw(face, &input, &picture), PICTURE_OK);
    return picture;
}

/* Whether the source, `times` its size, is at (left, top) of the picture, grey and exact. */
static bool is_at(const struct picture *p, const float *plane, int rows, int cols, int times,
                  uint32_t left, uint32_t top)
{
    if (top + (uint32_t)(rows * times) > p->rows || left + (uint32_t)(cols * times) > p->cols)
        return false;
    for (int y = 0; y < rows * times; y++)
        for (int x = 0; x < cols * times; x++) {
            long v =
                lrintf(255.0f * plane[(size_t)(y / times) * (size_t)cols + (size_t)(x / times)]);
            const uint8_t *rgb =
                p->rgb + (((size_t)top + (size_t)y) * p->cols + left + (size_t)x) * 3;
            if (rgb[0] != v || rgb[1] != v || rgb[2] != v)
                return false;
        }
    return true;
}

static bool find(const struct picture *p, const float *plane, int rows, int cols, int times,
                 uint32_t from, uint32_t *left, uint32_t *top)
{
    for (*top = 0; *top + (uint32_t)(rows * times) <= p->rows; (*top)++)
        for (*left = from; *left + (uint32_t)(cols * times) <= p->cols; (*left)++)
            if (is_at(p, plane, rows, cols, times, *left, *top))
                return true;
    return false;
}

static void untouched(int rows, int cols, int times)
{
    uint32_t left, top, right, same;
    memset(map, 0, sizeof map); /* without strength the overlay is the source, too */
    float *plane = make_plane(rows, cols);
    struct picture p = draw(plane, rows, cols, 3072);
    if (!find(&p, plane, rows, cols, times, 0, &left, &top))
        fail_msg("%d x %d is not found in %u x %u", cols, rows, p.cols, p.rows);
    assert_true(find(&p, plane, rows, cols, times, left + 1, &right, &same));
    assert_int_equal(same, top);
    assert_true(right >= left + (uint32_t)(cols * times));
    assert_true(p.cols >= 1000);
    picture_finish(&p);
    free(plane);
}

static void test_the_source_is_untouched_at_its_own_matrix(void **state)
{
    (void)state;
    untouched(64, 64, 6); /* tiny: repeated, whole-numbered */
    untouched(1, 1, 384);
    untouched(400, 400, 1);
    untouched(700, 705, 1);
    untouched(2000, 300, 1);
    untouched(300, 2000, 1);
    untouched(3000, 2500, 1);
}

static void test_a_source_above_the_matrix_is_shrunk(void **state)
{
    (void)state;
    float *plane = make_plane(1000, 4000);
    struct picture p = draw(plane, 1000, 4000, 2000);
    assert_true(p.cols > 4000 && p.cols < 4400);
    assert_true(p.rows > 500 && p.rows < 1200);
    picture_finish(&p);
    free(plane);
}

/* Mean distance of a block of the overlay from grey. */
static double coloured(const struct picture *p, uint32_t left, uint32_t top, int x, int y)
{
    double sum = 0;
    for (int dy = 0; dy < 8; dy++)
        for (int dx = 0; dx < 8; dx++) {
            const uint8_t *rgb =
                p->rgb + ((top + (size_t)(y + dy)) * p->cols + left + (size_t)(x + dx)) * 3;
            sum += abs(rgb[0] - rgb[2]);
        }
    return sum / 64;
}

static void lands(enum nn_fit fit, int map_x, int map_y, int x, int y)
{
    enum { ROWS = 600, COLS = 1200 };
    uint32_t left, top;
    memset(map, 0, sizeof map);
    for (int dy = -2; dy <= 2; dy++)
        for (int dx = -2; dx <= 2; dx++)
            map[(map_y + dy) * SIDE + map_x + dx] = 1.0f;
    model.preprocess.fit = fit;
    float *plane = make_plane(ROWS, COLS);
    struct picture p = draw(plane, ROWS, COLS, 3072);
    assert_true(find(&p, plane, ROWS, COLS, 1, 0, &left, &top));
    uint32_t right = p.cols - left - COLS; /* halves lie symmetric */
    assert_true(coloured(&p, right, top, x, y) > 40);
    assert_true(coloured(&p, right, top, COLS - 20, ROWS - 20) < 1);
    picture_finish(&p);
    free(plane);
    model.preprocess.fit = NN_FIT_STRETCH;
}

static void test_the_map_lands_through_the_fit(void **state)
{
    (void)state;
    lands(NN_FIT_STRETCH, 16, 32, 305, 305);
    lands(NN_FIT_PAD, 16, 32, 305, 305); /* rows 16..47 of the input hold the image */
    lands(NN_FIT_STRETCH, 16, 16, 305, 150);
    lands(NN_FIT_PAD, 16, 24, 305, 155);
}

/* region=spine: the map is that of a part, and a peak in it lands on the right pixel of the whole.
 */
static void test_the_map_lands_through_the_region(void **state)
{
    (void)state;
    box = (struct nn_box){300, 0, 900, 600};
    lands(NN_FIT_STRETCH, 16, 32, 300 + 155, 305);
    lands(NN_FIT_PAD, 16, 32, 300 + 155, 305); /* the part is square: both fits are one */
    box = (struct nn_box){600, 300, 1200, 600};
    lands(NN_FIT_STRETCH, 16, 32, 600 + 155, 300 + 155);
    lands(NN_FIT_PAD, 16, 32, 600 + 155, 300 + 155);
    box = (struct nn_box){0};
}

/* The map repeats its edge, but never colours what was not judged. */
static void test_nothing_is_coloured_outside_the_region(void **state)
{
    enum { ROWS = 600, COLS = 1200 };
    uint32_t left, top;

    (void)state;
    for (int i = 0; i < SIDE * SIDE; i++)
        map[i] = 1.0f;
    box = (struct nn_box){300, 0, 900, 600};
    float *plane = make_plane(ROWS, COLS);
    struct picture p = draw(plane, ROWS, COLS, 3072);
    assert_true(find(&p, plane, ROWS, COLS, 1, 0, &left, &top));
    uint32_t right = p.cols - left - COLS;
    assert_true(coloured(&p, right, top, 310, 300) > 40 && coloured(&p, right, top, 890, 300) > 40);
    assert_true(coloured(&p, right, top, 290, 300) < 1 && coloured(&p, right, top, 910, 300) < 1);
    picture_finish(&p);
    free(plane);
    box = (struct nn_box){0};
}

static void test_the_same_bytes_every_time(void **state)
{
    (void)state;
    for (int i = 0; i < SIDE * SIDE; i++)
        map[i] = (float)(i % 97) / 97.0f;
    float *plane = make_plane(500, 400);
    struct picture a = draw(plane, 500, 400, 3072), b = draw(plane, 500, 400, 3072);
    assert_int_equal(a.rows, b.rows);
    assert_int_equal(a.cols, b.cols);
    assert_memory_equal(a.rgb, b.rgb, (size_t)a.rows * a.cols * 3);
    picture_finish(&a);
    picture_finish(&b);
    free(plane);
}

/* The margin around everything is background: no text or bar was cut off. */
static void test_nothing_touches_the_edge(void **state)
{
    (void)state;
    memset(map, 0, sizeof map);
    static const int sizes[][2] = {{64, 64}, {1500, 300}, {300, 1500}, {704, 704}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        float *plane = make_plane(sizes[i][0], sizes[i][1]);
        struct picture p = draw(plane, sizes[i][0], sizes[i][1], 3072);
        for (uint32_t y = 0; y < p.rows; y++)
            for (uint32_t k = 0; k < 8; k++) {
                assert_memory_equal(p.rgb + ((size_t)y * p.cols + k) * 3, p.rgb, 3);
                assert_memory_equal(p.rgb + ((size_t)y * p.cols + p.cols - 1 - k) * 3, p.rgb, 3);
            }
        for (uint32_t x = 0; x < p.cols; x++)
            assert_memory_equal(p.rgb + ((size_t)(p.rows - 1) * p.cols + x) * 3, p.rgb, 3);
        picture_finish(&p);
        free(plane);
    }
}

static void test_what_is_explained(void **state)
{
    (void)state;
    assert_int_equal(picture_explained(&model, (float[]){0.1f, 0.45f, 0.45f}), 1);
    assert_int_equal(picture_explained(&model, (float[]){0.52f, 0.45f, 0.03f}), 0);
    assert_int_equal(picture_explained(&model, (float[]){0.1f, 0.2f, 0.7f}), 2);
    assert_int_equal(picture_explained(&model, (float[]){0.45f, 0.3f, 0.25f}), 0);
}

static void test_bad_arguments(void **state)
{
    (void)state;
    struct picture_face *none = NULL;
    struct picture picture;
    assert_int_equal(picture_face_open("/nonexistent.ttf", &none), PICTURE_FONT);
    picture_face_close(NULL);
    const struct picture_input empty = {
        .rows = 0, .cols = 5, .opinion = {{&model, NULL}}, .opinions = 1, .matrix = 3072};
    assert_int_equal(picture_draw(face, &empty, &picture), PICTURE_INVALID);
    picture_finish(&picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_source_is_untouched_at_its_own_matrix),
        cmocka_unit_test(test_a_source_above_the_matrix_is_shrunk),
        cmocka_unit_test(test_the_map_lands_through_the_fit),
        cmocka_unit_test(test_the_map_lands_through_the_region),
        cmocka_unit_test(test_nothing_is_coloured_outside_the_region),
        cmocka_unit_test(test_the_same_bytes_every_time),
        cmocka_unit_test(test_nothing_touches_the_edge),
        cmocka_unit_test(test_what_is_explained),
        cmocka_unit_test(test_bad_arguments),
    };
    if (picture_face_open(NULL, &face) != PICTURE_OK) {
        printf("the font is missing: %s\n", picture_font_path());
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    picture_face_close(face);
    return failed;
}
