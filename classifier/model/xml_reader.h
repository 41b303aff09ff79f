/* xml_reader.h: what model_xml.c and graph_xml.c read attributes with. The first refusal stays:
 * "NAME:LINE: what is wrong". Not a public header. */
#ifndef NN_XML_READER_H
#define NN_XML_READER_H

#include "nn_status.h"

#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>

struct nn_reader {
    const char *name; /* the file's */
    struct nn_error *err;
    enum nn_status status;
};

/* Always NN_BAD_DATA. */
enum nn_status nn_xml_refuse(struct nn_reader *r, const xmlNode *node, const char *text);
const xmlNode *nn_xml_child(const xmlNode *node, const char *name); /* the first of that name */
const xmlNode *nn_xml_next(const xmlNode *node); /* the next sibling of the same name */
bool nn_xml_has(const xmlNode *node, const char *name);
bool nn_xml_equals(const xmlNode *node, const char *name, const char *value);
/* Copies an attribute, or the content when `name` is NULL; too long is refused, never cut. */
enum nn_status nn_xml_text(struct nn_reader *r, const xmlNode *node, const char *name, char *to,
                           size_t size);
/* Exactly `count` finite numbers. */
enum nn_status nn_xml_numbers(struct nn_reader *r, const xmlNode *node, const char *name,
                              double *to, int count);

#endif
