/* tree.h: a small dataset of a Unified Procedure Step as a list of its elements in the order in
 * which they stand, each with the place behind what is in it (private to dicom/).
 *
 * Texts are UTF-8 without padding, whatever character set the dataset says. Attributes of the step
 * that PS3.3 B.26 does not have are kept as bytes, with VR UN. */
#ifndef DX_TREE_H
#define DX_TREE_H

#include "dx_dataset.h"

#define DX_TREE_MOST 8192u       /* nodes */
#define DX_TREE_ITEM 0xfffee000u /* the tag of an item */

struct dx_node {
    uint32_t tag;
    char vr[3]; /* "SQ": a sequence, whose children are items */
    size_t end; /* the node behind this one and all that is in it */
    const char *value;
    size_t length;
    char *owned; /* where the value was converted */
};
struct dx_tree {
    struct dx_node *node;
    size_t count, room;
};
/* DX_MALFORMED (also: tags out of order, bytes of no declared character set), DX_LIMIT,
 * DX_NO_MEMORY. bytes must live as long as the tree. Finish it in every case. */
DX_MUST_USE enum dx_status dx_tree_read(const uint8_t *bytes, size_t count, struct dx_tree *tree,
                                        struct dx_error *err);
void dx_tree_finish(struct dx_tree *tree);
/* The node with this tag among those from `first` to before `end`, of the same level; NULL. */
const struct dx_node *dx_tree_find(const struct dx_tree *tree, size_t first, size_t end,
                                   uint32_t tag);
size_t dx_tree_at(const struct dx_tree *tree, const struct dx_node *node);
/* Writes the node with all that is in it. */
void dx_tree_put(const struct dx_tree *tree, const struct dx_node *node, struct dx_writing *to);
/* Whether the node or anything in it has other characters than those of ASCII. */
bool dx_tree_is_ascii(const struct dx_tree *tree, const struct dx_node *node);

/* "UN": unknown. */
const char *dx_ups_vr(uint32_t tag);

#endif
