/* image.c: files to planes, and 8-bit pictures to PNG files. */
#include "file_internal.h"
#include "image_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void nn_plane_finish(struct nn_plane *plane)
{
    if (!plane)
        return;
    free(plane->pixels);
    *plane = (struct nn_plane){0};
}

enum nn_status nn_image_plane_init(const char *name, uint32_t rows, uint32_t cols,
                                   struct nn_plane *plane, struct nn_error *err)
{
    if (rows == 0 || cols == 0)
        return nn_fail(err, NN_BAD_DATA, "%s: image without pixels", name);
    if ((uint64_t)rows * cols > NN_IMAGE_MAX_PIXELS)
        return nn_fail(err, NN_LIMIT, "%s: %u x %u is over the limit of %u pixels", name, rows,
                       cols, NN_IMAGE_MAX_PIXELS);
    plane->rows = (int)rows;
    plane->cols = (int)cols;
    plane->pixels = malloc((size_t)rows * cols * sizeof *plane->pixels);
    if (!plane->pixels)
        return nn_fail(err, NN_NO_MEMORY, "%s: no memory for %u x %u pixels", name, rows, cols);
    return NN_OK;
}

enum nn_status nn_image_decode(const char *name, const uint8_t *bytes, size_t size,
                               struct nn_plane *plane, struct nn_error *err)
{
    static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    static const uint8_t jpeg[3] = {0xff, 0xd8, 0xff};
    enum nn_status status;

    *plane = (struct nn_plane){0};
    if (size >= sizeof png && memcmp(bytes, png, sizeof png) == 0)
        status = nn_image_png_decode(name, bytes, size, plane, err);
    else if (size >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0)
        status = nn_image_jpeg_decode(name, bytes, size, plane, err);
    else
        status = nn_fail(err, NN_UNSUPPORTED, "%s: neither PNG nor JPEG", name);
    if (status != NN_OK)
        nn_plane_finish(plane);
    return status;
}

enum nn_status nn_image_read(const char *path, struct nn_plane *plane, struct nn_error *err)
{
    enum nn_status status = NN_OK;
    struct stat st;
    void *bytes = MAP_FAILED;
    size_t size = 0;

    *plane = (struct nn_plane){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return nn_fail(err, errno == ENOENT ? NN_MISSING : NN_IO, "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) != 0) {
        status = nn_fail(err, NN_IO, "%s: %s", path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(st.st_mode) || st.st_size <= 0) {
        status = nn_fail(err, NN_BAD_DATA, "%s: not a file with content", path);
        goto out;
    }
    if (st.st_size > (off_t)NN_IMAGE_MAX_FILE) {
        status = nn_fail(err, NN_LIMIT, "%s: larger than %u bytes", path, NN_IMAGE_MAX_FILE);
        goto out;
    }
    size = (size_t)st.st_size;
    bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        status = nn_fail(err, NN_IO, "%s: %s", path, strerror(errno));
        goto out;
    }
    status = nn_image_decode(path, bytes, size, plane, err);
out:
    if (bytes != MAP_FAILED)
        munmap(bytes, size);
    close(fd);
    return status;
}

static enum nn_status png_to_file(const char *path, FILE *file, const uint8_t *pixels, int rows,
                                  int cols, int channels, struct nn_error *err)
{
    enum nn_status status;
    png_infop info = NULL;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);

    if (!png || !(info = png_create_info_struct(png)))
        status = nn_fail(err, NN_NO_MEMORY, "%s: no memory for the PNG writer", path);
    else if (nn_image_png_encode(png, info, file, pixels, rows, cols, channels) != NN_OK)
        status = nn_fail(err, NN_IO, "%s: cannot write PNG", path);
    else
        status = NN_OK;
    png_destroy_write_struct(&png, &info);
    return status;
}

enum nn_status nn_image_write_png(const char *path, const uint8_t *pixels, int rows, int cols,
                                  int channels, struct nn_error *err)
{
    struct nn_file file;
    enum nn_status status;

    if (rows < 1 || cols < 1 || (channels != 1 && channels != 3))
        return nn_fail(err, NN_INVALID, "%s: %d x %d pixels of %d channels", path, rows, cols,
                       channels);
    if ((status = nn_file_begin(&file, path, err)) != NN_OK)
        return status;
    status = png_to_file(path, file.out, pixels, rows, cols, channels, err);
    enum nn_status placed = nn_file_place(&file, status == NN_OK, status == NN_OK ? err : NULL);
    return status == NN_OK ? placed : status;
}
