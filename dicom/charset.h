/* charset.h: Specific Character Set (PS3.3 C.12.1.1.2, PS3.5 6.1): bytes to UTF-8 (private to
 * dicom/).
 *
 * Strict: a byte that no declared set has is an error and never a replacement character. Needs the
 * C library's converters, which are code that is loaded when first asked for: not for the object
 * child, and in a confined process only after dx_charset_preload. */
#ifndef DX_CHARSET_H
#define DX_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Loads every converter for the life of the process; once, before threads. */
void dx_charset_preload(void);

struct dx_charset;
/* declared: the value of (0008,0005), "" when absent. NULL: unknown, or out of memory. */
struct dx_charset *dx_charset_create(const char *declared);
void dx_charset_destroy(struct dx_charset *charset);
/* One attribute's value; *text is terminated, the caller frees it. false: bytes of no declared set.
 */
bool dx_charset_decode(struct dx_charset *charset, const char *vr, const char *value, size_t length,
                       char **text, size_t *count);
/* The same in place; false: "" is left, bytes of no declared set (charset may be NULL), or no room.
 * ASCII stays as it is, escapes of ISO 2022 with it. */
bool dx_charset_decode_in_place(struct dx_charset *charset, const char *vr, char *text,
                                size_t size);
/* Whether Specific Character Set applies to this VR. */
bool dx_charset_concerns(const char *vr);
/* Well-formed UTF-8 (no overlong forms, no surrogates) without other controls than TAB LF FF CR. */
bool dx_is_utf8(const char *text, size_t length);

#ifdef __cplusplus
}
#endif
#endif
