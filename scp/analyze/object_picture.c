/* A PNG or JPEG file to grey, within the object child: libpng and libjpeg read what a stranger sent
 * where a hole in them leads nowhere. */
#include "object.h"

#include "nn_image.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

static enum dx_status status_of(enum nn_status status)
{
    switch (status) {
    case NN_OK:
        return DX_OK;
    case NN_NO_MEMORY:
        return DX_NO_MEMORY;
    case NN_LIMIT:
        return DX_LIMIT;
    case NN_UNSUPPORTED:
        return DX_UNSUPPORTED;
    default:
        return DX_MALFORMED;
    }
}

enum dx_status object_picture(int file, struct dx_grey *grey, struct dx_error *err)
{
    struct stat about;
    struct nn_plane plane = {0};
    struct nn_error why = {0};
    if (fstat(file, &about) != 0 || about.st_size <= 0)
        return dx_fail(err, DX_MALFORMED, "the file is empty");
    size_t size = (size_t)about.st_size;
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (bytes == MAP_FAILED)
        return dx_fail(err, DX_NO_MEMORY, "no memory for the file");
    enum nn_status status = nn_image_decode("the picture", bytes, size, &plane, &why);
    (void)munmap(bytes, size);
    if (status != NN_OK)
        return dx_fail(err, status_of(status), "%s", why.text);

    size_t count = (size_t)plane.rows * (size_t)plane.cols;
    *grey = (struct dx_grey){.rows = (uint32_t)plane.rows, .cols = (uint32_t)plane.cols};
    grey->pixels = malloc(count * sizeof *grey->pixels);
    for (size_t i = 0; grey->pixels && i < count; i++)
        grey->pixels[i] = (uint16_t)(plane.pixels[i] * 65535.0f + 0.5f);
    nn_plane_finish(&plane);
    return grey->pixels ? DX_OK : dx_fail(err, DX_NO_MEMORY, "no memory for the picture");
}
