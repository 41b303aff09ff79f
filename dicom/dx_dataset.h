/* dx_dataset.h: small datasets of DIMSE services (identifiers, action and event information),
 * written and read in implicit VR little endian (PS3.5 A.1) without dcmdata.
 *
 * What a peer sends is read with every length held against its container, at most DX_DATASET_DEPTH
 * sequences deep. Pure functions over the caller's memory. */
#ifndef DX_DATASET_H
#define DX_DATASET_H

#include "dx_status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DX_DATASET_DEPTH 8u
#define DX_DATASET_MAX   262144u /* bytes of one that is received; more is DX_LIMIT */

/* One that is being written: starts as {0}; bytes are malloc'd. After a failed allocation `failed`
 * is set and what follows is ignored. Elements in ascending order are the caller's duty. */
struct dx_writing {
    uint8_t *bytes;
    size_t count, room;
    bool failed;
};
void dx_put_uid(struct dx_writing *to, uint32_t tag, const char *uid);   /* NUL-padded */
void dx_put_text(struct dx_writing *to, uint32_t tag, const char *text); /* blank-padded */
/* Any value; of odd length it gets this padding. */
void dx_put_value(struct dx_writing *to, uint32_t tag, const void *value, size_t length,
                  char padding);
/* Sequences and items of undefined length: begin, items, end. */
void dx_put_begin(struct dx_writing *to, uint32_t sequence);
void dx_put_item(struct dx_writing *to);
void dx_put_item_end(struct dx_writing *to);
void dx_put_end(struct dx_writing *to);
void dx_writing_finish(struct dx_writing *to); /* frees */

/* Where an element stands: the sequences around it, outermost first, and the item in each. */
struct dx_place {
    unsigned depth;
    uint32_t sequence[DX_DATASET_DEPTH];
    unsigned item[DX_DATASET_DEPTH]; /* from 0 */
};
/* An element that is no sequence. False ends the reading, as DX_LIMIT. */
typedef bool (*dx_dataset_take)(void *context, const struct dx_place *place, uint32_t tag,
                                const uint8_t *value, size_t length);
/* Of a sequence of defined length the standard's tags in `sequences` (0 ends the list) are known;
 * of undefined length every one. DX_MALFORMED, DX_LIMIT. */
DX_MUST_USE enum dx_status dx_dataset_read(const uint8_t *bytes, size_t count,
                                           const uint32_t *sequences, dx_dataset_take take,
                                           void *context, struct dx_error *err);
/* The same with the places where sequences and items begin and end, also of empty ones. */
enum dx_mark {
    DX_MARK_ELEMENT,
    DX_MARK_SEQUENCE,
    DX_MARK_ITEM,
    DX_MARK_ITEM_END,
    DX_MARK_SEQUENCE_END
};
/* tag: of the element or sequence; value and length: of the element. */
typedef bool (*dx_dataset_step)(void *context, enum dx_mark mark, uint32_t tag,
                                const uint8_t *value, size_t length);
DX_MUST_USE enum dx_status dx_dataset_walk(const uint8_t *bytes, size_t count,
                                           const uint32_t *sequences, dx_dataset_step step,
                                           void *context, struct dx_error *err);

#ifdef __cplusplus
}
#endif
#endif
