/* dx_attrs.h: plain attributes: a flat, bounded list of (tag, VR, bytes), without DCMTK.
 *
 * It is what leaves the object child: attributes of the main dataset by value, bytes as encoded in
 * the source's Specific Character Set, so that Patient and Study modules can be copied byte-true
 * into our results; binary VRs (US, SS ...) as decimal text, several values with backslashes.
 * Serialises for a pipe with checks on both ends. One thread at a time. */
#ifndef DX_ATTRS_H
#define DX_ATTRS_H

#include "dx_status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DX_ATTRS_MAX           256    /* attributes */
#define DX_ATTRS_MAX_BYTES     65536u /* serialised */
#define DX_TAG(group, element) (((uint32_t)(group) << 16) | (uint32_t)(element))

struct dx_attrs;
struct dx_attrs *dx_attrs_create(void);
void dx_attrs_destroy(struct dx_attrs *attrs);
/* Replaces an attribute of the same tag. vr: two capitals. Value is copied, without trailing blanks
 * and NULs. DX_LIMIT when a ceiling above would be passed; the list is unchanged then. */
DX_MUST_USE enum dx_status dx_attrs_set(struct dx_attrs *attrs, uint32_t tag, const char *vr,
                                        const void *value, size_t length);
DX_MUST_USE enum dx_status dx_attrs_set_text(struct dx_attrs *attrs, uint32_t tag, const char *vr,
                                             const char *text);
size_t dx_attrs_count(const struct dx_attrs *attrs);
/* i-th attribute in ascending tag order. */
void dx_attrs_at(const struct dx_attrs *attrs, size_t i, uint32_t *tag, char vr[3],
                 const char **value, size_t *length);
/* Value as terminated text; "" when absent. Valid until the next set. */
const char *dx_attrs_text(const struct dx_attrs *attrs, uint32_t tag);

/* The same text in every character set: no byte above 7F, no escape (ISO 2022). */
bool dx_text_is_ascii(const char *text);
/* Both are ASCII and differ: others may be the same text in different character sets. */
bool dx_text_differs(const char *a, const char *b);

DX_MUST_USE enum dx_status dx_attrs_pack(const struct dx_attrs *attrs, uint8_t **bytes,
                                         size_t *count); /* malloc, caller frees */
DX_MUST_USE enum dx_status dx_attrs_unpack(const uint8_t *bytes, size_t count,
                                           struct dx_attrs **attrs, struct dx_error *err);
/* One value where it lies in packed bytes, for who looks into thousands: *length bytes of it, up to
 * its first zero, ended by none. Not there, or damaged before: "" and 0. */
const char *dx_attrs_packed(const uint8_t *bytes, size_t count, uint32_t tag, size_t *length);

#ifdef __cplusplus
}
#endif
#endif
