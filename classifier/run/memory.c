#include "memory.h"
#include <stdlib.h>
#include <sys/mman.h>

#define LINE  16                /* floats in a cache line */
#define LARGE ((size_t)2 << 20) /* bytes of a large page */

size_t nn_memory_floats(size_t floats)
{
    return (floats + LINE - 1) / LINE * LINE;
}

static size_t bytes_of(size_t floats)
{
    size_t bytes = nn_memory_floats(floats + LINE) * sizeof(float);
    return bytes < 2 * LARGE ? bytes : (bytes + LARGE - 1) / LARGE * LARGE;
}

float *nn_memory_take(size_t floats)
{
    size_t bytes = bytes_of(floats);
    if (bytes < 2 * LARGE)
        return aligned_alloc(LINE * sizeof(float), bytes);
    float *memory = aligned_alloc(LARGE, bytes);
    if (memory != NULL)
        (void)madvise(memory, bytes, MADV_HUGEPAGE); /* advice: small pages do as well */
    return memory;
}

void nn_memory_rest(float *memory, size_t floats)
{
    size_t bytes = bytes_of(floats);
    if (memory != NULL && bytes >= 2 * LARGE)
        (void)madvise(memory, bytes, MADV_DONTNEED);
}
