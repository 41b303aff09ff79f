/* A stored object as the object child sees it: pre-scan, parse, attributes, first frame, grey. */
#include "object_input.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void decode(int fd, const struct dx_limits *limits, const struct dx_scan *scan)
{
    (void)scan;
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
    object_input(bytes, count, decode);
    return 0;
}
