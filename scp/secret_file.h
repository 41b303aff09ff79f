/* secret_file.h: files that are for the node's user alone: private keys, passwords, tokens. */
#ifndef SECRET_FILE_H
#define SECRET_FILE_H

#include <stdbool.h>

#define SECRET_MAX 4096
#define SECRET_WHY 96

/* Whether what is open is a file that nobody but its owner may read or write, and whose owner is
 * the node's user or root (run by root: whoever). False: why says what is wrong and what is
 * expected. fd stays open, and its position where it was. */
bool secret_is_private(int fd, char why[SECRET_WHY]);

/* The first line of such a file: printable ASCII, at least one character. False: text says what is
 * wrong with the file, with nothing of what is in it. The caller overwrites secret when done,
 * after false, too: a line that is refused was read into it. */
bool secret_read(const char *path, char secret[SECRET_MAX], char text[256]);

#endif
