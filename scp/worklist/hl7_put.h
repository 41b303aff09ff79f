/* hl7_put.h: an HL7 message as it is written: separators | ^ ~ \ &, segments ended by CR.
 *
 * Values are UTF-8 and are told to no one as structure: separators become \F\ \S\ \R\ \T\ \E\,
 * controls \X0D\, whatever a patient's name holds. What is no UTF-8, what is a control of the upper
 * half and what the message's character set does not have becomes a question mark. Sources: HL7
 * 2.3.1 and 2.5.1, chapter 2 ("Use of escape sequences in text fields"), table 0211. */
#ifndef HL7_PUT_H
#define HL7_PUT_H

#include "conf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hl7_put {
    char *bytes;
    size_t size, used; /* used < size: a terminating zero always fits */
    unsigned field;    /* of the segment, that is being written */
    bool full;         /* something did not fit: the message is none */
    enum conf_hl7_characters characters;
};
void hl7_put_init(struct hl7_put *put, char *bytes, size_t size,
                  enum conf_hl7_characters characters);
/* Bytes of the whole message, which ends with CR; 0: it did not fit. */
size_t hl7_put_end(struct hl7_put *put);

void hl7_put_segment(struct hl7_put *put, const char *name); /* ends the one before */
/* Goes on to field `number`, beyond the last one; MSH begins at 2. */
void hl7_put_field(struct hl7_put *put, unsigned number);
/* Structure and what needs no escape: ASCII of this program. */
void hl7_put_raw(struct hl7_put *put, const char *text);
/* A value; hl7_put_part: the first `count` bytes, at most `most` characters of them (0: all). */
void hl7_put_text(struct hl7_put *put, const char *text);
void hl7_put_part(struct hl7_put *put, const char *text, size_t count, size_t most);
/* A field that is one value. */
void hl7_put_value(struct hl7_put *put, unsigned number, const char *text);
/* code^words^system; words are led by `mark`. */
void hl7_put_code(struct hl7_put *put, const char *code, const char *mark, const char *words,
                  const char *system);
/* TS, to the second, of UTC and with its zone: 20261127130500+0000 */
void hl7_put_time(struct hl7_put *put, int64_t utc_ms);
const char *hl7_put_character_set(enum conf_hl7_characters characters); /* MSH-18 */

/* Bytes of the well-formed UTF-8 character at the beginning of count bytes, and its number; 0: none
 * is there. */
size_t hl7_character(const char *text, size_t count, uint32_t *number);

#endif
