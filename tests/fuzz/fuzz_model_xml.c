/* model.xml bytes to an info; what is accepted must be in bounds. */
#include "nn_model.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct nn_model_info info;
    struct nn_error err;

    if (nn_model_info_parse("input", (const char *)data, size, &info, &err) != NN_OK)
        return 0;
    if (info.classes < 2 || info.classes > NN_MAX_CLASSES || info.preprocess.side < 32 ||
        info.preprocess.side > 1024)
        abort();
    return 0;
}
