/* denied_memory.h: one request for memory of the whole program fails. Includes the functions: for
 * one source file of a test program that links no sanitizer. */
#ifndef DENIED_MEMORY_H
#define DENIED_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static atomic_long taken, denied = -1; /* the one that fails */

static bool is_denied(void)
{
    return atomic_fetch_add(&taken, 1) == denied;
}

void *malloc(size_t size)
{
    return is_denied() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return is_denied() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return is_denied() ? NULL : __libc_realloc(memory, size);
}

#endif
