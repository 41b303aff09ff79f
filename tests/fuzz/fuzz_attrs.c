/* Packed attributes as they come from the object child: unpack, and pack to the same bytes. */
#include "dx_attrs.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct dx_attrs *attrs = NULL;
    struct dx_error err;
    if (dx_attrs_unpack(bytes, count, &attrs, &err))
        return 0;
    uint8_t *again = NULL;
    size_t size = 0;
    if (dx_attrs_pack(attrs, &again, &size) || size > count)
        abort();
    free(again);
    dx_attrs_destroy(attrs);
    return 0;
}
