/* The spine's region: it holds the injury of nearly every phantom, says nothing where there is no
 * column to see, and the input shows exactly that part. */
#include "image/region.h"
#include "nn_fixture.h"
#include "phantom/phantom.h"

#define PHANTOMS 300
#define SIDE     192

static void the_injury_lies_inside(void **state)
{
    const struct nn_phantom_settings settings = {
        .seed = 20261122, .rows = SIDE, .cols = SIDE, .prevalence = {0.5, 0.5, 0}};
    int inside = 0, narrower = 0;

    (void)state;
    for (uint64_t i = 0; i < PHANTOMS; i++) {
        struct nn_phantom_truth truth;
        struct nn_plane plane;
        struct nn_error err;
        struct nn_box box;
        assert_int_equal(nn_phantom_draw(&settings, i, &plane, NULL, &truth, &err), NN_OK);
        assert_int_equal(nn_region_spine(plane.pixels, SIDE, SIDE, &box, NULL, &err), NN_OK);
        assert_true(box.x0 >= 0 && box.x1 <= SIDE && box.y0 == 0 && box.y1 == SIDE);
        assert_true(box.x1 - box.x0 >= (int)(NN_REGION_LEAST * SIDE) - 1);
        inside += truth.box[0] >= box.x0 && truth.box[2] <= box.x1;
        narrower += box.x1 - box.x0 < SIDE;
        nn_plane_finish(&plane);
    }
    print_message("injury inside: %d of %d; region narrower than the plane: %d\n", inside, PHANTOMS,
                  narrower);
    assert_true(inside * 100 >= 97 * PHANTOMS); /* 294 on 26 November 2026 */
    assert_true(narrower * 10 >= 9 * PHANTOMS);
}

/* A stack of bright blocks in noiseless tissue, its middle at column `middle`. */
static void stack(float *plane, int rows, int cols, int middle)
{
    for (int y = 0; y < rows; y++) {
        for (int x = 0; x < cols; x++) {
            bool bone = abs(x - middle) < cols / 16 && y % 12 < 9;
            plane[(size_t)y * (size_t)cols + (size_t)x] = bone ? 0.8f : 0.4f;
        }
    }
    plane[0] = 0; /* air, so that the tissue is not the darkest */
    for (int x = 0; x < cols * 3; x++)
        plane[x] = 0;
}

static void it_follows_a_column(void **state)
{
    enum { ROWS = 200, COLS = 160 };
    static float plane[ROWS * COLS];
    struct nn_error err;
    struct nn_box box;

    (void)state;
    for (int middle = 20; middle < COLS - 20; middle += 10) {
        stack(plane, ROWS, COLS, middle);
        assert_int_equal(nn_region_spine(plane, ROWS, COLS, &box, NULL, &err), NN_OK);
        assert_true(box.x1 - box.x0 < COLS);
        assert_true(box.x0 <= middle - 10 && box.x1 >= middle + 10);
        if (middle == 40)
            assert_int_equal(box.x0, 0);
        if (middle == 120)
            assert_int_equal(box.x1, COLS);
    }
}

static void without_a_column_it_is_the_whole(void **state)
{
    enum { SIDE_ = 128 };
    static float plane[SIDE_ * SIDE_];
    struct nn_error err;
    struct nn_box box;
    uint64_t seed = 3;

    (void)state;
    for (int kind = 0; kind < 3; kind++) { /* flat, a ramp, noise everywhere */
        for (int i = 0; i < SIDE_ * SIDE_; i++)
            plane[i] = kind == 0   ? 0.5f
                       : kind == 1 ? (float)(i % SIDE_) / SIDE_
                                   : 0.5f + 0.5f * fixture_random(&seed);
        assert_int_equal(nn_region_spine(plane, SIDE_, SIDE_, &box, NULL, &err), NN_OK);
        assert_int_equal(box.x1 - box.x0, SIDE_);
    }
    stack(plane, SIDE_, SIDE_, 40);
    assert_int_equal(nn_region_spine(plane, 40, 128, &box, NULL, &err),
                     NN_OK); /* too small to see */
    assert_int_equal(box.x1 - box.x0, 128);
    plane[5000] = NAN;
    assert_int_equal(nn_region_spine(plane, SIDE_, SIDE_, &box, NULL, &err), NN_BAD_DATA);
}

static void the_input_shows_the_region(void **state)
{
    enum { ROWS = 200, COLS = 160, WIDE = 64 };
    static float plane[ROWS * COLS], part[ROWS * COLS], input[3 * WIDE * WIDE];
    static float expected[3 * WIDE * WIDE];
    struct nn_preprocess p = {.side = WIDE, .scale = {1, 1, 1}, .region = NN_REGION_SPINE};
    struct nn_error err;
    struct nn_box box;

    (void)state;
    stack(plane, ROWS, COLS, 40);
    for (int fit = 0; fit < 2; fit++) {
        p.fit = fit ? NN_FIT_PAD : NN_FIT_STRETCH;
        p.region = NN_REGION_SPINE;
        assert_int_equal(
            nn_model_prepare_part(&p, plane, ROWS, COLS, NULL, input, &box, NULL, &err), NN_OK);
        int width = box.x1 - box.x0;
        assert_true(width < COLS);
        for (int y = 0; y < ROWS; y++)
            memcpy(part + (size_t)y * (size_t)width, plane + (size_t)y * COLS + (size_t)box.x0,
                   (size_t)width * sizeof *part);
        p.region = NN_REGION_WHOLE;
        assert_int_equal(
            nn_model_prepare_part(&p, part, ROWS, width, NULL, expected, &box, NULL, &err), NN_OK);
        assert_int_equal(box.x1, width);
        assert_memory_equal(input, expected, sizeof input);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_injury_lies_inside),
        cmocka_unit_test(it_follows_a_column),
        cmocka_unit_test(without_a_column_it_is_the_whole),
        cmocka_unit_test(the_input_shows_the_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
