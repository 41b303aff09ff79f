#include "hl7_charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <string.h>

#define REPETITIONS_MOST 4 /* of MSH-18 that are looked at */

struct set {
    const char *name, *encoding; /* of table 0211, of iconv */
    bool is_further;             /* counts in any repetition: its first bytes are ASCII */
};

static const struct set sets[] = {
    {"8859/2", "ISO-8859-2", false},
    {"8859/3", "ISO-8859-3", false},
    {"8859/4", "ISO-8859-4", false},
    {"8859/5", "ISO-8859-5", false},
    {"8859/6", "ISO-8859-6", false},
    {"8859/7", "ISO-8859-7", false},
    {"8859/8", "ISO-8859-8", false},
    {"8859/9", "ISO-8859-9", false},
    {"8859/10", "ISO-8859-10", false},
    {"8859/11", "ISO-8859-11", false},
    {"8859/13", "ISO-8859-13", false},
    {"8859/14", "ISO-8859-14", false},
    {"8859/16", "ISO-8859-16", false},
    {"GB 18030-2000", "GB18030", false},
    {"BIG-5", "BIG5", false},
    {"KS X 1001", "EUC-KR", false},
    {"ISO IR14", "ISO-2022-JP-2", true},
    {"ISO IR87", "ISO-2022-JP-2", true},
    {"ISO IR159", "ISO-2022-JP-2", true},
};
#define SETS (sizeof sets / sizeof *sets)

static struct {
    iconv_t to_utf8;
    bool is_open;
} converter[SETS];

void hl7_charset_preload(void)
{
    for (size_t i = 0; i < SETS; i++)
        if (!converter[i].is_open) {
            converter[i].to_utf8 = iconv_open("UTF-8", sets[i].encoding);
            converter[i].is_open = converter[i].to_utf8 != (iconv_t)-1;
        }
}

/* Its number; SETS: none that is converted. */
static size_t set_of(const struct hl7_message *header)
{
    for (unsigned repetition = 1; repetition <= REPETITIONS_MOST; repetition++) {
        char name[32];
        hl7_get(header, 0, (struct hl7_place){18, repetition, 1, 0}, name, sizeof name);
        for (size_t i = 0; i < SETS; i++)
            if ((repetition == 1 || sets[i].is_further) && converter[i].is_open &&
                strcmp(name, sets[i].name) == 0)
                return i;
    }
    return SETS;
}

/* Bytes written; SIZE_MAX: there is no room. */
static size_t convert(iconv_t to_utf8, const char *bytes, size_t count, char *room, size_t size)
{
    char *from = (char *)(uintptr_t)bytes, *to = room;
    size_t left = size;
    (void)iconv(to_utf8, NULL, NULL, NULL, NULL);
    while (count > 0 && iconv(to_utf8, &from, &count, &to, &left) == (size_t)-1) {
        if (errno == E2BIG || left < sizeof HL7_UNREADABLE - 1)
            return SIZE_MAX;
        memcpy(to, HL7_UNREADABLE, sizeof HL7_UNREADABLE - 1);
        to += sizeof HL7_UNREADABLE - 1;
        left -= sizeof HL7_UNREADABLE - 1;
        from++;
        count--;
    }
    return size - left;
}

static size_t header_length(const char *bytes, size_t count)
{
    size_t length = 0;
    while (length < count && bytes[length] != '\r' && bytes[length] != '\n')
        length++;
    return length;
}

bool hl7_charset_parse(struct hl7_message *message, const char *bytes, size_t count, char *room,
                       size_t size, char *why, size_t why_size)
{
    size_t set = SETS;
    if (hl7_parse(message, bytes, header_length(bytes, count), why, why_size))
        set = set_of(message);
    if (set == SETS)
        return hl7_parse(message, bytes, count, why, why_size);
    count = convert(converter[set].to_utf8, bytes, count, room, size);
    if (!hl7_parse(message, room, count, why, why_size))
        return false;
    message->reading = HL7_CONVERTED_READ;
    return true;
}
