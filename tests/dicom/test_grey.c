/* The pixel pipeline with values worked out by hand, and the same through whole files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dx_init.h"
#include "grey.h"
#include "sample.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct dx_limits limits;

/* A frame of one row over the caller's bytes. */
static struct dx_frame row(void *bytes, uint32_t cols, uint16_t allocated, uint16_t stored,
                           int is_signed, const char *photometric)
{
    struct dx_frame frame = {.bytes = bytes, .count = (size_t)cols * allocated / 8};
    frame.info.rows = 1;
    frame.info.cols = cols;
    frame.info.frames = 1;
    frame.info.samples = 1;
    frame.info.bits_allocated = allocated;
    frame.info.bits_stored = stored;
    frame.info.high_bit = (uint16_t)(stored - 1);
    frame.info.is_signed = is_signed;
    strncpy(frame.info.photometric, photometric, 16);
    return frame;
}

static void shows(const struct dx_frame *frame, const struct dx_display *display,
                  const uint16_t *expected)
{
    struct dx_grey grey;
    struct dx_error err = {0};
    assert_int_equal(dx_grey_render(frame, display, &limits, &grey, &err), DX_OK);
    assert_int_equal(grey.rows, frame->info.rows);
    assert_int_equal(grey.cols, frame->info.cols);
    for (uint32_t i = 0; i < grey.cols; i++)
        assert_int_equal(grey.pixels[i], expected[i]);
    dx_grey_finish(&grey);
}

static void full_range_when_nothing_is_said(void **state)
{
    (void)state;
    struct dx_display display;
    dx_display_init(&display);
    uint8_t bytes[5] = {50, 100, 150, 50, 75};
    struct dx_frame frame = row(bytes, 5, 8, 8, 0, "MONOCHROME2");
    shows(&frame, &display, (const uint16_t[]){0, 32768, 65535, 0, 16384});
    display.is_inverted = 1;
    shows(&frame, &display, (const uint16_t[]){65535, 32768, 0, 65535, 49151});
    uint8_t flat[2] = {7, 7};
    frame = row(flat, 2, 8, 8, 0, "MONOCHROME2");
    shows(&frame, &display, (const uint16_t[]){32768, 32768});
}

/* Of 16 bits the least and the greatest value tell the range; padding has it looked for. */
static void full_range_of_words(void **state)
{
    (void)state;
    struct dx_display display;
    dx_display_init(&display);
    int16_t values[5] = {-200, 0, 200, -100, -200};
    struct dx_frame frame = row(values, 5, 16, 16, 1, "MONOCHROME2");
    shows(&frame, &display, (const uint16_t[]){0, 32768, 65535, 16384, 0});
    display.slope = -0.5;
    shows(&frame, &display, (const uint16_t[]){65535, 32768, 0, 49151, 65535});
    uint16_t above[4] = {0, 40000, 65535, 40000};
    frame = row(above, 4, 16, 16, 0, "MONOCHROME2");
    display.slope = 1.0;
    shows(&frame, &display, (const uint16_t[]){0, 40000, 65535, 40000});
    display.has_padding = 1;
    display.padding_low = display.padding_high = 0;
    shows(&frame, &display, (const uint16_t[]){0, 0, 65535, 0});
}

static void rescale_and_signed_values(void **state)
{
    (void)state;
    struct dx_display display;
    dx_display_init(&display);
    display.slope = 2.0;
    display.intercept = -1000.0;
    display.voi = DX_VOI_LINEAR_EXACT;
    display.center = -1000.0;
    display.width = 400.0;
    int16_t values[4] = {-100, 0, 50, 100};
    struct dx_frame frame = row(values, 4, 16, 12, 1, "MONOCHROME2");
    shows(&frame, &display, (const uint16_t[]){0, 32768, 49151, 65535});
    display.slope = -2.0; /* a negative slope turns the ramp round by itself */
    shows(&frame, &display, (const uint16_t[]){65535, 32768, 16384, 0});
}

static void linear_window_of_the_standard(void **state)
{
    (void)state;
    struct dx_display display;
    dx_display_init(&display);
    display.voi = DX_VOI_LINEAR;
    display.center = 2048; /* PS3.3 C.11.2.1.2.1: x <= 0 is black, x > 4095 is white */
    display.width = 4096;
    uint16_t values[4] = {0, 1, 2048, 4095};
    struct dx_frame frame = row(values, 4, 16, 12, 0, "MONOCHROME2");
    shows(&frame, &display, (const uint16_t[]){0, 16, 32776, 65535});
    display.center = 2; /* width 1: a threshold at center - 0.5 */
    display.width = 1;
    shows(&frame, &display, (const uint16_t[]){0, 0, 65535, 65535});
}

static void sigmoid_window(void **state)
{
    (void)state;
    struct dx_display display;
    dx_display_init(&display);
    display.voi = DX_VOI_SIGMOID;
    display.center = 100;
    display.width = 40;
    uint8_t bytes[3] = {90, 100, 110}; /* 1 / (1 + e), 1 / 2, 1 / (1 + 1 / e) */
    struct dx_frame frame = row(bytes, 3, 8, 8, 0, "MONOCHROME2");
    shows(&frame, &display, (const uint16_t[]){17625, 32768, 47910});
}

static void look_up_tables(void **state)
{
    (void)state;
    uint16_t modality[3] = {10, 20, 40}, voi[4] = {0, 100, 200, 255};
    struct dx_display display;
    dx_display_init(&display);
    display.modality = (struct dx_lut){3, 5, 8, modality};
    display.slope = 1000.0; /* the table wins */
    uint8_t bytes[5] = {0, 5, 6, 7, 200};
    struct dx_frame frame = row(bytes, 5, 8, 8, 0, "MONOCHROME2");
    shows(&frame, &display, (const uint16_t[]){0, 0, 21845, 65535, 65535});

    display.voi = DX_VOI_LUT; /* modality values 10, 10, 20, 40, 40 */
    display.voi_lut = (struct dx_lut){4, 19, 8, voi};
    shows(&frame, &display, (const uint16_t[]){0, 0, 25700, 65535, 65535});
    display.is_inverted = 1;
    shows(&frame, &display, (const uint16_t[]){65535, 65535, 39835, 0, 0});
}

static void padding_is_background_and_not_range(void **state)
{
    (void)state;
    struct dx_display display;
    dx_display_init(&display);
    display.has_padding = 1;
    display.padding_low = -2000;
    display.padding_high = -1990;
    int16_t values[4] = {-2000, -1995, 10, 30};
    struct dx_frame frame = row(values, 4, 16, 16, 1, "MONOCHROME2");
    shows(&frame, &display, (const uint16_t[]){0, 0, 0, 65535});
    display.is_inverted = 1;
    shows(&frame, &display, (const uint16_t[]){0, 0, 65535, 0});
    int16_t all[2] = {-2000, -2000};
    frame = row(all, 2, 16, 16, 1, "MONOCHROME2");
    shows(&frame, &display, (const uint16_t[]){0, 0});
}

static void thirty_two_bits(void **state)
{
    (void)state;
    struct dx_display display;
    dx_display_init(&display);
    uint32_t values[3] = {1000000, 3000000000u, 4000000000u};
    struct dx_frame frame = row(values, 3, 32, 32, 0, "MONOCHROME2");
    shows(&frame, &display, (const uint16_t[]){0, 49147, 65535});
    int32_t below[3] = {-1000000, 0, 1000000};
    frame = row(below, 3, 32, 32, 1, "MONOCHROME2");
    shows(&frame, &display, (const uint16_t[]){0, 32768, 65535});
    display.has_padding = 1;
    display.padding_low = display.padding_high = -1000000;
    shows(&frame, &display, (const uint16_t[]){0, 0, 65535});
}

static void colour_becomes_luma(void **state)
{
    (void)state;
    struct dx_display display;
    dx_display_init(&display);
    uint8_t rgb[12] = {255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255};
    struct dx_frame frame = row(rgb, 4, 8, 8, 0, "RGB");
    frame.info.samples = 3;
    frame.count = 12;
    shows(&frame, &display, (const uint16_t[]){65535, 19595, 38469, 7471});
    uint16_t ramp[3] = {0, 32768, 65535};
    uint8_t index[3] = {0, 1, 2};
    for (int c = 0; c < 3; c++)
        display.palette[c] = (struct dx_lut){3, 0, 16, ramp};
    frame = row(index, 3, 8, 8, 0, "PALETTE COLOR");
    shows(&frame, &display, (const uint16_t[]){0, 32768, 65535});
}

static void polarity(void **state)
{
    (void)state;
    assert_false(dx_display_is_inverted("MONOCHROME2", ""));
    assert_true(dx_display_is_inverted("MONOCHROME1", ""));
    assert_false(dx_display_is_inverted("MONOCHROME2", "IDENTITY"));
    assert_true(dx_display_is_inverted("MONOCHROME1", "INVERSE"));
    assert_true(dx_display_is_inverted("MONOCHROME2", "INVERSE"));
    assert_false(dx_display_is_inverted("MONOCHROME1", "IDENTITY"));
    assert_true(dx_display_is_inverted("MONOCHROME1", "nonsense"));
}

static void pixels_become_square(void **state)
{
    (void)state;
    struct dx_display display;
    struct dx_grey grey;
    struct dx_error err = {0};
    dx_display_init(&display);
    uint8_t bytes[2] = {0, 255};
    struct dx_frame frame = row(bytes, 2, 8, 8, 0, "MONOCHROME2");
    display.row_mm = 0.2; /* rows are twice as far apart as columns: twice as many rows */
    display.col_mm = 0.1;
    assert_int_equal(dx_grey_render(&frame, &display, &limits, &grey, &err), DX_OK);
    assert_int_equal(grey.rows, 2);
    assert_int_equal(grey.cols, 2);
    assert_int_equal(grey.pixels[2], 0);
    assert_int_equal(grey.pixels[3], 65535);
    assert_true(grey.mm_per_pixel == 0.1);
    dx_grey_finish(&grey);

    display.row_mm = display.col_mm = 0.0; /* 1:2, unknown distance: twice as many columns */
    display.aspect = 0.5;
    assert_int_equal(dx_grey_render(&frame, &display, &limits, &grey, &err), DX_OK);
    assert_int_equal(grey.rows, 1);
    assert_int_equal(grey.cols, 4);
    assert_int_equal(grey.pixels[0], 0);
    assert_int_equal(grey.pixels[1], 16384);
    assert_int_equal(grey.pixels[2], 49151);
    assert_int_equal(grey.pixels[3], 65535);
    assert_true(grey.mm_per_pixel == 0.0);
    dx_grey_finish(&grey);

    display.aspect = 100.0; /* a mistake */
    assert_int_equal(dx_grey_render(&frame, &display, &limits, &grey, &err), DX_OK);
    assert_int_equal(grey.rows, 1);
    dx_grey_finish(&grey);
}

static void frames_that_cannot_be_shown(void **state)
{
    (void)state;
    struct dx_display display;
    struct dx_grey grey;
    struct dx_error err = {0};
    dx_display_init(&display);
    uint8_t bytes[4] = {0};
    struct dx_frame frame = row(bytes, 4, 8, 8, 0, "PALETTE COLOR");
    assert_int_equal(dx_grey_render(&frame, &display, &limits, &grey, &err), DX_UNSUPPORTED);
    frame = row(bytes, 8, 8, 8, 0, "MONOCHROME2");
    frame.count = 4;
    assert_int_equal(dx_grey_render(&frame, &display, &limits, &grey, &err), DX_INVALID);
    frame = row(bytes, 0, 8, 8, 0, "MONOCHROME2");
    assert_int_equal(dx_grey_render(&frame, &display, &limits, &grey, &err), DX_MALFORMED);
    frame = row(bytes, 4, 24, 8, 0, "MONOCHROME2");
    frame.count = 12;
    assert_int_equal(dx_grey_render(&frame, &display, &limits, &grey, &err), DX_UNSUPPORTED);
    struct dx_limits tight = limits;
    tight.frame_pixels = 3;
    frame = row(bytes, 4, 8, 8, 0, "MONOCHROME2");
    assert_int_equal(dx_grey_render(&frame, &display, &tight, &grey, &err), DX_LIMIT);
}

/* ---- the same from files ---- */

struct picture {
    const char *photometric, *shape;
    unsigned representation, stored, padding;
    const char *center, *width, *function, *slope, *intercept, *aspect;
    int has_padding, has_voi_lut;
};

static void write_picture(struct sample *s, const struct picture *p, const uint16_t *values,
                          size_t count)
{
    static const uint16_t descriptor[3] = {4, 0, 16}, data[4] = {65535, 0, 0, 32768};
    sample_begin(s, NULL);
    sample_word(s, 0x00280002, 1);
    sample_text(s, 0x00280004, "CS", p->photometric);
    sample_word(s, 0x00280010, 1);
    sample_word(s, 0x00280011, (unsigned)count);
    if (p->aspect)
        sample_text(s, 0x00280034, "IS", p->aspect);
    sample_word(s, 0x00280100, 16);
    sample_word(s, 0x00280101, p->stored);
    sample_word(s, 0x00280102, p->stored - 1);
    sample_word(s, 0x00280103, p->representation);
    if (p->has_padding)
        sample_word(s, 0x00280120, p->padding);
    if (p->center) {
        sample_text(s, 0x00281050, "DS", p->center);
        sample_text(s, 0x00281051, "DS", p->width);
    }
    if (p->slope) {
        sample_text(s, 0x00281052, "DS", p->intercept);
        sample_text(s, 0x00281053, "DS", p->slope);
    }
    if (p->function)
        sample_text(s, 0x00281056, "CS", p->function);
    if (p->has_voi_lut) {
        size_t mark = sample_enter(s, 0x00283010);
        sample_put(s, 0x00283002, "US", descriptor, 6);
        sample_put(s, 0x00283006, "OW", data, 8);
        sample_leave(s, mark);
    }
    if (p->shape)
        sample_text(s, 0x20500020, "CS", p->shape);
    sample_put(s, 0x7fe00010, "OW", values, count * 2);
}

static void file_is(const struct sample *s, size_t count, const uint16_t *expected)
{
    struct dx_object *object = NULL;
    struct dx_grey grey;
    struct dx_error err = {0};
    int fd = sample_open(s);
    if (dx_object_open(fd, &limits, &object, &err) || dx_object_grey(object, 0, &grey, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(grey.pixels[i], expected[i]);
    dx_grey_finish(&grey);
    dx_object_close(object);
    close(fd);
}

static void file_shows(const struct picture *p, const uint16_t *values, size_t count,
                       const uint16_t *expected)
{
    static struct sample s;
    write_picture(&s, p, values, count);
    file_is(&s, count, expected);
}

static void files_with_every_polarity(void **state)
{
    (void)state;
    const uint16_t values[3] = {0, 1000, 4000};
    const uint16_t upright[3] = {0, 16384, 65535}, inverse[3] = {65535, 49151, 0};
    static const struct {
        const char *photometric, *shape;
        int is_inverse;
    } cases[] = {{"MONOCHROME2", NULL, 0},       {"MONOCHROME1", NULL, 1},
                 {"MONOCHROME2", "IDENTITY", 0}, {"MONOCHROME1", "INVERSE", 1},
                 {"MONOCHROME2", "INVERSE", 1},  {"MONOCHROME1", "IDENTITY", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct picture p = {
            .photometric = cases[i].photometric, .shape = cases[i].shape, .stored = 12};
        file_shows(&p, values, 3, cases[i].is_inverse ? inverse : upright);
    }
}

static void files_with_windows(void **state)
{
    (void)state;
    const uint16_t values[3] = {0, 100, 200};
    struct picture p = {.photometric = "MONOCHROME2",
                        .stored = 12,
                        .center = "100\\7",
                        .width = "200\\9",
                        .function = "LINEAR_EXACT"};
    file_shows(&p, values, 3, (const uint16_t[]){0, 32768, 65535});
    p.slope = "2";
    p.intercept = "-100"; /* -100, 100, 300 */
    file_shows(&p, values, 3, (const uint16_t[]){0, 32768, 65535});
    p.slope = "0"; /* read as 1 */
    p.intercept = "50";
    file_shows(&p, values, 3, (const uint16_t[]){16384, 49151, 65535});
    p.slope = NULL;
    p.function = NULL;
    p.width = "0"; /* no LINEAR window has less than 1: full range */
    file_shows(&p, values, 3, (const uint16_t[]){0, 32768, 65535});
    p.has_voi_lut = 1; /* wins over the window */
    file_shows(&p, (const uint16_t[]){0, 1, 3}, 3, (const uint16_t[]){65535, 0, 32768});
}

static void files_with_sign_and_padding(void **state)
{
    (void)state;
    /* 12 bits stored: 0x0830 is -2000 in two's complement, bits above are dirt */
    const uint16_t values[3] = {0xf830, 0x0000, 0x5064};
    struct picture p = {.photometric = "MONOCHROME2",
                        .stored = 12,
                        .representation = 1,
                        .has_padding = 1,
                        .padding = 0xf830};
    file_shows(&p, values, 3, (const uint16_t[]){0, 0, 65535});
    p.has_padding = 0; /* -2000, 0, 100 */
    file_shows(&p, values, 3, (const uint16_t[]){0, 62414, 65535});
}

/* An item of the functional groups: macro `sequence` with one window of 200 around `center`. */
static void put_window(struct sample *s, const char *center)
{
    size_t mark = sample_enter(s, 0x00289132); /* Frame VOI LUT Sequence */
    sample_text(s, 0x00281050, "DS", center);
    sample_text(s, 0x00281051, "DS", "200");
    sample_text(s, 0x00281056, "CS", "LINEAR_EXACT");
    sample_leave(s, mark);
}

static void enhanced_objects_say_it_in_their_groups(void **state)
{
    (void)state;
    static struct sample s;
    struct picture p = {.photometric = "MONOCHROME2", .stored = 12};
    const uint16_t values[3] = {0, 100, 200};
    write_picture(&s, &p, values, 3);
    s.count -= 12 + 6; /* the groups come before Pixel Data */
    size_t shared = sample_enter(&s, 0x52009229);
    size_t mark = sample_enter(&s, 0x00289145); /* Pixel Value Transformation Sequence */
    sample_text(&s, 0x00281052, "DS", "100");
    sample_text(&s, 0x00281053, "DS", "1");
    sample_leave(&s, mark);
    put_window(&s, "0");
    sample_leave(&s, shared);
    size_t own = sample_enter(&s, 0x52009230);
    put_window(&s, "200"); /* the frame's own wins */
    sample_leave(&s, own);
    sample_put(&s, 0x7fe00010, "OW", values, 6);
    file_is(&s, 3, (const uint16_t[]){0, 32768, 65535});
}

static void empty_look_up_tables_are_none(void **state)
{
    (void)state;
    static struct sample s;
    struct picture p = {.photometric = "MONOCHROME2", .stored = 12};
    const uint16_t values[3] = {0, 100, 200};
    write_picture(&s, &p, values, 3);
    s.count -= 12 + 6;
    size_t mark = sample_enter(&s, 0x00283010);
    sample_put(&s, 0x00283002, "US", NULL, 0);
    sample_leave(&s, mark);
    sample_put(&s, 0x7fe00010, "OW", values, 6);
    file_is(&s, 3, (const uint16_t[]){0, 32768, 65535});
}

static int prepare(void **state)
{
    (void)state;
    struct dx_error err;
    dx_limits_default(&limits);
    return dx_init(NULL, NULL, &err) == DX_OK ? 0 : 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_range_when_nothing_is_said),
        cmocka_unit_test(full_range_of_words),
        cmocka_unit_test(rescale_and_signed_values),
        cmocka_unit_test(linear_window_of_the_standard),
        cmocka_unit_test(sigmoid_window),
        cmocka_unit_test(look_up_tables),
        cmocka_unit_test(padding_is_background_and_not_range),
        cmocka_unit_test(thirty_two_bits),
        cmocka_unit_test(colour_becomes_luma),
        cmocka_unit_test(polarity),
        cmocka_unit_test(pixels_become_square),
        cmocka_unit_test(frames_that_cannot_be_shown),
        cmocka_unit_test(files_with_every_polarity),
        cmocka_unit_test(files_with_windows),
        cmocka_unit_test(files_with_sign_and_padding),
        cmocka_unit_test(enhanced_objects_say_it_in_their_groups),
        cmocka_unit_test(empty_look_up_tables_are_none),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
