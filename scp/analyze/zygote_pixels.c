#include "zygote_pixels.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE ((size_t)4096) /* of larger ones, too, no byte is left: a part of one is cleared */

static int make(uint64_t size)
{
    int fd = memfd_create("pixels", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -1;
    if (ftruncate(fd, (off_t)size) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

void zygote_pixels_close(struct zygote_pixels *pixels)
{
    if (pixels->map)
        (void)munmap(pixels->map, ZYGOTE_PIXELS_KEPT);
    if (pixels->fd >= 0)
        close(pixels->fd);
    *pixels = (struct zygote_pixels){.fd = -1};
}

int zygote_pixels_lend(struct zygote_pixels *pixels, uint64_t size)
{
    zygote_pixels_wipe(pixels);
    if (pixels->fd >= 0 && pixels->size != size)
        zygote_pixels_close(pixels);
    if (pixels->fd < 0)
        *pixels = (struct zygote_pixels){.fd = make(size), .size = size};
    pixels->is_clean = false;
    pixels->taken = 0;
    return pixels->fd;
}

void *zygote_pixels_take(struct zygote_pixels *pixels, size_t bytes)
{
    char *to = malloc(bytes > 0 ? bytes : 1);
    size_t at = 0;
    while (to && at < bytes) {
        ssize_t got = pread(pixels->fd, to + at, bytes - at, (off_t)at);
        if (got <= 0) {
            free(to);
            return NULL;
        }
        at += (size_t)got;
    }
    pixels->taken = bytes;
    return to;
}

/* The whole of what is kept is mapped: what lies behind the file's end is never touched. */
static bool map_start(struct zygote_pixels *pixels)
{
    if (!pixels->map) {
        void *map =
            mmap(NULL, ZYGOTE_PIXELS_KEPT, PROT_READ | PROT_WRITE, MAP_SHARED, pixels->fd, 0);
        pixels->map = map == MAP_FAILED ? NULL : map;
    }
    return pixels->map != NULL;
}

void *zygote_pixels_see(struct zygote_pixels *pixels, size_t bytes)
{
    if (bytes > ZYGOTE_PIXELS_KEPT || bytes > pixels->size || !map_start(pixels)) {
        errno = ENOMEM;
        return NULL;
    }
    (void)madvise(pixels->map, bytes, MADV_POPULATE_READ); /* at once; else page by page */
    pixels->taken = bytes;
    return pixels->map;
}

static bool give_back(const struct zygote_pixels *pixels, uint64_t from)
{
    return from >= pixels->size || fallocate(pixels->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                             (off_t)from, (off_t)(pixels->size - from)) == 0;
}

void zygote_pixels_wipe(struct zygote_pixels *pixels)
{
    if (pixels->fd < 0 || pixels->is_clean)
        return;
    size_t kept = (pixels->taken + PAGE - 1) / PAGE * PAGE;
    kept = kept <= ZYGOTE_PIXELS_KEPT && kept <= pixels->size && map_start(pixels) ? kept : 0;
    if (kept > 0)
        memset(pixels->map, 0, kept);
    pixels->is_clean = give_back(pixels, kept);
    if (!pixels->is_clean)
        zygote_pixels_close(pixels); /* the next child gets another */
}

void zygote_pixels_rest(struct zygote_pixels *pixels)
{
    if (pixels->fd >= 0 && !give_back(pixels, 0))
        zygote_pixels_close(pixels);
}
