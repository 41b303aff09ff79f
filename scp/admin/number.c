#include "number.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

bool number_real(const char *command, const char *option, const char *text, double low, double high,
                 double *to)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0' || !(value >= low && value <= high)) {
        fprintf(stderr, "cervigate %s: --%s %s: a number from %g to %g is expected\n", command,
                option, text, low, high);
        return false;
    }
    *to = value;
    return true;
}

bool number_whole(const char *command, const char *option, const char *text, long low, long high,
                  long *to)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < low || value > high) {
        fprintf(stderr, "cervigate %s: --%s %s: a whole number from %ld to %ld is expected\n",
                command, option, text, low, high);
        return false;
    }
    *to = value;
    return true;
}
