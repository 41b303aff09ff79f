/* Reads a template and holds it against template.xsd, against what a schema cannot know (every
 * code, phrase and {value} that it names is there) and, in row_check.c, against the Standard. */
#include "xml.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const srt_type_names[SRT_TYPES] = {
    [DX_SR_CONTAINER] = "container", [DX_SR_CODE] = "code",
    [DX_SR_TEXT] = "text",           [DX_SR_NUM] = "num",
    [DX_SR_UIDREF] = "uidref",       [DX_SR_IMAGE] = "image",
    [DX_SR_SCOORD] = "scoord"};
const char *const srt_relation_names[SRT_RELATIONS] = {[DX_SR_ROOT] = "root",
                                                       [DX_SR_CONTAINS] = "contains",
                                                       [DX_SR_HAS_CONCEPT_MOD] = "has-concept-mod",
                                                       [DX_SR_HAS_OBS_CONTEXT] = "has-obs-context",
                                                       [DX_SR_HAS_ACQ_CONTEXT] = "has-acq-context",
                                                       [DX_SR_HAS_PROPERTIES] = "has-properties",
                                                       [DX_SR_INFERRED_FROM] = "inferred-from",
                                                       [DX_SR_SELECTED_FROM] = "selected-from"};

static size_t index_of(const char *text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text && strcmp(text, names[i]) == 0)
            return i;
    return 0;
}
#define INDEX_OF(text, names) index_of(text, names, sizeof(names) / sizeof *(names))

static void read_kind(struct srt_reading *reading, const xmlNode *node, struct srt_shape *shape)
{
    static const char *const eaches[] = {[SRT_ONCE] = "once",
                                         [SRT_EACH_IMAGE] = "image",
                                         [SRT_EACH_JUDGED] = "judged",
                                         [SRT_EACH_UNJUDGED] = "unjudged",
                                         [SRT_EACH_OPINION] = "opinion",
                                         [SRT_EACH_MODEL] = "model",
                                         [SRT_EACH_CLASS] = "class",
                                         [SRT_EACH_OPERATING_POINT] = "operating-point",
                                         [SRT_EACH_FIRST_FINDING] = "first-finding",
                                         [SRT_EACH_FURTHER_FINDING] = "further-finding"};
    const char *relation = srt_xml_attribute(reading, node, "relation");

    shape->is_repeat = srt_xml_is(node, "repeat");
    shape->type = (enum dx_sr_value)INDEX_OF((const char *)node->name, srt_type_names);
    shape->relation =
        relation ? (enum dx_sr_relation)INDEX_OF(relation, srt_relation_names) : DX_SR_CONTAINS;
    shape->each = (enum srt_each)INDEX_OF(srt_xml_attribute(reading, node, "each"), eaches);
}

static void read_shape(struct srt_reading *reading, const xmlNode *node, struct srt_shape *shape)
{
    const char *optional = srt_xml_attribute(reading, node, "optional");

    read_kind(reading, node, shape);
    shape->line = srt_xml_line(node);
    shape->optional = optional && (strcmp(optional, "true") == 0 || strcmp(optional, "1") == 0);
    shape->row = srt_xml_attribute(reading, node, "row");
    shape->name = srt_xml_attribute(reading, node, "name");
    shape->value = srt_xml_attribute(reading, node, "value");
    shape->say = srt_xml_attribute(reading, node, "say");
    shape->unit = srt_xml_attribute(reading, node, "unit");
    shape->template_id = srt_xml_attribute(reading, node, "template");
    shape->when = srt_xml_attribute(reading, node, "when");
}

void srt_check_text(struct srt_reading *reading, int line, const char *text)
{
    for (const char *open = text ? strchr(text, '{') : NULL; open; open = strchr(open + 1, '{')) {
        size_t length = strcspn(open + 1, "}");
        if (!open[1 + length] || !srt_is_value(open + 1, length)) {
            srt_reading_fail(reading, line, "there is no value {%.*s}",
                             length > 64 ? 64 : (int)length, open + 1);
            return;
        }
    }
}

/* A code's id; one with a placeholder is known only when it is filled. */
static void check_code(struct srt_reading *reading, const struct srt_shape *shape, const char *id)
{
    srt_check_text(reading, shape->line, id);
    if (id && !strchr(id, '{') && !srt_find_code(reading->template_, id))
        srt_reading_fail(reading, shape->line, "there is no code \"%.64s\"", id);
}

static void check_when(struct srt_reading *reading, const struct srt_shape *shape)
{
    const char *when = shape->when ? shape->when : "";

    for (when += strspn(when, " "); *when;) {
        const char *name = when + (*when == '!');
        size_t length = strcspn(name, " ");
        if (!srt_is_value(name, length))
            srt_reading_fail(reading, shape->line, "there is no value \"%.*s\"",
                             length > 64 ? 64 : (int)length, name);
        when = name + length;
        when += strspn(when, " ");
    }
}

static void check_shape(struct srt_reading *reading, const struct srt_shape *shape)
{
    bool is_text = shape->type == DX_SR_TEXT;
    bool wants_value = shape->type == DX_SR_CODE || shape->type == DX_SR_NUM ||
                       shape->type == DX_SR_UIDREF || (is_text && !shape->say);

    check_when(reading, shape);
    if (shape->is_repeat)
        return;
    if ((!shape->name && shape->type != DX_SR_IMAGE) || wants_value != (shape->value != NULL) ||
        (shape->type == DX_SR_NUM) != (shape->unit != NULL) || (shape->say && !is_text))
        srt_reading_fail(reading, shape->line,
                         "a row needs name; code, num and uidref need value, text value or say, "
                         "num unit");
    check_code(reading, shape, shape->name);
    check_code(reading, shape, shape->unit);
    if (shape->type == DX_SR_CODE)
        check_code(reading, shape, shape->value);
    else
        srt_check_text(reading, shape->line, shape->value);
    if (shape->say && !srt_phrase(reading->template_, shape->say))
        srt_reading_fail(reading, shape->line, "there is no phrase \"%.64s\"", shape->say);
}

/* Recursion is bounded by libxml2's 256 levels. */
static struct srt_shape *read_shapes(struct srt_reading *reading, const xmlNode *node)
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

static void read_scheme(struct srt_reading *reading, const xmlNode *node)
{
    struct srt_scheme *scheme = &reading->template_->scheme;

    if (!node)
        return;
    scheme->designator = srt_xml_attribute(reading, node, "designator");
    scheme->name = srt_xml_attribute(reading, node, "name");
    scheme->organization = srt_xml_attribute(reading, node, "organization");
}

/* A code of our own must be announced: receivers cannot look it up. */
static void check_scheme(struct srt_reading *reading, const struct srt_named_code *code)
{
    const char *known = reading->template_->scheme.designator;

    if (reading->status == SRT_OK && strncmp(code->code.scheme, "99", 2) == 0 &&
        (!known || strcmp(code->code.scheme, known) != 0))
        srt_reading_fail(reading, code->line, "scheme \"%s\" is private and not declared",
                         code->code.scheme);
}

static void read_codes(struct srt_reading *reading, const xmlNode *list)
{
    struct srt_template *template_ = reading->template_;
    size_t count = xmlChildElementCount((xmlNode *)list);

    template_->codes = srt_arena_zero(&template_->arena, count * sizeof *template_->codes);
    if (!template_->codes)
        reading->status = SRT_NO_MEMORY;
    for (const xmlNode *node = list->children; node && reading->status == SRT_OK;
         node = node->next) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        struct srt_named_code *code = &template_->codes[template_->code_count++];
        code->line = srt_xml_line(node);
        code->id = srt_xml_attribute(reading, node, "id");
        code->code.value = srt_xml_attribute(reading, node, "value");
        code->code.scheme = srt_xml_attribute(reading, node, "scheme");
        code->code.meaning = srt_xml_attribute(reading, node, "meaning");
        check_scheme(reading, code);
    }
}

const struct dx_code *srt_find_code(const struct srt_template *template_, const char *id)
{
    for (size_t i = 0; i < template_->code_count; i++)
        if (strcmp(template_->codes[i].id, id) == 0)
            return &template_->codes[i].code;
    return NULL;
}

static void read_all(struct srt_reading *reading, const struct srt_source *shape,
                     const struct srt_source *words, const char *language)
{
    xmlDoc *doc = srt_xml_read(reading, shape, srt_schema_text, srt_schema_text_size);
    struct srt_reading others = {reading->template_, words->file, reading->err, SRT_OK};

    if (!doc)
        return;
    const xmlNode *root = xmlDocGetRootElement(doc);
    reading->template_->version = srt_xml_attribute(reading, root, "version");
    reading->template_->language = srt_arena_text(&reading->template_->arena, language);
    read_scheme(reading, srt_xml_child(root, "scheme"));
    read_codes(reading, srt_xml_child(root, "codes"));
    if (reading->status == SRT_OK) {
        srt_read_phrases(&others, words, language);
        reading->status = others.status;
    }
    if (reading->status == SRT_OK)
        reading->template_->root = read_shapes(reading, srt_xml_child(root, "container"));
    if (reading->status == SRT_OK) {
        reading->template_->root->relation = DX_SR_ROOT;
        srt_check_rows(reading, reading->template_->root);
    }
    xmlFreeDoc(doc);
}

enum srt_status srt_template_parse(const struct srt_source *shape, const struct srt_source *words,
                                   const char *language, struct srt_template **template_,
                                   struct srt_error *err)
{
    struct srt_error unheard;
    struct srt_reading reading = {calloc(1, sizeof **template_), shape->file, err ? err : &unheard,
                                  SRT_OK};

    *template_ = NULL;
    if (!reading.template_)
        return srt_fail(err, SRT_NO_MEMORY, "out of memory");
    read_all(&reading, shape, words, language);
    if (reading.status == SRT_OK && (!reading.template_->version || !reading.template_->language))
        reading.status = SRT_NO_MEMORY;
    if (reading.status == SRT_NO_MEMORY)
        (void)srt_fail(err, SRT_NO_MEMORY, "out of memory");
    if (reading.status == SRT_OK)
        *template_ = reading.template_;
    else
        srt_template_close(reading.template_);
    return reading.status;
}

/* The file's bytes; the caller frees source->text, whose name is path's. */
static enum srt_status read_file(const char *path, struct srt_source *source, struct srt_error *err)
{
    enum srt_status status = SRT_OK;
    FILE *in = fopen(path, "re");
    char *text;

    *source = (struct srt_source){path, NULL, 0};
    if (!in)
        return srt_fail(err, SRT_MISSING, "%.180s: %s", path, strerror(errno));
    text = malloc(SRT_MAX_TEMPLATE + 1u);
    if (!text) {
        status = srt_fail(err, SRT_NO_MEMORY, "out of memory");
    } else {
        source->text = text;
        source->size = fread(text, 1, SRT_MAX_TEMPLATE + 1u, in);
        if (ferror(in))
            status = srt_fail(err, SRT_MISSING, "%.180s: cannot be read", path);
        else if (source->size > SRT_MAX_TEMPLATE)
            status =
                srt_fail(err, SRT_BAD_TEMPLATE, "%.180s: over %u bytes", path, SRT_MAX_TEMPLATE);
    }
    fclose(in);
    return status;
}

enum srt_status srt_template_open(const char *dir, const char *language,
                                  struct srt_template **template_, struct srt_error *err)
{
    struct srt_source shape = {"built-in cspine.xml", srt_cspine_text, srt_cspine_text_size};
    struct srt_source words = {"built-in words.xml", srt_words_text, srt_words_text_size};
    char shape_path[4096], words_path[4096];
    enum srt_status status;

    *template_ = NULL;
    if (!srt_language_known(language))
        return srt_fail(err, SRT_INVALID, "language \"%.16s\" is not one of en, de, fr, es",
                        language ? language : "");
    if (!dir)
        return srt_template_parse(&shape, &words, language, template_, err);
    snprintf(shape_path, sizeof shape_path, "%s/cspine.xml", dir);
    snprintf(words_path, sizeof words_path, "%s/words.xml", dir);
    words.text = NULL;
    status = read_file(shape_path, &shape, err);
    if (status == SRT_OK)
        status = read_file(words_path, &words, err);
    if (status == SRT_OK)
        status = srt_template_parse(&shape, &words, language, template_, err);
    free((char *)shape.text);
    free((char *)words.text);
    return status;
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

void srt_template_scheme(const struct srt_template *template_, struct srt_scheme *scheme)
{
    *scheme = template_->scheme;
}

bool srt_template_codes(const struct srt_template *template_, const char *finding)
{
    char id[SRT_MAX_TEXT];
    int length = snprintf(id, sizeof id, "finding-%s", finding);

    return length > 0 && (size_t)length < sizeof id && srt_find_code(template_, id) != NULL;
}
