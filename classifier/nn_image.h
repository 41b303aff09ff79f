/* nn_image.h: a grey plane, the only thing the network knows of an image, and its way in.
 *
 * A plane is rows x columns of float in [0, 1], 0 black. PNG and JPEG files become one here; DICOM
 * images become one in the daemon's object child and arrive as numbers. All functions are
 * reentrant. */
#ifndef NN_IMAGE_H
#define NN_IMAGE_H

#include "nn_status.h"
#include <stddef.h>
#include <stdint.h>

#define NN_IMAGE_MAX_PIXELS (64u << 20)  /* refuses larger files, as the DICOM side does */
#define NN_IMAGE_MAX_FILE   (256u << 20) /* bytes of a PNG or JPEG file */

struct nn_plane {
    int rows, cols;
    float *pixels; /* (rows, cols), owned, malloc */
};

void nn_plane_finish(struct nn_plane *plane); /* NULL and zeroed are allowed */

/* Reads an 8- or 16-bit PNG or JPEG by its content; colour becomes luma (Rec. 601), alpha is
 * ignored. A truncated or damaged file is NN_BAD_DATA, never a partly grey plane. On failure the
 * plane is zeroed. */
NN_MUST_USE enum nn_status nn_image_read(const char *path, struct nn_plane *plane,
                                         struct nn_error *err);
/* The same from memory; `name` is what errors call it. */
NN_MUST_USE enum nn_status nn_image_decode(const char *name, const uint8_t *bytes, size_t size,
                                           struct nn_plane *plane, struct nn_error *err);
/* RGB or grey 8-bit PNG, written by temporary file and rename. channels: 1 or 3. */
NN_MUST_USE enum nn_status nn_image_write_png(const char *path, const uint8_t *pixels, int rows,
                                              int cols, int channels, struct nn_error *err);
/* The same into memory, as PNG or as JPEG of quality 90: malloc, the caller's; NULL on failure. */
enum nn_image_format { NN_IMAGE_PNG, NN_IMAGE_JPEG };
NN_MUST_USE enum nn_status nn_image_encode(enum nn_image_format format, const uint8_t *pixels,
                                           int rows, int cols, int channels, uint8_t **bytes,
                                           size_t *size, struct nn_error *err);

/* The values between which all but the darkest and the brightest hundredth of a plane lie. */
struct nn_levels {
    float low, high;
};

/* 16 bits of grey, 65535 white, become a plane's values; its levels are told (NULL: not, and then
 * nothing fails). NN_NO_MEMORY. */
NN_MUST_USE enum nn_status nn_plane_of_grey(const uint16_t *grey, size_t count, float *plane,
                                            struct nn_levels *levels, struct nn_error *err);

struct nn_pool;
/* Area-averaging when shrinking, bilinear when growing (per axis); half-pixel centres. In bands of
 * rows on the pool's threads (NULL: the caller's), the same bits on any number. */
NN_MUST_USE enum nn_status nn_plane_resize(const float *from, int rows, int cols, float *to,
                                           int to_rows, int to_cols, struct nn_pool *pool,
                                           struct nn_error *err);

#endif
