/* image_png.c: PNG to a plane. libpng errors arrive by longjmp; what they must not leak is kept in
 * struct reader, which outlives the jump. */
#include "image_internal.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *name;
    const uint8_t *bytes;
    size_t size, at;
    png_structp png;
    png_infop info;
    uint8_t *buffer; /* one row, or all of them when interlaced */
    struct nn_plane *plane;
    struct nn_error *err;
    enum nn_status status; /* ours, when it is not libpng that failed */
};

static void on_read(png_structp png, png_bytep to, size_t count)
{
    struct reader *r = png_get_io_ptr(png);

    if (count > r->size - r->at)
        png_error(png, "ends too early");
    memcpy(to, r->bytes + r->at, count);
    r->at += count;
}

_Noreturn static void on_error(png_structp png, png_const_charp text)
{
    struct reader *r = png_get_error_ptr(png);

    r->status = nn_fail(r->err, NN_BAD_DATA, "%s: PNG: %s", r->name, text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static float sample(const uint8_t *row, size_t index, int depth)
{
    if (depth == 16)
        return (float)(row[2 * index] << 8 | row[2 * index + 1]) / 65535.0f;
    return (float)row[index] / 255.0f;
}

static void row_to_plane(const uint8_t *row, int cols, int channels, int depth, float *to)
{
    for (int x = 0; x < cols; x++) {
        size_t at = (size_t)x * (size_t)channels;
        if (channels == 1)
            to[x] = sample(row, at, depth);
        else
            to[x] = luma(sample(row, at, depth), sample(row, at + 1, depth),
                         sample(row, at + 2, depth));
    }
}

static enum nn_status read_rows(struct reader *r)
{
    int passes = png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);

    size_t row_bytes = png_get_rowbytes(r->png, r->info);
    int channels = png_get_channels(r->png, r->info);
    int depth = png_get_bit_depth(r->png, r->info);
    size_t rows = (size_t)r->plane->rows, cols = (size_t)r->plane->cols;

    if ((channels != 1 && channels != 3) || (depth != 8 && depth != 16))
        return nn_fail(r->err, NN_UNSUPPORTED, "%s: %d channels of %d bits", r->name, channels,
                       depth);
    size_t buffer_rows = passes > 1 ? rows : 1;
    r->buffer = malloc(row_bytes * buffer_rows); /* both bounded by NN_IMAGE_MAX_PIXELS */
    if (!r->buffer)
        return nn_fail(r->err, NN_NO_MEMORY, "%s: no memory for the rows", r->name);
    for (int pass = 0; pass < passes; pass++) {
        for (size_t y = 0; y < rows; y++) {
            uint8_t *row = r->buffer + (passes > 1 ? y * row_bytes : 0);
            png_read_row(r->png, row, NULL);
            if (pass == passes - 1)
                row_to_plane(row, (int)cols, channels, depth, r->plane->pixels + y * cols);
        }
    }
    png_read_end(r->png, NULL);
    return NN_OK;
}

static enum nn_status decode(struct reader *r)
{
    if (setjmp(png_jmpbuf(r->png)))
        return r->status;
    png_set_user_limits(r->png, NN_IMAGE_MAX_PIXELS, NN_IMAGE_MAX_PIXELS);
    png_set_chunk_malloc_max(r->png, 8u << 20);
    png_set_chunk_cache_max(r->png, 128);
    png_set_read_fn(r->png, r, on_read);
    png_read_info(r->png, r->info);
    r->status = nn_image_plane_init(r->name, png_get_image_height(r->png, r->info),
                                    png_get_image_width(r->png, r->info), r->plane, r->err);
    if (r->status != NN_OK)
        return r->status;
    png_set_expand(r->png);
    png_set_strip_alpha(r->png);
    return read_rows(r);
}

enum nn_status nn_image_png_decode(const char *name, const uint8_t *bytes, size_t size,
                                   struct nn_plane *plane, struct nn_error *err)
{
    struct reader r = {
        .name = name, .bytes = bytes, .size = size, .plane = plane, .err = err, .status = NN_OK};
    enum nn_status status;

    r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning);
    if (r.png)
        r.info = png_create_info_struct(r.png);
    if (!r.info)
        status = nn_fail(err, NN_NO_MEMORY, "%s: no memory for the PNG reader", name);
    else
        status = decode(&r);
    png_destroy_read_struct(&r.png, &r.info, NULL);
    free(r.buffer);
    return status;
}
