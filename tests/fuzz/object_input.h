/* object_input.h: an input as a stored object that the pre-scanner has passed, for the targets that
 * are what the object child does. */
#ifndef OBJECT_INPUT_H
#define OBJECT_INPUT_H

#include "dx_init.h"
#include "dx_object.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* read: what looks at the object; it is called where the pre-scanner lets it through. */
static inline void object_input(const uint8_t *bytes, size_t count,
                                void (*read)(int fd, const struct dx_limits *limits,
                                             const struct dx_scan *scan))
{
    static struct dx_limits limits;
    static int is_ready;
    struct dx_error err;
    if (!is_ready) {
        if (dx_init(NULL, NULL, &err))
            abort();
        dx_limits_default(&limits);
        limits.frame_pixels = 1u << 20;
        limits.frame_bytes = 1u << 24;
        limits.dataset_bytes = 1u << 26;
        is_ready = 1;
    }
    int fd = memfd_create("object", MFD_CLOEXEC);
    char transfer_syntax[DX_UID_MAX];
    struct dx_scan scan;
    if (fd < 0)
        return;
    if (write(fd, bytes, count) == (ssize_t)count &&
        dx_prescan_file(fd, &limits, transfer_syntax, &scan, &err) == DX_OK)
        read(fd, &limits, &scan);
    close(fd);
}

#endif
