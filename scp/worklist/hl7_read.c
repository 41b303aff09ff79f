/* From the bytes to a value in four steps, each of which only narrows a view or copies forward:
 * segment, place, escapes, characters. */
#include "hl7_read.h"

#include "hl7_put.h"
#include <stdio.h>
#include <string.h>

#define RAW_MOST   4096   /* bytes of a value that are looked at; no value asked for has more */
#define UNREADABLE '\x1b' /* ESC, which no set that is read here has: becomes U+FFFD */

/* ---- the message as a whole ---- */

static bool refuse(char *why, size_t size, const char *text)
{
    (void)snprintf(why, size, "%s", text);
    return false;
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* MSH-1 and MSH-2. Some leave out escape and part; 2.7 has a fifth, which says nothing here. */
static bool read_separators(struct hl7_message *message, size_t count)
{
    char *const to[] = {&message->field, &message->component, &message->repetition,
                        &message->escape, &message->part};
    size_t found = 0;
    for (size_t i = 0; i < 5 && 3 + i < count; i++) {
        char c = message->bytes[3 + i];
        if (i > 0 && c == message->field)
            break;
        if (c <= ' ' || c >= 0x7f || is_letter(c))
            return false;
        for (size_t j = 0; j < i; j++)
            if (*to[j] == c)
                return false;
        *to[i] = c;
        found++;
    }
    return found >= 3;
}

static size_t fields_of(const struct hl7_message *message, size_t segment)
{
    const char *at = message->bytes + message->segment[segment].at;
    size_t fields = 0;
    for (size_t i = 0; i < message->segment[segment].count; i++)
        fields += at[i] == message->field;
    return fields;
}

static bool is_segment(const struct hl7_message *message, const char *at, size_t count)
{
    return count >= 3 && is_letter(at[0]) && is_letter(at[1]) && is_letter(at[2]) &&
           (count == 3 || at[3] == message->field);
}

static bool split(struct hl7_message *message, size_t count, char *why, size_t size)
{
    char end = memchr(message->bytes, '\r', count) != NULL ? '\r' : '\n';
    size_t at = 0;
    while (at < count) {
        const char *begin = message->bytes + at, *stop = memchr(begin, end, count - at);
        size_t length = stop != NULL ? (size_t)(stop - begin) : count - at;
        size_t next = at + length + 1;
        if (length > 0 && end == '\r' && *begin == '\n') {
            begin++;
            length--;
            at++;
        }
        if (length > 0) {
            if (!is_segment(message, begin, length))
                return refuse(why, size, "a line that is no segment");
            if (message->segments == HL7_SEGMENTS_MOST)
                return refuse(why, size, "too many segments");
            message->segment[message->segments].at = (uint32_t)at;
            message->segment[message->segments++].count = (uint32_t)length;
            if (fields_of(message, message->segments - 1) > HL7_FIELDS_MOST)
                return refuse(why, size, "too many fields in a segment");
        }
        at = next;
    }
    return true;
}

static enum hl7_reading reading_of(const struct hl7_message *message)
{
    static const struct {
        const char *name;
        enum hl7_reading reading;
    } sets[] = {{"", HL7_GUESSED},
                {"ASCII", HL7_GUESSED},
                {"UNICODE UTF-8", HL7_UTF_8_READ},
                {"UNICODE", HL7_UTF_8_READ},
                {"UTF-8", HL7_UTF_8_READ},
                {"UTF8", HL7_UTF_8_READ},
                {"8859/1", HL7_LATIN_1_READ},
                {"8859/15", HL7_LATIN_9_READ}};
    char name[32];
    hl7_get(message, 0, (struct hl7_place){18, 1, 1, 0}, name, sizeof name);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (strcmp(name, sets[i].name) == 0)
            return sets[i].reading;
    return HL7_ASCII_READ;
}

bool hl7_parse(struct hl7_message *message, const char *bytes, size_t count, char *why, size_t size)
{
    *message = (struct hl7_message){.bytes = bytes};
    if (count > HL7_READ_MOST)
        return refuse(why, size, "too long");
    if (count < 8 || memcmp(bytes, "MSH", 3) != 0)
        return refuse(why, size, "it does not begin with MSH");
    if (!read_separators(message, count))
        return refuse(why, size, "MSH-1 and MSH-2 are no separators");
    if (!split(message, count, why, size))
        return false;
    message->reading = reading_of(message);
    return true;
}

bool hl7_is(const struct hl7_message *message, size_t segment, const char *name)
{
    return segment < message->segments &&
           memcmp(message->bytes + message->segment[segment].at, name, 3) == 0;
}

size_t hl7_find(const struct hl7_message *message, const char *name, size_t from)
{
    while (from < message->segments && !hl7_is(message, from, name))
        from++;
    return from;
}

/* ---- a place ---- */

struct view {
    const char *at;
    size_t count;
};

/* Item number `number` (from 1) between separators; an empty one where it ends before. */
static struct view item(struct view in, char separator, unsigned number)
{
    while (separator != 0) {
        const char *end = in.count > 0 ? memchr(in.at, separator, in.count) : NULL;
        size_t count = end != NULL ? (size_t)(end - in.at) : in.count;
        if (number <= 1)
            return (struct view){in.at, count};
        if (end == NULL)
            return (struct view){in.at, 0};
        in.at += count + 1;
        in.count -= count + 1;
        number--;
    }
    return number <= 1 ? in : (struct view){in.at, 0};
}

static struct view field_of(const struct hl7_message *message, size_t segment, unsigned field)
{
    if (segment >= message->segments)
        return (struct view){"", 0};
    struct view all = {message->bytes + message->segment[segment].at,
                       message->segment[segment].count};
    bool is_header = hl7_is(message, segment, "MSH");
    if (is_header && field == 1)
        return (struct view){&message->field, 1};
    return item(all, message->field, is_header ? field : field + 1);
}

static bool is_header_field(const struct hl7_message *message, size_t segment, unsigned field)
{
    return field <= 2 && hl7_is(message, segment, "MSH");
}

unsigned hl7_repetitions(const struct hl7_message *message, size_t segment, unsigned field)
{
    struct view in = field_of(message, segment, field);
    unsigned count = in.count > 0;
    if (is_header_field(message, segment, field))
        return count;
    for (size_t i = 0; i < in.count; i++)
        count += in.at[i] == message->repetition;
    return count;
}

/* ---- escapes ---- */

static int hexadecimal(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

static void add(char *raw, size_t *used, char c)
{
    if (*used < RAW_MOST)
        raw[(*used)++] = c;
}

/* What stands between two escape characters; false: it is no escape sequence, but text. */
static bool unescape(const struct hl7_message *message, struct view in, char *raw, size_t *used)
{
    const char one = in.count == 1 ? in.at[0] : 0, first = in.count > 0 ? in.at[0] : 0;
    const char separator = one == 'F'   ? message->field
                           : one == 'S' ? message->component
                           : one == 'T' ? message->part
                           : one == 'R' ? message->repetition
                           : one == 'E' ? message->escape
                                        : 0;
    if (separator != 0)
        add(raw, used, separator);
    else if (one == 'H' || one == 'N' || first == 'Z')
        return true; /* highlighting, and what a site agreed on */
    else if (first == '.')
        add(raw, used, ' '); /* formatting */
    else if (first == 'C' || first == 'M')
        add(raw, used, UNREADABLE);
    else if (first == 'X' && in.count % 2 == 1 && in.count > 1) {
        for (size_t i = 1; i < in.count; i++)
            if (hexadecimal(in.at[i]) < 0)
                return false;
        for (size_t i = 1; i + 1 < in.count; i += 2) {
            int byte = hexadecimal(in.at[i]) * 16 + hexadecimal(in.at[i + 1]);
            bool is_foreign = byte >= 0x80 && message->reading == HL7_CONVERTED_READ;
            add(raw, used, is_foreign ? UNREADABLE : (char)byte);
        }
    } else
        return false;
    return true;
}

#define ESCAPE_MOST 64 /* characters of one sequence; longer ones are text */

static size_t unescape_all(const struct hl7_message *message, struct view in, char *raw)
{
    size_t used = 0;
    while (in.count > 0 && used < RAW_MOST) {
        size_t near = in.count - 1 < ESCAPE_MOST ? in.count - 1 : ESCAPE_MOST;
        const char *end = message->escape != 0 && *in.at == message->escape && near > 0
                              ? memchr(in.at + 1, message->escape, near)
                              : NULL;
        size_t taken = 1;
        struct view sequence = {in.at + 1, end != NULL ? (size_t)(end - in.at) - 1 : 0};
        if (end != NULL && unescape(message, sequence, raw, &used))
            taken = sequence.count + 2;
        else
            add(raw, &used, *in.at);
        in.at += taken;
        in.count -= taken;
    }
    return used;
}

/* ---- characters ---- */

#define REPLACEMENT 0xfffd /* HL7_UNREADABLE */

static uint32_t latin(enum hl7_reading reading, unsigned char byte)
{
    static const struct {
        unsigned char byte;
        uint16_t number;
    } ninth[] = {{0xa4, 0x20ac}, {0xa6, 0x160}, {0xa8, 0x161}, {0xb4, 0x17d},
                 {0xb8, 0x17e},  {0xbc, 0x152}, {0xbd, 0x153}, {0xbe, 0x178}};
    for (size_t i = 0; reading == HL7_LATIN_9_READ && i < sizeof ninth / sizeof *ninth; i++)
        if (ninth[i].byte == byte)
            return ninth[i].number;
    return reading == HL7_LATIN_1_READ || reading == HL7_LATIN_9_READ ? byte : REPLACEMENT;
}

static size_t utf8(uint32_t number, char text[4])
{
    if (number < 0x80) {
        text[0] = (char)number;
        return 1;
    }
    if (number < 0x800) {
        text[0] = (char)(0xc0 | number >> 6);
        text[1] = (char)(0x80 | (number & 0x3f));
        return 2;
    }
    if (number < 0x10000) {
        text[0] = (char)(0xe0 | number >> 12);
        text[1] = (char)(0x80 | (number >> 6 & 0x3f));
        text[2] = (char)(0x80 | (number & 0x3f));
        return 3;
    }
    text[0] = (char)(0xf0 | number >> 18);
    text[1] = (char)(0x80 | (number >> 12 & 0x3f));
    text[2] = (char)(0x80 | (number >> 6 & 0x3f));
    text[3] = (char)(0x80 | (number & 0x3f));
    return 4;
}

static bool is_utf8(const char *raw, size_t count)
{
    uint32_t number;
    for (size_t length; count > 0; raw += length, count -= length)
        if ((length = hl7_character(raw, count, &number)) == 0)
            return false;
    return true;
}

/* Returns the bytes of all of it; out has the characters that fit. */
static size_t decode(enum hl7_reading reading, const char *raw, size_t count, char *out,
                     size_t size)
{
    size_t whole = 0, used = 0;
    if (reading == HL7_GUESSED)
        reading = is_utf8(raw, count) ? HL7_UTF_8_READ : HL7_LATIN_1_READ;
    if (reading == HL7_CONVERTED_READ)
        reading = HL7_UTF_8_READ;
    while (count > 0) {
        char text[4];
        uint32_t number = (unsigned char)*raw;
        size_t taken = reading == HL7_UTF_8_READ ? hl7_character(raw, count, &number) : 1;
        if (taken == 0 || (taken == 1 && number >= 0x80)) {
            number = latin(reading, (unsigned char)*raw);
            taken = 1;
        }
        if (number == UNREADABLE || (number >= 0x80 && number < 0xa0))
            number = REPLACEMENT;
        else if (number < ' ' || number == 0x7f)
            number = ' ';
        size_t length = utf8(number, text);
        if (whole == used && used + length < size) {
            memcpy(out + used, text, length);
            used += length;
        }
        whole += length;
        raw += taken;
        count -= taken;
    }
    if (size > 0)
        out[used] = '\0';
    return whole;
}

/* ---- values ---- */

/* Blanks around a value mean nothing. */
static struct view trimmed(struct view in)
{
    while (in.count > 0 && in.at[0] == ' ') {
        in.at++;
        in.count--;
    }
    while (in.count > 0 && in.at[in.count - 1] == ' ')
        in.count--;
    return in;
}

size_t hl7_get(const struct hl7_message *message, size_t segment, struct hl7_place place, char *out,
               size_t size)
{
    char raw[RAW_MOST];
    struct view in = field_of(message, segment, place.field);
    if (!is_header_field(message, segment, place.field)) {
        in = item(in, message->repetition, place.repetition);
        if (place.component > 0)
            in = item(in, message->component, place.component);
        if (place.part > 0)
            in = item(in, message->part, place.part);
    }
    in = trimmed(in);
    if (in.count == 2 && memcmp(in.at, "\"\"", 2) == 0)
        in.count = 0;
    size_t beyond = in.count > RAW_MOST ? in.count - RAW_MOST : 0;
    return decode(message->reading, raw, unescape_all(message, in, raw), out, size) + beyond;
}

bool hl7_get_whole(const struct hl7_message *message, size_t segment, struct hl7_place place,
                   char *out, size_t size)
{
    if (hl7_get(message, segment, place, out, size) < size && strstr(out, HL7_UNREADABLE) == NULL)
        return true;
    out[0] = '\0';
    return false;
}
