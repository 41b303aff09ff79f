/* Texts that reach a report are printable UTF-8, or ASCII where the object keeps a character set
 * of its own. No replacement is longer than what it replaces, so a text is cleaned in place. */
#include "srt_private.h"
#include <string.h>

/* U+00C0 to U+00FF. */
static const char *const latin[64] = {
    "A", "A", "A", "A", "A", "A", "AE", "C", "E", "E", "E", "E", "I", "I", "I",  "I",
    "D", "N", "O", "O", "O", "O", "O",  "x", "O", "U", "U", "U", "U", "Y", "Th", "ss",
    "a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i",  "i",
    "d", "n", "o", "o", "o", "o", "o",  "/", "o", "u", "u", "u", "u", "y", "th", "y"};
/* German writes a vowel with dots as two letters. */
static const struct {
    unsigned point;
    const char *plain;
} umlauts[] = {{0xC4, "Ae"}, {0xD6, "Oe"}, {0xDC, "Ue"}, {0xE4, "ae"}, {0xF6, "oe"}, {0xFC, "ue"}};
static const struct {
    unsigned point;
    const char *plain;
} others[] = {{0xA0, " "},    {0xA1, "!"},     {0xAA, "a"},     {0xAB, "\""},   {0xB0, "o"},
              {0xB1, "+-"},   {0xB5, "u"},     {0xB7, "."},     {0xBA, "o"},    {0xBB, "\""},
              {0xBF, ""},     {0x152, "OE"},   {0x153, "oe"},   {0x160, "S"},   {0x161, "s"},
              {0x17D, "Z"},   {0x17E, "z"},    {0x178, "Y"},    {0x2009, " "},  {0x202F, " "},
              {0x2010, "-"},  {0x2011, "-"},   {0x2012, "-"},   {0x2013, "-"},  {0x2014, "-"},
              {0x2018, "'"},  {0x2019, "'"},   {0x201A, "'"},   {0x201C, "\""}, {0x201D, "\""},
              {0x201E, "\""}, {0x2026, "..."}, {0x20AC, "EUR"}, {0x2264, "<="}, {0x2265, ">="}};

/* Bytes of the character at text and its code point; 0: none begins there. */
static size_t decode(const unsigned char *text, unsigned *point)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = text[0] < 0x80                      ? 1
                    : text[0] >= 0xC2 && text[0] < 0xE0 ? 2
                    : text[0] >= 0xE0 && text[0] < 0xF0 ? 3
                    : text[0] >= 0xF0 && text[0] < 0xF5 ? 4
                                                        : 0;

    if (length == 0)
        return 0;
    *point = length == 1 ? text[0] : text[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
        *point = *point << 6 | (text[i] & 0x3Fu);
    }
    if (*point < least[length] || *point > 0x10FFFF || (*point >= 0xD800 && *point < 0xE000))
        return 0;
    return length;
}

static bool is_printable(unsigned point)
{
    return point >= 0x20 && (point < 0x7F || point > 0x9F) &&
           !(point >= 0x200B && point <= 0x200F) && !(point >= 0x2028 && point <= 0x202E) &&
           !(point >= 0x2060 && point <= 0x206F) && point != 0xFEFF && (point & 0xFFFE) != 0xFFFE;
}

/* NULL: the character has no plain form. */
static const char *plain_of(unsigned point, const char *language)
{
    if (language && strcmp(language, "de") == 0)
        for (size_t i = 0; i < sizeof umlauts / sizeof *umlauts; i++)
            if (umlauts[i].point == point)
                return umlauts[i].plain;
    if (point >= 0xC0 && point <= 0xFF)
        return latin[point - 0xC0];
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].point == point)
            return others[i].plain;
    return NULL;
}

void srt_clean(char *text, bool ascii, const char *language)
{
    const unsigned char *from = (const unsigned char *)text;
    char *to = text;

    while (*from) {
        unsigned point = 0;
        size_t length = decode(from, &point), put = length;
        char bytes[4] = {0};
        const char *with = (const char *)memcpy(bytes, from, length);
        if (length == 0 || !is_printable(point)) {
            with = "?";
            put = 1;
        } else if (ascii && point > 0x7E) {
            with = plain_of(point, language);
            with = with ? with : "?";
            put = strlen(with);
        }
        memmove(to, with, put);
        to += put;
        from += length ? length : 1;
    }
    *to = '\0';
}

void srt_copy(char *text, size_t size, const char *from)
{
    size_t length = strlen(from);

    if (size == 0)
        return;
    if (length >= size) {
        length = size - 1;
        while (length > 0 && ((unsigned char)from[length] & 0xC0) == 0x80)
            length--;
    }
    memcpy(text, from, length);
    text[length] = '\0';
}
