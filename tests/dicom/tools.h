/* tools.h: other people's validators over our files, for tests of objects that we write. */
#ifndef TOOLS_H
#define TOOLS_H

#include <stddef.h>

/* Group fixtures: a temporary folder and dx_init; removal. */
int tools_prepare(void **state);
int tools_clear(void **state);
/* A path in the folder; good until the eighth call from now. */
const char *tools_place(const char *name);
/* What the tool prints on both streams; its exit status, 127 when it is not installed. */
int tools_run(const char *const *arguments, char *output, size_t size);
/* dciodvfy -new has nothing to say, but that it does not know our own coding scheme. */
void tools_valid(const char *path);
/* The tool ends well and prints this. */
void tools_prints(const char *const *arguments, const char *expected);
/* dcentvfy has nothing to say about these files. */
void tools_agree(const char *const *arguments);
size_t tools_load(const char *path, char *bytes, size_t size);

#endif
