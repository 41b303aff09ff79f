/* mutate_work.h: what the strategies share. */
#ifndef MUTATE_WORK_H
#define MUTATE_WORK_H

#include "mutate.h"

struct work {
    uint64_t state; /* of the random numbers */
    struct mutation *mutation;
    struct bytes *data;
    enum encoding encoding;
    struct element element[ELEMENTS_MAX];
    size_t count;
};

/* A random number from 0 to limit - 1. */
size_t below(struct work *work, size_t limit);
/* The first element of this tag, or NULL. */
struct element *find(struct work *work, uint32_t tag);
void set_length(struct work *work, const struct element *e, uint32_t value);
/* The first 16 bits of the element's value, where there is one. */
void set_small(struct work *work, uint32_t tag, uint32_t value);

/* Strategies of values (mutate_value.c). */
void photometric(struct work *work);
void frame_count(struct work *work);
void uids(struct work *work);
void texts(struct work *work);
void numbers(struct work *work);

#endif
