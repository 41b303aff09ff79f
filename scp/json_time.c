#include "json_time.h"

#include "clock.h"
#include <stdlib.h>

json_t *json_time(int64_t utc_ms)
{
    char text[25];
    if (utc_ms == 0)
        return json_null();
    clock_iso(utc_ms, text);
    return json_string(text);
}

/* A buffer that is there already cannot run out on the way. */
char *json_text(const json_t *json, size_t flags)
{
    size_t size = json != NULL ? json_dumpb(json, NULL, 0, flags) : 0;
    char *text = size > 0 ? malloc(size + 1) : NULL;
    if (text == NULL)
        return NULL;
    if (json_dumpb(json, text, size, flags) != size) {
        free(text);
        return NULL;
    }
    text[size] = '\0';
    return text;
}
