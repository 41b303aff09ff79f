/* Values of attributes: text to number, choice or list. */
#include "conf_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A whole number up to `most`; false leaves *number. */
bool conf_value_number(const char *text, uint64_t most, uint64_t *number)
{
    char *end;

    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || errno || value > most || *end)
        return false;
    *number = value;
    return true;
}

/* A decimal as the schema has it, whatever the locale is; *end: behind it. */
double conf_value_decimal(const char *text, const char **end)
{
    bool is_negative = *text == '-';
    double number = 0, place = 1;

    for (text += is_negative; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (*text - '0');
    if (*text == '.')
        for (text++; *text >= '0' && *text <= '9'; text++)
            number += (*text - '0') * (place /= 10);
    *end = text;
    return is_negative ? -number : number;
}

static bool take_level(const char *text, int *level)
{
    for (int i = 0; i <= 3; i++)
        if (strcmp(text, conf_level_name(i)) == 0) {
            *level = i;
            return true;
        }
    return false;
}

static bool take_choice(const char *const *names, const char *text, unsigned *choice)
{
    for (unsigned i = 0; names[i]; i++)
        if (strcmp(text, names[i]) == 0) {
            *choice = i;
            return true;
        }
    return false;
}

/* Blank-separated names as a set; false for an empty one, and for a name that is none. */
bool conf_value_outputs(const char *const *names, const char *text, unsigned *outputs)
{
    unsigned set = 0, choice;

    for (text += strspn(text, CONF_BLANKS); *text; text += strspn(text, CONF_BLANKS)) {
        char word[16] = "";
        size_t length = strcspn(text, CONF_BLANKS);
        if (length >= sizeof word)
            return false;
        memcpy(word, text, length);
        if (!take_choice(names, word, &choice))
            return false;
        set |= 1u << choice;
        text += length;
    }
    *outputs = set;
    return set != 0;
}

bool conf_value_set(void *of, const struct option *option, const char *text)
{
    static const uint64_t most[] = {[OPTION_INT] = INT32_MAX,
                                    [OPTION_U16] = UINT16_MAX,
                                    [OPTION_U32] = UINT32_MAX,
                                    [OPTION_U64] = UINT64_MAX,
                                    [OPTION_OUTPUTS] = 0};
    static const char *const flags[] = {"false", "true", NULL};
    char *field = (char *)of + option->offset;
    unsigned choice;
    uint64_t number = 0;

    switch (option->type) {
    case OPTION_TEXT:
    case OPTION_NULLABLE:
        if (option->names && !take_choice(option->names, text, &choice))
            return false;
        memcpy(field, &text, sizeof text);
        return true;
    case OPTION_BOOL:
        if (!take_choice(option->names ? option->names : flags, text, &choice))
            return false;
        *(bool *)field = choice != 0;
        return true;
    case OPTION_CHOICE:
        return take_choice(option->names, text, (unsigned *)field);
    case OPTION_OUTPUTS:
        return conf_value_outputs(option->names, text, (unsigned *)field);
    case OPTION_MODE:
        return conf_mode_parse(text, (enum conf_mode *)field);
    case OPTION_LEVEL:
        return take_level(text, (int *)field);
    case OPTION_INT:
    case OPTION_U16:
    case OPTION_U32:
    case OPTION_U64:
        break;
    }
    if (!conf_value_number(text, most[option->type], &number))
        return false;
    if (option->type == OPTION_INT)
        *(int *)field = (int)number;
    else if (option->type == OPTION_U16)
        *(uint16_t *)field = (uint16_t)number;
    else if (option->type == OPTION_U32)
        *(uint32_t *)field = (uint32_t)number;
    else
        *(uint64_t *)field = number;
    return true;
}
