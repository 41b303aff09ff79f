/* xml.h: what template.c and phrases.c share of libxml2. No DTD, no entities, no network. */
#ifndef SRT_XML_H
#define SRT_XML_H

#include "srt_private.h"
#include <libxml/tree.h>

/* The document, held against its schema; NULL: reading->status and err say why. */
xmlDoc *srt_xml_read(struct srt_reading *reading, const struct srt_source *source,
                     const char *schema, unsigned schema_size);
bool srt_xml_is(const xmlNode *node, const char *name);
const xmlNode *srt_xml_child(const xmlNode *node, const char *name);
/* An attribute's text in the template's arena; NULL when absent (or out of memory: status). */
const char *srt_xml_attribute(struct srt_reading *reading, const xmlNode *node, const char *name);
int srt_xml_line(const xmlNode *node);

#endif
