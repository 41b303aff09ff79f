/* Planes from PNG and JPEG, refusals of damaged files, and the resampler. */
#include "nn_fixture.h"

#include <jpeglib.h>
#include <png.h>
#include <zlib.h>

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    void *bytes = malloc(1u << 20);
    assert_non_null(bytes);
    *size = fread(bytes, 1, 1u << 20, file);
    fclose(file);
    return bytes;
}

/* libpng's own writer: any type, depth and interlacing. */
static void make_png(const char *path, int rows, int cols, int type, int depth, bool interlaced,
                     const uint8_t *bytes, size_t row_bytes)
{
    FILE *file = fopen(path, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_color palette[2] = {{255, 0, 0}, {0, 0, 255}};
    png_bytep row[16];

    assert_non_null(file);
    assert_true(rows <= 16);
    png_init_io(png, file);
    png_set_IHDR(png, info, (png_uint_32)cols, (png_uint_32)rows, depth, type,
                 interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, 0, 0);
    if (type == PNG_COLOR_TYPE_PALETTE)
        png_set_PLTE(png, info, palette, 2);
    png_write_info(png, info);
    for (int y = 0; y < rows; y++)
        row[y] = (png_bytep)(uintptr_t)(bytes + (size_t)y * row_bytes);
    png_write_image(png, row);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    fclose(file);
}

static void make_jpeg(const char *path, int rows, int cols, J_COLOR_SPACE space,
                      const uint8_t *bytes)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr manager;
    FILE *file = fopen(path, "wb");
    int components = space == JCS_GRAYSCALE ? 1 : space == JCS_CMYK ? 4 : 3;

    assert_non_null(file);
    jpeg.err = jpeg_std_error(&manager);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_height = (JDIMENSION)rows;
    jpeg.image_width = (JDIMENSION)cols;
    jpeg.input_components = components;
    jpeg.in_color_space = space;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 98, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < rows; y++) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(bytes + (size_t)(y * cols * components));
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    fclose(file);
}

static void png_round_trip_keeps_every_level(void **state)
{
    char template[32], path[PATH_MAX];
    const char *dir = fixture_dir(template);
    uint8_t pixels[256];
    struct nn_plane plane;
    struct nn_error err;

    (void)state;
    fixture_path(path, dir, "a.png");
    for (int i = 0; i < 256; i++)
        pixels[i] = (uint8_t)i;
    assert_int_equal(nn_image_write_png(path, pixels, 8, 32, 1, &err), NN_OK);
    assert_int_equal(nn_image_read(path, &plane, &err), NN_OK);
    assert_int_equal(plane.rows, 8);
    assert_int_equal(plane.cols, 32);
    for (int i = 0; i < 256; i++)
        assert_float_equal(plane.pixels[i], (float)i / 255.0f, 1e-7f);
    nn_plane_finish(&plane);
    fixture_remove(dir);
}

static void png_of_every_kind(void **state)
{
    char template[32], path[PATH_MAX];
    const char *dir = fixture_dir(template);
    const uint8_t deep[8] = {0x00, 0x00, 0x80, 0x00, 0xff, 0xff, 0x12, 0x34};
    const uint8_t rgba[8] = {255, 0, 0, 0, 0, 255, 0, 128};
    const uint8_t bits[2] = {0x80, 0x40};
    struct nn_plane plane;
    struct nn_error err;

    (void)state;
    fixture_path(path, dir, "a.png");
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        make_png(path, 2, 2, PNG_COLOR_TYPE_GRAY, 16, interlaced == 1, deep, 4);
        assert_int_equal(nn_image_read(path, &plane, &err), NN_OK);
        assert_float_equal(plane.pixels[1], 32768.0f / 65535.0f, 1e-7f);
        assert_float_equal(plane.pixels[3], 4660.0f / 65535.0f, 1e-7f);
        nn_plane_finish(&plane);
    }
    make_png(path, 1, 2, PNG_COLOR_TYPE_RGB_ALPHA, 8, false, rgba, 8);
    assert_int_equal(nn_image_read(path, &plane, &err), NN_OK);
    assert_float_equal(plane.pixels[0], 0.299f, 1e-6f);
    assert_float_equal(plane.pixels[1], 0.587f, 1e-6f);
    nn_plane_finish(&plane);
    make_png(path, 2, 2, PNG_COLOR_TYPE_PALETTE, 1, false, bits, 1);
    assert_int_equal(nn_image_read(path, &plane, &err), NN_OK);
    assert_float_equal(plane.pixels[0], 0.114f, 1e-6f); /* index 1: blue */
    assert_float_equal(plane.pixels[1], 0.299f, 1e-6f); /* index 0: red */
    nn_plane_finish(&plane);
    make_png(path, 2, 2, PNG_COLOR_TYPE_GRAY, 1, false, bits, 1);
    assert_int_equal(nn_image_read(path, &plane, &err), NN_OK);
    assert_float_equal(plane.pixels[0], 1.0f, 1e-7f);
    assert_float_equal(plane.pixels[1], 0.0f, 1e-7f);
    nn_plane_finish(&plane);
    fixture_remove(dir);
}

static void jpeg_grey_and_colour(void **state)
{
    char template[32], path[PATH_MAX];
    const char *dir = fixture_dir(template);
    uint8_t pixels[16 * 16 * 4];
    struct nn_plane plane;
    struct nn_error err;

    (void)state;
    fixture_path(path, dir, "a.jpg");
    memset(pixels, 100, sizeof pixels);
    make_jpeg(path, 16, 16, JCS_GRAYSCALE, pixels);
    assert_int_equal(nn_image_read(path, &plane, &err), NN_OK);
    assert_float_equal(plane.pixels[17], 100.0f / 255.0f, 0.005f);
    nn_plane_finish(&plane);
    for (size_t i = 0; i < 256; i++) {
        pixels[3 * i] = 200;
        pixels[3 * i + 1] = 50;
        pixels[3 * i + 2] = 20;
    }
    make_jpeg(path, 16, 16, JCS_RGB, pixels);
    assert_int_equal(nn_image_read(path, &plane, &err), NN_OK);
    assert_float_equal(plane.pixels[100], (0.299f * 200 + 0.587f * 50 + 0.114f * 20) / 255.0f,
                       0.01f);
    nn_plane_finish(&plane);
    make_jpeg(path, 16, 16, JCS_CMYK, pixels);
    assert_int_equal(nn_image_read(path, &plane, &err), NN_UNSUPPORTED);
    assert_null(plane.pixels);
    fixture_remove(dir);
}

/* Every truncation of either format is an error, never a partly grey plane. */
static void truncated_files_are_refused(void **state)
{
    char template[32], path[PATH_MAX];
    const char *dir = fixture_dir(template);
    uint8_t pixels[16 * 16];
    struct nn_plane plane;
    struct nn_error err;

    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 37);
    for (int kind = 0; kind < 2; kind++) {
        size_t size;
        fixture_path(path, dir, kind ? "a.jpg" : "a.png");
        if (kind)
            make_jpeg(path, 16, 16, JCS_GRAYSCALE, pixels);
        else
            assert_int_equal(nn_image_write_png(path, pixels, 16, 16, 1, &err), NN_OK);
        uint8_t *bytes = read_file(path, &size);
        assert_int_equal(nn_image_decode("x", bytes, size, &plane, &err), NN_OK);
        nn_plane_finish(&plane);
        for (size_t cut = 0; cut + 2 < size; cut++) {
            assert_int_not_equal(nn_image_decode("x", bytes, cut, &plane, &err), NN_OK);
            assert_null(plane.pixels);
        }
        free(bytes);
    }
    fixture_remove(dir);
}

static void files_that_are_no_images(void **state)
{
    char template[32], path[PATH_MAX];
    const char *dir = fixture_dir(template);
    struct nn_plane plane;
    struct nn_error err;

    (void)state;
    fixture_path(path, dir, "a.png");
    assert_int_equal(nn_image_read(path, &plane, &err), NN_MISSING);
    assert_non_null(strstr(err.text, "a.png"));
    write_file(path, "", 0);
    assert_int_equal(nn_image_read(path, &plane, &err), NN_BAD_DATA);
    write_file(path, "GIF89a..........", 16);
    assert_int_equal(nn_image_read(path, &plane, &err), NN_UNSUPPORTED);
    assert_int_equal(nn_image_read(dir, &plane, &err), NN_BAD_DATA);
    nn_plane_finish(NULL);
    fixture_remove(dir);
}

/* A header that promises 2^31 pixels is refused before memory is taken. */
static void huge_dimensions_are_refused(void **state)
{
    char template[32], path[PATH_MAX];
    const char *dir = fixture_dir(template);
    uint8_t row[16] = {0};
    struct nn_plane plane;
    struct nn_error err;
    size_t size;

    (void)state;
    fixture_path(path, dir, "a.png");
    make_png(path, 1, 16, PNG_COLOR_TYPE_GRAY, 8, false, row, 16);
    uint8_t *bytes = read_file(path, &size);
    const uint8_t big[8] = {0, 0, 0x80, 0, 0, 1, 0, 0};
    memcpy(bytes + 16, big, sizeof big);
    uint32_t crc = (uint32_t)crc32(0, bytes + 12, 17);
    for (int i = 0; i < 4; i++)
        bytes[29 + i] = (uint8_t)(crc >> (24 - 8 * i));
    assert_int_equal(nn_image_decode("x", bytes, size, &plane, &err), NN_LIMIT);
    free(bytes);
    fixture_remove(dir);
}

static void png_writer_refuses(void **state)
{
    uint8_t pixel[3] = {0};
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_image_write_png("/tmp/x.png", pixel, 0, 1, 1, &err), NN_INVALID);
    assert_int_equal(nn_image_write_png("/tmp/x.png", pixel, 1, 1, 2, &err), NN_INVALID);
    assert_int_equal(nn_image_write_png("/nonexistent/x.png", pixel, 1, 1, 1, &err), NN_IO);
}

static void resize_by_hand(void **state)
{
    const float four[4] = {0, 1, 2, 3}, two[2] = {0, 1};
    float out[8];
    struct nn_error err;

    (void)state;
    assert_int_equal(nn_plane_resize(four, 1, 4, out, 1, 4, NULL, &err), NN_OK);
    assert_memory_equal(out, four, sizeof four);
    assert_int_equal(nn_plane_resize(four, 1, 4, out, 1, 2, NULL, &err), NN_OK);
    assert_float_equal(out[0], 0.5f, 1e-6f);
    assert_float_equal(out[1], 2.5f, 1e-6f);
    assert_int_equal(nn_plane_resize(four, 4, 1, out, 3, 1, NULL, &err), NN_OK);
    assert_float_equal(out[0], 0.25f, 1e-6f); /* (0 * 1 + 1 * 1/3) / (4/3) */
    assert_float_equal(out[1], 1.5f, 1e-6f);
    assert_int_equal(nn_plane_resize(two, 1, 2, out, 1, 4, NULL, &err), NN_OK);
    assert_float_equal(out[0], 0.0f, 1e-6f);
    assert_float_equal(out[1], 0.25f, 1e-6f);
    assert_float_equal(out[2], 0.75f, 1e-6f);
    assert_float_equal(out[3], 1.0f, 1e-6f);
    assert_int_equal(nn_plane_resize(two, 0, 2, out, 1, 4, NULL, &err), NN_INVALID);
    assert_int_equal(nn_plane_resize(two, 1 << 20, 1 << 20, out, 1, 4, NULL, &err), NN_LIMIT);
    assert_int_equal(nn_plane_resize(two, 1, 2, out, 1 << 20, 1 << 20, NULL, &err), NN_LIMIT);
}

/* Area averaging keeps the mean for any pair of sizes. */
static void shrinking_keeps_the_mean(void **state)
{
    float from[37 * 53], to[20 * 20];
    struct nn_error err;
    double mean = 0;
    uint64_t random = 3;

    (void)state;
    for (size_t i = 0; i < 37 * 53; i++) {
        from[i] = fixture_random(&random);
        mean += (double)from[i] / (37 * 53);
    }
    for (int rows = 1; rows <= 20; rows += 3) {
        for (int cols = 1; cols <= 20; cols += 4) {
            double sum = 0;
            assert_int_equal(nn_plane_resize(from, 37, 53, to, rows, cols, NULL, &err), NN_OK);
            for (int i = 0; i < rows * cols; i++)
                sum += (double)to[i] / (rows * cols);
            assert_float_equal((float)sum, (float)mean, 1e-5f);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_round_trip_keeps_every_level),
        cmocka_unit_test(png_of_every_kind),
        cmocka_unit_test(jpeg_grey_and_colour),
        cmocka_unit_test(truncated_files_are_refused),
        cmocka_unit_test(files_that_are_no_images),
        cmocka_unit_test(huge_dimensions_are_refused),
        cmocka_unit_test(png_writer_refuses),
        cmocka_unit_test(resize_by_hand),
        cmocka_unit_test(shrinking_keeps_the_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
