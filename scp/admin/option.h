/* option.h: values of the command line's options. */
#ifndef OPTION_H
#define OPTION_H

#include <stdbool.h>

/* The whole text is one, from low to high; else false, told on standard error in the name of the
 * command and its option ("seed"). */
bool option_real(const char *command, const char *option, const char *text, double low, double high,
                 double *to);
bool option_whole(const char *command, const char *option, const char *text, long low, long high,
                  long *to);
/* One of the words, two at least and NULL behind the last; *to: which. */
bool option_word(const char *command, const char *option, const char *text,
                 const char *const *words, int *to);

#endif
