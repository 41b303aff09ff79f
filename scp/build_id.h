/* build_id.h: which build this is: the linker's build-id (NT_GNU_BUILD_ID), a hash of the program.
 */
#ifndef BUILD_ID_H
#define BUILD_ID_H

#include <stddef.h>

/* Lower-case hexadecimal, or "unknown" when the program carries none. */
void build_id(char *text, size_t size);

#endif
