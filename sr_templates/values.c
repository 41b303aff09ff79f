/* The values that a template may name: {name} in a text, name in `when`. */
#include "srt_private.h"
#include <stdio.h>
#include <string.h>

/* Writes the value; leaves the text empty when it is not there. */
typedef void value_fn(const struct srt_scope *scope, char *text, size_t size);

bool srt_is_finding(const struct srt_class *class_)
{
    return class_->finding && class_->score >= class_->operating_point;
}

bool srt_is_judged(const struct srt_image *image)
{
    return image->outcome != SRT_NOT_PROCESSED;
}

size_t srt_count_judged(const struct srt_result *result)
{
    size_t count = 0;

    for (size_t i = 0; i < result->image_count; i++)
        count += srt_is_judged(&result->images[i]);
    return count;
}

const struct srt_class *srt_first_finding(const struct srt_image *image)
{
    const struct srt_class *first = NULL;

    for (size_t i = 0; i < image->opinion[0].classes; i++) {
        const struct srt_class *class_ = &image->opinion[0].class_[i];
        if (srt_is_finding(class_) && (!first || class_->score > first->score))
            first = class_;
    }
    return first;
}

static void put(char *text, size_t size, const char *value)
{
    snprintf(text, size, "%s", value ? value : "");
}

/* A field of the result that is a text. */
#define RESULT_TEXT(function, field)                                                               \
    static void function(const struct srt_scope *scope, char *text, size_t size)                   \
    {                                                                                              \
        put(text, size, scope->result->field);                                                     \
    }
RESULT_TEXT(device_uid, device_uid)
RESULT_TEXT(manufacturer, manufacturer)
RESULT_TEXT(model_name, model_name)
RESULT_TEXT(serial, serial)
RESULT_TEXT(station_ae, station_ae)
RESULT_TEXT(software_version, software_version)
RESULT_TEXT(algorithm_name, models[0].name)
RESULT_TEXT(algorithm_version, models[0].version)
RESULT_TEXT(weights_digest, models[0].weights_digest)
RESULT_TEXT(parameters, models[0].parameters)
RESULT_TEXT(intended_use, models[0].intended_use)
RESULT_TEXT(amends, amends)

/* A field of the image that is a text. */
#define IMAGE_TEXT(function, field)                                                                \
    static void function(const struct srt_scope *scope, char *text, size_t size)                   \
    {                                                                                              \
        put(text, size, scope->image ? scope->image->field : "");                                  \
    }
IMAGE_TEXT(modality, modality)
IMAGE_TEXT(rows, rows)
IMAGE_TEXT(columns, columns)
IMAGE_TEXT(view, view)
IMAGE_TEXT(tracking_uid, tracking_uid)
IMAGE_TEXT(image_uid, reference.sop_instance)

static void research(const struct srt_scope *scope, char *text, size_t size)
{
    put(text, size, srt_is_synthetic(scope->result) ? srt_research_line : "");
}

/* For texts that are too short for the whole line. */
static void research_word(const struct srt_scope *scope, char *text, size_t size)
{
    put(text, size, srt_is_synthetic(scope->result) ? "RESEARCH - " : "");
}

static void sentence(const struct srt_scope *scope, char *text, size_t size)
{
    srt_sentence(scope->template_, scope->result, text, size);
}

/* CID 6047, as the end of a code's id. */
static void summary(const struct srt_scope *scope, char *text, size_t size)
{
    size_t judged = srt_count_judged(scope->result);
    bool all = judged == scope->result->image_count;
    bool with = scope->result->outcome == SRT_FINDING;

    if (scope->result->outcome == SRT_NOT_PROCESSED)
        put(text, size, "none");
    else
        snprintf(text, size, "%s-%s", all ? "all" : "part", with ? "with" : "without");
}

static void some_judged(const struct srt_scope *scope, char *text, size_t size)
{
    put(text, size, srt_count_judged(scope->result) > 0 ? "yes" : "");
}

static void judged(const struct srt_scope *scope, char *text, size_t size)
{
    put(text, size, scope->image && srt_is_judged(scope->image) ? "yes" : "");
}

static void image_number(const struct srt_scope *scope, char *text, size_t size)
{
    if (scope->image)
        snprintf(text, size, "%zu", scope->image_number);
}

static void reason_words(const struct srt_scope *scope, char *text, size_t size)
{
    put(text, size, scope->image ? srt_reason_words(scope->image->reason) : "");
}

static void reason(const struct srt_scope *scope, char *text, size_t size)
{
    put(text, size, scope->image ? srt_reason_name(scope->image->reason) : "");
}

static void reason_code(const struct srt_scope *scope, char *text, size_t size)
{
    put(text, size, scope->image ? srt_reason_nearest(scope->image->reason) : "");
}

static void detail(const struct srt_scope *scope, char *text, size_t size)
{
    if (scope->image && scope->image->detail && scope->image->detail[0])
        snprintf(text, size, " (%s)", scope->image->detail);
}

static void note(const struct srt_scope *scope, char *text, size_t size)
{
    if (scope->image && srt_is_judged(scope->image) && scope->image->detail)
        put(text, size, scope->image->detail);
}

static void class_name(const struct srt_scope *scope, char *text, size_t size)
{
    put(text, size, scope->class_ ? scope->class_->name : "");
}

/* A class that is no finding must not read like a statement about the patient. */
static void class_words(const struct srt_scope *scope, char *text, size_t size)
{
    if (scope->class_)
        put(text, size, scope->class_->finding ? scope->class_->name : "no finding");
}

static void class_number(const struct srt_scope *scope, char *text, size_t size)
{
    if (scope->class_)
        snprintf(text, size, "%zu", scope->class_number);
}

/* DS: at most 16 characters (PS3.5 6.2). */
static void score(const struct srt_scope *scope, char *text, size_t size)
{
    if (scope->class_)
        snprintf(text, size, "%.6f", scope->class_->score);
}

static void operating_point(const struct srt_scope *scope, char *text, size_t size)
{
    if (scope->class_)
        snprintf(text, size, "%.6g", scope->class_->operating_point);
}

static const struct {
    const char *name;
    value_fn *write;
} values[] = {
    {"device-uid", device_uid},
    {"manufacturer", manufacturer},
    {"model-name", model_name},
    {"serial", serial},
    {"station-ae", station_ae},
    {"software-version", software_version},
    {"algorithm-name", algorithm_name},
    {"algorithm-version", algorithm_version},
    {"weights-digest", weights_digest},
    {"parameters", parameters},
    {"intended-use", intended_use},
    {"amends", amends},
    {"research", research},
    {"research-word", research_word},
    {"sentence", sentence},
    {"summary", summary},
    {"some-judged", some_judged},
    {"modality", modality},
    {"rows", rows},
    {"columns", columns},
    {"view", view},
    {"tracking-uid", tracking_uid},
    {"image-uid", image_uid},
    {"image-number", image_number},
    {"judged", judged},
    {"reason", reason},
    {"reason-code", reason_code},
    {"reason-words", reason_words},
    {"detail", detail},
    {"note", note},
    {"class-name", class_name},
    {"class-words", class_words},
    {"class-number", class_number},
    {"score", score},
    {"operating-point", operating_point},
};
enum { VALUES = sizeof values / sizeof *values };

static size_t find(const char *name, size_t length)
{
    size_t i = 0;

    while (i < VALUES &&
           (strlen(values[i].name) != length || memcmp(values[i].name, name, length) != 0))
        i++;
    return i;
}

bool srt_is_value(const char *name, size_t length)
{
    return find(name, length) < VALUES;
}

void srt_value(const struct srt_scope *scope, const char *name, size_t length, char *text,
               size_t size)
{
    size_t i = find(name, length);

    text[0] = '\0';
    if (i < VALUES)
        values[i].write(scope, text, size);
}
