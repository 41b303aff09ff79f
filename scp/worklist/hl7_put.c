/* Every byte of a value goes through put_character: nothing else can reach a segment. */
#include "hl7_put.h"

#include "clock.h"
#include <string.h>

void hl7_put_init(struct hl7_put *put, char *bytes, size_t size,
                  enum conf_hl7_characters characters)
{
    *put =
        (struct hl7_put){.bytes = bytes, .size = size, .characters = characters, .full = size == 0};
}

static void put_bytes(struct hl7_put *put, const char *bytes, size_t count)
{
    if (put->full || count >= put->size - put->used) {
        put->full = true;
        return;
    }
    memcpy(put->bytes + put->used, bytes, count);
    put->used += count;
    put->bytes[put->used] = '\0';
}

size_t hl7_put_end(struct hl7_put *put)
{
    put_bytes(put, "\r", 1);
    return put->full ? 0 : put->used;
}

/* ---- structure ---- */

void hl7_put_raw(struct hl7_put *put, const char *text)
{
    put_bytes(put, text, strlen(text));
}

void hl7_put_segment(struct hl7_put *put, const char *name)
{
    if (put->used > 0)
        put_bytes(put, "\r", 1);
    hl7_put_raw(put, name);
    put->field = strcmp(name, "MSH") == 0; /* its first field is the separator itself */
}

void hl7_put_field(struct hl7_put *put, unsigned number)
{
    while (put->field < number) {
        put_bytes(put, "|", 1);
        put->field++;
    }
}

void hl7_put_value(struct hl7_put *put, unsigned number, const char *text)
{
    hl7_put_field(put, number);
    hl7_put_text(put, text);
}

/* ---- values ---- */

size_t hl7_character(const char *text, size_t count, uint32_t *number)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = count > 0 ? (unsigned char)text[0] : 0xff;
    size_t length = lead < 0x80       ? 1
                    : lead >> 5 == 6  ? 2
                    : lead >> 4 == 14 ? 3
                    : lead >> 3 == 30 ? 4
                                      : 0;
    if (length == 0 || length > count)
        return 0;
    uint32_t value = length == 1 ? lead : lead & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | ((unsigned char)text[i] & 0x3fu);
    }
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 0;
    *number = value;
    return length;
}

static void put_ascii(struct hl7_put *put, uint32_t number)
{
    static const char digits[] = "0123456789ABCDEF";
    static const char separators[] = "|^~&\\", letters[] = "FSRTE";
    const char *separator = number != 0 ? strchr(separators, (int)number) : NULL;
    char escape[5] = "\\X00\\", plain = (char)number;
    if (separator != NULL) {
        const char escaped[3] = {'\\', letters[separator - separators], '\\'};
        put_bytes(put, escaped, sizeof escaped);
    } else if (number < ' ' || number == 0x7f) {
        escape[2] = digits[number >> 4];
        escape[3] = digits[number & 15];
        put_bytes(put, escape, sizeof escape);
    } else {
        put_bytes(put, &plain, 1);
    }
}

static void put_character(struct hl7_put *put, const char *text, size_t length, uint32_t number)
{
    char latin = (char)(unsigned char)number;
    if (length == 1)
        put_ascii(put, number);
    else if (number >= 0xa0 && put->characters == CONF_HL7_UTF_8)
        put_bytes(put, text, length);
    else if (number >= 0xa0 && number <= 0xff && put->characters == CONF_HL7_LATIN_1)
        put_bytes(put, &latin, 1);
    else
        put_bytes(put, "?", 1);
}

void hl7_put_part(struct hl7_put *put, const char *text, size_t count, size_t most)
{
    for (size_t done = 0; count > 0 && (most == 0 || done < most); done++) {
        uint32_t number = '?';
        size_t length = hl7_character(text, count, &number);
        put_character(put, text, length != 0 ? length : 1, number);
        text += length != 0 ? length : 1;
        count -= length != 0 ? length : 1;
    }
}

void hl7_put_text(struct hl7_put *put, const char *text)
{
    hl7_put_part(put, text, strlen(text), 0);
}

void hl7_put_code(struct hl7_put *put, const char *code, const char *mark, const char *words,
                  const char *system)
{
    hl7_put_text(put, code);
    hl7_put_raw(put, "^");
    hl7_put_text(put, mark);
    hl7_put_text(put, words);
    hl7_put_raw(put, "^");
    hl7_put_text(put, system);
}

void hl7_put_time(struct hl7_put *put, int64_t utc_ms)
{
    char date[9], time[15], zone[6];
    clock_dicom(utc_ms, date, time, zone);
    time[6] = '\0'; /* no fraction: many receivers know none */
    hl7_put_text(put, date);
    hl7_put_text(put, time);
    hl7_put_text(put, zone);
}

const char *hl7_put_character_set(enum conf_hl7_characters characters)
{
    static const char *const names[] = {[CONF_HL7_UTF_8] = "UNICODE UTF-8",
                                        [CONF_HL7_LATIN_1] = "8859/1",
                                        [CONF_HL7_ASCII] = "ASCII"};
    return names[characters];
}
