/* The sentences that report, picture and list share. No finding is never called absent or normal: a
 * score below an operating point is no statement about the patient. */
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

__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size,
                                                         const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

/* Whether an earlier image, or an earlier class of this one, already has a finding of this name. */
static bool was_told(const struct srt_result *result, size_t image, size_t class_)
{
    const char *name = result->images[image].opinion[0].class_[class_].name;

    for (size_t i = 0; i <= image; i++) {
        const struct srt_image *earlier = &result->images[i];
        size_t end = i == image ? class_ : earlier->opinion[0].classes;
        for (size_t j = 0; srt_is_judged(earlier) && j < end; j++)
            if (srt_is_finding(&earlier->opinion[0].class_[j]) &&
                strcmp(earlier->opinion[0].class_[j].name, name) == 0)
                return true;
    }
    return false;
}

static void append_findings(const struct srt_result *result, char *text, size_t size)
{
    const char *between = "";

    for (size_t i = 0; i < result->image_count; i++) {
        const struct srt_image *image = &result->images[i];
        for (size_t j = 0; srt_is_judged(image) && j < image->opinion[0].classes; j++) {
            if (!srt_is_finding(&image->opinion[0].class_[j]) || was_told(result, i, j))
                continue;
            append(text, size, "%s%s", between, image->opinion[0].class_[j].name);
            between = ", ";
        }
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

void srt_sentence(const struct srt_template *template_, const struct srt_result *result, char *text,
                  size_t size)
{
    (void)template_;
    size_t judged = srt_count_judged(result);
    enum srt_reason shared = shared_reason(result);

    if (size == 0)
        return;
    text[0] = '\0';
    switch (result->outcome) {
    case SRT_FINDING:
        append(text, size, "Finding at or above the operating point: ");
        append_findings(result, text, size);
        append(text, size, ".");
        break;
    case SRT_NO_FINDING:
        append(text, size, "No finding above the operating point; this does not exclude injury.");
        break;
    case SRT_UNDETERMINED:
        append(text, size, "Undetermined: the models disagree.");
        break;
    case SRT_INCOMPLETE:
        append(text, size, "No suspicion, incomplete; this does not exclude injury.");
        break;
    case SRT_NOT_PROCESSED:
        if (shared != SRT_REASON_NONE)
            append(text, size, "Not processed: %s.", srt_reason_words(shared));
        else
            append(text, size, "Not processed: each image for a reason of its own.");
        break;
    }
    if (judged > 0 && judged < result->image_count)
        append(text, size, " %zu of %zu images judged.", judged, result->image_count);
}
