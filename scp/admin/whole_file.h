/* whole_file.h: a file that a command leaves whole or not at all: written as PATH.partial, synced,
 * then renamed. */
#ifndef WHOLE_FILE_H
#define WHOLE_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

struct whole_file {
    FILE *out;
    char path[PATH_MAX], partial[PATH_MAX];
};

/* FOLDER/NAME; folder NULL: the path is NAME. False: errno tells why. */
bool whole_file_open(struct whole_file *file, const char *folder, const char *name);
/* wrote: whether what was to be written could be made. Closes it; false: errno tells why where it
 * could, nothing was left, and what stood at the path stands. */
bool whole_file_close(struct whole_file *file, bool wrote);

#endif
