/* 8-bit pictures to PNG and JPEG. Both libraries leave by longjmp: everything that must be released
 * lives in the caller. */
#include "image_internal.h"

#include <jpeglib.h>
#include <setjmp.h>
#include <stdlib.h>

#define JPEG_QUALITY 90

enum nn_status nn_image_png_encode(png_structp png, png_infop info, FILE *file,
                                   const uint8_t *pixels, int rows, int cols, int channels)
{
    if (setjmp(png_jmpbuf(png)))
        return NN_IO;
    png_init_io(png, file);
    png_set_IHDR(png, info, (png_uint_32)cols, (png_uint_32)rows, 8,
                 channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, 3);
    png_write_info(png, info);
    for (int y = 0; y < rows; y++)
        png_write_row(png, pixels + (size_t)y * (size_t)cols * (size_t)channels);
    png_write_end(png, info);
    return NN_OK;
}

static enum nn_status png_to_memory(const uint8_t *pixels, int rows, int cols, int channels,
                                    uint8_t **bytes, size_t *size)
{
    enum nn_status status = NN_NO_MEMORY;
    char *text = NULL;
    FILE *file = open_memstream(&text, size);
    png_infop info = NULL;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    if (png && file && (info = png_create_info_struct(png)) != NULL)
        status = nn_image_png_encode(png, info, file, pixels, rows, cols, channels);
    png_destroy_write_struct(&png, &info);
    if (file && fclose(file) != 0)
        status = NN_NO_MEMORY;
    *bytes = (uint8_t *)text;
    return status;
}

struct jpeg_leave {
    struct jpeg_error_mgr errors;
    jmp_buf to;
};

static void leave(j_common_ptr jpeg)
{
    longjmp(((struct jpeg_leave *)(void *)jpeg->err)->to, 1);
}

static enum nn_status jpeg_encode(struct jpeg_compress_struct *jpeg, struct jpeg_leave *handler,
                                  const uint8_t *pixels, int rows, int cols, int channels,
                                  unsigned char **bytes, unsigned long *size)
{
    if (setjmp(handler->to))
        return NN_NO_MEMORY;
    jpeg_create_compress(jpeg);
    jpeg_mem_dest(jpeg, bytes, size);
    jpeg->image_width = (JDIMENSION)cols;
    jpeg->image_height = (JDIMENSION)rows;
    jpeg->input_components = channels;
    jpeg->in_color_space = channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, JPEG_QUALITY, TRUE);
    jpeg_start_compress(jpeg, TRUE);
    for (int y = 0; y < rows; y++) {
        JSAMPROW row = (JSAMPROW)(pixels + (size_t)y * (size_t)cols * (size_t)channels);
        (void)jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
    return NN_OK;
}

static enum nn_status jpeg_to_memory(const uint8_t *pixels, int rows, int cols, int channels,
                                     uint8_t **bytes, size_t *size)
{
    struct jpeg_leave handler;
    struct jpeg_compress_struct jpeg = {.err = jpeg_std_error(&handler.errors)};
    unsigned char *text = NULL;
    unsigned long length = 0;
    handler.errors.error_exit = leave;
    enum nn_status status =
        jpeg_encode(&jpeg, &handler, pixels, rows, cols, channels, &text, &length);
    jpeg_destroy_compress(&jpeg);
    *bytes = text;
    *size = length;
    return status;
}

enum nn_status nn_image_encode(enum nn_image_format format, const uint8_t *pixels, int rows,
                               int cols, int channels, uint8_t **bytes, size_t *size,
                               struct nn_error *err)
{
    *bytes = NULL;
    *size = 0;
    if (rows < 1 || cols < 1 || rows > JPEG_MAX_DIMENSION || cols > JPEG_MAX_DIMENSION ||
        (channels != 1 && channels != 3))
        return nn_fail(err, NN_INVALID, "%d x %d pixels of %d channels", rows, cols, channels);
    enum nn_status status = format == NN_IMAGE_PNG
                                ? png_to_memory(pixels, rows, cols, channels, bytes, size)
                                : jpeg_to_memory(pixels, rows, cols, channels, bytes, size);
    if (status == NN_OK)
        return NN_OK;
    free(*bytes);
    *bytes = NULL;
    return nn_fail(err, status, "no memory for a picture of %d x %d pixels", rows, cols);
}
