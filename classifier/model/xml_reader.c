/* xml_reader.c: elements and attributes of an XML tree, refused by file and line. */
#include "xml_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum nn_status nn_xml_refuse(struct nn_reader *r, const xmlNode *node, const char *text)
{
    r->status = nn_fail(r->err, NN_BAD_DATA, "%s:%ld: %s", r->name, xmlGetLineNo(node), text);
    return r->status;
}

const xmlNode *nn_xml_child(const xmlNode *node, const char *name)
{
    for (const xmlNode *at = node->children; at; at = at->next) {
        if (at->type == XML_ELEMENT_NODE && xmlStrcmp(at->name, (const xmlChar *)name) == 0)
            return at;
    }
    return NULL;
}

const xmlNode *nn_xml_next(const xmlNode *node)
{
    for (const xmlNode *at = node->next; at; at = at->next) {
        if (at->type == XML_ELEMENT_NODE && xmlStrcmp(at->name, node->name) == 0)
            return at;
    }
    return NULL;
}

enum nn_status nn_xml_text(struct nn_reader *r, const xmlNode *node, const char *name, char *to,
                           size_t size)
{
    xmlChar *value = name ? xmlGetNoNsProp(node, (const xmlChar *)name) : xmlNodeGetContent(node);

    if (!value)
        return nn_xml_refuse(r, node, "an attribute is missing");
    size_t length = strlen((const char *)value);
    if (length < size)
        memcpy(to, value, length + 1);
    xmlFree(value);
    if (length >= size)
        return nn_xml_refuse(r, node, "a text is too long");
    return NN_OK;
}

enum nn_status nn_xml_numbers(struct nn_reader *r, const xmlNode *node, const char *name,
                              double *to, int count)
{
    char buffer[512];

    if (nn_xml_text(r, node, name, buffer, sizeof buffer) != NN_OK)
        return r->status;
    char *at = buffer;
    for (int i = 0; i < count; i++) {
        char *end;
        to[i] = strtod(at, &end);
        if (end == at || !isfinite(to[i]))
            return nn_xml_refuse(r, node, "a number is missing or not finite");
        at = end;
    }
    at += strspn(at, " \t\r\n");
    return *at == '\0' ? NN_OK : nn_xml_refuse(r, node, "more numbers than expected");
}

bool nn_xml_has(const xmlNode *node, const char *name)
{
    return xmlHasProp(node, (const xmlChar *)name) != NULL;
}

bool nn_xml_equals(const xmlNode *node, const char *name, const char *value)
{
    xmlChar *found = xmlGetNoNsProp(node, (const xmlChar *)name);
    bool same = found && strcmp((const char *)found, value) == 0;

    xmlFree(found);
    return same;
}
