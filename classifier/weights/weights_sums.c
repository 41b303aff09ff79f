/* weights_sums.c: a checksum a tensor, so that a file whose bits have flipped is refused by the
 * tensor's name (the digest of the whole could only say that something is wrong). They are metadata
 * of ours, "crc32/NAME" -> CRC-32 (zlib's) of the stored bytes as 8 hex digits. Files of others
 * have none and are taken as they are; a file that has one has one for every tensor. */
#include "weights_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define PREFIX        "crc32/"
#define PREFIX_LENGTH (sizeof PREFIX - 1)

static uint32_t sum_of(uint32_t sum, const void *bytes, size_t size)
{
    return (uint32_t)crc32_z(sum, bytes, size);
}

static bool is_sum(const struct nn_header_pair *pair)
{
    return strncmp(pair->key, PREFIX, PREFIX_LENGTH) == 0;
}

/* The pair of one tensor, searched from `*from` on, since they stand in the tensors' order. */
static const char *find(const struct nn_header *header, const char *name, size_t *from)
{
    for (size_t i = 0; i < header->metadata_count; i++) {
        size_t at = (*from + i) % header->metadata_count;
        const struct nn_header_pair *pair = &header->metadata[at];
        if (is_sum(pair) && strcmp(pair->key + PREFIX_LENGTH, name) == 0) {
            *from = at + 1;
            return pair->value;
        }
    }
    return NULL;
}

enum nn_status nn_sums_check(const struct nn_header *header, const unsigned char *data,
                             const char *where, struct nn_error *err)
{
    size_t sums = 0, from = 0;

    for (size_t i = 0; i < header->metadata_count; i++)
        sums += is_sum(&header->metadata[i]);
    if (sums == 0)
        return NN_OK;
    for (size_t i = 0; i < header->count; i++) {
        const struct nn_header_tensor *tensor = &header->tensors[i];
        const char *expected = find(header, tensor->name, &from);
        char sum[9];
        if (expected == NULL)
            return nn_fail(err, NN_BAD_DATA, "%s: tensor %.80s: has no checksum, others have",
                           where, tensor->name);
        snprintf(sum, sizeof sum, "%08x",
                 sum_of(0, data + tensor->begin, (size_t)(tensor->end - tensor->begin)));
        if (strcmp(sum, expected) != 0)
            return nn_fail(err, NN_BAD_DATA,
                           "%s: tensor %.80s: its bytes are damaged (checksum %s, %.8s expected)",
                           where, tensor->name, sum, expected);
    }
    if (sums != header->count)
        return nn_fail(err, NN_BAD_DATA, "%s: %zu checksums of %zu tensors", where, sums,
                       header->count);
    return NN_OK;
}

static uint32_t sum_of_tensor(const struct nn_tensor *tensor, enum nn_dtype store)
{
    uint16_t half[1024];
    uint32_t sum = 0;

    if (store == NN_F32)
        return tensor->elements == 0
                   ? 0
                   : sum_of(0, tensor->data, tensor->elements * sizeof *tensor->data);
    for (size_t i = 0; i < tensor->elements;) {
        size_t n = 0;
        for (; n < 1024 && i < tensor->elements; n++, i++)
            half[n] = nn_float_to_half(tensor->data[i]);
        sum = sum_of(sum, half, n * sizeof *half);
    }
    return sum;
}

enum nn_status nn_sums_make(const struct nn_tensor *tensors, size_t count, enum nn_dtype store,
                            struct nn_sum **sums, struct nn_error *err)
{
    *sums = calloc(count + 1, sizeof **sums);
    if (*sums == NULL)
        return nn_fail(err, NN_NO_MEMORY, "weights: out of memory");
    for (size_t i = 0; i < count; i++)
        snprintf((*sums)[i].text, sizeof(*sums)[i].text, "%08x", sum_of_tensor(&tensors[i], store));
    return NN_OK;
}
