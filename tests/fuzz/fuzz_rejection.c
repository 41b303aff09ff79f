/* A received Key Object Selection as the object child sees it: pre-scan, parse, what it rejects. */
#include "dx_init.h"
#include "dx_object.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void read_note(int fd, const struct dx_limits *limits)
{
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
    static struct dx_limits limits;
    static int is_ready;
    struct dx_error err;
    if (!is_ready) {
        if (dx_init(NULL, NULL, &err))
            abort();
        dx_limits_default(&limits);
        limits.dataset_bytes = 1u << 26;
        is_ready = 1;
    }
    int fd = memfd_create("note", MFD_CLOEXEC);
    char transfer_syntax[DX_UID_MAX];
    struct dx_scan scan;
    if (fd < 0)
        return 0;
    if (write(fd, bytes, count) == (ssize_t)count &&
        dx_prescan_file(fd, &limits, transfer_syntax, &scan, &err) == DX_OK)
        read_note(fd, &limits);
    close(fd);
    return 0;
}
