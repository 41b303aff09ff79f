/* The schema, as sentences.
 *
 * libxml2 tells whether a document is valid; its words are for people who know XSD, and after the
 * first element that it did not expect it goes on to nothing else. So this file first takes out
 * what the schema does not know (each with a complaint), lets libxml2 judge the rest, and turns
 * each of its messages into: where, what was found, what is expected. Expectations are the
 * documentation of the schema's own types. */
#include "conf_private.h"
#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <string.h>
#include <strings.h>

#define MOST_NAMES 64

struct judging {
    struct reading *reading;
    const xmlNode *xsd; /* root of the schema document */
    const xmlNode *told_element;
    char told_attribute[64]; /* libxml2 may find two faults in one value */
};

static bool is_named(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

/* A schema node's attribute, borrowed from the schema document; "" when absent. */
static const char *schema_attribute(const xmlNode *node, const char *name)
{
    const xmlAttr *attribute = xmlHasProp(node, (const xmlChar *)name);

    if (!attribute || !attribute->children || !attribute->children->content)
        return "";
    return (const char *)attribute->children->content;
}

/* The first node below `node` that is <kind name="name">. */
static const xmlNode *find_named(const xmlNode *root, const char *kind, const char *name)
{
    for (const xmlNode *node = conf_next_element(root); node; node = conf_next_element(node))
        if (is_named(node, kind) && strcmp(schema_attribute(node, "name"), name) == 0)
            return node;
    return NULL;
}

static const xmlNode *find_child(const xmlNode *node, const char *kind)
{
    for (const xmlNode *child = node ? node->children : NULL; child; child = child->next)
        if (is_named(child, kind))
            return child;
    return NULL;
}

/* Names of the attributes ("attribute") or children ("element") that a schema element declares. */
static size_t declared(const xmlNode *definition, const char *kind, const char **names)
{
    const xmlNode *type = find_child(definition, "complexType"), *list = type;
    size_t count = 0;

    if (strcmp(kind, "element") == 0) {
        list = find_child(type, "all");
        if (!list)
            list = find_child(type, "sequence");
        if (!list)
            list = find_child(type, "choice");
    }
    for (const xmlNode *node = list ? list->children : NULL; node && count < MOST_NAMES;
         node = node->next)
        if (is_named(node, kind))
            names[count++] = schema_attribute(node, "name");
    return count;
}

static bool contains(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* "a, b, c" as far as it fits. */
static void join(const char *const *names, size_t count, const char *left, const char *right,
                 char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count && used < size; i++) {
        int n =
            snprintf(text + used, size - used, "%s%s%s%s", i ? ", " : "", left, names[i], right);
        used += n > 0 ? (size_t)n : 0;
    }
}

static const xmlNode *type_of(const xmlNode *xsd, const char *element, const char *attribute)
{
    const xmlNode *definition = find_named(xsd, "element", element);
    const xmlNode *type = find_child(definition, "complexType");

    for (const xmlNode *node = type ? type->children : NULL; node; node = node->next)
        if (is_named(node, "attribute") && strcmp(schema_attribute(node, "name"), attribute) == 0)
            return find_named(xsd, "simpleType", schema_attribute(node, "type"));
    return NULL;
}

/* What an attribute's type expects, in the schema's words. */
static const char *expectation(const xmlNode *xsd, const char *element, const char *attribute)
{
    const xmlNode *simple = type_of(xsd, element, attribute);
    const xmlNode *words = find_child(find_child(simple, "annotation"), "documentation");

    if (words && words->children && words->children->content)
        return (const char *)words->children->content;
    return "another value";
}

/* The values of an enumeration, or of the one whose values a list holds; 0: the type has none. */
static size_t enumerated(const xmlNode *xsd, const xmlNode *simple, const char **names)
{
    const xmlNode *restriction = find_child(simple, "restriction");
    const xmlNode *base =
        restriction ? find_named(xsd, "simpleType", schema_attribute(restriction, "base")) : NULL;
    const xmlNode *list = find_child(base, "list");
    size_t count = 0;

    if (list)
        restriction = find_child(find_named(xsd, "simpleType", schema_attribute(list, "itemType")),
                                 "restriction");
    for (const xmlNode *node = restriction ? restriction->children : NULL;
         node && count < MOST_NAMES; node = node->next)
        if (is_named(node, "enumeration"))
            names[count++] = schema_attribute(node, "value");
    return count;
}

/* A hint for the first word of the value that is none of the type's names. */
static struct hint hint_for(const xmlNode *xsd, const char *element, const char *attribute,
                            const char *value)
{
    const char *names[MOST_NAMES];
    size_t count = enumerated(xsd, type_of(xsd, element, attribute), names);

    for (value += strspn(value, CONF_BLANKS); count > 0 && *value;
         value += strspn(value, CONF_BLANKS)) {
        char word[65] = "";
        size_t length = strcspn(value, CONF_BLANKS);
        memcpy(word, value, length < sizeof word ? length : sizeof word - 1);
        if (!contains(names, count, word))
            return conf_hint(word, names, count);
        value += length;
    }
    return (struct hint){""};
}

static void weed_attributes(struct judging *judging, const xmlNode *definition, xmlNode *element)
{
    const char *names[MOST_NAMES];
    size_t count = declared(definition, "attribute", names);
    char list[360];

    for (xmlAttr *attribute = element->properties, *next; attribute; attribute = next) {
        const char *name = (const char *)attribute->name;
        next = attribute->next;
        if (!attribute->ns && contains(names, count, name))
            continue;
        /* xsi:schemaLocation is for editors; libxml2 would go and read what it names. */
        if (!attribute->ns || !strstr(name, "chemaLocation")) {
            join(names, count, "", "", list, sizeof list);
            conf_complain(judging->reading, conf_line_of_attribute(element, name), false,
                          "<%s> has no attribute \"%s\"%s; expected %s%s",
                          conf_show((const char *)element->name).text, conf_show(name).text,
                          conf_hint(name, names, count).text, count ? "one of " : "none", list);
        }
        xmlRemoveProp(attribute);
    }
}

/* Blanks go too, silently: to a schema they are text where an element must be empty. */
static void weed_text(struct judging *judging, xmlNode *parent, xmlNode *text)
{
    const char *content = text->content ? (const char *)text->content : "";
    struct shown shown = conf_show(content + strspn(content, " \t\r\n"));
    size_t length = strlen(shown.text);

    while (length > 0 && strchr(" ?", shown.text[length - 1]))
        shown.text[--length] = '\0';
    if (length > 0 || text->type == XML_ENTITY_REF_NODE)
        conf_complain(judging->reading, conf_line_of(parent), false,
                      "<%s> holds the text \"%s\"; expected elements and attributes only",
                      conf_show((const char *)parent->name).text, shown.text);
    xmlUnlinkNode(text);
    xmlFreeNode(text);
}

static const xmlNode *earlier_twin(const xmlNode *element)
{
    for (const xmlNode *node = element->prev; node; node = node->prev)
        if (is_named(node, (const char *)element->name))
            return node;
    return NULL;
}

/* Whether the schema knows this child; complains when not. */
static bool is_welcome(struct judging *judging, const xmlNode *definition, const xmlNode *child)
{
    const char *names[MOST_NAMES], *name = (const char *)child->name;
    size_t count = declared(definition, "element", names);
    char list[400];
    const xmlNode *twin;

    if (!contains(names, count, name) || !child->ns ||
        strcmp((const char *)child->ns->href, CONF_NAMESPACE) != 0) {
        join(names, count, "<", ">", list, sizeof list);
        conf_complain(judging->reading, conf_line_of(child), false,
                      "found <%s> inside <%s>%s; expected %s%s", conf_show(name).text,
                      conf_show((const char *)child->parent->name).text,
                      conf_hint(name, names, count).text, count ? "one of " : "no element", list);
        return false;
    }
    if (find_child(find_child(definition, "complexType"), "all") &&
        (twin = earlier_twin(child)) != NULL) {
        conf_complain(judging->reading, conf_line_of(child), false,
                      "found a second <%s>; expected one (the first is on %s)", name,
                      conf_where(judging->reading, conf_line_of(child), conf_line_of(twin)).text);
        return false;
    }
    return true;
}

/* Recursion is as deep as the schema, because unknown children are not entered. */
static void weed(struct judging *judging, const xmlNode *definition, xmlNode *element)
{
    weed_attributes(judging, definition, element);
    for (xmlNode *child = element->children, *next; child; child = next) {
        next = child->next;
        if (child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE ||
            child->type == XML_ENTITY_REF_NODE) {
            weed_text(judging, element, child);
        } else if (child->type == XML_ELEMENT_NODE) {
            if (is_welcome(judging, definition, child)) {
                weed(judging, find_named(definition, "element", (const char *)child->name), child);
            } else {
                xmlUnlinkNode(child);
                xmlFreeNode(child);
            }
        }
    }
}

static void tell_value(struct judging *judging, const xmlNode *element, const char *name)
{
    xmlChar *value;
    const char *text;

    if (judging->told_element == element && strcmp(judging->told_attribute, name) == 0)
        return;
    judging->told_element = element;
    snprintf(judging->told_attribute, sizeof judging->told_attribute, "%s", name);
    value = xmlGetNoNsProp(element, (const xmlChar *)name);
    text = value ? (const char *)value : "";
    conf_complain(judging->reading, conf_line_of_attribute(element, name), false,
                  "<%s %s=\"%s\">: expected %s%s", (const char *)element->name, name,
                  conf_show_value(name, text).text,
                  expectation(judging->xsd, (const char *)element->name, name),
                  hint_for(judging->xsd, (const char *)element->name, name, text).text);
    xmlFree(value);
}

/* Elements that another file may complete. */
static bool is_merged(const xmlNode *element)
{
    const xmlNode *root = xmlDocGetRootElement(element->doc);

    return element == root || element->parent == root;
}

static void tell_missing_children(struct judging *judging, const xmlNode *element)
{
    const char *names[MOST_NAMES], *name = (const char *)element->name;
    const xmlNode *definition = find_named(judging->xsd, "element", name);
    size_t count = declared(definition, "element", names);

    for (size_t i = 0; i < count; i++) {
        const xmlNode *child = find_named(definition, "element", names[i]);
        if (strcmp(schema_attribute(child, "minOccurs"), "0") != 0 &&
            !find_child(element, names[i]) &&
            !(is_merged(element) && conf_may_be_elsewhere(judging->reading)))
            conf_complain(judging->reading, conf_line_of(element), false,
                          "<%s> has no <%s>; expected one", name, names[i]);
    }
}

static void on_invalid(void *context, xmlError *error)
{
    struct judging *judging = context;
    const xmlNode *element = error->node;
    const char *message = error->message ? error->message : "invalid", *quoted;
    char name[64] = "";

    while (element && element->type != XML_ELEMENT_NODE)
        element = element->parent;
    if (!element) {
        conf_complain(judging->reading, error->line, false, "%.*s", (int)strcspn(message, "\n"),
                      message);
        return;
    }
    quoted = strstr(message, "ttribute '");
    if (quoted)
        snprintf(name, sizeof name, "%.*s", (int)strcspn(quoted + 10, "'"), quoted + 10);
    if (error->code == XML_SCHEMAV_CVC_COMPLEX_TYPE_4) {
        if (is_merged(element) && conf_may_be_elsewhere(judging->reading))
            return;
        conf_complain(judging->reading, conf_line_of(element), false, "<%s> has no %s; expected %s",
                      (const char *)element->name, name,
                      expectation(judging->xsd, (const char *)element->name, name));
    } else if (name[0])
        tell_value(judging, element, name);
    else if (strstr(message, "Missing child"))
        tell_missing_children(judging, element);
    else if (error->code == XML_SCHEMAV_ELEMENT_CONTENT)
        conf_complain(
            judging->reading, conf_line_of(element), false,
            "found one <%s> more than are allowed; expected at most %s",
            (const char *)element->name,
            schema_attribute(find_named(judging->xsd, "element", (const char *)element->name),
                             "maxOccurs"));
    else
        conf_complain(judging->reading, conf_line_of(element), false, "<%s>: %.*s",
                      (const char *)element->name, (int)strcspn(message, "\n"), message);
}

static bool has_right_root(struct reading *reading)
{
    const xmlNode *root = xmlDocGetRootElement(reading->doc);

    if (is_named(root, "cervigate") && root->ns &&
        strcmp((const char *)root->ns->href, CONF_NAMESPACE) == 0)
        return true;
    conf_complain(
        reading, conf_line_of(root), false,
        "found the root element <%s%s%s%s>; expected <cervigate xmlns=\"" CONF_NAMESPACE "\">",
        conf_show((const char *)root->name).text, root->ns ? " xmlns=\"" : "",
        root->ns ? conf_show((const char *)root->ns->href).text : "", root->ns ? "\"" : "");
    return false;
}

static void validate(struct judging *judging, xmlDoc *schema_doc)
{
    xmlSchemaParserCtxt *parser = xmlSchemaNewDocParserCtxt(schema_doc);
    xmlSchema *schema = parser ? xmlSchemaParse(parser) : NULL;
    xmlSchemaValidCtxt *validator = schema ? xmlSchemaNewValidCtxt(schema) : NULL;

    if (validator) {
        xmlSchemaSetValidStructuredErrors(validator, on_invalid, judging);
        if (xmlSchemaValidateDoc(validator, judging->reading->doc) < 0)
            judging->reading->no_memory = true;
    } else {
        judging->reading->no_memory = true;
    }
    xmlSchemaFreeValidCtxt(validator);
    xmlSchemaFree(schema);
    xmlSchemaFreeParserCtxt(parser);
}

xmlDoc *conf_schema_open(void)
{
    return xmlReadMemory(conf_schema_text, (int)conf_schema_text_size, NULL, NULL,
                         XML_PARSE_NONET | XML_PARSE_NOBLANKS);
}

bool conf_weed(struct reading *reading, const xmlDoc *schema)
{
    struct judging judging = {.reading = reading, .xsd = xmlDocGetRootElement(schema)};

    if (!has_right_root(reading))
        return false;
    weed(&judging, find_named(judging.xsd, "element", "cervigate"),
         xmlDocGetRootElement(reading->doc));
    return true;
}

void conf_validate(struct reading *reading, xmlDoc *schema)
{
    struct judging judging = {.reading = reading, .xsd = xmlDocGetRootElement(schema)};

    validate(&judging, schema);
}
