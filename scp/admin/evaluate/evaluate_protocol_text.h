/* evaluate_protocol_text.h: the text of a protocol: lines "key = value", the last of them its seal.
 * Pure functions of terminated text. */
#ifndef EVALUATE_PROTOCOL_TEXT_H
#define EVALUATE_PROTOCOL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

extern const char protocol_seal_key[]; /* "sha256 = " */

/* SHA-256 of the first `size` bytes. */
void protocol_seal(const char *text, size_t size, char digest[65]);

enum protocol_seal_state {
    PROTOCOL_SEALED,
    PROTOCOL_UNSEALED, /* the last line is no seal */
    PROTOCOL_BROKEN    /* it is the seal of another text */
};
/* digest: of what stands before the last line; sealed: what that line says. Both are filled unless
 * UNSEALED. */
enum protocol_seal_state protocol_seal_check(const char *text, char digest[65], char sealed[65]);

/* The value of the one line with this key; false: there is none, there are two, or it is longer
 * than size - 1. */
bool protocol_value(const char *text, const char *key, char *value, size_t size);
/* A number in low..high. */
bool protocol_number(const char *text, const char *key, double low, double high, double *to);

#endif
