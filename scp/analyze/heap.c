#include "heap.h"
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define KEEP_BLOCKS (32 << 20)  /* the largest that mallopt takes */
#define KEEP_FREE   (256 << 20) /* free memory at the heap's end */
#define AHEAD       4           /* blocks for which addresses are taken: a study's */
#define LARGE       ((uintptr_t)2 << 20)

/* A sanitizer has a heap of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
void heap_begin(void)
{
}

void heap_rest(void)
{
}
#else
/* Grows the heap by addresses alone and asks for large pages there. */
static void reach_ahead(void)
{
    void *block[AHEAD];
    uintptr_t begin = ((uintptr_t)sbrk(0) + LARGE - 1) / LARGE * LARGE;
    for (int i = 0; i < AHEAD; i++)
        block[i] = malloc(KEEP_BLOCKS - 4096);
    for (int i = AHEAD - 1; i >= 0; i--)
        free(block[i]);
    uintptr_t end = (uintptr_t)sbrk(0) / LARGE * LARGE;
    if (end > begin)
        (void)madvise((void *)begin, end - begin, MADV_HUGEPAGE);
}

void heap_begin(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, KEEP_BLOCKS);
    (void)mallopt(M_TRIM_THRESHOLD, KEEP_FREE);
    reach_ahead();
}

void heap_rest(void)
{
    (void)malloc_trim(0);
    reach_ahead();
}
#endif
