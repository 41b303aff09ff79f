/* Reads safetensors: 8 bytes little-endian header length, JSON, then the tensors' bytes. */
#include "weights_internal.h"
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors are little-endian; this reader uses them in place"
#endif

struct nn_weights {
    struct nn_header header;
    struct nn_tensor *tensors; /* sorted by name */
    size_t count;
    float *widened; /* what could not be used in place */
    void *map;
    size_t map_size;
    struct nn_weights **parts; /* of a union, which owns them: nothing above but tensors */
    size_t part_count;
    char digest[65];
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct nn_tensor *)a)->name, ((const struct nn_tensor *)b)->name);
}

static int by_offset(const void *a, const void *b)
{
    const struct nn_header_tensor *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* Elements and dtype of one entry, checked against its offsets. */
static enum nn_status check_tensor(const struct nn_header_tensor *from, size_t data_size,
                                   const char *where, struct nn_tensor *to, struct nn_error *err)
{
    bool half = strcmp(from->dtype, "F16") == 0;
    if (!half && strcmp(from->dtype, "F32") != 0)
        return nn_fail(err, NN_UNSUPPORTED, "%s: tensor %.80s: dtype %s (F32 and F16 are)", where,
                       from->name, from->dtype);

    uint64_t bytes = half ? 2 : 4;
    for (int i = 0; i < from->dims; i++)
        if (__builtin_mul_overflow(bytes, (uint64_t)from->dim[i], &bytes))
            return nn_fail(err, NN_BAD_DATA, "%s: tensor %.80s: the shape overflows", where,
                           from->name);
    if (from->begin > from->end || from->end > data_size)
        return nn_fail(err, NN_BAD_DATA, "%s: tensor %.80s: offsets outside the file", where,
                       from->name);
    if (from->end - from->begin != bytes)
        return nn_fail(err, NN_BAD_DATA, "%s: tensor %.80s: offsets do not match the shape", where,
                       from->name);

    *to = (struct nn_tensor){.name = from->name,
                             .stored = half ? NN_F16 : NN_F32,
                             .dims = from->dims,
                             .elements = (size_t)(bytes / (half ? 2 : 4))};
    memcpy(to->dim, from->dim, sizeof to->dim);
    return NN_OK;
}

static enum nn_status check_overlap(struct nn_header *header, const char *where,
                                    struct nn_error *err)
{
    for (size_t i = 1; i < header->count; i++)
        if (header->tensors[i].begin < header->tensors[i - 1].end)
            return nn_fail(err, NN_BAD_DATA, "%s: tensors %.80s and %.80s overlap", where,
                           header->tensors[i - 1].name, header->tensors[i].name);
    return NN_OK;
}

static bool usable_in_place(const struct nn_tensor *tensor, const unsigned char *bytes)
{
    return tensor->stored == NN_F32 && (uintptr_t)bytes % sizeof(float) == 0;
}

/* Points data into the file, or at private memory for F16 and for misaligned F32. */
static enum nn_status place(struct nn_weights *weights, const unsigned char *data,
                            const char *where, struct nn_error *err)
{
    size_t private = 0;
    for (size_t i = 0; i < weights->count; i++)
        if (!usable_in_place(&weights->tensors[i], data + weights->header.tensors[i].begin))
    private += weights->tensors[i].elements;
    if (private > 0 && (weights->widened = calloc(private, sizeof(float))) == NULL)
        return nn_fail(err, NN_NO_MEMORY, "%s: out of memory", where);

    float *to = weights->widened;
    for (size_t i = 0; i < weights->count; i++) {
        struct nn_tensor *tensor = &weights->tensors[i];
        const unsigned char *bytes = data + weights->header.tensors[i].begin;
        if (usable_in_place(tensor, bytes)) {
            tensor->data = (const float *)(const void *)bytes;
            continue;
        }
        tensor->data = to;
        if (tensor->stored == NN_F32 && tensor->elements > 0)
            memcpy(to, bytes, tensor->elements * sizeof(float));
        for (size_t j = 0; tensor->stored == NN_F16 && j < tensor->elements; j++)
            to[j] = nn_half_to_float((uint16_t)(bytes[2 * j] | bytes[2 * j + 1] << 8));
        if (tensor->elements > 0) /* there may be no room at all, and no pointer */
            to += tensor->elements;
    }
    return NN_OK;
}

static enum nn_status check_names(const struct nn_weights *weights, const char *where,
                                  struct nn_error *err)
{
    for (size_t i = 1; i < weights->count; i++)
        if (strcmp(weights->tensors[i - 1].name, weights->tensors[i].name) == 0)
            return nn_fail(err, NN_BAD_DATA, "%s: tensor %.80s is there twice", where,
                           weights->tensors[i].name);
    return NN_OK;
}

static enum nn_status digest(const void *bytes, size_t size, char text[65], const char *where,
                             struct nn_error *err)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (EVP_Digest(bytes, size, hash, &length, EVP_sha256(), NULL) != 1 || length != 32)
        return nn_fail(err, NN_NO_MEMORY, "%s: SHA-256 failed", where);
    for (unsigned i = 0; i < length; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
    return NN_OK;
}

static enum nn_status read_memory(struct nn_weights *weights, const unsigned char *bytes,
                                  size_t size, const char *where, struct nn_error *err)
{
    uint64_t length = 0;
    if (size < 8)
        return nn_fail(err, NN_BAD_DATA, "%s: %zu bytes, too short for safetensors", where, size);
    for (int i = 0; i < 8; i++)
        length |= (uint64_t)bytes[i] << 8 * i;
    if (length > NN_WEIGHTS_MAX_HEADER)
        return nn_fail(err, NN_LIMIT, "%s: a header of %llu bytes (limit %u)", where,
                       (unsigned long long)length, NN_WEIGHTS_MAX_HEADER);
    if (length > size - 8)
        return nn_fail(err, NN_BAD_DATA, "%s: the header is longer than the file", where);

    struct nn_header *header = &weights->header;
    enum nn_status status =
        nn_header_read((const char *)bytes + 8, (size_t)length, where, header, err);
    if (status != NN_OK)
        return status;

    if (header->count > 1)
        qsort(header->tensors, header->count, sizeof *header->tensors, by_offset);
    weights->tensors = calloc(header->count + 1, sizeof *weights->tensors);
    if (weights->tensors == NULL)
        return nn_fail(err, NN_NO_MEMORY, "%s: out of memory", where);
    for (; weights->count < header->count; weights->count++) {
        status = check_tensor(&header->tensors[weights->count], size - 8 - (size_t)length, where,
                              &weights->tensors[weights->count], err);
        if (status != NN_OK)
            return status;
    }
    if ((status = check_overlap(header, where, err)) != NN_OK ||
        (status = nn_sums_check(header, bytes + 8 + length, where, err)) != NN_OK ||
        (status = place(weights, bytes + 8 + length, where, err)) != NN_OK)
        return status;

    qsort(weights->tensors, weights->count, sizeof *weights->tensors, by_name);
    if ((status = check_names(weights, where, err)) != NN_OK)
        return status;
    return digest(bytes, size, weights->digest, where, err);
}

enum nn_status nn_weights_open_memory(const void *bytes, size_t size, const char *where,
                                      struct nn_weights **weights, struct nn_error *err)
{
    *weights = NULL;
    struct nn_weights *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return nn_fail(err, NN_NO_MEMORY, "%s: out of memory", where);

    enum nn_status status = read_memory(opened, bytes, size, where, err);
    if (status != NN_OK) {
        nn_weights_close(opened);
        return status;
    }
    *weights = opened;
    return NN_OK;
}

enum nn_status nn_weights_open(const char *path, struct nn_weights **weights, struct nn_error *err)
{
    enum nn_status status = NN_OK;
    struct stat info;
    void *map = MAP_FAILED;

    *weights = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return nn_fail(err, NN_MISSING, "%s: %m", path);
    if (fstat(fd, &info) != 0) {
        status = nn_fail(err, NN_IO, "%s: %m", path);
        goto out;
    }
    if (!S_ISREG(info.st_mode)) {
        status = nn_fail(err, NN_INVALID, "%s: not a regular file", path);
        goto out;
    }
    if (info.st_size < 8) {
        status = nn_fail(err, NN_BAD_DATA, "%s: %lld bytes, too short for safetensors", path,
                         (long long)info.st_size);
        goto out;
    }
    map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
        status = nn_fail(err, NN_IO, "%s: mmap: %m", path);
        goto out;
    }
    status = nn_weights_open_memory(map, (size_t)info.st_size, path, weights, err);
    if (status == NN_OK) {
        (*weights)->map = map;
        (*weights)->map_size = (size_t)info.st_size;
        map = MAP_FAILED;
    }

out:
    if (map != MAP_FAILED)
        munmap(map, (size_t)info.st_size);
    close(fd);
    return status;
}

void nn_weights_close(struct nn_weights *weights)
{
    if (weights == NULL)
        return;

    for (size_t i = 0; i < weights->part_count; i++)
        nn_weights_close(weights->parts[i]);
    free(weights->parts);
    nn_header_finish(&weights->header);
    free(weights->tensors);
    free(weights->widened);
    if (weights->map != NULL)
        munmap(weights->map, weights->map_size);
    free(weights);
}

size_t nn_weights_count(const struct nn_weights *weights)
{
    return weights->count;
}

const struct nn_tensor *nn_weights_at(const struct nn_weights *weights, size_t index)
{
    return index < weights->count ? &weights->tensors[index] : NULL;
}

const struct nn_tensor *nn_weights_find(const struct nn_weights *weights, const char *name)
{
    struct nn_tensor key = {.name = name};
    return bsearch(&key, weights->tensors, weights->count, sizeof key, by_name);
}

const char *nn_weights_metadata(const struct nn_weights *weights, const char *key)
{
    for (size_t i = 0; i < weights->header.metadata_count; i++)
        if (strcmp(weights->header.metadata[i].key, key) == 0)
            return weights->header.metadata[i].value;
    for (size_t i = 0; i < weights->part_count; i++) {
        const char *value = nn_weights_metadata(weights->parts[i], key);
        if (value != NULL)
            return value;
    }
    return NULL;
}

const char *nn_weights_digest(const struct nn_weights *weights)
{
    return weights->digest;
}

static bool in_earlier(struct nn_weights *const *parts, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (nn_weights_find(parts[i], name) != NULL)
            return true;
    return false;
}

/* Tensors of all parts, the first of each name, and the digest of the digests. */
static enum nn_status unite(struct nn_weights *all, struct nn_error *err)
{
    size_t room = 0, digits = sizeof all->digest - 1;
    for (size_t i = 0; i < all->part_count; i++)
        room += all->parts[i]->count;
    all->tensors = calloc(room + 1, sizeof *all->tensors);
    char *digests = calloc(all->part_count, digits);
    if (all->tensors == NULL || digests == NULL) {
        free(digests);
        return nn_fail(err, NN_NO_MEMORY, "weights: out of memory");
    }

    for (size_t i = 0; i < all->part_count; i++) {
        const struct nn_weights *part = all->parts[i];
        for (size_t j = 0; j < part->count; j++)
            if (!in_earlier(all->parts, i, part->tensors[j].name))
                all->tensors[all->count++] = part->tensors[j];
        memcpy(digests + i * digits, part->digest, digits);
    }
    qsort(all->tensors, all->count, sizeof *all->tensors, by_name);
    enum nn_status status = digest(digests, all->part_count * digits, all->digest, "weights", err);
    free(digests);
    return status;
}

enum nn_status nn_weights_join(struct nn_weights *const *parts, size_t count,
                               struct nn_weights **joined, struct nn_error *err)
{
    *joined = NULL;
    if (count < 1 || count > NN_WEIGHTS_MAX_PARTS)
        return nn_fail(err, NN_INVALID, "weights: %zu files (1 to %d)", count,
                       NN_WEIGHTS_MAX_PARTS);
    if (count == 1) {
        *joined = parts[0];
        return NN_OK;
    }
    struct nn_weights *made = calloc(1, sizeof *made);
    if (made == NULL || (made->parts = calloc(count, sizeof(struct nn_weights *))) == NULL) {
        free(made);
        return nn_fail(err, NN_NO_MEMORY, "weights: out of memory");
    }
    memcpy(made->parts, parts, count * sizeof *parts);
    made->part_count = count;
    enum nn_status status = unite(made, err);
    if (status != NN_OK) {
        made->part_count = 0; /* still the caller's */
        nn_weights_close(made);
        return status;
    }
    *joined = made;
    return NN_OK;
}
