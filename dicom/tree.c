#include "tree.h"

#include "charset.h"
#include "ups_tags.h"

#include <stdlib.h>
#include <string.h>

#define DEEP (2u * DX_DATASET_DEPTH + 1u) /* levels: each sequence has items */

struct growing {
    struct dx_tree *tree;
    size_t open[DEEP]; /* nodes whose end is not known yet, outermost first */
    unsigned opened;
    uint32_t before[DEEP]; /* the last tag of each level */
    const char *why;       /* NULL: a ceiling */
    bool no_memory;
};

static const uint32_t sequences[] = {UPS_ACCESSION_ISSUER,
                                     UPS_DIAGNOSES_CODES,
                                     UPS_REFERENCED_SOPS,
                                     UPS_ISSUER_QUALIFIERS,
                                     UPS_OTHER_IDS,
                                     UPS_PROCEDURE_CODES,
                                     UPS_ADMISSION_ISSUER,
                                     UPS_PLACER,
                                     UPS_FILLER,
                                     DX_TAG(0x0040, 0x0441),
                                     DX_TAG(0x0040, 0x08ea),
                                     DX_TAG(0x0040, 0x4009),
                                     UPS_WORKITEM_CODES,
                                     UPS_PERFORMED_WORKITEM,
                                     UPS_INPUT,
                                     UPS_STATION_NAMES,
                                     UPS_STATION_CLASSES,
                                     UPS_STATION_PLACES,
                                     UPS_PERFORMED_STATION,
                                     DX_TAG(0x0040, 0x4029),
                                     DX_TAG(0x0040, 0x4030),
                                     UPS_OUTPUT,
                                     DX_TAG(0x0040, 0x4034),
                                     DX_TAG(0x0040, 0x4035),
                                     DX_TAG(0x0040, 0x4070),
                                     DX_TAG(0x0040, 0x4071),
                                     DX_TAG(0x0040, 0x4072),
                                     DX_TAG(0x0040, 0xa043),
                                     DX_TAG(0x0040, 0xa168),
                                     UPS_REQUESTS,
                                     UPS_RETRIEVAL,
                                     DX_TAG(0x0040, 0xe022),
                                     DX_TAG(0x0040, 0xe023),
                                     DX_TAG(0x0040, 0xe024),
                                     DX_TAG(0x0040, 0xe025),
                                     UPS_PROGRESS,
                                     DX_TAG(0x0074, 0x1007),
                                     DX_TAG(0x0074, 0x1008),
                                     UPS_DISCONTINUATION,
                                     UPS_PARAMETERS,
                                     DX_TAG(0x0074, 0x1212),
                                     UPS_PERFORMED,
                                     DX_TAG(0x0074, 0x1224),
                                     0};

static struct dx_node *add(struct growing *g, uint32_t tag, const char *vr)
{
    struct dx_tree *tree = g->tree;
    if (tree->count == DX_TREE_MOST)
        return NULL;
    if (tree->count == tree->room) {
        size_t room = tree->room == 0 ? 64 : 2 * tree->room;
        struct dx_node *more = realloc(tree->node, room * sizeof *more);
        g->no_memory = more == NULL;
        if (more == NULL)
            return NULL;
        tree->node = more;
        tree->room = room;
    }
    struct dx_node *node = &tree->node[tree->count++];
    *node = (struct dx_node){.tag = tag, .end = tree->count};
    memcpy(node->vr, vr, strlen(vr) + 1); /* of two letters, or none */
    return node;
}

static bool enter(struct growing *g, uint32_t tag, const char *vr)
{
    if (add(g, tag, vr) == NULL)
        return false;
    g->open[g->opened++] = g->tree->count - 1;
    g->before[g->opened] = 0;
    return true;
}

static void leave(struct growing *g)
{
    g->tree->node[g->open[--g->opened]].end = g->tree->count;
}

/* Ascending, and each once (PS3.5 7.1). */
static bool is_next(struct growing *g, uint32_t tag)
{
    if (tag <= g->before[g->opened]) {
        g->why = "a dataset's tags are out of order";
        return false;
    }
    g->before[g->opened] = tag;
    return true;
}

static bool step(void *context, enum dx_mark mark, uint32_t tag, const uint8_t *value,
                 size_t length)
{
    struct growing *g = context;
    struct dx_node *node;
    switch (mark) {
    case DX_MARK_SEQUENCE:
        return is_next(g, tag) && enter(g, tag, "SQ");
    case DX_MARK_ITEM:
        return enter(g, tag, "");
    case DX_MARK_ITEM_END:
    case DX_MARK_SEQUENCE_END:
        leave(g);
        return true;
    case DX_MARK_ELEMENT:
        break;
    }
    const char *vr = dx_ups_vr(tag);
    if (!is_next(g, tag) || (node = add(g, tag, vr)) == NULL)
        return false;
    bool is_padded = strcmp(vr, "UN") != 0 && strcmp(vr, "US") != 0;
    while (is_padded && length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\0'))
        length--;
    node->value = (const char *)value;
    node->length = length;
    return true;
}

static bool is_ascii(const char *value, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)value[i] >= 0x80 || value[i] == 0x1b)
            return false;
    return true;
}

/* Texts that are not ASCII, to UTF-8. */
static bool convert(struct dx_tree *tree)
{
    char declared[257] = "";
    const struct dx_node *says = dx_tree_find(tree, 0, tree->count, UPS_CHARACTER_SET);
    if (says != NULL && says->length < sizeof declared)
        memcpy(declared, says->value, says->length);
    struct dx_charset *charset = NULL;
    bool good = says == NULL || says->length < sizeof declared;
    for (size_t i = 0; good && i < tree->count; i++) {
        struct dx_node *node = &tree->node[i];
        if (node->length == 0 || strcmp(node->vr, "UN") == 0 || strcmp(node->vr, "US") == 0 ||
            is_ascii(node->value, node->length))
            continue;
        if (charset == NULL)
            charset = dx_charset_create(declared);
        good = charset != NULL && dx_charset_concerns(node->vr) &&
               dx_charset_decode(charset, node->vr, node->value, node->length, &node->owned,
                                 &node->length);
        node->value = node->owned;
    }
    dx_charset_destroy(charset);
    return good;
}

enum dx_status dx_tree_read(const uint8_t *bytes, size_t count, struct dx_tree *tree,
                            struct dx_error *err)
{
    struct growing g = {.tree = tree};
    *tree = (struct dx_tree){.count = 0};
    enum dx_status status = dx_dataset_walk(bytes, count, sequences, step, &g, err);
    if (status == DX_LIMIT && g.no_memory)
        return dx_fail(err, DX_NO_MEMORY, "out of memory");
    if (status == DX_LIMIT && g.why != NULL)
        return dx_fail(err, DX_MALFORMED, "%s", g.why);
    if (status == DX_OK && !convert(tree))
        return dx_fail(err, DX_MALFORMED, "characters that its character set does not have");
    return status;
}

void dx_tree_finish(struct dx_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        free(tree->node[i].owned);
    free(tree->node);
    *tree = (struct dx_tree){.count = 0};
}

const struct dx_node *dx_tree_find(const struct dx_tree *tree, size_t first, size_t end,
                                   uint32_t tag)
{
    for (size_t i = first; i < end; i = tree->node[i].end)
        if (tree->node[i].tag == tag)
            return &tree->node[i];
    return NULL;
}

size_t dx_tree_at(const struct dx_tree *tree, const struct dx_node *node)
{
    return (size_t)(node - tree->node);
}

static char padding_of(const struct dx_node *node)
{
    return strcmp(node->vr, "UI") == 0 || strcmp(node->vr, "UN") == 0 ? '\0' : ' ';
}

/* At most DX_DATASET_DEPTH levels of sequences: reading has seen to that. */
void dx_tree_put(const struct dx_tree *tree, const struct dx_node *node, struct dx_writing *to)
{
    size_t first = dx_tree_at(tree, node) + 1;
    bool is_item = node->tag == DX_TREE_ITEM;
    if (!is_item && strcmp(node->vr, "SQ") != 0) {
        dx_put_value(to, node->tag, node->value, node->length, padding_of(node));
        return;
    }
    if (is_item)
        dx_put_item(to);
    else
        dx_put_begin(to, node->tag);
    for (size_t i = first; i < node->end; i = tree->node[i].end)
        dx_tree_put(tree, &tree->node[i], to);
    if (is_item)
        dx_put_item_end(to);
    else
        dx_put_end(to);
}

bool dx_tree_is_ascii(const struct dx_tree *tree, const struct dx_node *node)
{
    for (size_t i = dx_tree_at(tree, node); i < node->end; i++)
        if (strcmp(tree->node[i].vr, "US") != 0 &&
            !is_ascii(tree->node[i].value, tree->node[i].length))
            return false;
    return true;
}
