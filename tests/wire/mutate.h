/* mutate.h: real objects made wrong on purpose, the same way for the same seed and number.
 *
 * A corpus is read once; mutation(seed, number) takes one object of it and one strategy, and is a
 * function of these two numbers and the corpus alone. */
#ifndef MUTATE_H
#define MUTATE_H

#include "dx_uid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A byte string that grows. */
struct bytes {
    uint8_t *at;
    size_t count, room;
};
void bytes_add(struct bytes *to, const void *from, size_t count);
/* In place of `gone` bytes at `position` come `count` others. */
void bytes_splice(struct bytes *to, size_t position, size_t gone, const void *from, size_t count);
void bytes_finish(struct bytes *bytes);

enum encoding { IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG };

/* Where the parts of an element or item stand in a dataset. */
struct element {
    size_t at, value, length; /* length: of the value; 0 when it is undefined */
    uint32_t tag;
    uint8_t vr_at, length_at, length_size; /* behind `at`; vr_at 0: no VR */
};
#define ELEMENTS_MAX 4096
/* The elements of the dataset, those within sequences and fragments too, in their order. */
size_t elements_find(const struct bytes *dataset, enum encoding encoding,
                     struct element element[ELEMENTS_MAX]);

struct object {
    char name[256];
    char transfer_syntax[DX_UID_MAX], sop_class[DX_UID_MAX], sop_instance[DX_UID_MAX];
    struct bytes dataset;
};
struct corpus {
    struct object *object;
    size_t count;
};
/* Every Part 10 file below the folder of at most `most` bytes, by name. False: none. */
bool corpus_read(struct corpus *corpus, const char *folder, size_t most);
void corpus_finish(struct corpus *corpus);

#define STRATEGIES 28
extern const char *const strategy_names[STRATEGIES];

struct mutation {
    unsigned strategy;
    const struct object *from;
    char transfer_syntax[DX_UID_MAX], sop_instance[DX_UID_MAX];
    struct bytes dataset;
};
/* The number-th mutation; mutation->dataset is the caller's, to bytes_finish. */
void mutate(const struct corpus *corpus, uint64_t seed, uint64_t number, struct mutation *mutation);

#endif
