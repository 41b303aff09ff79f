/* Plain attributes: a sorted array; the serialised form is
 *   "DXA1", count (u32), then per attribute: tag (u32), VR (2 letters), length (u32), value
 * all little endian, in ascending tag order. Both ends check every figure, since the reading end
 * trusts nothing that left the object child. */
#include "bytes.h"
#include "dx_attrs.h"

#include <stdlib.h>
#include <string.h>

#define HEADER       8u
#define ENTRY_HEADER 10u

struct attribute {
    uint32_t tag;
    char vr[3];
    char *value; /* terminated */
    size_t length;
};

struct dx_attrs {
    size_t count;
    size_t packed; /* bytes when serialised */
    struct attribute list[DX_ATTRS_MAX];
};

struct dx_attrs *dx_attrs_create(void)
{
    struct dx_attrs *attrs = calloc(1, sizeof *attrs);
    if (attrs)
        attrs->packed = HEADER;
    return attrs;
}

void dx_attrs_destroy(struct dx_attrs *attrs)
{
    if (!attrs)
        return;
    for (size_t i = 0; i < attrs->count; i++)
        free(attrs->list[i].value);
    free(attrs);
}

/* Index of the first attribute whose tag is not below `tag`. */
static size_t find(const struct dx_attrs *attrs, uint32_t tag)
{
    size_t low = 0, high = attrs->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (attrs->list[middle].tag < tag)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int vr_is_valid(const char *vr)
{
    return vr && vr[0] >= 'A' && vr[0] <= 'Z' && vr[1] >= 'A' && vr[1] <= 'Z' && vr[2] == '\0';
}

static size_t trimmed(const char *value, size_t length)
{
    while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\0'))
        length--;
    return length;
}

enum dx_status dx_attrs_set(struct dx_attrs *attrs, uint32_t tag, const char *vr, const void *value,
                            size_t length)
{
    if (!attrs || !vr_is_valid(vr) || (length > 0 && !value))
        return DX_INVALID;
    length = trimmed(value, length);
    if (length > DX_ATTRS_MAX_BYTES)
        return DX_LIMIT;

    size_t at = find(attrs, tag);
    int replaces = at < attrs->count && attrs->list[at].tag == tag;
    size_t packed = attrs->packed + ENTRY_HEADER + length;
    if (replaces)
        packed -= ENTRY_HEADER + attrs->list[at].length;
    if (packed > DX_ATTRS_MAX_BYTES || (!replaces && attrs->count == DX_ATTRS_MAX))
        return DX_LIMIT;
    char *copy = malloc(length + 1);
    if (!copy)
        return DX_NO_MEMORY;
    if (length > 0)
        memcpy(copy, value, length);
    copy[length] = '\0';

    struct attribute *entry = &attrs->list[at];
    if (replaces) {
        free(entry->value);
    } else {
        memmove(entry + 1, entry, (attrs->count - at) * sizeof *entry);
        attrs->count++;
    }
    *entry = (struct attribute){.tag = tag, .value = copy, .length = length};
    memcpy(entry->vr, vr, 3);
    attrs->packed = packed;
    return DX_OK;
}

enum dx_status dx_attrs_set_text(struct dx_attrs *attrs, uint32_t tag, const char *vr,
                                 const char *text)
{
    return text ? dx_attrs_set(attrs, tag, vr, text, strlen(text)) : DX_INVALID;
}

size_t dx_attrs_count(const struct dx_attrs *attrs)
{
    return attrs->count;
}

void dx_attrs_at(const struct dx_attrs *attrs, size_t i, uint32_t *tag, char vr[3],
                 const char **value, size_t *length)
{
    const struct attribute *entry = &attrs->list[i];
    *tag = entry->tag;
    memcpy(vr, entry->vr, 3);
    *value = entry->value;
    *length = entry->length;
}

const char *dx_attrs_text(const struct dx_attrs *attrs, uint32_t tag)
{
    size_t at = find(attrs, tag);
    return at < attrs->count && attrs->list[at].tag == tag ? attrs->list[at].value : "";
}

enum dx_status dx_attrs_pack(const struct dx_attrs *attrs, uint8_t **bytes, size_t *count)
{
    if (!attrs || !bytes || !count)
        return DX_INVALID;
    uint8_t *start = malloc(attrs->packed);
    if (!start)
        return DX_NO_MEMORY;
    memcpy(start, "DXA1", 4);
    dx_put_le32(start + 4, (uint32_t)attrs->count);
    uint8_t *to = start + HEADER;
    for (size_t i = 0; i < attrs->count; i++) {
        const struct attribute *entry = &attrs->list[i];
        dx_put_le32(to, entry->tag);
        memcpy(to + 4, entry->vr, 2);
        dx_put_le32(to + 6, (uint32_t)entry->length);
        memcpy(to + ENTRY_HEADER, entry->value, entry->length);
        to += ENTRY_HEADER + entry->length;
    }
    *bytes = start;
    *count = attrs->packed;
    return DX_OK;
}

/* One attribute at *at; tags must ascend. */
static enum dx_status unpack_one(const uint8_t *bytes, size_t count, size_t *at,
                                 struct dx_attrs *attrs, struct dx_error *err)
{
    if (count - *at < ENTRY_HEADER)
        return dx_fail(err, DX_MALFORMED, "packed attributes: ends within an attribute");
    uint32_t tag = dx_le32(bytes + *at);
    char vr[3] = {(char)bytes[*at + 4], (char)bytes[*at + 5], '\0'};
    size_t length = dx_le32(bytes + *at + 6);
    *at += ENTRY_HEADER;
    if (length > count - *at)
        return dx_fail(err, DX_MALFORMED, "packed attributes: a value is longer than the rest");
    if (attrs->count > 0 && tag <= attrs->list[attrs->count - 1].tag)
        return dx_fail(err, DX_MALFORMED, "packed attributes: tags do not ascend");
    enum dx_status status = dx_attrs_set(attrs, tag, vr, bytes + *at, length);
    if (status == DX_INVALID)
        return dx_fail(err, DX_MALFORMED, "packed attributes: bad value representation");
    *at += length;
    return status ? dx_fail(err, status, "packed attributes: %s", dx_status_text(status)) : DX_OK;
}

enum dx_status dx_attrs_unpack(const uint8_t *bytes, size_t count, struct dx_attrs **attrs,
                               struct dx_error *err)
{
    if (!bytes || !attrs)
        return dx_fail(err, DX_INVALID, "packed attributes: no bytes");
    if (count < HEADER || count > DX_ATTRS_MAX_BYTES || memcmp(bytes, "DXA1", 4) != 0)
        return dx_fail(err, DX_MALFORMED, "packed attributes: bad header");
    uint32_t expected = dx_le32(bytes + 4);
    if (expected > DX_ATTRS_MAX)
        return dx_fail(err, DX_LIMIT, "packed attributes: %u attributes", expected);
    struct dx_attrs *result = dx_attrs_create();
    if (!result)
        return dx_fail(err, DX_NO_MEMORY, "packed attributes: out of memory");

    enum dx_status status = DX_OK;
    size_t at = HEADER;
    for (uint32_t i = 0; i < expected && status == DX_OK; i++)
        status = unpack_one(bytes, count, &at, result, err);
    if (status == DX_OK && at != count)
        status = dx_fail(err, DX_MALFORMED, "packed attributes: bytes after the last one");
    if (status == DX_OK)
        *attrs = result;
    else
        dx_attrs_destroy(result);
    return status;
}

const char *dx_attrs_packed(const uint8_t *bytes, size_t count, uint32_t tag, size_t *length)
{
    size_t at = HEADER;
    *length = 0;
    if (bytes == NULL || count < HEADER || memcmp(bytes, "DXA1", 4) != 0)
        return "";
    while (count - at >= ENTRY_HEADER) {
        uint32_t here = dx_le32(bytes + at);
        size_t bytes_here = dx_le32(bytes + at + 6);
        at += ENTRY_HEADER;
        if (here > tag || bytes_here > count - at)
            return "";
        if (here == tag) {
            *length = strnlen((const char *)bytes + at, bytes_here);
            return (const char *)bytes + at;
        }
        at += bytes_here;
    }
    return "";
}

bool dx_text_is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 0x80 || *text == 0x1b)
            return false;
    return true;
}

bool dx_text_differs(const char *a, const char *b)
{
    return dx_text_is_ascii(a) && dx_text_is_ascii(b) && strcmp(a, b) != 0;
}
