#include "xml.h"
#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <pthread.h>
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

static void on_no_memory(void *failed, xmlError *error)
{
    (void)error;
    *(bool *)failed = true;
}

/* Kept for the process's life: Debian's libxml2 may crash when it runs out of memory while it
 * parses a schema, which must not end a node that reads its templates again. NULL: no memory. */
static xmlSchema *kept_schema(enum srt_schema which)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static xmlSchema *all[2];
    xmlSchema **kept = &all[which];

    pthread_mutex_lock(&lock);
    if (!*kept) {
        bool words = which == SRT_SCHEMA_WORDS;
        xmlSchemaParserCtxt *parser = xmlSchemaNewMemParserCtxt(
            words ? srt_words_schema_text : srt_schema_text,
            (int)(words ? srt_words_schema_text_size : srt_schema_text_size));
        bool failed = false;
        if (parser)
            xmlSchemaSetParserStructuredErrors(parser, on_no_memory, &failed);
        xmlSchema *parsed = parser ? xmlSchemaParse(parser) : NULL;
        if (!failed)
            *kept = parsed;
        else
            xmlSchemaFree(parsed);
        xmlSchemaFreeParserCtxt(parser);
    }
    xmlSchema *schema = *kept;
    pthread_mutex_unlock(&lock);
    return schema;
}

static void validate(struct srt_reading *reading, xmlDoc *doc, enum srt_schema which)
{
    xmlSchema *schema = kept_schema(which);
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
}

xmlDoc *srt_xml_read(struct srt_reading *reading, const struct srt_source *source,
                     enum srt_schema schema)
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
        validate(reading, doc, schema);
    xmlFreeParserCtxt(parser);
    if (reading->status != SRT_OK) {
        xmlFreeDoc(doc);
        doc = NULL;
    }
    return doc;
}
