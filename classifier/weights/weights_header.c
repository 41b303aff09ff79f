/* The JSON of a safetensors header (github.com/huggingface/safetensors, README "Format"): one
 * object, name -> {"dtype": string, "shape": [integers], "data_offsets": [begin, end]}, and
 * optionally "__metadata__" -> {string: string}. Anything else is refused. */
#include "weights_internal.h"
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *at, *end, *start;
    const char *where; /* the file */
    struct nn_header *header;
    struct nn_error *err;
};

static enum nn_status bad(const struct reader *r, const char *what)
{
    return nn_fail(r->err, NN_BAD_DATA, "%s: header, byte %zu: %s", r->where,
                   (size_t)(r->at - r->start), what);
}

static void skip_space(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static bool accept(struct reader *r, char c)
{
    skip_space(r);
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static enum nn_status expect(struct reader *r, char c)
{
    if (accept(r, c))
        return NN_OK;
    return nn_fail(r->err, NN_BAD_DATA, "%s: header, byte %zu: '%c' expected", r->where,
                   (size_t)(r->at - r->start), c);
}

static bool hex4(struct reader *r, unsigned *code)
{
    if (r->end - r->at < 4)
        return false;
    *code = 0;
    for (int i = 0; i < 4; i++) {
        char c = *r->at++;
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            digit = (unsigned)(c - 'A' + 10);
        else
            return false;
        *code = *code << 4 | digit;
    }
    return true;
}

static void put(struct nn_header *header, unsigned byte)
{
    header->text[header->text_used++] = (char)(unsigned char)byte;
}

static void put_utf8(struct nn_header *header, unsigned code)
{
    if (code < 0x80) {
        put(header, code);
    } else if (code < 0x800) {
        put(header, 0xc0 | code >> 6);
        put(header, 0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        put(header, 0xe0 | code >> 12);
        put(header, 0x80 | (code >> 6 & 0x3f));
        put(header, 0x80 | (code & 0x3f));
    } else {
        put(header, 0xf0 | code >> 18);
        put(header, 0x80 | (code >> 12 & 0x3f));
        put(header, 0x80 | (code >> 6 & 0x3f));
        put(header, 0x80 | (code & 0x3f));
    }
}

/* After a backslash. */
static enum nn_status read_escape(struct reader *r)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    unsigned code, low;

    if (r->at == r->end)
        return bad(r, "the string does not end");
    char c = *r->at++;
    if (c != 'u') {
        const char *found = c == '\0' ? NULL : strchr(from, c);
        if (found == NULL)
            return bad(r, "unknown escape");
        put(r->header, (unsigned char)to[found - from]);
        return NN_OK;
    }
    if (!hex4(r, &code))
        return bad(r, "four hex digits expected");
    if (code >= 0xd800 && code < 0xdc00) {
        if (r->end - r->at < 6 || r->at[0] != '\\' || r->at[1] != 'u')
            return bad(r, "half a surrogate pair");
        r->at += 2;
        if (!hex4(r, &low) || low < 0xdc00 || low > 0xdfff)
            return bad(r, "half a surrogate pair");
        code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
    } else if (code == 0 || (code >= 0xdc00 && code <= 0xdfff)) {
        return bad(r, "a NUL or half a surrogate pair");
    }
    put_utf8(r->header, code);
    return NN_OK;
}

/* The text buffer is as long as the JSON: a decoded string and its NUL never outgrow the quoted
 * one. */
static enum nn_status read_string(struct reader *r, const char **text)
{
    enum nn_status status = expect(r, '"');
    if (status != NN_OK)
        return status;

    *text = r->header->text + r->header->text_used;
    while (r->at < r->end) {
        unsigned char c = (unsigned char)*r->at++;
        if (c == '"') {
            put(r->header, '\0');
            return NN_OK;
        }
        if (c < 0x20)
            return bad(r, "a control character in a string");
        if (c != '\\') {
            put(r->header, c);
            continue;
        }
        if ((status = read_escape(r)) != NN_OK)
            return status;
    }
    return bad(r, "the string does not end");
}

static enum nn_status read_integer(struct reader *r, uint64_t *value)
{
    skip_space(r);
    const char *first = r->at;
    *value = 0;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') {
        if (*value > (INT64_MAX - 9) / 10)
            return bad(r, "the number is too large");
        *value = *value * 10 + (uint64_t)(*r->at++ - '0');
    }
    if (r->at == first)
        return bad(r, "a whole number expected");
    if (*first == '0' && r->at - first > 1)
        return bad(r, "a number with leading zeros");
    return NN_OK;
}

/* [a, b, ...]: up to limit numbers. */
static enum nn_status read_list(struct reader *r, uint64_t *values, int limit, int *count)
{
    enum nn_status status = expect(r, '[');
    *count = 0;
    if (status != NN_OK || accept(r, ']'))
        return status;
    do {
        if (*count == limit)
            return bad(r, "too many numbers in a list");
        if ((status = read_integer(r, &values[*count])) != NN_OK)
            return status;
        ++*count;
    } while (accept(r, ','));
    return expect(r, ']');
}

static enum nn_status read_dtype(struct reader *r, struct nn_header_tensor *tensor)
{
    const char *text;
    enum nn_status status = read_string(r, &text);
    if (status != NN_OK)
        return status;
    size_t length = strlen(text);
    if (length == 0 || length >= sizeof tensor->dtype)
        return bad(r, "unknown dtype");
    memcpy(tensor->dtype, text, length + 1);
    return NN_OK;
}

/* One member of a tensor's object; `seen` collects which have been read. */
static enum nn_status read_member(struct reader *r, struct nn_header_tensor *tensor, unsigned *seen)
{
    static const char *const keys[] = {"dtype", "shape", "data_offsets"};
    uint64_t list[NN_WEIGHTS_MAX_DIMS];
    const char *key;
    int which = 0, count;

    enum nn_status status = read_string(r, &key);
    if (status != NN_OK || (status = expect(r, ':')) != NN_OK)
        return status;
    while (which < 3 && strcmp(key, keys[which]) != 0)
        which++;
    if (which == 3 || (*seen >> which & 1) != 0)
        return bad(r, "an unknown or repeated key in a tensor");
    *seen |= 1u << which;

    if (which == 0)
        return read_dtype(r, tensor);
    if ((status = read_list(r, list, NN_WEIGHTS_MAX_DIMS, &count)) != NN_OK)
        return status;
    if (which == 1) {
        tensor->dims = count;
        for (int i = 0; i < count; i++)
            tensor->dim[i] = (int64_t)list[i];
        return NN_OK;
    }
    if (count != 2)
        return bad(r, "data_offsets needs two numbers");
    tensor->begin = list[0];
    tensor->end = list[1];
    return NN_OK;
}

static bool room(void **array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return true;
    size_t wanted = *capacity == 0 ? 32 : *capacity * 2;
    void *grown = realloc(*array, wanted * size);
    if (grown == NULL)
        return false;
    *array = grown;
    *capacity = wanted;
    return true;
}

static enum nn_status read_tensor(struct reader *r, const char *name)
{
    struct nn_header *header = r->header;
    struct nn_header_tensor tensor = {.name = name};
    unsigned seen = 0;

    enum nn_status status = expect(r, '{');
    if (status != NN_OK)
        return status;
    do {
        if ((status = read_member(r, &tensor, &seen)) != NN_OK)
            return status;
    } while (accept(r, ','));
    if ((status = expect(r, '}')) != NN_OK)
        return status;
    if (seen != 7)
        return nn_fail(r->err, NN_BAD_DATA, "%s: tensor %.64s: dtype, shape or offsets missing",
                       r->where, name);
    if (header->count >= NN_WEIGHTS_MAX_TENSORS)
        return nn_fail(r->err, NN_LIMIT, "%s: more than %d tensors", r->where,
                       NN_WEIGHTS_MAX_TENSORS);
    if (!room((void **)&header->tensors, header->count, &header->capacity, sizeof tensor))
        return nn_fail(r->err, NN_NO_MEMORY, "%s: out of memory", r->where);
    header->tensors[header->count++] = tensor;
    return NN_OK;
}

static enum nn_status read_metadata(struct reader *r)
{
    struct nn_header *header = r->header;
    struct nn_header_pair pair;

    if (header->metadata_count > 0)
        return bad(r, "__metadata__ twice");
    enum nn_status status = expect(r, '{');
    if (status != NN_OK || accept(r, '}'))
        return status;
    do {
        if ((status = read_string(r, &pair.key)) != NN_OK || (status = expect(r, ':')) != NN_OK ||
            (status = read_string(r, &pair.value)) != NN_OK)
            return status;
        if (!room((void **)&header->metadata, header->metadata_count, &header->metadata_capacity,
                  sizeof pair))
            return nn_fail(r->err, NN_NO_MEMORY, "%s: out of memory", r->where);
        header->metadata[header->metadata_count++] = pair;
    } while (accept(r, ','));
    return expect(r, '}');
}

enum nn_status nn_header_read(const char *json, size_t length, const char *where,
                              struct nn_header *header, struct nn_error *err)
{
    struct reader r = {json, json + length, json, where, header, err};
    const char *name;

    *header = (struct nn_header){.text_size = length + 1};
    header->text = malloc(header->text_size);
    if (header->text == NULL)
        return nn_fail(err, NN_NO_MEMORY, "%s: out of memory", where);

    enum nn_status status = expect(&r, '{');
    if (status != NN_OK)
        return status;
    if (!accept(&r, '}')) {
        do {
            if ((status = read_string(&r, &name)) != NN_OK || (status = expect(&r, ':')) != NN_OK)
                return status;
            status = strcmp(name, "__metadata__") == 0 ? read_metadata(&r) : read_tensor(&r, name);
            if (status != NN_OK)
                return status;
        } while (accept(&r, ','));
        if ((status = expect(&r, '}')) != NN_OK)
            return status;
    }
    skip_space(&r); /* the header is padded with spaces */
    return r.at == r.end ? NN_OK : bad(&r, "text after the object");
}

void nn_header_finish(struct nn_header *header)
{
    free(header->text);
    free(header->tensors);
    free(header->metadata);
    *header = (struct nn_header){0};
}
