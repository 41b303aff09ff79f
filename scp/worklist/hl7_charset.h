/* hl7_charset.h: messages in other character sets than those that hl7_read.h knows itself.
 *
 * MSH-18 by table 0211: 8859/2 to 8859/9 and 8859/11 to 8859/16, GB 18030-2000, BIG-5, KS X 1001,
 * and as a further one ISO IR14, IR87 or IR159 (Japanese, ISO 2022). The message is converted as a
 * whole, before it is looked into: second bytes of characters can look like separators. What is no
 * character of the set becomes U+FFFD, one a byte.
 *
 * Converters are loaded by hl7_charset_preload, in a process that may open files, for it and those
 * that it forks; without, these sets are read as unknown ones. One thread at a time. */
#ifndef HL7_CHARSET_H
#define HL7_CHARSET_H

#include "hl7_read.h"

/* Bytes of UTF-8 that a byte of a message can become. */
#define HL7_CHARSET_GROWTH 3

void hl7_charset_preload(void);
/* hl7_parse of a message in any set; room: for the converted one, HL7_CHARSET_GROWTH times count;
 * it must outlive the message as bytes must. */
bool hl7_charset_parse(struct hl7_message *message, const char *bytes, size_t count, char *room,
                       size_t size, char *why, size_t why_size);

#endif
