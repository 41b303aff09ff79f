/* dump_frame FILE: every frame as decoded by dx, for comparison with other decoders.
 * Prints a line "frame ROWS COLS SAMPLES BITS_ALLOCATED BITS_STORED SIGNED BYTES PHOTOMETRIC" and
 * the bytes for each frame, or one line "error STATUS TEXT". --grey: "grey ROWS COLS LOSSY MM" and
 * the 16-bit plane of the first frame instead. */
#include "dx_init.h"
#include "dx_object.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fail(const struct dx_error *err)
{
    printf("error %d %s\n", (int)err->status, err->text);
    return 1;
}

static int dump_grey(struct dx_object *object, struct dx_error *err)
{
    struct dx_grey grey;
    if (dx_object_grey(object, 0, &grey, err))
        return fail(err);
    printf("grey %u %u %d %.9g\n", grey.rows, grey.cols, grey.was_lossy, grey.mm_per_pixel);
    fwrite(grey.pixels, sizeof *grey.pixels, (size_t)grey.rows * grey.cols, stdout);
    dx_grey_finish(&grey);
    return 0;
}

static int dump_frames(struct dx_object *object, struct dx_error *err)
{
    struct dx_image_info info;
    if (dx_object_image(object, &info, err))
        return fail(err);
    for (uint32_t i = 0; i < info.frames; i++) {
        struct dx_frame frame;
        if (dx_object_frame(object, i, &frame, err))
            return fail(err);
        const struct dx_image_info *got = &frame.info;
        printf("frame %u %u %u %u %u %d %zu %s\n", got->rows, got->cols, got->samples,
               got->bits_allocated, got->bits_stored, got->is_signed, frame.count,
               got->photometric);
        fwrite(frame.bytes, 1, frame.count, stdout);
        dx_frame_finish(&frame);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct dx_error err = {0};
    struct dx_limits limits;
    struct dx_object *object = NULL;
    int is_grey = argc > 2 && strcmp(argv[1], "--grey") == 0;
    if (argc < 2)
        return 64;
    int fd = open(argv[argc - 1], O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 66;
    dx_limits_default(&limits);
    int result = 1;
    if (dx_init(NULL, NULL, &err) || dx_object_open(fd, &limits, &object, &err))
        result = fail(&err);
    else
        result = is_grey ? dump_grey(object, &err) : dump_frames(object, &err);
    dx_object_close(object);
    close(fd);
    return result;
}
