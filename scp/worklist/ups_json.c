/* DICOM JSON to and from implicit little endian. */
#include "ups_json.h"

#include "json_time.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHARACTER_SET DX_TAG(0x0008, 0x0005)
#define ITEM          DX_TAG(0xfffe, 0xe000)
#define ITEM_END      DX_TAG(0xfffe, 0xe00d)
#define SEQUENCE_END  DX_TAG(0xfffe, 0xe0dd)

/* ---- written ---- */

/* What dx_put_* wrote: well-formed, sequences and items of undefined length. */
struct source {
    const uint8_t *bytes;
    size_t at, count;
};

static uint32_t take16(struct source *from)
{
    uint32_t value = (uint32_t)from->bytes[from->at] | (uint32_t)from->bytes[from->at + 1] << 8;
    from->at += 2;
    return value;
}

/* A tag, and its length behind it. */
static uint32_t take_head(struct source *from, uint32_t *length)
{
    uint32_t group = take16(from), tag = group << 16 | take16(from);
    *length = take16(from);
    *length |= take16(from) << 16;
    return tag;
}

static void append_text(json_t *values, const char *vr, const char *text, size_t length)
{
    if (strcmp(vr, "PN") != 0) {
        (void)json_array_append_new(values, json_stringn(text, length));
        return;
    }
    static const char *const groups[] = {"Alphabetic", "Ideographic", "Phonetic"};
    json_t *name = json_object();
    for (size_t i = 0; i < 3; i++) {
        const char *end = memchr(text, '=', length);
        size_t part = end != NULL ? (size_t)(end - text) : length;
        if (part > 0)
            (void)json_object_set_new(name, groups[i], json_stringn(text, part));
        if (end == NULL)
            break;
        text += part + 1;
        length -= part + 1;
    }
    (void)json_array_append_new(values, name);
}

/* Several values by backslash, but of a text that may hold one. */
static json_t *values_of(const char *vr, const char *text, size_t length)
{
    bool is_one = strcmp(vr, "LT") == 0 || strcmp(vr, "UT") == 0;
    json_t *values = json_array();
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\0'))
        length--;
    while (length > 0) {
        const char *end = is_one ? NULL : memchr(text, '\\', length);
        size_t part = end != NULL ? (size_t)(end - text) : length;
        append_text(values, vr, text, part);
        if (end == NULL)
            break;
        text += part + 1;
        length -= part + 1;
    }
    return values;
}

static json_t *write_elements(struct source *from);

static json_t *write_items(struct source *from)
{
    json_t *items = json_array();
    uint32_t length;
    while (from->at < from->count && take_head(from, &length) == ITEM)
        (void)json_array_append_new(items, write_elements(from));
    return items;
}

/* Up to the end of the item, or of the bytes. */
static json_t *write_elements(struct source *from)
{
    json_t *elements = json_object();
    while (from->at < from->count) {
        uint32_t length, tag = take_head(from, &length);
        char key[9];
        if (tag == ITEM_END)
            break;
        const char *vr = dx_ups_vr(tag);
        json_t *values;
        if (strcmp(vr, "SQ") == 0) {
            values = write_items(from);
        } else {
            values = values_of(vr, (const char *)from->bytes + from->at, length);
            from->at += length;
        }
        json_t *element = json_pack("{s:s}", "vr", vr);
        if (json_array_size(values) > 0)
            (void)json_object_set(element, "Value", values);
        json_decref(values);
        (void)snprintf(key, sizeof key, "%08X", tag);
        (void)json_object_set_new(elements, key, element);
    }
    return elements;
}

char *ups_json_write(const struct dx_writing *dataset)
{
    struct source from = {.bytes = dataset->bytes, .count = dataset->count};
    if (dataset->failed)
        return NULL;
    json_t *array = json_pack("[o]", write_elements(&from));
    char *text = array != NULL ? json_text(array, JSON_COMPACT) : NULL;
    json_decref(array);
    return text;
}

/* ---- read ---- */

/* 0: no tag in eight hexadecimal digits. */
static uint32_t tag_of(const char *key)
{
    if (strlen(key) != 8 || strspn(key, "0123456789abcdefABCDEF") != 8)
        return 0;
    return (uint32_t)strtoul(key, NULL, 16);
}

/* A name's components are not read. */
static void put_values(struct dx_writing *to, uint32_t tag, const char *vr, const json_t *values)
{
    char *text = calloc(1, DX_DATASET_MAX + 1);
    size_t used = 0, i;
    const json_t *value;
    if (text == NULL) {
        to->failed = true;
        return;
    }
    json_array_foreach(values, i, value)
    {
        const char *word = json_is_string(value) ? json_string_value(value) : "";
        if (json_is_string(value) && used + strlen(word) + 1 < DX_DATASET_MAX)
            used += (size_t)snprintf(text + used, DX_DATASET_MAX - used, "%s%s", i > 0 ? "\\" : "",
                                     word);
        else if (json_is_string(value))
            to->failed = true;
    }
    if (strcmp(vr, "UI") == 0)
        dx_put_uid(to, tag, text);
    else
        dx_put_text(to, tag, text);
    free(text);
}

static void put_elements(struct dx_writing *to, json_t *elements, unsigned depth);

static void put_sequence(struct dx_writing *to, uint32_t tag, const json_t *values, unsigned depth)
{
    size_t i;
    json_t *item;
    dx_put_begin(to, tag);
    json_array_foreach(values, i, item)
    {
        dx_put_item(to);
        if (json_is_object(item) && depth < DX_DATASET_DEPTH)
            put_elements(to, item, depth + 1);
        dx_put_item_end(to);
    }
    dx_put_end(to);
}

static void put_elements(struct dx_writing *to, json_t *elements, unsigned depth)
{
    const char *key;
    json_t *element;
    json_object_foreach(elements, key, element)
    {
        uint32_t tag = tag_of(key);
        const char *vr = dx_ups_vr(tag);
        const json_t *values = json_object_get(element, "Value");
        if (vr[0] == '\0' || tag == CHARACTER_SET || to->count > DX_DATASET_MAX)
            continue;
        if (strcmp(vr, "SQ") == 0)
            put_sequence(to, tag, values, depth);
        else if (strcmp(vr, "PN") != 0)
            put_values(to, tag, vr, values);
    }
}

/* JSON is UTF-8, whatever it says of its character set. */
static enum dx_status read_one(json_t *elements, struct dx_ups_item *item, struct dx_error *err)
{
    struct dx_writing dataset = {.count = 0};
    if (!json_is_object(elements))
        return dx_fail(err, DX_MALFORMED, "a dataset that is no object of JSON");
    dx_put_text(&dataset, CHARACTER_SET, "ISO_IR 192");
    put_elements(&dataset, elements, 0);
    enum dx_status status = dataset.failed ? dx_fail(err, DX_LIMIT, "a dataset that is too large")
                                           : dx_ups_read(dataset.bytes, dataset.count, item, err);
    dx_writing_finish(&dataset);
    return status;
}

static enum dx_status read_all(json_t *array, size_t most, dx_ups_match match, void *context,
                               struct dx_error *err)
{
    struct dx_ups_item *item = malloc(sizeof *item);
    enum dx_status status = DX_OK;
    size_t i, count = json_array_size(array);
    if (item == NULL)
        return dx_fail(err, DX_NO_MEMORY, "out of memory");
    for (i = 0; status == DX_OK && i < count && i < most; i++) {
        status = read_one(json_array_get(array, i), item, err);
        if (status == DX_OK && !match(context, item))
            break;
    }
    free(item);
    return status == DX_OK && i == most && count > most
               ? dx_fail(err, DX_LIMIT, "more than %zu items", most)
               : status;
}

enum dx_status ups_json_read(const char *body, size_t count, size_t most, dx_ups_match match,
                             void *context, struct dx_error *err)
{
    json_error_t error;
    json_t *json = json_loadb(body, count, 0, &error);
    if (json == NULL)
        return dx_fail(err, DX_MALFORMED, "no JSON: %.100s", error.text);
    json_t *array = json_is_array(json) ? json_incref(json) : json_pack("[O]", json);
    enum dx_status status = array != NULL ? read_all(array, most, match, context, err)
                                          : dx_fail(err, DX_NO_MEMORY, "out of memory");
    json_decref(array);
    json_decref(json);
    return status;
}
