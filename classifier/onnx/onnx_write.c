/* onnx_write.c: packed messages straight into a file. */
#include "file_internal.h"
#include "onnx_build_internal.h"

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

enum nn_status nn_onnx_build_write(const NnOnnx__Model *model, const char *path,
                                   struct nn_error *err)
{
    struct nn_file file;
    enum nn_status status = nn_file_begin(&file, path, err);

    if (status != NN_OK)
        return status;
    struct sink sink = {.base = {.append = append}, .file = file.out};
    nn_onnx__model__pack_to_buffer(model, &sink.base);
    return nn_file_commit(&file, !sink.failed, err);
}
