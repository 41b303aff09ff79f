#include "conf.h"
#include <string.h>

static const char *const names[] = {
    [CONF_SHADOW] = "shadow", [CONF_DEMO] = "demo", [CONF_CLINICAL] = "clinical"};

const char *conf_mode_name(enum conf_mode mode)
{
    return (size_t)mode < sizeof names / sizeof *names ? names[mode] : "shadow";
}

bool conf_mode_parse(const char *name, enum conf_mode *mode)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) {
            *mode = (enum conf_mode)i;
            return true;
        }
    return false;
}
