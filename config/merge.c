/* The files of the folder, over the first file, in the order of their names.
 *
 * An element that occurs once (<node>, <limits>, ...): each attribute stands above that of the
 * files before. An entry of a list: where an earlier file has one of the same name, likewise, and
 * what it holds (matches, a profile) takes the place of what that one holds; else it is added, a
 * rule before those of the first file, whose last one takes everything. Nothing is taken away. */
#include "conf_private.h"
#include <string.h>

/* What names an entry; a list without such a name is only added to. */
static const struct {
    const char *list, *entry, *name;
} lists[] = {
    {"models", "model", "folder"},
    {"aes", "ae", "aeTitle"},
    {"callers", "caller", NULL},
    {"peers", "peer", "name"},
    {"destinations", "destination", "peer"},
    {"rules", "rule", "name"},
    {"announcements", "ups", "name"},
    {"announcements", "hl7", "name"},
    {"announcements", "webhook", "name"},
};
#define LISTS (sizeof lists / sizeof *lists)

static bool is_called(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static bool is_list(const xmlNode *node)
{
    for (size_t i = 0; i < LISTS; i++)
        if (is_called(node, lists[i].list))
            return true;
    return false;
}

static xmlNode *find_child(const xmlNode *parent, const char *name)
{
    for (xmlNode *child = parent->children; child; child = child->next)
        if (is_called(child, name))
            return child;
    return NULL;
}

static const char *name_of_entry(const xmlNode *entry)
{
    for (size_t i = 0; i < LISTS; i++)
        if (is_called(entry, lists[i].entry))
            return lists[i].name;
    return NULL;
}

/* Whether two entries are of one kind and bear one name. */
static bool are_one(const xmlNode *a, const xmlNode *b)
{
    const char *name = name_of_entry(a);
    xmlChar *first, *second;
    bool same;

    if (!name || !is_called(b, (const char *)a->name))
        return false;
    first = xmlGetNoNsProp(a, (const xmlChar *)name);
    second = xmlGetNoNsProp(b, (const xmlChar *)name);
    same = first && second && strcmp((const char *)first, (const char *)second) == 0;
    xmlFree(first);
    xmlFree(second);
    return same;
}

static bool has_twin_before(const xmlNode *entry)
{
    for (const xmlNode *node = entry->prev; node; node = node->prev)
        if (node->type == XML_ELEMENT_NODE && are_one(entry, node))
            return true;
    return false;
}

/* An entry of an earlier file that this one is about. The second of a name within one file is about
 * none: it is added, and the checks tell of it. */
static xmlNode *find_entry(const xmlNode *list, const xmlNode *entry)
{
    if (has_twin_before(entry))
        return NULL;
    for (xmlNode *node = list->children; node; node = node->next)
        if (node->type == XML_ELEMENT_NODE && are_one(entry, node))
            return node;
    return NULL;
}

/* ---- */

struct merging {
    struct reading *into;
    xmlNs *space;
};

static void put_attributes(struct merging *merging, xmlNode *to, const xmlNode *from)
{
    for (const xmlAttr *attribute = from->properties; attribute; attribute = attribute->next) {
        xmlChar *value = xmlGetNoNsProp(from, attribute->name);
        xmlAttr *set = value ? xmlSetProp(to, attribute->name, value) : NULL;
        if (set)
            set->_private = from->_private;
        else
            merging->into->no_memory = true;
        xmlFree(value);
    }
}

/* A copy, which knows where its original stands; as deep as the schema, as all that is weeded. */
static xmlNode *copy(struct merging *merging, const xmlNode *from)
{
    xmlNode *to = xmlNewDocNode(merging->into->doc, merging->space, from->name, NULL);

    if (!to) {
        merging->into->no_memory = true;
        return NULL;
    }
    to->_private = from->_private;
    put_attributes(merging, to, from);
    for (const xmlNode *child = from->children; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE) {
            xmlNode *below = copy(merging, child);
            if (below)
                xmlAddChild(to, below);
        }
    return to;
}

static void take_children(struct merging *merging, xmlNode *to, const xmlNode *from)
{
    if (!xmlFirstElementChild((xmlNode *)from))
        return;
    for (xmlNode *child = to->children, *next; child; child = next) {
        next = child->next;
        xmlUnlinkNode(child);
        xmlFreeNode(child);
    }
    for (const xmlNode *child = from->children; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE)
            xmlAddChild(to, copy(merging, child));
}

/* Before the first rule of the first file; else at the end. */
static void add_entry(struct merging *merging, xmlNode *list, const xmlNode *entry)
{
    xmlNode *added = copy(merging, entry), *before = NULL;

    if (!added)
        return;
    for (xmlNode *node = list->children; node && !before && is_called(entry, "rule");
         node = node->next)
        if (is_called(node, "rule") && conf_line_of(node) >> CONF_LINE_BITS == 0)
            before = node;
    if (before)
        xmlAddPrevSibling(before, added);
    else
        xmlAddChild(list, added);
}

static void merge_list(struct merging *merging, xmlNode *into, const xmlNode *from)
{
    for (const xmlNode *entry = from->children; entry; entry = entry->next) {
        xmlNode *found;
        if (entry->type != XML_ELEMENT_NODE)
            continue;
        found = find_entry(into, entry);
        if (found) {
            put_attributes(merging, found, entry);
            take_children(merging, found, entry);
        } else {
            add_entry(merging, into, entry);
        }
    }
}

void conf_merge(struct reading *into, const struct reading *other)
{
    xmlNode *root = xmlDocGetRootElement(into->doc);
    const xmlNode *from = xmlDocGetRootElement(other->doc);
    struct merging merging = {into, root->ns};

    for (const xmlNode *one = from->children; one && !into->no_memory; one = one->next) {
        xmlNode *there =
            one->type == XML_ELEMENT_NODE ? find_child(root, (const char *)one->name) : NULL;
        if (one->type != XML_ELEMENT_NODE)
            continue;
        if (!there)
            xmlAddChild(root, copy(&merging, one));
        else if (is_list(one))
            merge_list(&merging, there, one);
        else
            put_attributes(&merging, there, one);
    }
}
