/* A selftest.json of a model folder: what is taken is complete, and writes back to the same. */
#include "selftest.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

#define MODEL "48d4c4ed1b9d5a2ca6e25862b3fb6b5edd934cf42b3adf466e8f5956103da157"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct selftest_known known, again;
    char error[256] = "";
    enum selftest_known_end end =
        selftest_known_parse((const char *)bytes, count, MODEL, &known, error, sizeof error);
    if (end == SELFTEST_WRONG && error[0] == '\0')
        abort();
    if (end != SELFTEST_KNOWN)
        return 0;
    char *text = selftest_known_print(&known);
    if (!text || selftest_known_parse(text, strlen(text), MODEL, &again, error, sizeof error) !=
                     SELFTEST_KNOWN)
        abort();
    if (memcmp(&known, &again, sizeof known) != 0)
        abort();
    free(text);
    return 0;
}
