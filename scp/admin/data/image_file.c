#include "image_file.h"
#include "dx_init.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define OBJECT_MEMORY  (2ull << 30)
#define OBJECT_SECONDS 60

int image_reader_open(struct image_reader *reader, char *error, size_t error_size)
{
    struct dx_error dx = {0};

    *reader = (struct image_reader){.limits = {.memory_bytes = OBJECT_MEMORY,
                                               .cpu_seconds = OBJECT_SECONDS,
                                               .wall_seconds = 2 * OBJECT_SECONDS}};
    dx_limits_default(&reader->limits.dx);
    if (dx_init(NULL, NULL, &dx) != DX_OK) {
        snprintf(error, error_size, "%s", dx.text);
        return EX_SOFTWARE;
    }
    reader->zygote = zygote_start();
    if (!reader->zygote) {
        snprintf(error, error_size, "zygote: %s", strerror(errno));
        return EX_OSERR;
    }
    return 0;
}

void image_reader_close(struct image_reader *reader)
{
    zygote_stop(reader->zygote);
    memset(reader, 0, sizeof *reader);
}

bool image_file_is_picture(int fd)
{
    static const uint8_t png[] = {0x89, 'P', 'N', 'G'}, jpeg[] = {0xff, 0xd8, 0xff};
    uint8_t head[4] = {0};

    return pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head &&
           (memcmp(head, png, sizeof png) == 0 || memcmp(head, jpeg, sizeof jpeg) == 0);
}

bool image_plane_of(const struct dx_grey *grey, struct nn_plane *plane)
{
    size_t count = (size_t)grey->rows * grey->cols;

    plane->pixels = malloc(count * sizeof *plane->pixels);
    if (!plane->pixels)
        return false;
    plane->rows = (int)grey->rows;
    plane->cols = (int)grey->cols;
    return nn_plane_of_grey(grey->pixels, count, plane->pixels, NULL, NULL) == NN_OK;
}
