/* number.h: numbers of the command line. */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>

/* The whole text is one, from low to high; else false, told on standard error in the name of the
 * command and its option. */
bool number_real(const char *command, const char *option, const char *text, double low, double high,
                 double *to);
bool number_whole(const char *command, const char *option, const char *text, long low, long high,
                  long *to);

#endif
