/* apart.h: work in a child process, which may die of it without harm (libxml2 dies where memory
 * runs out), and whose answer is bytes.
 *
 * The caller waits. The child has what its parent had, the seccomp filter among it, and dies with
 * it; it leaves without the parent's exit handlers. */
#ifndef APART_H
#define APART_H

#include <stdbool.h>
#include <stddef.h>

/* work: in the child, writes its answer to `to`. take: in the caller, reads it from `from` while it
 * is written. True: both said so; else why gets a sentence. */
bool apart(bool (*work)(void *context, int to), bool (*take)(void *context, int from),
           void *context, char *why, size_t size);
/* All of it; false: it cannot be. */
bool apart_write(int to, const void *bytes, size_t count);
bool apart_read(int from, void *bytes, size_t count);

#endif
