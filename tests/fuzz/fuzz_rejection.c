/* A received Key Object Selection as the object child sees it: pre-scan, parse, what it rejects. */
#include "object_input.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void read_note(int fd, const struct dx_limits *limits, const struct dx_scan *scan)
{
    (void)scan;
    struct dx_object *object = NULL;
    struct dx_rejection rejection;
    struct dx_error err;
    if (dx_object_open(fd, limits, &object, &err))
        return;
    if (dx_object_rejection(object, &rejection, &err) == DX_OK) {
        if (rejection.reference_count == 0 || rejection.reference_count > DX_REJECTION_MAX)
            abort();
        for (size_t i = 0; i < rejection.reference_count; i++)
            if (!dx_uid_is_usable(rejection.references[i].sop_instance) ||
                strlen(rejection.references[i].series) >= DX_UID_MAX)
                abort();
    } else if (rejection.references) {
        abort();
    }
    dx_rejection_finish(&rejection);
    dx_object_close(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    object_input(bytes, count, read_note);
    return 0;
}
