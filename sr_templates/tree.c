#include "srt_private.h"
#include <stdlib.h>

const struct dx_sr_item *srt_tree_root(const struct srt_tree *tree)
{
    return tree->root;
}

void srt_tree_destroy(struct srt_tree *tree)
{
    if (!tree)
        return;
    srt_arena_finish(&tree->arena);
    free(tree);
}
