#include "memory.h"
#include <stdlib.h>
#include <sys/mman.h>

#define LINE  16                /* floats in a cache line */
#define LARGE ((size_t)2 << 20) /* bytes of a large page */

size_t nn_memory_floats(size_t floats)
{
    return (floats + LINE - 1) / LINE * LINE;
}

float *nn_memory_take(size_t floats)
{
    size_t bytes = nn_memory_floats(floats + LINE) * sizeof(float);
    if (bytes < 2 * LARGE)
        return aligned_alloc(LINE * sizeof(float), bytes);
    bytes = (bytes + LARGE - 1) / LARGE * LARGE;
    float *memory = aligned_alloc(LARGE, bytes);
    if (memory != NULL)
        (void)madvise(memory, bytes, MADV_HUGEPAGE); /* advice: small pages do as well */
    return memory;
}
