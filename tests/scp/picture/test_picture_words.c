/* Colours that a colour-blind reader tells apart, letters of any language, text that stays in its
 * place. */
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

static struct picture_face *face;

/* ---- colours ---- */

/* What readers see: all three cones, no green one, no red one, no blue one (Machado, Oliveira and
 * Fernandes 2009, severity 1, on linear RGB). */
static const double eyes[4][9] = {
    {1, 0, 0, 0, 1, 0, 0, 0, 1},
    {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881},
    {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998},
    {1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900},
};

static double linear(double level)
{
    double c = level / 255;
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double curve(double t)
{
    return t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
}

/* CIE L*a*b* (D65) of an sRGB colour as an eye sees it. */
static void see(const double *eye, const double rgb[3], double lab[3])
{
    double seen[3];
    for (int i = 0; i < 3; i++) {
        seen[i] = 0;
        for (int k = 0; k < 3; k++)
            seen[i] += eye[3 * i + k] * linear(rgb[k]);
        seen[i] = fmin(fmax(seen[i], 0), 1);
    }
    double x = (0.4124 * seen[0] + 0.3576 * seen[1] + 0.1805 * seen[2]) / 0.9505;
    double y = 0.2126 * seen[0] + 0.7152 * seen[1] + 0.0722 * seen[2];
    double z = (0.0193 * seen[0] + 0.1192 * seen[1] + 0.9505 * seen[2]) / 1.089;
    lab[0] = 116 * curve(y) - 16;
    lab[1] = 500 * (curve(x) - curve(y));
    lab[2] = 200 * (curve(y) - curve(z));
}

/* The scale at `strength` over a grey. */
static void over(double grey, float strength, double rgb[3])
{
    struct colour c = colour_of_strength(strength);
    double cover = (double)colour_cover(strength);
    const double of[3] = {c.r, c.g, c.b};
    for (int i = 0; i < 3; i++)
        rgb[i] = grey + cover * (of[i] - grey);
}

static double difference(const double a[3], const double b[3])
{
    return sqrt(pow(a[0] - b[0], 2) + pow(a[1] - b[1], 2) + pow(a[2] - b[2], 2));
}

static void test_the_scale_is_for_every_eye(void **state)
{
    (void)state;
    for (int eye = 0; eye < 4; eye++) {
        double before[3] = {0};
        for (int i = 0; i <= 4; i++) {
            float strength = PICTURE_THRESHOLD + (1 - PICTURE_THRESHOLD) * (float)i / 4;
            struct colour c = colour_of_strength(strength);
            double lab[3];
            see(eyes[eye], (double[3]){c.r, c.g, c.b}, lab);
            if (i > 0) {
                assert_true(lab[0] > before[0] + 5); /* lighter, step by step */
                assert_true(difference(lab, before) > 12);
            }
            assert_true(hypot(lab[1], lab[2]) > 15); /* and never a grey */
            memcpy(before, lab, sizeof before);
        }
    }
}

/* Over black, middle grey and bone what is drawn differs from what is not, and strong from weak. */
static void test_the_overlay_is_for_every_eye(void **state)
{
    (void)state;
    for (int eye = 0; eye < 4; eye++)
        for (double grey = 0; grey <= 240; grey += 40) {
            double plain[3], weak[3], strong[3], rgb[3];
            see(eyes[eye], (double[3]){grey, grey, grey}, plain);
            over(grey, PICTURE_THRESHOLD, rgb);
            see(eyes[eye], rgb, weak);
            over(grey, 1, rgb);
            see(eyes[eye], rgb, strong);
            if (difference(plain, weak) < 8 || difference(weak, strong) < 15)
                fail_msg("eye %d, grey %g: %g and %g", eye, grey, difference(plain, weak),
                         difference(weak, strong));
        }
}

/* A sharp edge at the threshold, and the anatomy shines through everywhere. */
static void test_the_cover(void **state)
{
    (void)state;
    assert_true(colour_cover(nextafterf(PICTURE_THRESHOLD, 0)) <= 0);
    assert_true(colour_cover(0) <= 0 && colour_cover(-1) <= 0 && colour_cover(NAN) <= 0);
    assert_true(colour_cover(PICTURE_THRESHOLD) > 0.2f);
    assert_true(colour_cover(1) < 0.6f && colour_cover(1000) < 0.6f);
    struct colour one = colour_of_strength(1), much = colour_of_strength(INFINITY);
    assert_memory_equal(&one, &much, sizeof one);
}

/* ---- letters ---- */

static void same_width(const char *a, const char *b)
{
    assert_int_equal(text_width(face, 40, a), text_width(face, 40, b));
}

static void test_letters_of_other_languages(void **state)
{
    (void)state;
    same_width("\xc3\x9c", "U");                        /* U with two dots is as wide as U */
    same_width("d\xc3\xa9j\xc3\xa0", "deja");           /* accents */
    same_width("\xc3\xb1", "n");                        /* n with a tilde */
    same_width("a\tb", "a b");                          /* no control character is drawn */
    same_width("\xf0\x9f\xa6\xb4", "?");                /* a bone, which the font lacks */
    same_width("\xff", "\xef\xbf\xbd");                 /* no UTF-8: one replacement a byte */
    same_width("a\xc3", "a\xef\xbf\xbd");               /* cut in a letter */
    same_width("\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"); /* longer than needed */
    same_width("\xe0\x80\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    same_width("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* half a surrogate pair */
    same_width("\xf5\x80\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_true(text_width(face, 40, "\xc3\x9c") != text_width(face, 40, "?"));
    assert_int_equal(text_width(face, 40, ""), 0);
    assert_true(text_width(face, 80, "Bruch") >= 2 * text_width(face, 40, "Bruch") - 2);
}

/* Draws a text on black and tells the box of what was drawn. */
static struct area drawn_box(struct area area, int most, int least, enum text_align align,
                             const char *text)
{
    enum { ROWS = 300, COLS = 400 };
    static uint8_t rgb[ROWS * COLS * 3];
    struct canvas canvas = {ROWS, COLS, rgb};
    int left = COLS, top = ROWS, right = 0, bottom = 0;
    memset(rgb, 0, sizeof rgb);
    text_fit(face, &canvas, area, most, least, align, (struct colour){255, 255, 255}, text);
    for (int y = 0; y < ROWS; y++)
        for (int x = 0; x < COLS; x++)
            if (rgb[(y * COLS + x) * 3]) {
                left = x < left ? x : left;
                right = x + 1 > right ? x + 1 : right;
                top = y < top ? y : top;
                bottom = y + 1 > bottom ? y + 1 : bottom;
            }
    return (struct area){left, top, right - left, bottom - top};
}

static void test_text_stays_in_its_area(void **state)
{
    static const char *const texts[] = {
        "Finding",
        "Finding at or above the operating point: dislocation, fracture.",
        "Verletzungsausschlussvoraussetzungspr\xc3\xbc"
        "fung",
        "\xc3\x84\xc3\x96\xc3\x9c\xc3\x84\xc3\x96\xc3\x9c\xc3\x84\xc3\x96\xc3\x9c\xc3\x84\xc3\x96"
        "\xc3\x9c\xc3\x84\xc3\x96\xc3\x9c g j p q y",
        "  a  b  ",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"};
    static const struct area areas[] = {
        {20, 20, 300, 100}, {50, 30, 80, 40}, {10, 10, 350, 20}, {100, 100, 30, 60}};

    (void)state;
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++)
        for (size_t a = 0; a < sizeof areas / sizeof areas[0]; a++)
            for (int align = 0; align < 3; align++) {
                struct area in = areas[a];
                struct area box = drawn_box(in, 40, 9, (enum text_align)align, texts[t]);
                assert_true(box.width > 0);
                assert_true(box.x >= in.x - 2 && box.x + box.width <= in.x + in.width + 2);
                assert_true(box.y >= in.y && box.y + box.height <= in.y + in.height);
            }
    /* no room for a line: nothing */
    assert_true(drawn_box((struct area){10, 10, 100, 10}, 40, 9, TEXT_LEFT, "Befund").width <= 0);
    assert_true(drawn_box((struct area){10, 10, 3, 100}, 40, 9, TEXT_LEFT, "Befund").width <= 0);
}

static void test_what_fits_is_large_and_what_does_not_is_cut(void **state)
{
    const struct area area = {10, 10, 200, 52};
    struct colour none = {0, 0, 0};

    (void)state;
    assert_int_equal(text_fit(face, NULL, area, 40, 10, TEXT_LEFT, none, "Befund"), TEXT_PITCH(40));
    int used = text_fit(face, NULL, area, 40, 10, TEXT_LEFT, none, "Befund mit Score: Luxation");
    assert_true(used > TEXT_PITCH(10) && used <= 52);
    /* the cut line ends in an ellipsis, and is as long as there is room for */
    struct area box = drawn_box((struct area){10, 10, 120, 20}, 12, 12, TEXT_LEFT,
                                "sch\xc3\xb6ne Verletzungen \xc3\xbc"
                                "berall und \xc3\xbc"
                                "berall");
    assert_true(box.width > 90 && box.width <= 122);
}

static void test_lines_are_clipped(void **state)
{
    enum { N = 60 };
    static uint8_t rgb[N * N * 3];
    struct canvas canvas = {N, N, rgb};
    const struct area clip = {20, 20, 20, 20};

    (void)state;
    canvas_line(&canvas, clip, (float[2]){-50, 30}, (float[2]){200, 30}, 4,
                (struct colour){255, 255, 255});
    canvas_line(&canvas, clip, (float[2]){25, 25}, (float[2]){25, 25}, 2,
                (struct colour){255, 255, 255});
    for (int y = 0; y < N; y++)
        for (int x = 0; x < N; x++) {
            bool in = x >= 20 && x < 40 && y >= 20 && y < 40;
            bool on = in && (y >= 28 && y < 32);
            if (!in || on)
                assert_int_equal(rgb[(y * N + x) * 3], on ? 255 : 0);
        }
    assert_true(rgb[(25 * N + 25) * 3] > 0);
    canvas_fill(&canvas, -10, -10, 5, 5, (struct colour){255, 255, 255});
    canvas_fill(&canvas, 50, 50, 100, 100, (struct colour){255, 0, 0});
    assert_int_equal(rgb[0], 0);
    assert_int_equal(rgb[(N * N - 1) * 3], 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_scale_is_for_every_eye),
        cmocka_unit_test(test_the_overlay_is_for_every_eye),
        cmocka_unit_test(test_the_cover),
        cmocka_unit_test(test_letters_of_other_languages),
        cmocka_unit_test(test_text_stays_in_its_area),
        cmocka_unit_test(test_what_fits_is_large_and_what_does_not_is_cut),
        cmocka_unit_test(test_lines_are_clipped),
    };
    if (picture_face_open(NULL, &face) != PICTURE_OK) {
        printf("the font is missing: %s\n", picture_font_path());
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    picture_face_close(face);
    return failed;
}
