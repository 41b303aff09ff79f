/* The sentences that report, picture and list share; their words are words.xml's. */
#include "srt_private.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char srt_research_line[] =
    "RESEARCH - trained on synthetic images; sensitivity in injured patients: NOT MEASURED (n = 0)";

const char *srt_status_text(enum srt_status status)
{
    switch (status) {
#define X(code, text)                                                                              \
    case code:                                                                                     \
        return text;
        SRT_STATUS_MAP(X)
#undef X
    }
    return "unknown status";
}

enum srt_status srt_fail(struct srt_error *err, enum srt_status status, const char *format, ...)
{
    va_list arguments;

    if (err) {
        err->status = status;
        va_start(arguments, format);
        vsnprintf(err->text, sizeof err->text, format, arguments);
        va_end(arguments);
    }
    return status;
}

void srt_append(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

const char *srt_words_of(const struct srt_template *template_, const char *prefix, const char *name)
{
    char id[128];

    snprintf(id, sizeof id, "%s.%s", prefix, name);
    const char *words = srt_phrase(template_, id);
    return words ? words : name;
}

/* Whether the opinion's class belongs in a list. */
typedef bool wants_fn(const struct srt_image *image, const struct srt_class *class_);

static bool wants_finding(const struct srt_image *image, const struct srt_class *class_)
{
    (void)image;
    return srt_is_finding(class_);
}

/* The names of the classes wanted, each once, of one image and model. */
static size_t gather(const struct srt_image *image, size_t model, wants_fn *wants,
                     const char *names[SRT_MAX_CLASSES], size_t count)
{
    const struct srt_opinion *opinion = &image->opinion[model];

    for (size_t i = 0; srt_is_judged(image) && i < opinion->classes; i++) {
        const char *name = opinion->class_[i].name;
        bool is_new = wants(image, &opinion->class_[i]) && count < SRT_MAX_CLASSES;
        for (size_t n = 0; is_new && n < count; n++)
            is_new = strcmp(names[n], name) != 0;
        if (is_new)
            names[count++] = name;
    }
    return count;
}

static void put_names(const struct srt_scope *scope, const char *const *names, size_t count,
                      char *text, size_t size)
{
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        srt_append(text, size, "%s%s", i > 0 ? ", " : "",
                   srt_words_of(scope->template_, "class", names[i]));
}

static void put_study_names(const struct srt_scope *scope, wants_fn *wants, char *text, size_t size)
{
    const char *names[SRT_MAX_CLASSES];
    size_t count = 0;

    for (size_t i = 0; i < scope->result->image_count; i++)
        for (size_t m = 0; m < scope->result->model_count; m++)
            count = gather(&scope->result->images[i], m, wants, names, count);
    put_names(scope, names, count, text, size);
}

void srt_put_findings(const struct srt_scope *scope, char *text, size_t size)
{
    put_study_names(scope, srt_is_named, text, size);
}

void srt_put_disputed(const struct srt_scope *scope, char *text, size_t size)
{
    put_study_names(scope, srt_is_disputed, text, size);
}

void srt_put_model_findings(const struct srt_scope *scope, char *text, size_t size)
{
    const char *names[SRT_MAX_CLASSES];

    if (scope->image)
        put_names(scope, names, gather(scope->image, scope->model, wants_finding, names, 0), text,
                  size);
}

void srt_put_opinions(const struct srt_scope *scope, char *text, size_t size)
{
    struct srt_scope inner = *scope;
    char findings[512], words[1024];

    text[0] = '\0';
    for (inner.model = 0; scope->image && inner.model < scope->result->model_count; inner.model++) {
        if (scope->image->opinion[inner.model].classes == 0)
            continue;
        findings[0] = '\0';
        srt_put_model_findings(&inner, findings, sizeof findings);
        srt_say(&inner, findings[0] ? "opinion.finding" : "opinion.none", words, sizeof words);
        srt_append(text, size, "%s%s", text[0] ? "; " : "", words);
    }
}

/* The reason that all unjudged images share, or SRT_REASON_NONE; a conflict is the reason beside
 * any other, because it makes the study's other images doubtful too. */
static enum srt_reason shared_reason(const struct srt_result *result)
{
    enum srt_reason shared = SRT_REASON_NONE;
    bool differs = false;

    for (size_t i = 0; i < result->image_count; i++) {
        const struct srt_image *image = &result->images[i];
        if (srt_is_judged(image))
            continue;
        if (image->reason == SRT_CONFLICT)
            return SRT_CONFLICT;
        differs |= shared != SRT_REASON_NONE && shared != image->reason;
        shared = image->reason;
    }
    return differs ? SRT_REASON_NONE : shared;
}

void srt_put_shared_reason(const struct srt_scope *scope, char *text, size_t size)
{
    snprintf(
        text, size, "%s",
        srt_words_of(scope->template_, "reason", srt_reason_name(shared_reason(scope->result))));
}

void srt_put_sentence(const struct srt_scope *scope, char *text, size_t size)
{
    const struct srt_result *result = scope->result;
    size_t judged = srt_count_judged(result);
    char id[64], part[256];

    if (result->outcome == SRT_NOT_PROCESSED && shared_reason(result) == SRT_REASON_NONE)
        snprintf(id, sizeof id, "outcome.each-its-reason");
    else
        snprintf(id, sizeof id, "outcome.%s", srt_outcome_name(result->outcome));
    srt_say(scope, id, text, size);
    if (judged > 0 && judged < result->image_count) {
        srt_say(scope, "outcome.part", part, sizeof part);
        srt_append(text, size, " %s", part);
    }
}

void srt_sentence(const struct srt_template *template_, const struct srt_result *result, char *text,
                  size_t size)
{
    const struct srt_scope scope = {.template_ = template_, .result = result};
    char whole[SRT_MAX_TEXT] = "";

    srt_put_sentence(&scope, whole, sizeof whole);
    srt_clean(whole, result->ascii, template_->language);
    srt_copy(text, size, whole);
}
