/* tree_print.h: a filled report's tree as indented text, cut to size. */
#ifndef TREE_PRINT_H
#define TREE_PRINT_H

#include "srt.h"
#include <stddef.h>

void tree_print(const struct srt_tree *tree, char *text, size_t size);

#endif
