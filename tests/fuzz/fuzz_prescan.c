/* A dataset in every encoding: the first byte chooses the transfer syntax. What passes has a digest
 * and keeps the limits. */
#include "dx_prescan.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static const char *const syntaxes[] = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1",
                                           "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99",
                                           "1.2.840.10008.1.2.4.70"};
    struct dx_limits limits;
    struct dx_scan scan;
    struct dx_error err;

    if (count == 0)
        return 0;
    dx_limits_default(&limits);
    limits.dataset_bytes = 16u << 20;
    enum dx_status status =
        dx_prescan_memory(bytes + 1, count - 1, syntaxes[bytes[0] % 5], &limits, &scan, &err);
    if (status == DX_OK &&
        (strlen(scan.digest) != 64 || scan.nesting > 64 || scan.dataset_bytes != count - 1))
        abort();
    if (status == DX_IO || status == DX_INTERNAL)
        abort();
    return 0;
}
