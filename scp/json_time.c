#include "json_time.h"

#include "clock.h"

json_t *json_time(int64_t utc_ms)
{
    char text[25];
    if (utc_ms == 0)
        return json_null();
    clock_iso(utc_ms, text);
    return json_string(text);
}
