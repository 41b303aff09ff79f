/* The picture: the source untouched on the left, coloured on the right where the map says and
 * nowhere else, whatever its size; nothing drawn outside; the same bytes every time. */
#include "picture_fixture.h"

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
    assert_true(p.rows > 500 && p.rows < 1500);
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

/* Smaller than its source, as it is, and repeated. */
static void test_threads_change_no_pixel(void **state)
{
    static const int sides[] = {700, 301, 40};
    (void)state;
    bumps();
    for (int i = 0; i < 3; i++) {
        float *plane = make_plane(sides[i], sides[i] + 33);
        more = (struct picture_input){0};
        struct picture alone = draw(plane, sides[i], sides[i] + 33, 512);
        for (int threads = 1; threads <= 3; threads++) {
            more.pool = nn_pool_create(threads);
            struct picture p = draw(plane, sides[i], sides[i] + 33, 512);
            assert_int_equal(p.rows, alone.rows);
            assert_memory_equal(p.rgb, alone.rgb, (size_t)p.rows * p.cols * 3);
            picture_finish(&p);
            nn_pool_destroy(more.pool);
        }
        picture_finish(&alone);
        free(plane);
    }
    more = (struct picture_input){0};
}

static void test_nothing_is_drawn_below_the_threshold(void **state)
{
    enum { ROWS = 500, COLS = 640 };
    const struct colour_part part = {0, 0, COLS, ROWS};
    long drawn = 0, same = 0;
    uint32_t left, top;

    (void)state;
    bumps();
    float *plane = make_plane(ROWS, COLS);
    struct picture p = draw(plane, ROWS, COLS, 3072);
    assert_true(find(&p, plane, ROWS, COLS, 1, 0, &left, &top));
    uint32_t right = p.cols - left - COLS;
    for (int y = 0; y < ROWS; y++)
        for (int x = 0; x < COLS; x++) {
            const uint8_t *row = p.rgb + ((size_t)top + (size_t)y) * p.cols * 3;
            const uint8_t *a = row + (left + (size_t)x) * 3, *b = row + (right + (size_t)x) * 3;
            float strength = colour_map_at(map, SIDE, NN_FIT_STRETCH, part, (float)x, (float)y);
            if (strength < PICTURE_THRESHOLD - 1e-4f) {
                assert_memory_equal(a, b, 3);
                same++;
            } else if (strength > PICTURE_THRESHOLD + 1e-4f) {
                assert_true(b[0] - b[2] > 20); /* orange */
                drawn++;
            }
        }
    assert_true(drawn > 10000 && same > 10000);
    picture_finish(&p);
    free(plane);
}

/* A scale that is absolute: half the strength is drawn paler, and a third not at all. */
static void test_a_weak_map_looks_weak(void **state)
{
    enum { N = 400 };
    double seen[3];
    uint32_t left, top;

    (void)state;
    float *plane = make_plane(N, N);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < SIDE * SIDE; k++)
            map[k] = i == 0 ? 1.0f : i == 1 ? 0.5f : 0.29f;
        struct picture p = draw(plane, N, N, 3072);
        assert_true(find(&p, plane, N, N, 1, 0, &left, &top));
        seen[i] = coloured(&p, p.cols - left - N, top, 200, 200);
        picture_finish(&p);
    }
    assert_true(seen[0] > seen[1] + 10 && seen[1] > 30 && seen[2] < 1);
    free(plane);
}

static void test_without_a_map_the_source_stands_alone(void **state)
{
    enum { N = 300 };
    uint32_t left, top, right, same;

    (void)state;
    map_is_off = true;
    float *plane = make_plane(N, N);
    struct picture p = draw(plane, N, N, 3072);
    assert_true(find(&p, plane, N, N, 2, 0, &left, &top)); /* exact: no coloured pixel in it */
    assert_false(find(&p, plane, N, N, 2, left + 1, &right, &same));
    picture_finish(&p);
    free(plane);
    map_is_off = false;
}

/* The outline is on the overlay, and the source beside it stays what it is. */
static void test_the_outline_is_on_the_overlay_only(void **state)
{
    enum { N = 600 };
    static const float region[] = {100, 100, 400, 100, 400, 300, 100, 300, 100, 100};
    uint32_t left, top;
    int blue = 0;

    (void)state;
    memset(map, 0, sizeof map);
    more = (struct picture_input){.region = region, .region_points = 5};
    float *plane = make_plane(N, N);
    struct picture p = draw(plane, N, N, 3072);
    assert_true(find(&p, plane, N, N, 1, 0, &left, &top));
    uint32_t right = p.cols - left - N;
    for (int x = 110; x < 390; x++) {
        const uint8_t *rgb = p.rgb + ((top + 100) * (size_t)p.cols + right + (size_t)x) * 3;
        blue += rgb[2] > rgb[0] + 60;
    }
    assert_int_equal(blue, 280);
    assert_true(coloured(&p, right, top, 200, 200) < 1 && coloured(&p, right, top, 450, 450) < 1);
    picture_finish(&p);
    free(plane);
    more = (struct picture_input){0};
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
    const float pixel = 0.5f, score[3] = {0};
    struct picture_input input = {.plane = &pixel,
                                  .rows = 1,
                                  .cols = 1,
                                  .opinion = {{&model, score}},
                                  .matrix = 3072,
                                  .sentence = ""};
    assert_int_equal(picture_draw(face, &input, &picture), PICTURE_INVALID); /* no opinion */
    input.opinions = 3;
    assert_int_equal(picture_draw(face, &input, &picture), PICTURE_INVALID);
    input.opinions = 1;
    input.map = &pixel;
    assert_int_equal(picture_draw(face, &input, &picture), PICTURE_INVALID); /* no side */
    input.side = 1;
    assert_int_equal(picture_draw(face, &input, &picture), PICTURE_OK);
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
        cmocka_unit_test(test_threads_change_no_pixel),
        cmocka_unit_test(test_nothing_is_drawn_below_the_threshold),
        cmocka_unit_test(test_a_weak_map_looks_weak),
        cmocka_unit_test(test_without_a_map_the_source_stands_alone),
        cmocka_unit_test(test_the_outline_is_on_the_overlay_only),
        cmocka_unit_test(test_what_is_explained),
        cmocka_unit_test(test_bad_arguments),
    };
    return picture_tests(tests, sizeof tests / sizeof tests[0]);
}
