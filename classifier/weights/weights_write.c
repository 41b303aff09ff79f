/* Writes safetensors. The header is a function of names, shapes and metadata in the order given. */
#include "file_internal.h"
#include "weights_internal.h"
#include <stdlib.h>
#include <string.h>

static void write_escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
}

static void write_string(FILE *out, const char *text)
{
    fputc('"', out);
    write_escaped(out, text);
    fputc('"', out);
}

static void write_entry(FILE *out, const struct nn_tensor *tensor, enum nn_dtype store,
                        uint64_t begin, uint64_t end)
{
    write_string(out, tensor->name);
    fprintf(out, ":{\"dtype\":\"%s\",\"shape\":[", store == NN_F16 ? "F16" : "F32");
    for (int i = 0; i < tensor->dims; i++)
        fprintf(out, "%s%lld", i == 0 ? "" : ",", (long long)tensor->dim[i]);
    fprintf(out, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)begin,
            (unsigned long long)end);
}

static enum nn_status check(const char *path, const struct nn_tensor *tensors, size_t count,
                            struct nn_error *err)
{
    if (count > NN_WEIGHTS_MAX_TENSORS)
        return nn_fail(err, NN_LIMIT, "%s: more than %d tensors", path, NN_WEIGHTS_MAX_TENSORS);
    for (size_t i = 0; i < count; i++) {
        uint64_t elements = 1;
        bool good = tensors[i].dims >= 0 && tensors[i].dims <= NN_WEIGHTS_MAX_DIMS;
        for (int j = 0; good && j < tensors[i].dims; j++)
            good = tensors[i].dim[j] >= 0 &&
                   !__builtin_mul_overflow(elements, (uint64_t)tensors[i].dim[j], &elements);
        if (!good || elements != tensors[i].elements || elements > SIZE_MAX / 8)
            return nn_fail(err, NN_SHAPE, "%s: tensor %.80s: shape and elements differ", path,
                           tensors[i].name);
        for (size_t j = 0; j < i; j++)
            if (strcmp(tensors[i].name, tensors[j].name) == 0)
                return nn_fail(err, NN_INVALID, "%s: tensor %.80s is there twice", path,
                               tensors[i].name);
    }
    return NN_OK;
}

/* A number that F16 cannot hold would come back as infinite, and be refused. */
static enum nn_status check_halves(const char *path, const struct nn_tensor *tensors, size_t count,
                                   struct nn_error *err)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < tensors[i].elements; j++)
            if ((nn_float_to_half(tensors[i].data[j]) & 0x7fff) == 0x7c00)
                return nn_fail(err, NN_LIMIT, "%s: tensor %.80s: element %zu does not fit F16",
                               path, tensors[i].name, j);
    return NN_OK;
}

static void write_metadata(FILE *out, const struct nn_metadata *metadata, size_t metadata_count,
                           const struct nn_tensor *tensors, const struct nn_sum *sums, size_t count)
{
    fprintf(out, "\"__metadata__\":{");
    for (size_t i = 0; i < metadata_count; i++) {
        if (i > 0)
            fputc(',', out);
        write_string(out, metadata[i].key);
        fputc(':', out);
        write_string(out, metadata[i].value);
    }
    for (size_t i = 0; i < count; i++) {
        fprintf(out, metadata_count + i > 0 ? ",\"crc32/" : "\"crc32/");
        write_escaped(out, tensors[i].name);
        fprintf(out, "\":\"%s\"", sums[i].text);
    }
    fprintf(out, count > 0 ? "}," : "}");
}

/* The header as a string, padded with spaces to a multiple of 8. */
static enum nn_status make_header(const char *path, const struct nn_tensor *tensors, size_t count,
                                  const struct nn_metadata *metadata, size_t metadata_count,
                                  enum nn_dtype store, char **text, size_t *length,
                                  struct nn_error *err)
{
    struct nn_sum *sums = NULL;
    uint64_t begin = 0;
    enum nn_status status = nn_sums_make(tensors, count, store, &sums, err);
    if (status != NN_OK)
        return status;
    FILE *out = open_memstream(text, length);
    if (out == NULL) {
        free(sums);
        return nn_fail(err, NN_NO_MEMORY, "%s: out of memory", path);
    }

    fputc('{', out);
    if (metadata_count + count > 0)
        write_metadata(out, metadata, metadata_count, tensors, sums, count);
    for (size_t i = 0; i < count; i++) {
        uint64_t end = begin + tensors[i].elements * (store == NN_F16 ? 2 : 4);
        if (i > 0)
            fputc(',', out);
        write_entry(out, &tensors[i], store, begin, end);
        begin = end;
    }
    fputc('}', out);
    for (long at = ftell(out); at % 8 != 0; at++)
        fputc(' ', out);
    free(sums);
    if (fclose(out) != 0)
        return nn_fail(err, NN_NO_MEMORY, "%s: out of memory", path);
    if (*length > NN_WEIGHTS_MAX_HEADER)
        return nn_fail(err, NN_LIMIT, "%s: the header would be too long", path);
    return NN_OK;
}

static bool write_data(FILE *out, const struct nn_tensor *tensor, enum nn_dtype store)
{
    uint16_t half[1024];

    if (store == NN_F32)
        return fwrite(tensor->data, sizeof(float), tensor->elements, out) == tensor->elements;
    for (size_t i = 0; i < tensor->elements;) {
        size_t n = 0;
        for (; n < 1024 && i < tensor->elements; n++, i++)
            half[n] = nn_float_to_half(tensor->data[i]);
        if (fwrite(half, sizeof half[0], n, out) != n)
            return false;
    }
    return true;
}

static bool write_all(FILE *out, const char *header, size_t length, const struct nn_tensor *tensors,
                      size_t count, enum nn_dtype store)
{
    for (int i = 0; i < 8; i++)
        if (fputc((int)((uint64_t)length >> 8 * i & 0xff), out) == EOF)
            return false;
    if (fwrite(header, 1, length, out) != length)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!write_data(out, &tensors[i], store))
            return false;
    return true;
}

enum nn_status nn_weights_write(const char *path, const struct nn_tensor *tensors, size_t count,
                                const struct nn_metadata *metadata, size_t metadata_count,
                                enum nn_dtype store, struct nn_error *err)
{
    char *header = NULL;
    size_t length = 0;
    struct nn_file file;

    enum nn_status status = check(path, tensors, count, err);
    if (status == NN_OK && store == NN_F16)
        status = check_halves(path, tensors, count, err);
    if (status == NN_OK)
        status = make_header(path, tensors, count, metadata, metadata_count, store, &header,
                             &length, err);
    if (status == NN_OK && (status = nn_file_begin(&file, path, err)) == NN_OK)
        status =
            nn_file_commit(&file, write_all(file.out, header, length, tensors, count, store), err);
    free(header);
    return status;
}
