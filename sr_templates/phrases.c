/* Reads words.xml: the phrases of one language. Each phrase has a text in every language that the
 * file knows, so a report can never begin in one language and end in another. */
#include "xml.h"
#include <stdio.h>
#include <string.h>

static const char *const languages[] = {"en", "de", "fr", "es"};
enum { LANGUAGES = sizeof languages / sizeof *languages };

/* What the code says by itself; the shapes' phrases come beside them, and a reason's, an outcome's
 * and an amendment's of each name. */
static const char *const wanted[] = {
    "outcome.finding",
    "outcome.no-finding",
    "outcome.undetermined",
    "outcome.incomplete",
    "outcome.not-processed",
    "outcome.each-its-reason",
    "outcome.part",
    "rule.finding",
    "rule.no-finding",
    "rule.c7-t1-not-asked",
    "rule.undetermined",
    "rule.incomplete",
    "rule.not-processed",
    "amendment.late-image",
    "amendment.corrected",
    "amendment.rejected",
    "amendment.by-person",
    "opinion.finding",
    "opinion.none",
    "class.none",
    "view.unknown",
    "coverage.short",
    "coverage.unknown",
    "comment.disagreement",
    "comment.note",
    "comment.coverage",
    "comment.model",
    "comment.intended-use",
    "comment.scores",
    "comment.priors",
    "comment.region",
    "comment.amends",
    "text.title",
    "text.images",
    "text.models",
    "text.limits",
    "text.image",
    "text.series",
    "text.not-judged",
    "text.finding",
    "text.no-finding",
    "text.undetermined",
    "text.operating-point",
    "text.at-or-above",
    "text.below",
    "picture.original",
    "picture.overlay",
    "picture.not-for-diagnosis",
    "picture.score",
    "picture.operating-point",
    "picture.model",
    "picture.low",
    "picture.high",
    "picture.neither",
    "picture.disclaimer",
    "picture.nothing-drawn",
    "picture.relative",
    "picture.region",
};

bool srt_language_known(const char *language)
{
    for (size_t i = 0; language && i < LANGUAGES; i++)
        if (strcmp(languages[i], language) == 0)
            return true;
    return false;
}

const char *srt_phrase(const struct srt_template *template_, const char *id)
{
    for (size_t i = 0; i < template_->phrase_count; i++)
        if (strcmp(template_->phrases[i].id, id) == 0)
            return template_->phrases[i].text;
    return NULL;
}

/* White space in the file is layout: one blank between words. */
static const char *read_text(struct srt_reading *reading, const xmlNode *node)
{
    xmlChar *content = xmlNodeGetContent((xmlNode *)node);
    char text[SRT_MAX_TEXT] = "";
    size_t used = 0;

    if (!content) {
        reading->status = SRT_NO_MEMORY;
        return NULL;
    }
    for (const char *c = (const char *)content; *c && used + 1 < sizeof text; c++) {
        bool blank = strchr(" \t\r\n", *c) != NULL;
        if (!blank)
            text[used++] = *c;
        else if (used > 0 && text[used - 1] != ' ')
            text[used++] = ' ';
    }
    while (used > 0 && text[used - 1] == ' ')
        used--;
    text[used] = '\0';
    xmlFree(content);
    const char *kept = srt_arena_text(&reading->template_->arena, text);
    if (!kept)
        reading->status = SRT_NO_MEMORY;
    return kept;
}

/* Whether other has every {value} of text. */
static bool has_values_of(const char *other, const char *text)
{
    for (const char *open = strchr(text, '{'); open; open = strchr(open + 1, '{')) {
        char value[80];
        snprintf(value, sizeof value, "%.*s}", (int)strcspn(open, "}"), open);
        if (!strstr(other, value))
            return false;
    }
    return true;
}

static void check_phrase(struct srt_reading *reading, int line, const char *id, const char *text,
                         const char *first)
{
    srt_check_text(reading, line, text);
    if (reading->status == SRT_OK && first &&
        !(has_values_of(text, first) && has_values_of(first, text)))
        srt_reading_fail(reading, line, "phrase \"%s\" has other {values} than in \"%s\"", id,
                         languages[0]);
}

static void read_phrase(struct srt_reading *reading, const xmlNode *node, const char *language)
{
    struct srt_template *template_ = reading->template_;
    struct srt_phrase *phrase = &template_->phrases[template_->phrase_count];

    const char *first = NULL;

    phrase->id = srt_xml_attribute(reading, node, "id");
    for (size_t i = 0; i < LANGUAGES && reading->status == SRT_OK; i++) {
        const xmlNode *child = srt_xml_child(node, languages[i]);
        const char *text = child ? read_text(reading, child) : NULL;
        if (reading->status == SRT_OK && (!text || text[0] == '\0'))
            srt_reading_fail(reading, srt_xml_line(child ? child : node),
                             "phrase \"%s\" has no text in \"%s\"", phrase->id, languages[i]);
        if (reading->status == SRT_OK)
            check_phrase(reading, srt_xml_line(child), phrase->id, text, first);
        first = first ? first : text;
        if (strcmp(languages[i], language) == 0)
            phrase->text = text;
    }
    if (reading->status == SRT_OK)
        template_->phrase_count++;
}

static void want(struct srt_reading *reading, int line, const char *prefix, const char *name)
{
    char id[128];

    snprintf(id, sizeof id, "%s%s%s", prefix, prefix[0] ? "." : "", name);
    if (reading->status == SRT_OK && !srt_phrase(reading->template_, id))
        srt_reading_fail(reading, line, "there is no phrase \"%s\"", id);
}

/* All that can be asked for later. */
static void check_all(struct srt_reading *reading, int line)
{
    const struct srt_template *template_ = reading->template_;

    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        want(reading, line, "", wanted[i]);
    for (int i = SRT_REASON_NONE; i <= SRT_C7_T1_NOT_SHOWN; i++)
        want(reading, line, "reason", srt_reason_name((enum srt_reason)i));
    for (size_t i = 0; i < template_->code_count; i++)
        if (strncmp(template_->codes[i].id, "finding-", 8) == 0)
            want(reading, line, "class", template_->codes[i].id + 8);
}

void srt_read_phrases(struct srt_reading *reading, const struct srt_source *words,
                      const char *language)
{
    struct srt_template *template_ = reading->template_;
    xmlDoc *doc = srt_xml_read(reading, words, srt_words_schema_text, srt_words_schema_text_size);

    if (!doc)
        return;
    const xmlNode *root = xmlDocGetRootElement(doc);
    size_t count = xmlChildElementCount((xmlNode *)root);
    template_->phrases = srt_arena_zero(&template_->arena, count * sizeof *template_->phrases);
    if (!template_->phrases)
        reading->status = SRT_NO_MEMORY;
    for (const xmlNode *node = root->children; node && reading->status == SRT_OK; node = node->next)
        if (node->type == XML_ELEMENT_NODE)
            read_phrase(reading, node, language);
    check_all(reading, srt_xml_line(root));
    xmlFreeDoc(doc);
}
