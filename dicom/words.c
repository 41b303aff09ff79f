/* Whole words: what stands on both sides of a match is no letter and no digit. */
#include "words.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static bool is_blank(unsigned char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* One character; invalid bytes count one by one. */
static uint32_t decode(const char *text, size_t *length)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t count = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : at[0] >= 0xc0 ? 2 : 1;
    uint32_t value = count == 1 ? at[0] : at[0] & (0x7fu >> count);
    for (size_t i = 1; i < count; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            *length = 1;
            return at[0];
        }
        value = value << 6 | (at[i] & 0x3fu);
    }
    *length = count;
    return value;
}

static uint32_t fold(uint32_t c)
{
    bool is_upper = (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
    return is_upper ? c + 0x20 : c;
}

/* Letters and digits; beyond ASCII all but the signs of Latin-1 and the general and CJK
 * punctuation. */
static bool is_word(uint32_t c)
{
    if (c < 0x80)
        return (c >= '0' && c <= '9') || (fold(c) >= 'a' && fold(c) <= 'z');
    bool is_sign = c < 0xc0 && c != 0xaa && c != 0xb5 && c != 0xba;
    return !is_sign && c != 0xd7 && c != 0xf7 && !(c >= 0x2000 && c <= 0x206f) &&
           !(c >= 0x3000 && c <= 0x303f);
}

/* Bytes of text that the word takes, 0: it does not begin here. */
static size_t match(const char *text, const char *word)
{
    const char *start = text;
    while (*word != '\0') {
        size_t of_text, of_word;
        if (is_blank((unsigned char)*word)) {
            if (!is_blank((unsigned char)*text))
                return 0;
            while (is_blank((unsigned char)*text))
                text++;
            while (is_blank((unsigned char)*word))
                word++;
            continue;
        }
        if (fold(decode(text, &of_text)) != fold(decode(word, &of_word)))
            return 0;
        text += of_text;
        word += of_word;
    }
    return (size_t)(text - start);
}

bool dx_holds_word(const char *text, const char *word)
{
    bool is_inside = false; /* a word's character stands before */
    size_t step;
    if (*word == '\0')
        return false;
    for (; *text != '\0'; text += step) {
        uint32_t c = decode(text, &step);
        size_t length = is_inside ? 0 : match(text, word);
        size_t next;
        if (length > 0 && !is_word(decode(text + length, &next)))
            return true;
        is_inside = is_word(c);
    }
    return false;
}

void dx_make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}
