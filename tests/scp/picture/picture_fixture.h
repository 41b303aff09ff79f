/* picture_fixture.h: a plane that is found again in a picture, and a picture of it. */
#ifndef PICTURE_FIXTURE_H
#define PICTURE_FIXTURE_H

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
static struct picture_input more; /* what a test adds */
static bool map_is_off;

/* A plane of 8-bit levels: a ramp with a grid, so that a shift of one pixel shows. */
static inline float *make_plane(int rows, int cols)
{
    float *plane = malloc((size_t)rows * (size_t)cols * sizeof *plane);
    assert_non_null(plane);
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < cols; x++)
            plane[(size_t)y * (size_t)cols + (size_t)x] =
                (float)((x * 7 + y * 13 + (x % 16 == 0) * 50) % 256) / 255.0f;
    return plane;
}

/* Every text as long as no language has it. */
static inline const char *long_phrase(const void *context, const char *id)
{
    (void)id;
    return context;
}

static inline struct picture draw(const float *plane, int rows, int cols, uint32_t matrix)
{
    static const float score[] = {0.1f, 0.7f, 0.2f};
    const struct picture_input input = {
        .plane = plane,
        .rows = rows,
        .cols = cols,
        .map = map_is_off ? NULL : map,
        .box = box,
        .explained = 1,
        .side = SIDE,
        .fit = model.preprocess.fit,
        .opinion = {{&model, score}, {&model, score}},
        .opinions = more.opinions ? more.opinions : 1,
        .sentence = more.sentence ? more.sentence : "Finding at or above the operating point.",
        .warning = "RESEARCH - a line that has to be made smaller "
                   "when the picture is a narrow one (n = 0)",
        .found = more.found,
        .relative = more.relative,
        .region = more.region,
        .region_points = more.region_points,
        .orientation = more.orientation,
        .phrase = more.phrase,
        .phrases = more.phrases,
        .pool = more.pool,
        .matrix = matrix};
    struct picture picture;
    assert_int_equal(picture_draw(face, &input, &picture), PICTURE_OK);
    return picture;
}

/* Whether the source, `times` its size, is at (left, top) of the picture, grey and exact. */
static inline bool is_at(const struct picture *p, const float *plane, int rows, int cols, int times,
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

static inline bool find(const struct picture *p, const float *plane, int rows, int cols, int times,
                        uint32_t from, uint32_t *left, uint32_t *top)
{
    *left = 0;
    for (*top = 0; *top + (uint32_t)(rows * times) <= p->rows; (*top)++)
        for (*left = from; *left + (uint32_t)(cols * times) <= p->cols; (*left)++)
            if (is_at(p, plane, rows, cols, times, *left, *top))
                return true;
    return false;
}

static inline void bumps(void)
{
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            float dx = (float)(x - 40) / 9.0f, dy = (float)(y - 25) / 6.0f;
            map[y * SIDE + x] = 0.25f + 1.2f * expf(-dx * dx - dy * dy);
        }
}

/* Runs the tests with the font of the build. */
static inline int picture_tests(const struct CMUnitTest *tests, size_t count)
{
    if (picture_face_open(NULL, &face) != PICTURE_OK) {
        printf("the font is missing: %s\n", picture_font_path());
        return 1;
    }
    int failed = _cmocka_run_group_tests("picture", tests, count, NULL, NULL);
    picture_face_close(face);
    return failed;
}

#endif
