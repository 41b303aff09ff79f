#include "printable.h"

#include "worklist/hl7_put.h"
#include <string.h>

const char *printable(char *text)
{
    size_t left = strlen(text), from = 0, to = 0;
    while (left > 0) {
        uint32_t number;
        size_t bytes = hl7_character(text + from, left, &number);
        bool shown = bytes > 0 && number >= 0x20 && (number < 0x7f || number > 0x9f);
        bytes = bytes > 0 ? bytes : 1;
        if (shown)
            memmove(text + to, text + from, bytes);
        else
            text[to] = '?';
        to += shown ? bytes : 1;
        from += bytes;
        left -= bytes;
    }
    text[to] = '\0';
    return text;
}

void printable_instance(struct instance *instance)
{
    char *const texts[] = {instance->calling,      instance->study,     instance->series,
                           instance->sop_instance, instance->sop_class, instance->transfer_syntax,
                           instance->detail};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        (void)printable(texts[i]);
}
