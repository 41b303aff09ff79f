#include "option.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool option_real(const char *command, const char *option, const char *text, double low, double high,
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

bool option_whole(const char *command, const char *option, const char *text, long low, long high,
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

bool option_word(const char *command, const char *option, const char *text,
                 const char *const *words, int *to)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(text, words[i]) == 0) {
            *to = i;
            return true;
        }
    fprintf(stderr, "cervigate %s: --%s %s: %s", command, option, text, words[0]);
    for (int i = 1; words[i]; i++)
        fprintf(stderr, "%s%s", words[i + 1] ? ", " : " or ", words[i]);
    fputs(" is expected\n", stderr);
    return false;
}
