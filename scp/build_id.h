/* build_id.h: which build this is: the linker's build-id (NT_GNU_BUILD_ID), a hash of the program.
 */
#ifndef BUILD_ID_H
#define BUILD_ID_H

#include <stddef.h>

/* Lower-case hexadecimal, whole bytes as far as text has room (41 for SHA-1), or "unknown" when the
 * program carries none. */
void build_id(char *text, size_t size);
/* Of the program in a file of this machine's kind; "unknown" when it cannot be read. */
void build_id_of(const char *path, char *text, size_t size);

#endif
