#include "retouch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>

static void plane(struct nn_plane *to, int rows, int cols)
{
    *to = (struct nn_plane){rows, cols, malloc((size_t)rows * (size_t)cols * sizeof(float))};
    assert_non_null(to->pixels);
}

static float at(const struct nn_plane *p, int y, int x)
{
    y = y < 0 ? 0 : y >= p->rows ? p->rows - 1 : y;
    x = x < 0 ? 0 : x >= p->cols ? p->cols - 1 : x;
    return p->pixels[y * p->cols + x];
}

static void rotated_90(const struct nn_plane *from, struct nn_plane *to)
{
    plane(to, from->cols, from->rows);
    for (int y = 0; y < to->rows; y++) {
        for (int x = 0; x < to->cols; x++)
            to->pixels[y * to->cols + x] = at(from, from->rows - 1 - x, y);
    }
}

static void mirrored(const struct nn_plane *from, struct nn_plane *to)
{
    plane(to, from->rows, from->cols);
    for (int y = 0; y < to->rows; y++) {
        for (int x = 0; x < to->cols; x++)
            to->pixels[y * to->cols + x] = at(from, y, from->cols - 1 - x);
    }
}

static void twice(const struct nn_plane *from, struct nn_plane *to,
                  void (*first)(const struct nn_plane *, struct nn_plane *),
                  void (*second)(const struct nn_plane *, struct nn_plane *))
{
    struct nn_plane between;

    first(from, &between);
    second(&between, to);
    nn_plane_finish(&between);
}

static void rotated_180(const struct nn_plane *from, struct nn_plane *to)
{
    twice(from, to, rotated_90, rotated_90);
}

static void rotated_270(const struct nn_plane *from, struct nn_plane *to)
{
    twice(from, to, rotated_180, rotated_90);
}

static void flipped_down(const struct nn_plane *from, struct nn_plane *to)
{
    twice(from, to, rotated_180, mirrored);
}

/* 3 x 3 means, `times` over: deviation about 0.8 sqrt(times). */
static void smooth(const struct nn_plane *from, struct nn_plane *to, int times)
{
    struct nn_plane last;

    mirrored(from, &last);
    mirrored(&last, to);
    for (int i = 0; i < times; i++) {
        memcpy(last.pixels, to->pixels, (size_t)(to->rows * to->cols) * sizeof(float));
        for (int y = 0; y < to->rows; y++) {
            for (int x = 0; x < to->cols; x++) {
                float sum = 0;
                for (int k = 0; k < 9; k++)
                    sum += at(&last, y + k / 3 - 1, x + k % 3 - 1);
                to->pixels[y * to->cols + x] = sum / 9;
            }
        }
    }
    nn_plane_finish(&last);
}

static void blurred(const struct nn_plane *from, struct nn_plane *to)
{
    smooth(from, to, 4);
}

static void clip(struct nn_plane *p)
{
    for (int i = 0; i < p->rows * p->cols; i++)
        p->pixels[i] = p->pixels[i] < 0 ? 0 : p->pixels[i] > 1 ? 1 : p->pixels[i];
}

static void sharpened(const struct nn_plane *from, struct nn_plane *to)
{
    smooth(from, to, 3);
    for (int i = 0; i < to->rows * to->cols; i++)
        to->pixels[i] = from->pixels[i] + 1.5f * (from->pixels[i] - to->pixels[i]);
    clip(to);
}

static void linear(const struct nn_plane *from, struct nn_plane *to, float slope, float offset)
{
    plane(to, from->rows, from->cols);
    for (int i = 0; i < to->rows * to->cols; i++)
        to->pixels[i] = from->pixels[i] * slope + offset;
    clip(to);
}

static void brighter(const struct nn_plane *from, struct nn_plane *to)
{
    linear(from, to, 1, 0.12f);
}

static void more_contrast(const struct nn_plane *from, struct nn_plane *to)
{
    linear(from, to, 1.4f, -0.2f);
}

static void inverted(const struct nn_plane *from, struct nn_plane *to)
{
    linear(from, to, -1, 1);
}

static void bend(const struct nn_plane *from, struct nn_plane *to, float gamma)
{
    plane(to, from->rows, from->cols);
    for (int i = 0; i < to->rows * to->cols; i++)
        to->pixels[i] = powf(from->pixels[i] < 0 ? 0 : from->pixels[i], gamma);
}

static void lighter_gamma(const struct nn_plane *from, struct nn_plane *to)
{
    bend(from, to, 0.6f);
}

static void darker_gamma(const struct nn_plane *from, struct nn_plane *to)
{
    bend(from, to, 1.7f);
}

static void resized(const struct nn_plane *from, struct nn_plane *to, int rows, int cols)
{
    struct nn_error err;

    plane(to, rows, cols);
    assert_int_equal(
        nn_plane_resize(from->pixels, from->rows, from->cols, to->pixels, rows, cols, NULL, &err),
        NN_OK);
}

static void halved(const struct nn_plane *from, struct nn_plane *to)
{
    resized(from, to, from->rows / 2, from->cols / 2);
}

static void doubled(const struct nn_plane *from, struct nn_plane *to)
{
    resized(from, to, 2 * from->rows, 2 * from->cols);
}

static void squeezed(const struct nn_plane *from, struct nn_plane *to)
{
    resized(from, to, from->rows, from->cols * 3 / 4);
}

static void cut(const struct nn_plane *from, struct nn_plane *to, int left, int top, int right,
                int low)
{
    plane(to, from->rows - top - low, from->cols - left - right);
    for (int y = 0; y < to->rows; y++) {
        for (int x = 0; x < to->cols; x++)
            to->pixels[y * to->cols + x] = at(from, y + top, x + left);
    }
}

static void cropped_3(const struct nn_plane *from, struct nn_plane *to)
{
    int y = from->rows * 3 / 100, x = from->cols * 3 / 100;

    cut(from, to, x, y, x, y);
}

static void cropped_5_of_a_corner(const struct nn_plane *from, struct nn_plane *to)
{
    cut(from, to, from->cols / 20, from->rows / 20, 0, 0);
}

/* 8 bits: what every file but the 16-bit ones does to a plane. */
static uint8_t *bytes_of(const struct nn_plane *p)
{
    size_t count = (size_t)p->rows * (size_t)p->cols;
    uint8_t *bytes = malloc(count);

    assert_non_null(bytes);
    for (size_t i = 0; i < count; i++) {
        float value = p->pixels[i] < 0 ? 0 : p->pixels[i] > 1 ? 1 : p->pixels[i];
        bytes[i] = (uint8_t)(value * 255.0f + 0.5f);
    }
    return bytes;
}

static void eight_bits(const struct nn_plane *from, struct nn_plane *to)
{
    uint8_t *bytes = bytes_of(from);

    plane(to, from->rows, from->cols);
    for (int i = 0; i < to->rows * to->cols; i++)
        to->pixels[i] = (float)bytes[i] / 255;
    free(bytes);
}

static void jpeg_60(const struct nn_plane *from, struct nn_plane *to)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr manager;
    uint8_t *bytes = bytes_of(from);
    unsigned char *file = NULL;
    unsigned long size = 0;
    struct nn_error err;

    jpeg.err = jpeg_std_error(&manager);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &file, &size);
    jpeg.image_height = (JDIMENSION)from->rows;
    jpeg.image_width = (JDIMENSION)from->cols;
    jpeg.input_components = 1;
    jpeg.in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 60, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < from->rows; y++) {
        JSAMPROW row = bytes + (size_t)y * (size_t)from->cols;
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    assert_int_equal(nn_image_decode("jpeg", file, size, to, &err), NN_OK);
    free(file);
    free(bytes);
}

static void noisy(const struct nn_plane *from, struct nn_plane *to)
{
    uint64_t state = 5;

    linear(from, to, 1, 0);
    for (int i = 0; i < to->rows * to->cols; i++) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        to->pixels[i] += 0.06f * ((float)(state >> 40) / (float)(1 << 23) - 1);
    }
    clip(to);
}

static void turned_and_resaved(const struct nn_plane *from, struct nn_plane *to)
{
    twice(from, to, rotated_270, jpeg_60);
}

static void mirrored_and_cropped(const struct nn_plane *from, struct nn_plane *to)
{
    twice(from, to, mirrored, cropped_3);
}

static void turned_and_sharpened(const struct nn_plane *from, struct nn_plane *to)
{
    twice(from, to, rotated_180, sharpened);
}

static void cropped_and_darker(const struct nn_plane *from, struct nn_plane *to)
{
    twice(from, to, cropped_3, darker_gamma);
}

static void halved_and_blurred(const struct nn_plane *from, struct nn_plane *to)
{
    twice(from, to, halved, blurred);
}

static void inverted_and_turned(const struct nn_plane *from, struct nn_plane *to)
{
    twice(from, to, inverted, rotated_90);
}

static void brighter_and_noisy(const struct nn_plane *from, struct nn_plane *to)
{
    twice(from, to, brighter, noisy);
}

const struct retouch retouches[] = {
    {"eight_bits", eight_bits},
    {"rotated_90", rotated_90},
    {"rotated_180", rotated_180},
    {"rotated_270", rotated_270},
    {"mirrored", mirrored},
    {"flipped_down", flipped_down},
    {"sharpened", sharpened},
    {"blurred", blurred},
    {"brighter", brighter},
    {"more_contrast", more_contrast},
    {"lighter_gamma", lighter_gamma},
    {"darker_gamma", darker_gamma},
    {"inverted", inverted},
    {"halved", halved},
    {"doubled", doubled},
    {"squeezed", squeezed},
    {"jpeg_60", jpeg_60},
    {"noisy", noisy},
    {"cropped_3", cropped_3},
    {"cropped_5_of_a_corner", cropped_5_of_a_corner},
    {"turned_and_resaved", turned_and_resaved},
    {"mirrored_and_cropped", mirrored_and_cropped},
    {"turned_and_sharpened", turned_and_sharpened},
    {"cropped_and_darker", cropped_and_darker},
    {"halved_and_blurred", halved_and_blurred},
    {"inverted_and_turned", inverted_and_turned},
    {"brighter_and_noisy", brighter_and_noisy},
};
const size_t retouch_count = sizeof retouches / sizeof *retouches;

void retouch_write(const char *path, const struct nn_plane *p)
{
    struct nn_error err;
    uint8_t *bytes = bytes_of(p);

    assert_int_equal(nn_image_write_png(path, bytes, p->rows, p->cols, 1, &err), NN_OK);
    free(bytes);
}
