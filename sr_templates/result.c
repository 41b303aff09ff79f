/* A result that contradicts itself must not become a report: a study called free of findings with
 * an image above its operating point is a fault of ours, and the reader would never know. */
#include "srt_private.h"
#include <math.h>
#include <string.h>

static bool is_uid(const char *uid)
{
    size_t length = uid ? strlen(uid) : 0;

    return length > 0 && length <= 64 && strspn(uid, "0123456789.") == length;
}

static enum srt_status check_judged(const struct srt_image *image, size_t number,
                                    struct srt_error *err)
{
    /* ".N" of a further finding must still fit. */
    if (!is_uid(image->tracking_uid) || strlen(image->tracking_uid) > 61)
        return srt_fail(err, SRT_INVALID, "image %zu: no tracking UID", number);
    if (image->opinion[0].classes == 0 || image->opinion[0].classes > SRT_MAX_CLASSES)
        return srt_fail(err, SRT_INVALID, "image %zu: %zu classes; expected 1 to %d", number,
                        image->opinion[0].classes, SRT_MAX_CLASSES);
    for (size_t i = 0; i < image->opinion[0].classes; i++) {
        const struct srt_class *class_ = &image->opinion[0].class_[i];
        if (!class_->name || !class_->name[0] || !isfinite(class_->score) || class_->score < 0 ||
            class_->score > 1 || !isfinite(class_->operating_point))
            return srt_fail(err, SRT_INVALID, "image %zu: class %zu has no name or no score",
                            number, i + 1);
    }
    if ((image->outcome == SRT_FINDING) != (srt_first_finding(image) != NULL))
        return srt_fail(err, SRT_INVALID, "image %zu: outcome and scores contradict each other",
                        number);
    return SRT_OK;
}

static enum srt_status check_image(const struct srt_image *image, size_t number,
                                   struct srt_error *err)
{
    if (!is_uid(image->reference.sop_instance) || !is_uid(image->reference.sop_class))
        return srt_fail(err, SRT_INVALID, "image %zu: no SOP Class or Instance UID", number);
    if (srt_is_judged(image))
        return check_judged(image, number, err);
    if (image->reason == SRT_REASON_NONE)
        return srt_fail(err, SRT_INVALID, "image %zu: not processed without a reason", number);
    return SRT_OK;
}

/* Whether the study's outcome can follow from its images'. Not processed may stand beside judged
 * images (a conflict makes them doubtful), but never beside a finding. */
static bool follows(const struct srt_result *result)
{
    size_t judged = srt_count_judged(result);
    bool finding = false;

    for (size_t i = 0; i < result->image_count; i++)
        finding |= result->images[i].outcome == SRT_FINDING;
    switch (result->outcome) {
    case SRT_FINDING:
        return finding;
    case SRT_NO_FINDING:
        return !finding && judged > 0;
    case SRT_NOT_PROCESSED:
        return !finding && judged < result->image_count;
    case SRT_UNDETERMINED:
    case SRT_INCOMPLETE:
        return !finding;
    }
    return false;
}

enum srt_status srt_check_result(const struct srt_result *result, struct srt_error *err)
{
    if (result->image_count == 0)
        return srt_fail(err, SRT_INVALID, "no images");
    for (size_t i = 0; i < result->image_count; i++) {
        enum srt_status status = check_image(&result->images[i], i + 1, err);
        if (status != SRT_OK)
            return status;
    }
    if (!follows(result))
        return srt_fail(err, SRT_INVALID, "the study's outcome contradicts its images'");
    return SRT_OK;
}

static const char *const outcome_names[] = {
    [SRT_FINDING] = "finding",
    [SRT_NO_FINDING] = "no-finding",
    [SRT_NOT_PROCESSED] = "not-processed",
    [SRT_UNDETERMINED] = "undetermined",
    [SRT_INCOMPLETE] = "incomplete",
};

const char *srt_outcome_name(enum srt_outcome outcome)
{
    return outcome_names[outcome];
}

bool srt_outcome_parse(const char *name, enum srt_outcome *outcome)
{
    for (size_t i = 0; i < sizeof outcome_names / sizeof *outcome_names; i++)
        if (strcmp(name, outcome_names[i]) == 0) {
            *outcome = (enum srt_outcome)i;
            return true;
        }
    return false;
}

bool srt_is_synthetic(const struct srt_result *result)
{
    for (size_t i = 0; i < result->model_count; i++)
        if (result->models[i].synthetic)
            return true;
    return false;
}
