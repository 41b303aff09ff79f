#include "conf_private.h"
#include "words.h"
#include <libxml/parser.h>
#include <string.h>

static xmlDoc *schema;

bool facts_open(void)
{
    schema = conf_schema_open();
    return schema != NULL;
}

void facts_close(void)
{
    xmlFreeDoc(schema);
    schema = NULL;
}

/* Borrowed from the document; NULL: it has none. */
static const char *property(const xmlNode *node, const char *name)
{
    const xmlAttr *attribute = node ? xmlHasProp(node, (const xmlChar *)name) : NULL;

    return attribute && attribute->children ? (const char *)attribute->children->content : NULL;
}

static bool is_kind(const xmlNode *node, const char *kind)
{
    return node && strcmp((const char *)node->name, kind) == 0;
}

/* The element that an attribute of the schema belongs to. */
static const char *owner(const xmlNode *attribute)
{
    const char *name = property(attribute->parent->parent, "name");

    return name ? name : "";
}

static const xmlNode *next_of(const xmlNode *node, const char *kind)
{
    do
        node = conf_next_element(node);
    while (node && !is_kind(node, kind));
    return node;
}

static const char *documentation(const xmlNode *type)
{
    const xmlNode *words = type ? next_of(type, "documentation") : NULL;

    return words && words->children ? (const char *)words->children->content : "";
}

bool facts_of(const char *element, const char *attribute, struct facts *facts)
{
    const xmlNode *top = (const xmlNode *)schema, *type = top;

    for (const xmlNode *node = next_of(top, "attribute"); node; node = next_of(node, "attribute")) {
        if (strcmp(owner(node), element) != 0 || strcmp(property(node, "name"), attribute) != 0)
            continue;
        const char *use = property(node, "use"), *name = property(node, "type");
        *facts = (struct facts){.fallback = property(node, "default"),
                                .required = use && strcmp(use, "required") == 0};
        do
            type = next_of(type, "simpleType");
        while (type && strcmp(property(type, "name"), name) != 0);
        facts->takes = documentation(type);
        return true;
    }
    return false;
}

bool facts_is_block(const char *element)
{
    for (const xmlNode *node = next_of((const xmlNode *)schema, "element"); node;
         node = next_of(node, "element"))
        if (is_kind(node->parent, "all") && strcmp(property(node, "name"), element) == 0)
            return true;
    return false;
}

static bool has_one_row(const char *element, const char *attribute)
{
    int rows = 0;

    for (const struct conf_word *word = words_first(); word; word = words_next(word))
        rows += word->attribute && words_has(word->element, element) &&
                words_has(word->attribute, attribute);
    if (rows != 1)
        fprintf(stderr, "<%s %s>: %d rows of words; expected one (config/manual/words_*.c)\n",
                element, attribute, rows);
    return rows == 1;
}

/* A row of several elements or options is of all of them. */
static bool is_of_options(const struct conf_word *word)
{
    const char *elements = word->element, *attributes;
    char element[64], attribute[64];
    struct facts facts;
    bool good = true;

    while (words_take(&elements, element))
        for (attributes = word->attribute; words_take(&attributes, attribute);)
            if (!facts_of(element, attribute, &facts)) {
                fprintf(stderr, "<%s %s>: words about an option that the schema does not have\n",
                        element, attribute);
                good = false;
            }
    return good;
}

bool facts_complete(void)
{
    bool good = true;

    for (const xmlNode *node = next_of((const xmlNode *)schema, "attribute"); node;
         node = next_of(node, "attribute"))
        good &= has_one_row(owner(node), property(node, "name"));
    for (const xmlNode *node = next_of((const xmlNode *)schema, "element"); node;
         node = next_of(node, "element"))
        if (is_kind(node->parent, "all") && !words_about(property(node, "name"), NULL)) {
            fprintf(stderr, "<%s>: no words; expected a paragraph\n", property(node, "name"));
            good = false;
        }
    for (const struct conf_word *word = words_first(); word; word = words_next(word))
        if (word->attribute && word->attribute[0])
            good &= is_of_options(word);
    return good;
}
