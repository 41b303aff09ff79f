/* onnx_write.c: packed messages straight into a file that appears whole or not at all. */
#include "onnx_build_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sink {
    ProtobufCBuffer base;
    FILE *file;
    bool failed;
};

static void append(ProtobufCBuffer *base, size_t size, const uint8_t *data)
{
    struct sink *sink = (struct sink *)base;
    sink->failed = sink->failed || fwrite(data, 1, size, sink->file) != size;
}

static bool sync_directory(const char *path)
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof copy, "%s", path);
    char *slash = strrchr(copy, '/');
    if (slash == copy)
        slash[1] = '\0';
    else if (slash != NULL)
        *slash = '\0';
    else
        snprintf(copy, sizeof copy, ".");
    int fd = open(copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

enum nn_status nn_onnx_build_write(const NnOnnx__Model *model, const char *path,
                                   struct nn_error *err)
{
    char temporary[PATH_MAX];
    struct sink sink = {.base = {.append = append}};

    int length = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof temporary)
        return nn_fail(err, NN_INVALID, "%.100s: the path is too long", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return nn_fail(err, NN_IO, "%.180s: %s", path, strerror(errno));
    sink.file = fdopen(fd, "wb");
    bool good = sink.file != NULL && fchmod(fd, 0644) == 0;
    if (good) {
        nn_onnx__model__pack_to_buffer(model, &sink.base);
        good = !sink.failed && fflush(sink.file) == 0 && fsync(fd) == 0;
    }
    int why = errno;
    if (sink.file != NULL)
        good = fclose(sink.file) == 0 && good;
    else
        close(fd);
    if (good && rename(temporary, path) == 0 && sync_directory(path))
        return NN_OK;
    why = good ? errno : why;
    unlink(temporary);
    return nn_fail(err, NN_IO, "%.180s: %s", path, strerror(why));
}
