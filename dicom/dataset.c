#include "bytes.h"
#include "dx_dataset.h"

#include <stdlib.h>
#include <string.h>

#define ITEM         0xfffee000u
#define ITEM_END     0xfffee00du
#define SEQUENCE_END 0xfffee0ddu
#define UNDEFINED    0xffffffffu

/* ---- writing ---- */

static uint8_t *grow(struct dx_writing *to, size_t count)
{
    if (!to->failed && count > to->room - to->count) {
        size_t room = 2 * (to->count + count) + 64;
        uint8_t *bytes = realloc(to->bytes, room);
        to->failed = bytes == NULL;
        if (bytes != NULL) {
            to->bytes = bytes;
            to->room = room;
        }
    }
    if (to->failed)
        return NULL;
    uint8_t *at = to->bytes + to->count;
    to->count += count;
    return at;
}

static uint8_t *put_head(struct dx_writing *to, uint32_t tag, uint32_t length, size_t room)
{
    uint8_t *p = grow(to, 8 + room);
    if (p == NULL)
        return NULL;
    dx_put_le32(p, tag >> 16 | tag << 16);
    dx_put_le32(p + 4, length);
    return p + 8;
}

void dx_put_value(struct dx_writing *to, uint32_t tag, const void *value, size_t length,
                  char padding)
{
    size_t even = length + (length & 1);
    uint8_t *p = put_head(to, tag, (uint32_t)even, even);
    if (p == NULL)
        return;
    if (length > 0)
        memcpy(p, value, length);
    if (even > length)
        p[length] = (uint8_t)padding;
}

static void put_padded(struct dx_writing *to, uint32_t tag, const char *text, char padding)
{
    dx_put_value(to, tag, text, strlen(text), padding);
}

void dx_put_uid(struct dx_writing *to, uint32_t tag, const char *uid)
{
    put_padded(to, tag, uid, '\0');
}

void dx_put_text(struct dx_writing *to, uint32_t tag, const char *text)
{
    put_padded(to, tag, text, ' ');
}

void dx_put_begin(struct dx_writing *to, uint32_t sequence)
{
    (void)put_head(to, sequence, UNDEFINED, 0);
}

void dx_put_item(struct dx_writing *to)
{
    (void)put_head(to, ITEM, UNDEFINED, 0);
}

void dx_put_item_end(struct dx_writing *to)
{
    (void)put_head(to, ITEM_END, 0, 0);
}

void dx_put_end(struct dx_writing *to)
{
    (void)put_head(to, SEQUENCE_END, 0, 0);
}

void dx_writing_finish(struct dx_writing *to)
{
    free(to->bytes);
    memset(to, 0, sizeof *to);
}

/* ---- reading ---- */

struct reading {
    const uint8_t *bytes;
    size_t at;
    const uint32_t *sequences;
    dx_dataset_take take; /* this, or step */
    dx_dataset_step step;
    void *context;
    struct dx_place place;
    struct dx_error *err;
};

struct head {
    uint32_t tag, length;
};

/* The next head within `end`; what has a length ends within it, too. */
static enum dx_status next(struct reading *r, size_t end, struct head *head)
{
    if (end - r->at < 8)
        return dx_fail(r->err, DX_MALFORMED, "a dataset ends inside an element's header");
    uint32_t tag = dx_le32(r->bytes + r->at);
    head->tag = tag << 16 | tag >> 16;
    head->length = dx_le32(r->bytes + r->at + 4);
    r->at += 8;
    if (head->length != UNDEFINED && head->length > end - r->at)
        return dx_fail(r->err, DX_MALFORMED, "(%04x,%04x) is longer than what holds it",
                       head->tag >> 16, head->tag & 0xffffu);
    return DX_OK;
}

static bool is_sequence(const struct reading *r, const struct head *head)
{
    if (head->length == UNDEFINED)
        return true;
    for (const uint32_t *known = r->sequences; *known != 0; known++)
        if (*known == head->tag)
            return true;
    return false;
}

static enum dx_status too_much(struct reading *r)
{
    return dx_fail(r->err, DX_LIMIT, "a dataset holds more than can be taken");
}

/* Where only elements are wanted, nothing. */
static enum dx_status mark(struct reading *r, enum dx_mark what, uint32_t tag)
{
    bool goes_on = r->step == NULL || r->step(r->context, what, tag, NULL, 0);
    return goes_on ? DX_OK : too_much(r);
}

static enum dx_status read_elements(struct reading *r, size_t end, bool is_open);

/* Its head is read. */
static enum dx_status read_item(struct reading *r, size_t end, uint32_t length)
{
    enum dx_status status = mark(r, DX_MARK_ITEM, ITEM);
    if (status == DX_OK)
        status = length == UNDEFINED ? read_elements(r, end, true)
                                     : read_elements(r, r->at + length, false);
    return status == DX_OK ? mark(r, DX_MARK_ITEM_END, ITEM) : status;
}

/* is_open: a delimiter ends it, not `end`. */
static enum dx_status read_sequence(struct reading *r, uint32_t tag, size_t end, bool is_open)
{
    struct head head;
    unsigned level = r->place.depth;
    if (level == DX_DATASET_DEPTH)
        return dx_fail(r->err, DX_LIMIT, "more than %u sequences in each other", DX_DATASET_DEPTH);
    r->place.sequence[level] = tag;
    r->place.item[level] = 0;
    r->place.depth++;
    enum dx_status status = mark(r, DX_MARK_SEQUENCE, tag);
    while (status == DX_OK && (is_open || r->at < end)) {
        status = next(r, end, &head);
        if (status == DX_OK && is_open && head.tag == SEQUENCE_END)
            break;
        if (status == DX_OK && head.tag != ITEM)
            status = dx_fail(r->err, DX_MALFORMED, "(%04x,%04x) where an item was due",
                             head.tag >> 16, head.tag & 0xffffu);
        if (status == DX_OK)
            status = read_item(r, end, head.length);
        r->place.item[level]++;
    }
    r->place.depth--;
    return status == DX_OK ? mark(r, DX_MARK_SEQUENCE_END, tag) : status;
}

static enum dx_status read_elements(struct reading *r, size_t end, bool is_open)
{
    enum dx_status status = DX_OK;
    struct head head;
    while (status == DX_OK && (is_open || r->at < end)) {
        status = next(r, end, &head);
        if (status != DX_OK || (is_open && head.tag == ITEM_END))
            return status;
        if (head.tag >> 16 == 0xfffeu)
            return dx_fail(r->err, DX_MALFORMED, "(fffe,%04x) where an element was due",
                           head.tag & 0xffffu);
        if (is_sequence(r, &head)) {
            bool is_undefined = head.length == UNDEFINED;
            status =
                read_sequence(r, head.tag, is_undefined ? end : r->at + head.length, is_undefined);
            continue;
        }
        const uint8_t *value = r->bytes + r->at;
        r->at += head.length;
        if (r->step != NULL ? !r->step(r->context, DX_MARK_ELEMENT, head.tag, value, head.length)
                            : !r->take(r->context, &r->place, head.tag, value, head.length))
            status = too_much(r);
    }
    return status;
}

static enum dx_status read_all(struct reading *r, size_t count)
{
    if (count > DX_DATASET_MAX)
        return dx_fail(r->err, DX_LIMIT, "a dataset of more than %u bytes", DX_DATASET_MAX);
    return read_elements(r, count, false);
}

enum dx_status dx_dataset_read(const uint8_t *bytes, size_t count, const uint32_t *sequences,
                               dx_dataset_take take, void *context, struct dx_error *err)
{
    struct reading r = {
        .bytes = bytes, .sequences = sequences, .take = take, .context = context, .err = err};
    return read_all(&r, count);
}

enum dx_status dx_dataset_walk(const uint8_t *bytes, size_t count, const uint32_t *sequences,
                               dx_dataset_step step, void *context, struct dx_error *err)
{
    struct reading r = {
        .bytes = bytes, .sequences = sequences, .step = step, .context = context, .err = err};
    return read_all(&r, count);
}
