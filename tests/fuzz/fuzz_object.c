/* A stored object as the object child sees it: pre-scan, parse, attributes, first frame, grey. */
#include "dx_init.h"
#include "dx_object.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void decode(int fd, const struct dx_limits *limits)
{
    struct dx_object *object = NULL;
    struct dx_attrs *attrs = NULL;
    struct dx_grey grey;
    struct dx_frame frame;
    struct dx_error err;
    if (dx_object_open(fd, limits, &object, &err))
        return;
    if (dx_object_attributes(object, &attrs, &err) == DX_OK)
        dx_attrs_destroy(attrs);
    if (dx_object_grey(object, 0, &grey, &err) == DX_OK)
        dx_grey_finish(&grey);
    if (dx_object_frame(object, 1, &frame, &err) == DX_OK)
        dx_frame_finish(&frame);
    dx_object_close(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
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
        return 0;
    if (write(fd, bytes, count) == (ssize_t)count &&
        dx_prescan_file(fd, &limits, transfer_syntax, &scan, &err) == DX_OK)
        decode(fd, &limits);
    close(fd);
    return 0;
}
