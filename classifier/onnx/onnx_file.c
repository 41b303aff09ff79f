/* onnx_file.c: bytes -> messages, in memory bounded by their number. */
#include "onnx_internal.h"
#include <stdlib.h>
#include <string.h>

/* A block begins with its size, so that freeing gives it back to the limit. */
#define HEAD 16

static void *take(void *data, size_t size)
{
    struct onnx_arena *arena = data;
    if (size > arena->limit - arena->used || arena->limit - arena->used - size < HEAD)
        return NULL;
    char *block = malloc(size + HEAD);
    if (block == NULL)
        return NULL;
    uint64_t whole = size + HEAD;
    memcpy(block, &whole, sizeof whole);
    arena->used += whole;
    return block + HEAD;
}

static void give_back(void *data, void *pointer)
{
    struct onnx_arena *arena = data;
    if (pointer == NULL)
        return;
    char *block = (char *)pointer - HEAD;
    uint64_t whole;
    memcpy(&whole, block, sizeof whole);
    arena->used -= whole;
    free(block);
}

/* What weighs in a real file is raw data, which is copied once; an empty message of two bytes
 * becomes a structure of some hundred, so small files get a generous start. */
void nn_onnx_arena_init(struct onnx_arena *arena, uint64_t file_size)
{
    arena->allocator =
        (ProtobufCAllocator){.alloc = take, .free = give_back, .allocator_data = arena};
    arena->used = 0;
    arena->limit = 2 * file_size + (UINT64_C(64) << 20);
}

enum nn_status nn_onnx_unpack(const char *name, const void *bytes, size_t size,
                              struct onnx_arena *arena, NnOnnx__Model **model, struct nn_error *err)
{
    *model = NULL;
    if (size == 0)
        return nn_fail(err, NN_BAD_DATA, "%s: the file is empty", name);
    if (size > NN_ONNX_MAX_FILE)
        return nn_fail(err, NN_LIMIT, "%s: larger than %llu bytes", name,
                       (unsigned long long)NN_ONNX_MAX_FILE);
    NnOnnx__Model *unpacked = nn_onnx__model__unpack(&arena->allocator, size, bytes);
    if (unpacked == NULL)
        return nn_fail(err, NN_BAD_DATA, "%s: not an ONNX model, or cut off", name);
    if (unpacked->graph == NULL) {
        nn_onnx__model__free_unpacked(unpacked, &arena->allocator);
        return nn_fail(err, NN_BAD_DATA, "%s: an ONNX model without a graph", name);
    }
    *model = unpacked;
    return NN_OK;
}
