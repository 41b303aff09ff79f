/* Any bytes as a safetensors file: refused, or every number in it can be read. */
#include "weights/weights_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct nn_error err = {0};
    struct nn_weights *weights;
    volatile float sum = 0;

    if (nn_weights_open_memory(bytes, size, "fuzz", &weights, &err) != NN_OK) {
        if (err.status == NN_OK || err.text[0] == '\0')
            __builtin_trap();
        return 0;
    }
    for (size_t i = 0; i < nn_weights_count(weights); i++) {
        const struct nn_tensor *tensor = nn_weights_at(weights, i);
        if (nn_weights_find(weights, tensor->name) != tensor)
            __builtin_trap();
        for (size_t j = 0; j < tensor->elements; j++)
            sum = sum + tensor->data[j];
    }
    nn_weights_close(weights);
    return 0;
}
