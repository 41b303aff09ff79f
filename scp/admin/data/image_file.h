/* image_file.h: what the commands that read image files share: PNG and JPEG are decoded here, DICOM
 * in an object child (object.h), as in the node. */
#ifndef IMAGE_FILE_H
#define IMAGE_FILE_H

#include "nn_image.h"
#include "zygote.h"

struct image_reader {
    struct zygote *zygote;
    struct object_limits limits; /* the node's defaults */
};
/* Prepares DCMTK and starts the zygote: before any thread. 0, or an exit status with a sentence.
 * image_reader_close may be called in any case. */
int image_reader_open(struct image_reader *reader, char *error, size_t error_size);
void image_reader_close(struct image_reader *reader);

/* PNG and JPEG by their first bytes; everything else is taken for DICOM. */
bool image_file_is_picture(int fd);
/* The grey frame as [0, 1]; false: no memory. */
bool image_plane_of(const struct dx_grey *grey, struct nn_plane *plane);

#endif
