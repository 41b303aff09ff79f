/* The values that a template or a phrase may name: {name} in a text, name in `when`. */
#include "srt_private.h"
#include <stdio.h>
#include <string.h>

/* Writes the value; leaves the text empty when it is not there. */
typedef void value_fn(const struct srt_scope *scope, char *text, size_t size);

static void put(char *text, size_t size, const char *value)
{
    snprintf(text, size, "%s", value ? value : "");
}

static void put_flag(char *text, size_t size, bool flag)
{
    put(text, size, flag ? "yes" : "");
}

static const struct srt_model *model_of(const struct srt_scope *scope)
{
    return &scope->result->models[scope->model];
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
RESULT_TEXT(amends, amends)

/* A field of the scope's model, else of the first one. */
#define MODEL_TEXT(function, field)                                                                \
    static void function(const struct srt_scope *scope, char *text, size_t size)                   \
    {                                                                                              \
        put(text, size, model_of(scope)->field);                                                   \
    }
MODEL_TEXT(algorithm_name, name)
MODEL_TEXT(algorithm_version, version)
MODEL_TEXT(weights_digest, weights_digest)
MODEL_TEXT(parameters, parameters)
MODEL_TEXT(intended_use, intended_use)

/* A field of the image that is a text. */
#define IMAGE_TEXT(function, field)                                                                \
    static void function(const struct srt_scope *scope, char *text, size_t size)                   \
    {                                                                                              \
        put(text, size, scope->image ? scope->image->field : "");                                  \
    }
IMAGE_TEXT(modality, modality)
IMAGE_TEXT(rows, rows)
IMAGE_TEXT(columns, columns)
IMAGE_TEXT(tracking_uid, tracking_uid)
IMAGE_TEXT(image_uid, reference.sop_instance)

/* A condition: "yes" or nothing. */
#define FLAG(function, condition)                                                                  \
    static void function(const struct srt_scope *scope, char *text, size_t size)                   \
    {                                                                                              \
        put_flag(text, size, condition);                                                           \
    }
FLAG(some_judged, srt_count_judged(scope->result) > 0)
FLAG(judged, scope->image &&srt_is_judged(scope->image))
FLAG(undetermined, scope->image && scope->image->outcome == SRT_UNDETERMINED)
FLAG(incomplete, scope->result->outcome == SRT_INCOMPLETE)
FLAG(series, scope->image && scope->image->slices)
FLAG(disputed, scope->image &&srt_has_dispute(scope->image))
FLAG(calibrated, model_of(scope)->calibrated)
FLAG(class_finding, scope->class_ && scope->class_->finding)
/* The region is the first model's. */
FLAG(region, scope->image && scope->image->region && scope->model == 0)

static void some_uncalibrated(const struct srt_scope *scope, char *text, size_t size)
{
    bool some = false;

    for (size_t m = 0; m < scope->result->model_count; m++)
        some |= !scope->result->models[m].calibrated;
    put_flag(text, size, some && srt_count_judged(scope->result) > 0);
}

/* CID 29 has no code for every modality that there is. */
static void modality_listed(const struct srt_scope *scope, char *text, size_t size)
{
    char id[64];

    snprintf(id, sizeof id, "modality-%s",
             scope->image && scope->image->modality ? scope->image->modality : "");
    put_flag(text, size, srt_find_code(scope->template_, id) != NULL);
}

static void language(const struct srt_scope *scope, char *text, size_t size)
{
    put(text, size, scope->template_->language);
}

static void research(const struct srt_scope *scope, char *text, size_t size)
{
    put(text, size, srt_is_synthetic(scope->result) ? srt_research_line : "");
}

/* For texts that are too short for the whole line. */
static void research_word(const struct srt_scope *scope, char *text, size_t size)
{
    put(text, size, srt_is_synthetic(scope->result) ? "RESEARCH - " : "");
}

static void outcome(const struct srt_scope *scope, char *text, size_t size)
{
    put(text, size, srt_outcome_name(scope->result->outcome));
}

static void rule(const struct srt_scope *scope, char *text, size_t size)
{
    char id[64];

    if (scope->result->outcome == SRT_NO_FINDING && !srt_is_covered(scope->result))
        snprintf(id, sizeof id, "rule.c7-t1-not-asked");
    else
        snprintf(id, sizeof id, "rule.%s", srt_outcome_name(scope->result->outcome));
    srt_say(scope, id, text, size);
}

/* CID 6047, as the end of a code's id. */
static void summary(const struct srt_scope *scope, char *text, size_t size)
{
    bool all = srt_count_judged(scope->result) == scope->result->image_count;
    bool with = scope->result->outcome == SRT_FINDING;

    if (scope->result->outcome == SRT_NOT_PROCESSED)
        put(text, size, "none");
    else
        snprintf(text, size, "%s-%s", all ? "all" : "part", with ? "with" : "without");
}

static void amendment(const struct srt_scope *scope, char *text, size_t size)
{
    static const char *const ids[] = {[SRT_LATE_IMAGE] = "amendment.late-image",
                                      [SRT_CORRECTED] = "amendment.corrected",
                                      [SRT_REJECTED] = "amendment.rejected",
                                      [SRT_BY_PERSON] = "amendment.by-person"};

    if (scope->result->amends && (size_t)scope->result->amendment < sizeof ids / sizeof *ids)
        srt_say(scope, ids[scope->result->amendment], text, size);
}

static void judged_count(const struct srt_scope *scope, char *text, size_t size)
{
    snprintf(text, size, "%zu", srt_count_judged(scope->result));
}

static void image_count(const struct srt_scope *scope, char *text, size_t size)
{
    snprintf(text, size, "%zu", scope->result->image_count);
}

static void image_number(const struct srt_scope *scope, char *text, size_t size)
{
    if (scope->image)
        snprintf(text, size, "%zu", scope->image_number);
}

static void slices(const struct srt_scope *scope, char *text, size_t size)
{
    if (scope->image && scope->image->slices)
        snprintf(text, size, "%zu", scope->image->slice_count);
}

/* "swimmer's" is phrase view.swimmers, "left lateral" view.left-lateral. */
static void view(const struct srt_scope *scope, char *text, size_t size)
{
    const char *words = scope->image && scope->image->view ? scope->image->view : "";
    char name[48];
    size_t used = 0;

    if (words[0] == '\0') {
        srt_say(scope, "view.unknown", text, size);
        return;
    }
    for (const char *c = words; *c && used + 1 < sizeof name; c++)
        if (*c != '\'')
            name[used++] = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c == ' ' ? '-' : *c;
    name[used] = '\0';
    const char *known = srt_words_of(scope->template_, "view", name);
    put(text, size, known == name ? words : known);
}

static void coverage(const struct srt_scope *scope, char *text, size_t size)
{
    if (!scope->image || !srt_is_judged(scope->image))
        return;
    if (scope->image->coverage == SRT_COVERAGE_SHORT)
        srt_say(scope, "coverage.short", text, size);
    else if (scope->image->coverage == SRT_COVERAGE_UNKNOWN &&
             (scope->result->outcome == SRT_INCOMPLETE || scope->result->outcome == SRT_NO_FINDING))
        srt_say(scope, "coverage.unknown", text, size);
}

static void reason_words(const struct srt_scope *scope, char *text, size_t size)
{
    if (scope->image)
        put(text, size,
            srt_words_of(scope->template_, "reason", srt_reason_name(scope->image->reason)));
}

static void reason(const struct srt_scope *scope, char *text, size_t size)
{
    put(text, size, scope->image ? srt_reason_name(scope->image->reason) : "");
}

static void reason_code(const struct srt_scope *scope, char *text, size_t size)
{
    put(text, size, scope->image ? srt_reason_nearest(scope->image->reason) : "");
}

/* Follows the reason's words. */
static void detail(const struct srt_scope *scope, char *text, size_t size)
{
    const char *words = scope->image && scope->image->detail ? scope->image->detail : "";

    if (words[0])
        snprintf(text, size, " (%s)", words);
}

/* What a judged image's reader should know. */
static void note(const struct srt_scope *scope, char *text, size_t size)
{
    if (scope->image && srt_is_judged(scope->image))
        put(text, size, scope->image->detail);
}

static void of_model(const struct srt_scope *scope, char *text, size_t size)
{
    if (scope->result->model_count > 1 && model_of(scope)->name)
        snprintf(text, size, ", %s", model_of(scope)->name);
}

/* Each group's UID is its own: the image's for the first model's first finding. */
static void group_uid(const struct srt_scope *scope, char *text, size_t size)
{
    if (!scope->image || !scope->image->tracking_uid)
        return;
    put(text, size, scope->image->tracking_uid);
    if (scope->class_)
        srt_append(text, size, ".%zu.%zu", scope->model + 1, scope->class_number);
    else if (scope->model > 0)
        srt_append(text, size, ".%zu", scope->model + 1);
}

static void class_name(const struct srt_scope *scope, char *text, size_t size)
{
    put(text, size, scope->class_ ? scope->class_->name : "");
}

/* A class that is no finding must not read like a statement about the patient. */
static void class_code(const struct srt_scope *scope, char *text, size_t size)
{
    if (scope->class_)
        put(text, size, scope->class_->finding ? scope->class_->name : "none");
}

static void class_words(const struct srt_scope *scope, char *text, size_t size)
{
    if (scope->class_)
        put(text, size,
            srt_words_of(scope->template_, "class",
                         scope->class_->finding ? scope->class_->name : "none"));
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

/* Known only to who draws the picture. */
static void threshold(const struct srt_scope *scope, char *text, size_t size)
{
    (void)scope;
    put(text, size, "");
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
    {"language", language},
    {"research", research},
    {"research-word", research_word},
    {"outcome", outcome},
    {"sentence", srt_put_sentence},
    {"rule", rule},
    {"summary", summary},
    {"amends", amends},
    {"amendment", amendment},
    {"judged-count", judged_count},
    {"image-count", image_count},
    {"some-judged", some_judged},
    {"some-uncalibrated", some_uncalibrated},
    {"incomplete", incomplete},
    {"findings", srt_put_findings},
    {"disputed-findings", srt_put_disputed},
    {"shared-reason", srt_put_shared_reason},
    {"algorithm-name", algorithm_name},
    {"algorithm-version", algorithm_version},
    {"weights-digest", weights_digest},
    {"parameters", parameters},
    {"intended-use", intended_use},
    {"calibrated", calibrated},
    {"of-model", of_model},
    {"modality", modality},
    {"modality-listed", modality_listed},
    {"rows", rows},
    {"columns", columns},
    {"view", view},
    {"tracking-uid", tracking_uid},
    {"group-uid", group_uid},
    {"image-uid", image_uid},
    {"image-number", image_number},
    {"series", series},
    {"slices", slices},
    {"judged", judged},
    {"undetermined", undetermined},
    {"region", region},
    {"coverage", coverage},
    {"reason", reason},
    {"reason-code", reason_code},
    {"reason-words", reason_words},
    {"detail", detail},
    {"note", note},
    {"disputed", disputed},
    {"opinions", srt_put_opinions},
    {"model-findings", srt_put_model_findings},
    {"class-name", class_name},
    {"class-code", class_code},
    {"class-words", class_words},
    {"class-finding", class_finding},
    {"score", score},
    {"operating-point", operating_point},
    {"threshold", threshold},
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

void srt_expand(const struct srt_scope *scope, const char *pattern, char *text, size_t size)
{
    size_t used = 0;

    while (pattern && *pattern && used + 1 < size) {
        size_t length = *pattern == '{' ? strcspn(pattern, "}") : 0;
        if (length > 0) {
            srt_value(scope, pattern + 1, length - 1, text + used, size - used);
            used += strlen(text + used);
            pattern += length + (pattern[length] == '}');
        } else {
            text[used++] = *pattern++;
        }
    }
    text[used] = '\0';
}

void srt_say(const struct srt_scope *scope, const char *id, char *text, size_t size)
{
    struct srt_scope inner = *scope;

    text[0] = '\0';
    if (inner.depth++ < SRT_MAX_DEPTH)
        srt_expand(&inner, srt_phrase(scope->template_, id), text, size);
}
