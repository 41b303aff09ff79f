#include "conf_private.h"
#include <string.h>
#include <strings.h>

#define LONGEST 64

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits (insert, delete, replace, swap of neighbours) that turn a into b; case does not count. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t row[3][LONGEST + 1];

    for (size_t j = 0; j <= b_length; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            char x = lower(a[i - 1]), y = lower(b[j - 1]);
            now[j] = least(before[j - 1] + (x != y), least(before[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y)
                now[j] = least(now[j], earlier[j - 2] + 1);
        }
    }
    return row[a_length % 3][b_length];
}

/* The nearest of `count` names, or NULL when none is near. */
static const char *suggest(const char *wrong, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t length = strlen(wrong), best;

    if (length == 0 || length > LONGEST)
        return NULL;
    best = length / 3 + 2; /* fewer edits than this are a slip, more another word */
    for (size_t i = 0; i < count; i++) {
        size_t name_length = strlen(names[i]);
        if (name_length > LONGEST)
            continue;
        if (length >= 4 && strncasecmp(wrong, names[i], length) == 0)
            return names[i];
        size_t edits = distance(wrong, length, names[i], name_length);
        if (edits < best && edits < name_length) {
            best = edits;
            nearest = names[i];
        }
    }
    return nearest;
}

struct hint conf_hint(const char *wrong, const char *const *names, size_t count)
{
    struct hint hint = {""};
    const char *nearest = suggest(wrong, names, count);

    if (nearest)
        snprintf(hint.text, sizeof hint.text, " (did you mean \"%s\"?)", nearest);
    return hint;
}
