/* A program is run on a text by all its threads at once (Thompson 1968): each step is visited at
 * most once for each character, however the pattern is made. */
#include "pattern_private.h"
#include <string.h>

/* Simple upper case of the scripts in which modalities write: Latin 1 and A, Greek, Cyrillic. */
static uint32_t upper(uint32_t c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 0xE0 && c <= 0xFE && c != 0xF7) ||
        (c >= 0x3B1 && c <= 0x3C9 && c != 0x3C2) || (c >= 0x430 && c <= 0x44F))
        return c - 0x20;
    if (c >= 0x450 && c <= 0x45F)
        return c - 0x50;
    if ((c >= 0x100 && c <= 0x12F) || (c >= 0x132 && c <= 0x137) || (c >= 0x14A && c <= 0x177))
        return c & ~1u;
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E))
        return c % 2 == 0 ? c - 1 : c;
    return c;
}

uint32_t conf_pattern_character(const char **text)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *at = (const unsigned char *)*text;
    int more = at[0] < 0x80                     ? 0
               : at[0] >= 0xC2 && at[0] <= 0xDF ? 1
               : (at[0] & 0xF0) == 0xE0         ? 2
               : at[0] >= 0xF0 && at[0] <= 0xF4 ? 3
                                                : -1;
    uint32_t c = more <= 0 ? at[0] : at[0] & (0x3Fu >> more);
    if (at[0] == '\0')
        return 0;
    for (int i = 1; i <= more; i++) {
        if ((at[i] & 0xC0) != 0x80) {
            more = -1;
            break;
        }
        c = c << 6 | (at[i] & 0x3Fu);
    }
    if (more > 0 && (c < least[more] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)))
        more = -1;
    *text += more < 0 ? 1 : more + 1;
    return more < 0 ? 0xDC00u + at[0] : upper(c);
}

/* Of those beyond ASCII, too; in upper case. */
static bool is_letter(uint32_t c)
{
    return (c >= 'A' && c <= 'Z') || c == 0xAA || c == 0xB5 || c == 0xBA ||
           (c >= 0xC0 && c != 0xD7 && c != 0xF7 && (c < 0x2000 || c > 0x2FFF) &&
            (c < 0xDC80 || c > 0xDCFF));
}

static bool is_word(uint32_t c)
{
    return c == '_' || (c >= '0' && c <= '9') || is_letter(c);
}

static bool holds(enum place place, uint32_t before, uint32_t after)
{
    bool was = is_word(before), is = is_word(after);
    switch (place) {
    case PLACE_BEGIN:
        return before == 0;
    case PLACE_END:
        return after == 0;
    case PLACE_EDGE:
        return was != is;
    case PLACE_NO_EDGE:
        return was == is;
    case PLACE_WORD:
        return !was && is;
    case PLACE_WORD_END:
        break;
    }
    return was && !is;
}

static bool eats(const struct conf_pattern *p, int pc, uint32_t c)
{
    int32_t x = p->program[pc].x, y = p->program[pc].y;
    bool is_no = p->program[pc].step == STEP_NO_RANGES;
    if (p->program[pc].step == STEP_CHARACTER)
        return (uint32_t)x == c;
    if (p->program[pc].step == STEP_ANY)
        return true;
    for (int32_t i = x; i < y; i++)
        if (c >= p->range[i].from && c <= p->range[i].to)
            return !is_no;
    return is_no;
}

/* Where a thread that stands at pc can wait, from here to the next character; true: at the end.
 * A step that was visited is not visited again, so todo holds at most two of each. */
static bool follow(struct conf_pattern *p, int pc, int position, uint32_t before, uint32_t after,
                   uint16_t *list, int *count)
{
    int todo = 0;
    p->todo[todo++] = (uint16_t)pc;
    while (todo > 0) {
        int at = p->todo[--todo], x = p->program[at].x;
        if (p->seen[at] == position)
            continue;
        p->seen[at] = position;
        switch (p->program[at].step) {
        case STEP_FOUND:
            return true;
        case STEP_SPLIT:
            p->todo[todo++] = (uint16_t)(at + p->program[at].y);
            p->todo[todo++] = (uint16_t)(at + x);
            break;
        case STEP_JUMP:
            p->todo[todo++] = (uint16_t)(at + x);
            break;
        case STEP_ASSERT:
            if (holds((enum place)x, before, after))
                p->todo[todo++] = (uint16_t)(at + 1);
            break;
        default:
            list[(*count)++] = (uint16_t)at;
        }
    }
    return false;
}

bool conf_pattern_found(struct conf_pattern *p, const char *text)
{
    uint16_t *now = p->now, *next = p->next;
    int count = 0, position = 1;
    uint32_t before = 0, after = conf_pattern_character(&text);
    memset(p->seen, 0, sizeof *p->seen * (size_t)p->count);
    for (; !follow(p, 0, position, before, after, now, &count); position++) {
        int more = 0;
        if (after == 0)
            return false;
        uint32_t c = after;
        after = position < CONF_PATTERN_TEXT ? conf_pattern_character(&text) : 0;
        for (int i = 0; i < count; i++)
            if (eats(p, now[i], c) && follow(p, now[i] + 1, position + 1, c, after, next, &more))
                return true;
        uint16_t *last = now;
        now = next;
        next = last;
        count = more;
        before = c;
    }
    return true;
}
