/* Specific Character Set. Code extensions are a state machine over two code elements:
 *
 *   G0 takes bytes 21..7E, G1 takes A1..FE (A0..FF of 96-character sets); the first declared value
 *   says what both are [begin]; an escape sequence changes one of them [escape]; control
 * characters, and the delimiters of the VR while G0 is a single-byte set, bring the first value
 * back (PS3.5 6.1.2.5.3).
 *
 * Each character goes to iconv alone, in the encoding that contains its set: JIS X 0208 and 0212 as
 * EUC-JP, KS X 1001 as EUC-KR, GB 2312 as EUC-CN. JIS X 0201's two differences from ASCII, 5C and
 * 7E, stay what receivers make of them: a backslash, DICOM's own delimiter, and a tilde. */
#include "charset.h"

#include "dx_attrs.h"

#include <iconv.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum kind {
    ASCII,     /* 7 bits, one byte */
    SINGLE,    /* G1, one byte */
    DOUBLE,    /* G1, two bytes */
    DOUBLE_G0, /* two bytes of 7 bits */
    WHOLE      /* no code extensions: the value as a whole */
};

struct set {
    const char *name, *escape; /* "IR n" of both forms of the defined term; after ESC */
    enum kind kind;
    const char *encoding; /* of iconv */
};

/* PS3.3 tables C.12-2 to C.12-5. */
static const struct set sets[] = {
    {"6", "(B", ASCII, NULL},
    {"13", ")I", SINGLE, "EUC-JP"},
    {"14", "(J", ASCII, NULL},
    {"58", "$)A", DOUBLE, "EUC-CN"},
    {"87", "$B", DOUBLE_G0, "EUC-JP"},
    {"100", "-A", SINGLE, "ISO-8859-1"},
    {"101", "-B", SINGLE, "ISO-8859-2"},
    {"109", "-C", SINGLE, "ISO-8859-3"},
    {"110", "-D", SINGLE, "ISO-8859-4"},
    {"126", "-F", SINGLE, "ISO-8859-7"},
    {"127", "-G", SINGLE, "ISO-8859-6"},
    {"138", "-H", SINGLE, "ISO-8859-8"},
    {"144", "-L", SINGLE, "ISO-8859-5"},
    {"148", "-M", SINGLE, "ISO-8859-9"},
    {"149", "$)C", DOUBLE, "EUC-KR"},
    {"159", "$(D", DOUBLE_G0, "EUC-JP"},
    {"166", "-T", SINGLE, "ISO-8859-11"},
    {"192", "", WHOLE, NULL},
    {"203", "-b", SINGLE, "ISO-8859-15"},
    {"GB18030", "", WHOLE, "GB18030"},
    {"GBK", "", WHOLE, "GBK"},
};
#define SETS (sizeof sets / sizeof sets[0])

void dx_charset_preload(void)
{
    static iconv_t kept[SETS]; /* what is open stays loaded */
    for (size_t i = 0; i < SETS; i++)
        if (sets[i].encoding != NULL && kept[i] == NULL)
            kept[i] = iconv_open("UTF-8", sets[i].encoding);
}

struct dx_charset {
    const struct set *first;
    bool is_extended; /* escape sequences are allowed */
    bool is_declared[SETS];
    iconv_t converter[SETS]; /* (iconv_t)-1: not opened */
};

struct state {
    struct dx_charset *charset;
    const char *delimiters;
    const struct set *g0, *g1;
    const unsigned char *at, *end;
    char *to; /* has room: no character becomes more than four times its bytes */
};

static bool is_control(unsigned char byte)
{
    return byte == '\t' || byte == '\n' || byte == '\f' || byte == '\r';
}

/* Length of the well-formed UTF-8 character at `at` (Unicode table 3-7), 0: none. */
static size_t utf8_length(const unsigned char *at, size_t rest)
{
    unsigned char first = at[0];
    if (first < 0x80)
        return (first >= 0x20 && first != 0x7f) || is_control(first) ? 1 : 0;
    size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                    : first >= 0xe0 && first <= 0xef ? 3
                    : first >= 0xf0 && first <= 0xf4 ? 4
                                                     : 0;
    if (length == 0 || length > rest)
        return 0;
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

bool dx_is_utf8(const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text;
    for (size_t i = 0; i < length;) {
        size_t step = utf8_length(at + i, length - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

bool dx_charset_concerns(const char *vr)
{
    static const char *const list[] = {"SH", "LO", "ST", "LT", "UC", "UT", "PN"};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (strcmp(vr, list[i]) == 0)
            return true;
    return false;
}

/* "ISO_IR 100", "ISO 2022 IR 100", and as some write it, "ISO-IR 100"; length bytes. */
static const struct set *find_term(const char *term, size_t length, bool *is_extension)
{
    char text[24];
    const char *at = text;
    if (length >= sizeof text)
        return NULL;
    memcpy(text, term, length);
    text[length] = '\0';
    *is_extension = false;
    if (strncmp(at, "ISO", 3) == 0) {
        at += 3 + (at[3] != '\0');
        *is_extension = strncmp(at, "2022", 4) == 0;
        at += *is_extension ? 4 + (at[4] != '\0') : 0;
        if (strncmp(at, "IR", 2) == 0 && at[2] != '\0')
            at += 3;
        else if (!*is_extension)
            return NULL;
    }
    for (size_t i = 0; i < SETS; i++)
        if (strcmp(sets[i].name, at) == 0)
            return &sets[i];
    return NULL;
}

static bool declare(struct dx_charset *charset, const char *declared)
{
    static const char space[] = " ";
    for (int i = 0;; i++) {
        bool is_extension = false;
        declared += strspn(declared, space);
        size_t length = strcspn(declared, "\\"), filled = length;
        while (filled > 0 && declared[filled - 1] == ' ')
            filled--;
        const struct set *set = filled == 0 ? &sets[0] : find_term(declared, filled, &is_extension);
        if (!set)
            return false;
        if (i == 0)
            charset->first = set;
        charset->is_extended = charset->is_extended || is_extension || i > 0;
        charset->is_declared[set - sets] = true;
        if (declared[length] == '\0')
            return true;
        declared += length + 1;
    }
}

struct dx_charset *dx_charset_create(const char *declared)
{
    struct dx_charset *charset = calloc(1, sizeof *charset);
    if (!charset)
        return NULL;
    for (size_t i = 0; i < SETS; i++)
        charset->converter[i] = (iconv_t)-1;
    if (!declare(charset, declared)) {
        dx_charset_destroy(charset);
        return NULL;
    }
    charset->is_declared[0] = true;
    /* Japanese senders return to JIS X 0201's letters though they declared the ideograms alone. */
    for (size_t i = 0; i < SETS; i++)
        if (charset->is_declared[i] && sets[i].encoding && strcmp(sets[i].encoding, "EUC-JP") == 0)
            charset->is_declared[2] = true;
    if (charset->first->kind == WHOLE)
        charset->is_extended = false;
    return charset;
}

void dx_charset_destroy(struct dx_charset *charset)
{
    if (!charset)
        return;
    for (size_t i = 0; i < SETS; i++)
        if (charset->converter[i] != (iconv_t)-1)
            (void)iconv_close(charset->converter[i]);
    free(charset);
}

/* count bytes in the set's encoding to UTF-8. */
static bool convert(struct state *state, const struct set *set, const unsigned char *bytes,
                    size_t count)
{
    iconv_t *converter = &state->charset->converter[set - sets];
    if (*converter == (iconv_t)-1)
        *converter = iconv_open("UTF-8", set->encoding);
    if (*converter == (iconv_t)-1)
        return false;
    char *from = (char *)(uintptr_t)bytes;
    size_t room = count * 4;
    return iconv(*converter, NULL, NULL, NULL, NULL) == 0 &&
           iconv(*converter, &from, &count, &state->to, &room) == 0 && count == 0;
}

static void begin(struct state *state)
{
    const struct set *first = state->charset->first;
    state->g0 = &sets[0];
    state->g1 = first->kind == SINGLE || first->kind == DOUBLE ? first : NULL;
}

/* at is behind ESC. */
static bool escape(struct state *state)
{
    size_t rest = (size_t)(state->end - state->at);
    for (size_t i = 0; i < SETS && state->charset->is_extended; i++) {
        size_t length = strlen(sets[i].escape);
        if (length == 0 || length > rest || memcmp(state->at, sets[i].escape, length) != 0)
            continue;
        if (!state->charset->is_declared[i])
            return false;
        if (sets[i].kind == ASCII || sets[i].kind == DOUBLE_G0)
            state->g0 = &sets[i];
        else
            state->g1 = &sets[i];
        state->at += length;
        return true;
    }
    return false;
}

static bool high(struct state *state)
{
    const unsigned char *at = state->at;
    const struct set *set = state->g1;
    if (!set || *at < 0xa0)
        return false;
    if (set->kind == DOUBLE) {
        state->at += 2;
        return state->end - at >= 2 && at[1] > 0xa0 && convert(state, set, at, 2);
    }
    state->at++;
    if (strcmp(set->encoding, "EUC-JP") != 0)
        return convert(state, set, at, 1);
    const unsigned char kana[2] = {0x8e, *at}; /* half-width, code set 2 of EUC-JP */
    return convert(state, set, kana, 2);
}

static bool ideogram(struct state *state)
{
    const unsigned char *at = state->at;
    if (state->end - at < 2 || at[1] < 0x21 || at[1] > 0x7e)
        return false;
    state->at += 2;
    const unsigned char bytes[3] = {0x8f, at[0] | 0x80, at[1] | 0x80};
    bool is_supplement = strcmp(state->g0->name, "159") == 0; /* code set 3 of EUC-JP */
    return convert(state, state->g0, is_supplement ? bytes : bytes + 1, is_supplement ? 3 : 2);
}

static bool step(struct state *state)
{
    unsigned char byte = *state->at;
    if (byte == 0x1b) {
        state->at++;
        return escape(state);
    }
    if (byte >= 0x80)
        return high(state);
    if (byte > 0x20 && byte < 0x7f && state->g0->kind == DOUBLE_G0)
        return ideogram(state);
    if (is_control(byte) || (byte >= 0x20 && strchr(state->delimiters, byte)))
        begin(state);
    else if (byte < 0x20 || byte == 0x7f)
        return false;
    *state->to++ = (char)byte;
    state->at++;
    return true;
}

static bool decode_whole(struct state *state)
{
    const struct set *set = state->charset->first;
    size_t length = (size_t)(state->end - state->at);
    const char *start = state->to;
    if (!set->encoding) {
        memcpy(state->to, state->at, length);
        state->to += length;
    } else if (!convert(state, set, state->at, length)) {
        return false;
    }
    return dx_is_utf8(start, (size_t)(state->to - start));
}

bool dx_charset_decode(struct dx_charset *charset, const char *vr, const char *value, size_t length,
                       char **text, size_t *count)
{
    if (length > SIZE_MAX / 4 - 1)
        return false;
    char *start = malloc(length * 4 + 1);
    if (!start)
        return false;
    bool is_list = strcmp(vr, "SH") == 0 || strcmp(vr, "LO") == 0 || strcmp(vr, "UC") == 0;
    struct state state = {.charset = charset,
                          .delimiters = strcmp(vr, "PN") == 0 ? "\\^="
                                        : is_list             ? "\\"
                                                              : "",
                          .at = (const unsigned char *)value,
                          .end = (const unsigned char *)value + length,
                          .to = start};
    bool is_good = true;
    begin(&state);
    if (charset->first->kind == WHOLE)
        is_good = decode_whole(&state);
    else
        while (is_good && state.at < state.end)
            is_good = step(&state);
    if (!is_good) {
        free(start);
        return false;
    }
    *state.to = '\0';
    *text = start;
    *count = (size_t)(state.to - start);
    return true;
}

bool dx_charset_decode_in_place(struct dx_charset *charset, const char *vr, char *text, size_t size)
{
    char *decoded = NULL;
    size_t count = 0;
    if (dx_text_is_ascii(text))
        return true;
    bool fits = charset != NULL &&
                dx_charset_decode(charset, vr, text, strlen(text), &decoded, &count) &&
                count < size;
    if (fits)
        memcpy(text, decoded, count + 1);
    else
        text[0] = '\0';
    free(decoded);
    return fits;
}
