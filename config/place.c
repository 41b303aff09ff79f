/* libxml2 knows the line on which a start tag ends; people look for the line of the attribute. The
 * document is well formed, in UTF-8 and without DTD when this reads its text again, so a start tag
 * is every '<' outside comments, instructions, CDATA and end tags, and they come in document order.
 */
#include "conf_private.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

xmlNode *conf_next_element(const xmlNode *node)
{
    const xmlNode *next = node->children;

    for (;;) {
        for (; next; next = next->next)
            if (next->type == XML_ELEMENT_NODE)
                return (xmlNode *)next;
        if (!node || node->type != XML_ELEMENT_NODE)
            return NULL;
        next = node->next;
        node = node->parent;
    }
}

/* Past a construct that begins at text and ends with `end`. */
static const char *skip_to(const char *text, const char *end)
{
    const char *found = strstr(text, end);

    return found ? found + strlen(end) : text + strlen(text);
}

/* Past a start tag: to its '>' outside quotes. */
static const char *skip_tag(const char *text)
{
    char quote = 0;

    for (; *text; text++) {
        if (quote) {
            if (*text == quote)
                quote = 0;
        } else if (*text == '"' || *text == '\'') {
            quote = *text;
        } else if (*text == '>') {
            return text + 1;
        }
    }
    return text;
}

/* The next start tag's '<', or NULL. */
static const char *find_tag(const char *text)
{
    while ((text = strchr(text, '<')) != NULL) {
        if (strncmp(text, "<!--", 4) == 0)
            text = skip_to(text, "-->");
        else if (strncmp(text, "<![CDATA[", 9) == 0)
            text = skip_to(text, "]]>");
        else if (text[1] == '?')
            text = skip_to(text, "?>");
        else if (text[1] == '/' || text[1] == '!')
            text++;
        else
            return text;
    }
    return NULL;
}

void conf_place_elements(struct reading *reading)
{
    const xmlNode *root = (const xmlNode *)reading->doc;
    const char *text = reading->text, *counted = text;
    size_t count = 0;
    int line = 1;

    for (const xmlNode *node = conf_next_element(root); node; node = conf_next_element(node))
        count++;
    reading->places = calloc(count ? count : 1, sizeof *reading->places);
    if (!reading->places) {
        reading->no_memory = true;
        return;
    }
    count = 0;
    for (xmlNode *node = conf_next_element(root); node; node = conf_next_element(node)) {
        const char *tag = find_tag(text);
        if (!tag)
            return;
        for (; counted < tag; counted++)
            line += *counted == '\n';
        reading->places[count] =
            (struct place){tag, line | (int)((unsigned)reading->file << CONF_LINE_BITS)};
        node->_private = &reading->places[count++];
        text = skip_tag(tag);
    }
}

int conf_line_of(const xmlNode *element)
{
    const struct place *place = element->_private;

    return place ? place->line : (int)xmlGetLineNo(element);
}

int conf_line_in_file(int line)
{
    return line & ((1 << CONF_LINE_BITS) - 1);
}

int conf_line_of_attribute(const xmlNode *element, const char *name)
{
    const xmlAttr *attribute = xmlHasProp((xmlNode *)element, (const xmlChar *)name);
    const struct place *place =
        attribute && attribute->_private ? attribute->_private : element->_private;
    size_t length = strlen(name);
    char quote = 0;

    if (!place)
        return conf_line_of(element);
    int line = place->line;
    for (const char *text = place->tag; *text && (quote || *text != '>'); text++) {
        line += *text == '\n';
        if (quote) {
            quote = *text == quote ? 0 : quote;
        } else if (*text == '"' || *text == '\'') {
            quote = *text;
        } else if (isspace((unsigned char)*text) && strncmp(text + 1, name, length) == 0 &&
                   (isspace((unsigned char)text[1 + length]) || text[1 + length] == '=')) {
            return line;
        }
    }
    return place->line;
}
