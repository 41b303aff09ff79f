/* Reads a template and holds it against template.xsd, then against what a schema cannot know: that
 * every code and every {value} it names is there. No DTD, no entities, no network. */
#include "srt_private.h"
#include <errno.h>
#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct srt_template *template_;
    struct srt_error *err;
    enum srt_status status;
};

static void on_error(void *context, xmlError *error)
{
    struct reading *reading = context;
    const char *message = error->message ? error->message : "unreadable";

    if (reading->status == SRT_OK)
        reading->status = srt_fail(reading->err, SRT_BAD_TEMPLATE, "line %d: %.*s", error->line,
                                   (int)strcspn(message, "\n"), message);
}

static bool has_name(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static const xmlNode *child_named(const xmlNode *node, const char *name)
{
    const xmlNode *child = node->children;

    while (child && !has_name(child, name))
        child = child->next;
    return child;
}

/* An attribute's text in the template's arena; NULL when absent (or out of memory: status). */
static const char *attribute(struct reading *reading, const xmlNode *node, const char *name)
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

static size_t index_of(const char *text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text && strcmp(text, names[i]) == 0)
            return i;
    return 0;
}

static void read_shape(struct reading *reading, const xmlNode *node, struct srt_shape *shape)
{
    static const char *const types[] = {[DX_SR_CONTAINER] = "container", [DX_SR_CODE] = "code",
                                        [DX_SR_TEXT] = "text",           [DX_SR_NUM] = "num",
                                        [DX_SR_UIDREF] = "uidref",       [DX_SR_IMAGE] = "image"};
    static const char *const relations[] = {[DX_SR_ROOT] = "root",
                                            [DX_SR_CONTAINS] = "contains",
                                            [DX_SR_HAS_CONCEPT_MOD] = "has-concept-mod",
                                            [DX_SR_HAS_OBS_CONTEXT] = "has-obs-context",
                                            [DX_SR_HAS_ACQ_CONTEXT] = "has-acq-context",
                                            [DX_SR_HAS_PROPERTIES] = "has-properties",
                                            [DX_SR_INFERRED_FROM] = "inferred-from"};
    static const char *const eaches[] = {[SRT_ONCE] = "once",
                                         [SRT_EACH_IMAGE] = "image",
                                         [SRT_EACH_JUDGED] = "judged",
                                         [SRT_EACH_UNJUDGED] = "unjudged",
                                         [SRT_EACH_CLASS] = "class",
                                         [SRT_EACH_OPERATING_POINT] = "operating-point",
                                         [SRT_EACH_FIRST_FINDING] = "first-finding",
                                         [SRT_EACH_FURTHER_FINDING] = "further-finding"};
    const char *relation = attribute(reading, node, "relation");
    const char *optional = attribute(reading, node, "optional");

    shape->line = (int)xmlGetLineNo((xmlNode *)node);
    shape->is_repeat = has_name(node, "repeat");
    shape->type =
        (enum dx_sr_value)index_of((const char *)node->name, types, sizeof types / sizeof *types);
    shape->relation = relation ? (enum dx_sr_relation)index_of(relation, relations,
                                                               sizeof relations / sizeof *relations)
                               : DX_SR_CONTAINS;
    shape->each = (enum srt_each)index_of(attribute(reading, node, "each"), eaches,
                                          sizeof eaches / sizeof *eaches);
    shape->optional = optional && (strcmp(optional, "true") == 0 || strcmp(optional, "1") == 0);
    shape->name = attribute(reading, node, "name");
    shape->value = attribute(reading, node, "value");
    shape->unit = attribute(reading, node, "unit");
    shape->template_id = attribute(reading, node, "template");
    shape->when = attribute(reading, node, "when");
}

/* Every {x} in the text must be a value that there is. */
static void check_text(struct reading *reading, const struct srt_shape *shape, const char *text)
{
    for (const char *open = text ? strchr(text, '{') : NULL; open; open = strchr(open + 1, '{')) {
        size_t length = strcspn(open + 1, "}");
        if (!open[1 + length] || !srt_is_value(open + 1, length)) {
            reading->status = srt_fail(reading->err, SRT_BAD_TEMPLATE, "line %d: no value {%.*s}",
                                       shape->line, length > 64 ? 64 : (int)length, open + 1);
            return;
        }
    }
}

/* A code's id; one with a placeholder is known only when it is filled. */
static void check_code(struct reading *reading, const struct srt_shape *shape, const char *id)
{
    check_text(reading, shape, id);
    if (reading->status == SRT_OK && id && !strchr(id, '{') &&
        !srt_find_code(reading->template_, id))
        reading->status =
            srt_fail(reading->err, SRT_BAD_TEMPLATE, "line %d: no code \"%.64s\"", shape->line, id);
}

static void check_when(struct reading *reading, const struct srt_shape *shape)
{
    const char *when = shape->when ? shape->when : "";

    for (when += strspn(when, " "); *when && reading->status == SRT_OK;) {
        const char *name = when + (*when == '!');
        size_t length = strcspn(name, " ");
        if (!srt_is_value(name, length))
            reading->status = srt_fail(reading->err, SRT_BAD_TEMPLATE, "line %d: no value \"%.*s\"",
                                       shape->line, length > 64 ? 64 : (int)length, name);
        when = name + length;
        when += strspn(when, " ");
    }
}

static void check_shape(struct reading *reading, const struct srt_shape *shape)
{
    bool wants_value = shape->type == DX_SR_CODE || shape->type == DX_SR_TEXT ||
                       shape->type == DX_SR_NUM || shape->type == DX_SR_UIDREF;

    check_when(reading, shape);
    if (reading->status != SRT_OK || shape->is_repeat)
        return;
    if ((!shape->name && shape->type != DX_SR_IMAGE) || wants_value != (shape->value != NULL) ||
        (shape->type == DX_SR_NUM) != (shape->unit != NULL)) {
        reading->status =
            srt_fail(reading->err, SRT_BAD_TEMPLATE,
                     "line %d: a row needs name; code, text, num and uidref need value, num unit",
                     shape->line);
        return;
    }
    check_code(reading, shape, shape->name);
    check_code(reading, shape, shape->unit);
    if (shape->type == DX_SR_CODE)
        check_code(reading, shape, shape->value);
    else if (reading->status == SRT_OK)
        check_text(reading, shape, shape->value);
}

/* Recursion is bounded by libxml2's 256 levels. */
static struct srt_shape *read_shapes(struct reading *reading, const xmlNode *node)
{
    struct srt_shape *first = NULL, **tail = &first;

    for (; node && reading->status == SRT_OK; node = node->next) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        struct srt_shape *shape = srt_arena_zero(&reading->template_->arena, sizeof *shape);
        if (!shape) {
            reading->status = SRT_NO_MEMORY;
            break;
        }
        read_shape(reading, node, shape);
        check_shape(reading, shape);
        shape->child = read_shapes(reading, node->children);
        *tail = shape;
        tail = &shape->next;
    }
    return first;
}

static void read_codes(struct reading *reading, const xmlNode *list)
{
    struct srt_template *template_ = reading->template_;
    size_t count = xmlChildElementCount((xmlNode *)list);

    template_->codes = srt_arena_zero(&template_->arena, count * sizeof *template_->codes);
    if (!template_->codes) {
        reading->status = SRT_NO_MEMORY;
        return;
    }
    for (const xmlNode *node = list->children; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        struct srt_named_code *code = &template_->codes[template_->code_count++];
        code->id = attribute(reading, node, "id");
        code->code.value = attribute(reading, node, "value");
        code->code.scheme = attribute(reading, node, "scheme");
        code->code.meaning = attribute(reading, node, "meaning");
    }
}

const struct dx_code *srt_find_code(const struct srt_template *template_, const char *id)
{
    for (size_t i = 0; i < template_->code_count; i++)
        if (strcmp(template_->codes[i].id, id) == 0)
            return &template_->codes[i].code;
    return NULL;
}

static void validate(struct reading *reading, xmlDoc *doc)
{
    xmlSchemaParserCtxt *parser =
        xmlSchemaNewMemParserCtxt(srt_schema_text, (int)srt_schema_text_size);
    xmlSchema *schema = parser ? xmlSchemaParse(parser) : NULL;
    xmlSchemaValidCtxt *validator = schema ? xmlSchemaNewValidCtxt(schema) : NULL;

    if (validator) {
        xmlSchemaSetValidStructuredErrors(validator, on_error, reading);
        int result = xmlSchemaValidateDoc(validator, doc);
        if (result != 0 && reading->status == SRT_OK)
            reading->status = srt_fail(reading->err, SRT_BAD_TEMPLATE, "not valid");
    } else {
        reading->status = SRT_NO_MEMORY;
    }
    xmlSchemaFreeValidCtxt(validator);
    xmlSchemaFree(schema);
    xmlSchemaFreeParserCtxt(parser);
}

static void read_doc(struct reading *reading, xmlDoc *doc)
{
    const xmlNode *root = xmlDocGetRootElement(doc);

    reading->template_->version = attribute(reading, root, "version");
    read_codes(reading, child_named(root, "codes"));
    if (reading->status != SRT_OK)
        return;
    reading->template_->root = read_shapes(reading, child_named(root, "container"));
    if (reading->status == SRT_OK)
        reading->template_->root->relation = DX_SR_ROOT;
}

static enum srt_status read_text(struct srt_template *template_, const char *text, size_t size,
                                 struct srt_error *err)
{
    struct reading reading = {template_, err, SRT_OK};
    xmlParserCtxt *parser = xmlNewParserCtxt();
    xmlDoc *doc = NULL;

    if (!parser)
        return SRT_NO_MEMORY;
    doc = xmlCtxtReadMemory(parser, text, (int)size, NULL, NULL,
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (!doc || doc->intSubset)
        reading.status = srt_fail(err, SRT_BAD_TEMPLATE, "line %d: %s", parser->lastError.line,
                                  doc ? "a DTD is not allowed" : "not well-formed XML");
    if (reading.status == SRT_OK)
        validate(&reading, doc);
    if (reading.status == SRT_OK)
        read_doc(&reading, doc);
    if (reading.status == SRT_NO_MEMORY)
        (void)srt_fail(err, SRT_NO_MEMORY, "out of memory");
    xmlFreeDoc(doc);
    xmlFreeParserCtxt(parser);
    return reading.status;
}

static enum srt_status read_file(struct srt_template *template_, const char *dir,
                                 struct srt_error *err)
{
    enum srt_status status;
    char path[4096];
    char *text;
    FILE *in;

    snprintf(path, sizeof path, "%s/cspine.xml", dir);
    in = fopen(path, "re");
    if (!in)
        return srt_fail(err, SRT_MISSING, "%.180s: %s", path, strerror(errno));
    text = malloc(SRT_MAX_TEMPLATE + 1u);
    if (text) {
        size_t size = fread(text, 1, SRT_MAX_TEMPLATE + 1u, in);
        if (ferror(in))
            status = srt_fail(err, SRT_MISSING, "%.180s: cannot be read", path);
        else if (size > SRT_MAX_TEMPLATE)
            status =
                srt_fail(err, SRT_BAD_TEMPLATE, "%.180s: over %u bytes", path, SRT_MAX_TEMPLATE);
        else
            status = read_text(template_, text, size, err);
    } else {
        status = srt_fail(err, SRT_NO_MEMORY, "out of memory");
    }
    free(text);
    fclose(in);
    return status;
}

/* Hands a template on when it was read, throws it away when not. */
static enum srt_status finish(struct srt_template *made, enum srt_status status,
                              struct srt_template **template_)
{
    if (status == SRT_OK)
        *template_ = made;
    else
        srt_template_close(made);
    return status;
}

enum srt_status srt_template_parse(const char *text, size_t size, struct srt_template **template_,
                                   struct srt_error *err)
{
    struct srt_template *made = calloc(1, sizeof *made);

    *template_ = NULL;
    if (!made)
        return srt_fail(err, SRT_NO_MEMORY, "out of memory");
    return finish(made, read_text(made, text, size, err), template_);
}

enum srt_status srt_template_open(const char *dir, const char *language,
                                  struct srt_template **template_, struct srt_error *err)
{
    (void)language;
    if (!dir)
        return srt_template_parse(srt_cspine_text, srt_cspine_text_size, template_, err);
    struct srt_template *made = calloc(1, sizeof *made);

    *template_ = NULL;
    if (!made)
        return srt_fail(err, SRT_NO_MEMORY, "out of memory");
    return finish(made, read_file(made, dir, err), template_);
}

void srt_template_close(struct srt_template *template_)
{
    if (!template_)
        return;
    srt_arena_finish(&template_->arena);
    free(template_);
}

const char *srt_template_version(const struct srt_template *template_)
{
    return template_->version;
}

bool srt_template_codes(const struct srt_template *template_, const char *finding)
{
    char id[SRT_MAX_TEXT];
    int length = snprintf(id, sizeof id, "finding-%s", finding);

    return length > 0 && (size_t)length < sizeof id && srt_find_code(template_, id) != NULL;
}
