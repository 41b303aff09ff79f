/* image_internal.h: what the files of this room share; not a public header. */
#ifndef IMAGE_INTERNAL_H
#define IMAGE_INTERNAL_H

#include "nn_image.h"

/* Rec. 601 luma of values in [0, 1]. */
static inline float luma(float r, float g, float b)
{
    return 0.299f * r + 0.587f * g + 0.114f * b;
}

/* Takes the plane's memory after checking rows * cols against NN_IMAGE_MAX_PIXELS. */
NN_MUST_USE enum nn_status nn_image_plane_init(const char *name, uint32_t rows, uint32_t cols,
                                               struct nn_plane *plane, struct nn_error *err);

NN_MUST_USE enum nn_status nn_image_png_decode(const char *name, const uint8_t *bytes, size_t size,
                                               struct nn_plane *plane, struct nn_error *err);
NN_MUST_USE enum nn_status nn_image_jpeg_decode(const char *name, const uint8_t *bytes, size_t size,
                                                struct nn_plane *plane, struct nn_error *err);

/* What is resized: a plane or a part of one, its values taken on the way from the levels to
 * 0..1, with what lies outside at the ends. high <= low: as they are. */
struct nn_resize_source {
    const float *pixels;
    size_t stride; /* between rows, in pixels */
    int rows, cols;
    struct nn_levels levels;
};
NN_MUST_USE enum nn_status nn_resize(const struct nn_resize_source *from, float *to, int to_rows,
                                     int to_cols, struct nn_pool *pool, struct nn_error *err);

#endif
