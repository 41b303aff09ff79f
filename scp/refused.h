/* refused.h: bytes that were refused at the door and are kept in quarantine/, for people: the
 * console and `cervigate jobs list --quarantine`. No dataset is opened: what is told of one is what
 * the association's process wrote down of it. */
#ifndef REFUSED_H
#define REFUSED_H

#include "conf.h"
#include <jansson.h>

struct refused {
    char name[33]; /* of the file in quarantine/ */
    int64_t at_ms; /* UTC */
    uint64_t bytes;
};
/* Newest first, at most `room`; how many. */
size_t refused_list(const struct conf *conf, struct refused *list, size_t room);
/* id ("q" and the name), at, bytes, facts: "name: value" of the text beside the bytes. Peers' words
 * are in it: what is no UTF-8 is not told, and the rest is for printable.h. NULL: no memory. */
json_t *refused_json(const struct conf *conf, const struct refused *refused);

#endif
