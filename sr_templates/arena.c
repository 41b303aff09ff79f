#include "srt_private.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *srt_arena_zero(struct srt_block **arena, size_t size)
{
    struct srt_block *block;

    if (size > SIZE_MAX - sizeof *block)
        return NULL;
    block = calloc(1, sizeof *block + size);
    if (!block)
        return NULL;
    block->next = *arena;
    *arena = block;
    return block->bytes;
}

const char *srt_arena_text(struct srt_block **arena, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = srt_arena_zero(arena, size);

    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void srt_arena_finish(struct srt_block **arena)
{
    for (struct srt_block *block = *arena, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    *arena = NULL;
}
