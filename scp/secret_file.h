/* stow_secret.h: a password or token from a file of its own. */
#ifndef STOW_SECRET_H
#define STOW_SECRET_H

#include <stdbool.h>

#define STOW_SECRET_MAX 4096

/* The first line of the file: printable ASCII, at least one character. False: text says what is
 * wrong with the file, with nothing of what is in it. The caller overwrites secret when done. */
bool stow_secret_read(const char *path, char secret[STOW_SECRET_MAX], char text[256]);

#endif
