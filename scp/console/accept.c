/* Media types that a client takes. */
#include "accept.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct entry {
    const char *type;
    size_t type_length;
    const char *part; /* of type="..." */
    size_t part_length;
    double quality;
    bool possible;
};

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

static bool is(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

/* One "; name=value" of an entry; the end of it. */
static const char *take_parameter(const char *at, struct entry *entry)
{
    const char *name = skip_blanks(at + 1);
    size_t length = strcspn(name, "=;, \t");
    const char *value = name + length, *end;
    if (*value != '=')
        return name + strcspn(name, ";,");
    value++;
    bool quoted = *value == '"';
    value += quoted;
    end = value + (quoted ? strcspn(value, "\"") : strcspn(value, ";, \t"));
    size_t size = (size_t)(end - value);
    if (is(name, length, "type")) {
        entry->part = value;
        entry->part_length = size;
    } else if (is(name, length, "q")) {
        entry->quality = strtod(value, NULL);
    } else if (is(name, length, "transfer-syntax")) {
        entry->possible = is(value, size, "*") || is(value, size, ACCEPT_SYNTAX);
    }
    return end + strcspn(end, ";,");
}

static const char *take_entry(const char *at, struct entry *entry)
{
    at = skip_blanks(at);
    *entry = (struct entry){.type = at, .quality = 1, .possible = true};
    entry->type_length = strcspn(at, ";, \t");
    at += entry->type_length;
    at += strcspn(at, ";,");
    while (*at == ';')
        at = take_parameter(at, entry);
    return at;
}

/* How exactly the entry says this offer; 0: it does not. */
static int fits(const struct entry *entry, const struct accept_offer *offer)
{
    size_t kind = strcspn(offer->type, "/") + 1;
    if (is(entry->type, entry->type_length, "*/*"))
        return 1;
    if (entry->type_length == kind + 1 && entry->type[kind] == '*' &&
        strncasecmp(entry->type, offer->type, kind) == 0)
        return 2;
    if (!is(entry->type, entry->type_length, offer->type))
        return 0;
    return offer->part == NULL || entry->part == NULL ||
                   is(entry->part, entry->part_length, offer->part)
               ? 3
               : 0;
}

int accept_choose(const char *accept, const struct accept_offer *offers, size_t count)
{
    int best = -1;
    double most = 0;
    if (accept == NULL || *skip_blanks(accept) == '\0')
        return count > 0 ? 0 : -1;
    for (size_t i = 0; i < count; i++) {
        int exact = 0;
        double quality = 0;
        const char *at = accept;
        for (;;) {
            struct entry entry;
            at = take_entry(at, &entry);
            int how = entry.possible ? fits(&entry, &offers[i]) : 0;
            if (how > exact || (how > 0 && how == exact && entry.quality > quality)) {
                exact = how;
                quality = entry.quality;
            }
            if (*at == '\0')
                break;
            at++;
        }
        if (quality > most) {
            most = quality;
            best = (int)i;
        }
    }
    return best;
}
