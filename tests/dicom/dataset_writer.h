/* dataset_writer.h: datasets written element by element, right or wrong. */
#ifndef DATASET_WRITER_H
#define DATASET_WRITER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ALL 0xffffffffu

/* A dataset that is being written. */
struct bytes {
    uint8_t *data;
    size_t count, room;
};

static inline void add(struct bytes *to, const void *data, size_t count)
{
    if (to->count + count > to->room) {
        to->room = 2 * (to->count + count) + 64;
        to->data = realloc(to->data, to->room);
        assert_non_null(to->data);
    }
    if (count > 0)
        memcpy(to->data + to->count, data, count);
    to->count += count;
}

static inline void add16(struct bytes *to, unsigned value)
{
    uint8_t pair[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
    add(to, pair, 2);
}

static inline void add32(struct bytes *to, uint32_t value)
{
    add16(to, value & 0xffffu);
    add16(to, value >> 16);
}

static inline void implicit(struct bytes *to, unsigned group, unsigned element, uint32_t length)
{
    add16(to, group);
    add16(to, element);
    add32(to, length);
}

static inline void explicit_long(struct bytes *to, unsigned group, unsigned element, const char *vr,
                                 uint32_t length)
{
    add16(to, group);
    add16(to, element);
    add(to, vr, 2);
    add16(to, 0);
    add32(to, length);
}

static inline void explicit_short(struct bytes *to, unsigned group, unsigned element,
                                  const char *vr, const char *value)
{
    add16(to, group);
    add16(to, element);
    add(to, vr, 2);
    add16(to, (unsigned)strlen(value));
    add(to, value, strlen(value));
}

static inline void text(struct bytes *d, unsigned group, unsigned element, const char *value)
{
    size_t length = strlen(value), even = length + (length & 1);
    implicit(d, group, element, (uint32_t)even);
    add(d, value, length);
    if (even > length)
        add(d, " ", 1);
}

/* The caller's to free. Exact: the sanitizer sees what is read beyond. */
static inline uint8_t *copy_of(const uint8_t *bytes, size_t count)
{
    uint8_t *copy = malloc(count > 0 ? count : 1);
    assert_non_null(copy);
    if (count > 0)
        memcpy(copy, bytes, count);
    return copy;
}

#endif
