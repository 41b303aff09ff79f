#include "words.h"

#include <string.h>

static const struct conf_word *const parts[] = {conf_words_node, conf_words_peers, conf_words_lists,
                                                conf_words_care};
#define PARTS (sizeof parts / sizeof *parts)

const struct conf_word *words_first(void)
{
    return parts[0];
}

const struct conf_word *words_next(const struct conf_word *word)
{
    word++;
    for (size_t i = 0; i + 1 < PARTS && !word->element; i++) {
        const struct conf_word *end = parts[i];
        while (end->element)
            end++;
        if (end == word)
            return parts[i + 1];
    }
    return word->element ? word : NULL;
}

bool words_take(const char **list, char one[64])
{
    size_t length;

    *list += strspn(*list, " ");
    length = strcspn(*list, " ");
    snprintf(one, 64, "%.*s", (int)length, *list);
    *list += length;
    return length > 0;
}

bool words_has(const char *list, const char *one)
{
    char word[64];

    while (words_take(&list, word))
        if (strcmp(word, one) == 0)
            return true;
    return false;
}

const struct conf_word *words_about(const char *element, const char *attribute)
{
    for (const struct conf_word *word = words_first(); word; word = words_next(word))
        if (words_has(word->element, element) &&
            (attribute ? word->attribute && words_has(word->attribute, attribute)
                       : !word->attribute))
            return word;
    return NULL;
}
