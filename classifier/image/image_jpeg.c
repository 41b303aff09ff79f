/* image_jpeg.c: JPEG to a plane. libjpeg reports a truncated or damaged stream as a warning and
 * fills in grey; here that is an error, since a plane that is partly invented must not be judged.
 */
#include <stdio.h>

#include "image_internal.h"

#include <jerror.h>
#include <jpeglib.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>

#define MAX_SCANS 200 /* a hostile progressive file repeats whole-image scans without end */

struct reader {
    struct jpeg_error_mgr manager;
    struct jpeg_progress_mgr progress;
    struct jpeg_decompress_struct jpeg;
    jmp_buf leave;
    const char *name;
    uint8_t *row;
    struct nn_plane *plane;
    struct nn_error *err;
    enum nn_status status;
};

_Noreturn static void on_error(j_common_ptr jpeg)
{
    struct reader *r = jpeg->client_data;
    char text[JMSG_LENGTH_MAX];

    r->manager.format_message(jpeg, text);
    r->status = nn_fail(r->err, NN_BAD_DATA, "%s: JPEG: %s", r->name, text);
    longjmp(r->leave, 1);
}

static void on_message(j_common_ptr jpeg, int level)
{
    struct reader *r = jpeg->client_data;
    int code = r->manager.msg_code;

    bool harmless =
        code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM;
    if (level < 0 && !harmless)
        on_error(jpeg);
}

static void on_progress(j_common_ptr jpeg)
{
    struct reader *r = jpeg->client_data;

    if (r->jpeg.input_scan_number > MAX_SCANS) {
        r->status = nn_fail(r->err, NN_LIMIT, "%s: more than %d scans", r->name, MAX_SCANS);
        longjmp(r->leave, 1);
    }
}

static void attach(struct reader *r)
{
    r->jpeg.err = jpeg_std_error(&r->manager);
    r->manager.error_exit = on_error;
    r->manager.emit_message = on_message;
    r->progress.progress_monitor = on_progress;
    r->jpeg.client_data = r;
}

static enum nn_status read_rows(struct reader *r)
{
    size_t cols = (size_t)r->plane->cols;

    r->row = malloc(cols);
    if (!r->row)
        return nn_fail(r->err, NN_NO_MEMORY, "%s: no memory for a row", r->name);
    while (r->jpeg.output_scanline < r->jpeg.output_height) {
        float *to = r->plane->pixels + (size_t)r->jpeg.output_scanline * cols;
        JSAMPROW row = r->row;
        jpeg_read_scanlines(&r->jpeg, &row, 1);
        for (size_t x = 0; x < cols; x++)
            to[x] = (float)r->row[x] / 255.0f;
    }
    jpeg_finish_decompress(&r->jpeg);
    return NN_OK;
}

static enum nn_status decode(struct reader *r, const uint8_t *bytes, size_t size)
{
    enum nn_status status;

    if (setjmp(r->leave))
        return r->status;
    jpeg_create_decompress(&r->jpeg);
    r->jpeg.client_data = r;
    r->jpeg.progress = &r->progress;
    r->jpeg.mem->max_memory_to_use = 1L << 30;
    jpeg_mem_src(&r->jpeg, bytes, (unsigned long)size);
    jpeg_read_header(&r->jpeg, TRUE);
    if (r->jpeg.jpeg_color_space == JCS_CMYK || r->jpeg.jpeg_color_space == JCS_YCCK)
        return nn_fail(r->err, NN_UNSUPPORTED, "%s: JPEG in CMYK: save it in grey or RGB", r->name);
    status =
        nn_image_plane_init(r->name, r->jpeg.image_height, r->jpeg.image_width, r->plane, r->err);
    if (status != NN_OK)
        return status;
    r->jpeg.out_color_space = JCS_GRAYSCALE; /* the Y of YCbCr is Rec. 601 luma */
    jpeg_start_decompress(&r->jpeg);
    return read_rows(r);
}

enum nn_status nn_image_jpeg_decode(const char *name, const uint8_t *bytes, size_t size,
                                    struct nn_plane *plane, struct nn_error *err)
{
    struct reader r = {.name = name, .plane = plane, .err = err, .status = NN_OK};
    enum nn_status status;

    attach(&r);
    status = decode(&r, bytes, size);
    jpeg_destroy_decompress(&r.jpeg);
    free(r.row);
    return status;
}
