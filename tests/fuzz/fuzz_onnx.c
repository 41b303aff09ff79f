/* Any bytes as an ONNX file: refused with a text, or a finished graph with a tensor a parameter. */
#include "nn_onnx.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct nn_onnx_options options = {.side = 8, .fresh_classes = size % 7 == 0 ? 3 : 0};
    struct nn_error err = {0};
    struct nn_onnx *onnx;
    size_t count;

    if (nn_onnx_parse("fuzz", bytes, size, &options, &onnx, &err) != NN_OK) {
        if (err.status == NN_OK || err.text[0] == '\0' || onnx != NULL)
            __builtin_trap();
        return 0;
    }
    const struct nn_tensor *tensors = nn_onnx_tensors(onnx, &count);
    if (count != (size_t)nn_graph_parameter_count(nn_onnx_graph(onnx)))
        __builtin_trap();
    volatile float sum = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < tensors[i].elements; j++)
            sum = sum + tensors[i].data[j];
    nn_onnx_close(onnx);
    return 0;
}
