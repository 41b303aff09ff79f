/* hl7_read.h: HL7 version 2 messages of others.
 *
 * A message is a view of the caller's bytes: nothing is allocated, whatever they hold. Ceilings:
 * HL7_READ_MOST bytes, HL7_SEGMENTS_MOST segments, HL7_FIELDS_MOST fields of one; a look-up is
 * linear in the message. Separators are those of MSH-1 and MSH-2. Segments end with CR; LF and CR
 * LF are understood, too.
 *
 * Values come as UTF-8 without controls: MSH-18 names UTF-8, 8859/1 or 8859/15 (others:
 * hl7_charset.h); in any other set what is not ASCII is HL7_UNREADABLE, as are bytes that are none
 * of the set, ESC and escapes to other sets; without one, 8-bit bytes are UTF-8 where they can be,
 * else 8859/1. HL7's null ("") and a missing field are both empty. Never an instruction: what a
 * peer says may be shown, so its length and characters are bounded here. Pure; any thread. */
#ifndef HL7_READ_H
#define HL7_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HL7_READ_MOST     (1u << 20)
#define HL7_SEGMENTS_MOST 512
#define HL7_FIELDS_MOST   512

#define HL7_UNREADABLE "\xef\xbf\xbd" /* U+FFFD: a character that cannot be read */

enum hl7_reading {
    HL7_ASCII_READ,
    HL7_UTF_8_READ,
    HL7_CONVERTED_READ, /* UTF-8, but escapes are of another set */
    HL7_LATIN_1_READ,
    HL7_LATIN_9_READ,
    HL7_GUESSED
};

struct hl7_message {
    const char *bytes;
    char field, component, repetition, escape,
        part; /* separators; escape, part: 0, there is none */
    enum hl7_reading reading;
    size_t segments;
    struct {
        uint32_t at, count; /* bytes, without its end */
    } segment[HL7_SEGMENTS_MOST];
};

/* false: it is no such message, and why says what is wrong. What bytes points to must outlive it.
 */
bool hl7_parse(struct hl7_message *message, const char *bytes, size_t count, char *why,
               size_t size);

/* Whether segment number `segment` (from 0) is such a one. */
bool hl7_is(const struct hl7_message *message, size_t segment, const char *name);
/* The first such segment at or after `from`; message->segments: there is none. */
size_t hl7_find(const struct hl7_message *message, const char *name, size_t from);

/* A place in a segment; numbers from 1. component and part 0: all of it, as it stands, but decoded.
 * MSH-1 is the separator. */
struct hl7_place {
    unsigned field, repetition, component, part;
};
/* Bytes that the value has, its end not counted; out holds what fits, whole characters. */
size_t hl7_get(const struct hl7_message *message, size_t segment, struct hl7_place place, char *out,
               size_t size);
/* For what somebody is identified by: empty when it does not fit or cannot be read. False: so it
 * is. */
bool hl7_get_whole(const struct hl7_message *message, size_t segment, struct hl7_place place,
                   char *out, size_t size);
/* Repetitions of the field; 0: it is empty. */
unsigned hl7_repetitions(const struct hl7_message *message, size_t segment, unsigned field);

/* TS as UTC in milliseconds, to the second; 0: it is none. One without a zone is taken as UTC:
 * those of one sender can still be told apart by it. */
int64_t hl7_time(const char *text);

#endif
