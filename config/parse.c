/* XML without its dangers: no network, no DTD and so no entities of anyone's own, no deep nesting
 * (libxml2's 256 levels), UTF-8 only so that the text's bytes are what places are counted in. */
#include "conf_private.h"
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <string.h>
#include <strings.h>

/* Only the first error is told: what a parser says after it lost its place is noise. */
static void on_error(void *context, xmlError *error)
{
    xmlParserCtxt *parser = context;
    struct reading *reading = parser->_private;

    if (error->level < XML_ERR_ERROR || reading->complaints->count > reading->earlier)
        return;
    if (error->code == XML_ERR_NO_MEMORY) {
        reading->no_memory = true;
        return;
    }
    const char *message = error->message ? error->message : "unreadable";
    int length = (int)strcspn(message, "\n");
    conf_complain(reading, error->line, false, "not well-formed XML: %.*s",
                  length > 200 ? 200 : length, message);
}

static void refuse_dtd(void *context, const xmlChar *name, const xmlChar *external,
                       const xmlChar *system)
{
    xmlParserCtxt *parser = context;
    struct reading *reading = parser->_private;

    (void)name;
    (void)external;
    (void)system;
    conf_complain(reading, parser->input->line, false,
                  "found a document type declaration; expected none: remove <!DOCTYPE ...>");
    xmlStopParser(parser);
}

static bool is_utf8_text(struct reading *reading)
{
    if (memchr(reading->text, 0, reading->size)) {
        conf_complain(reading, 1, false, "found a zero byte; expected XML text in UTF-8");
        return false;
    }
    return true;
}

static bool has_good_encoding(struct reading *reading)
{
    const char *encoding = (const char *)reading->doc->encoding;

    if (!encoding || strcasecmp(encoding, "UTF-8") == 0 || strcasecmp(encoding, "US-ASCII") == 0)
        return true;
    conf_complain(reading, 1, false, "found encoding \"%s\"; expected UTF-8",
                  conf_show(encoding).text);
    return false;
}

void conf_parse_text(struct reading *reading)
{
    xmlParserCtxt *parser;
    xmlDoc *doc;

    if (!is_utf8_text(reading))
        return;
    parser = xmlNewParserCtxt();
    if (!parser) {
        reading->no_memory = true;
        return;
    }
    parser->_private = reading;
    parser->sax->serror = on_error;
    parser->sax->internalSubset = refuse_dtd;
    doc = xmlCtxtReadMemory(parser, reading->text, (int)reading->size, NULL, NULL,
                            XML_PARSE_NONET | XML_PARSE_BIG_LINES | XML_PARSE_NOCDATA);
    reading->doc = doc;
    if (doc && (reading->complaints->count > reading->earlier || !has_good_encoding(reading))) {
        xmlFreeDoc(doc);
        reading->doc = NULL;
    }
    if (!reading->doc && reading->complaints->count == reading->earlier)
        conf_complain(reading, 0, false, "not well-formed XML");
    xmlFreeParserCtxt(parser);
}
