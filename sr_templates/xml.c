#include "xml.h"
#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void srt_reading_fail(struct srt_reading *reading, int line, const char *format, ...)
{
    char why[sizeof reading->err->text];
    va_list arguments;

    if (reading->status != SRT_OK)
        return;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    reading->status = srt_fail(reading->err, SRT_BAD_TEMPLATE, "%.96s line %d: %.*s", reading->file,
                               line, (int)strcspn(why, "\n"), why);
}

static void on_error(void *context, xmlError *error)
{
    srt_reading_fail(context, error->line, "%s", error->message ? error->message : "unreadable");
}

bool srt_xml_is(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

const xmlNode *srt_xml_child(const xmlNode *node, const char *name)
{
    const xmlNode *child = node->children;

    while (child && !srt_xml_is(child, name))
        child = child->next;
    return child;
}

int srt_xml_line(const xmlNode *node)
{
    return (int)xmlGetLineNo((xmlNode *)node);
}

const char *srt_xml_attribute(struct srt_reading *reading, const xmlNode *node, const char *name)
{
    xmlChar *value = xmlGetNoNsProp((xmlNode *)node, (const xmlChar *)name);
    const char *text = NULL;

    if (value) {
        text = srt_arena_text(&reading->template_->arena, (const char *)value);
        if (!text)
            reading->status = SRT_NO_MEMORY;
        xmlFree(value);
    }
    return text;
}

static void validate(struct srt_reading *reading, xmlDoc *doc, const char *schema_text,
                     unsigned schema_size)
{
    xmlSchemaParserCtxt *parser = xmlSchemaNewMemParserCtxt(schema_text, (int)schema_size);
    xmlSchema *schema = parser ? xmlSchemaParse(parser) : NULL;
    xmlSchemaValidCtxt *validator = schema ? xmlSchemaNewValidCtxt(schema) : NULL;

    if (validator) {
        xmlSchemaSetValidStructuredErrors(validator, on_error, reading);
        int result = xmlSchemaValidateDoc(validator, doc);
        if (result != 0)
            srt_reading_fail(reading, 1, "not valid");
    } else {
        reading->status = SRT_NO_MEMORY;
    }
    xmlSchemaFreeValidCtxt(validator);
    xmlSchemaFree(schema);
    xmlSchemaFreeParserCtxt(parser);
}

xmlDoc *srt_xml_read(struct srt_reading *reading, const struct srt_source *source,
                     const char *schema, unsigned schema_size)
{
    xmlParserCtxt *parser = xmlNewParserCtxt();
    xmlDoc *doc = NULL;

    if (!parser) {
        reading->status = SRT_NO_MEMORY;
        return NULL;
    }
    doc = xmlCtxtReadMemory(parser, source->text, (int)source->size, NULL, NULL,
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (!doc || doc->intSubset)
        srt_reading_fail(reading, parser->lastError.line, "%s",
                         doc ? "a DTD is not allowed" : "not well-formed XML");
    else
        validate(reading, doc, schema, schema_size);
    xmlFreeParserCtxt(parser);
    if (reading->status != SRT_OK) {
        xmlFreeDoc(doc);
        doc = NULL;
    }
    return doc;
}
