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

static enum srt_status check_opinion(const struct srt_opinion *opinion, size_t number,
                                     struct srt_error *err)
{
    if (opinion->classes > SRT_MAX_CLASSES)
        return srt_fail(err, SRT_INVALID, "image %zu: %zu classes; at most %d", number,
                        opinion->classes, SRT_MAX_CLASSES);
    for (size_t i = 0; i < opinion->classes; i++) {
        const struct srt_class *class_ = &opinion->class_[i];
        if (!class_->name || !class_->name[0] || !isfinite(class_->score) || class_->score < 0 ||
            class_->score > 1 || !isfinite(class_->operating_point))
            return srt_fail(err, SRT_INVALID, "image %zu: class %zu has no name or no score",
                            number, i + 1);
    }
    return SRT_OK;
}

/* A closed polygon of finite points. */
static bool is_region(const struct srt_image *image)
{
    size_t count = image->region_points;

    if (count < 4 || count > SRT_MAX_REGION ||
        memcmp(image->region, image->region + 2 * (count - 1), 2 * sizeof *image->region) != 0)
        return false;
    for (size_t i = 0; i < 2 * count; i++)
        if (!isfinite(image->region[i]) || image->region[i] < 0)
            return false;
    return true;
}

static bool has_key_slice(const struct srt_image *image)
{
    bool found = false;

    if (image->slice_count > SRT_MAX_SLICES)
        return false;
    for (size_t i = 0; i < image->slice_count; i++) {
        if (!is_uid(image->slices[i].sop_class) || !is_uid(image->slices[i].sop_instance))
            return false;
        found |= strcmp(image->slices[i].sop_instance, image->reference.sop_instance) == 0;
    }
    return found;
}

static enum srt_status check_judged(const struct srt_result *result, const struct srt_image *image,
                                    size_t number, struct srt_error *err)
{
    size_t opinions = 0;

    /* A further group's ".2.16" must still fit. */
    if (!is_uid(image->tracking_uid) || strlen(image->tracking_uid) > 59)
        return srt_fail(err, SRT_INVALID, "image %zu: no tracking UID", number);
    for (size_t m = 0; m < SRT_MAX_MODELS; m++) {
        enum srt_status status = check_opinion(&image->opinion[m], number, err);
        if (status != SRT_OK)
            return status;
        opinions += image->opinion[m].classes > 0;
        if (m >= result->model_count && image->opinion[m].classes > 0)
            return srt_fail(err, SRT_INVALID, "image %zu: an opinion of no model", number);
    }
    if (opinions == 0)
        return srt_fail(err, SRT_INVALID, "image %zu: judged, but no model has classes", number);
    if (image->region && !is_region(image))
        return srt_fail(err, SRT_INVALID, "image %zu: the region is no closed polygon", number);
    if (image->outcome != srt_image_outcome(image))
        return srt_fail(err, SRT_INVALID, "image %zu: outcome and scores contradict each other",
                        number);
    return SRT_OK;
}

static enum srt_status check_image(const struct srt_result *result, const struct srt_image *image,
                                   size_t number, struct srt_error *err)
{
    if (!is_uid(image->reference.sop_instance) || !is_uid(image->reference.sop_class))
        return srt_fail(err, SRT_INVALID, "image %zu: no SOP Class or Instance UID", number);
    if (image->slices && !has_key_slice(image))
        return srt_fail(err, SRT_INVALID, "image %zu: the key slice is not among its slices",
                        number);
    if (srt_is_judged(image))
        return check_judged(result, image, number, err);
    if (image->reason == SRT_REASON_NONE || image->reason >= SRT_C7_T1_NOT_SHOWN)
        return srt_fail(err, SRT_INVALID, "image %zu: not processed without a reason", number);
    return SRT_OK;
}

static size_t count_outcome(const struct srt_result *result, enum srt_outcome outcome)
{
    size_t count = 0;

    for (size_t i = 0; i < result->image_count; i++)
        count += result->images[i].outcome == outcome;
    return count;
}

/* Whether the study's outcome can follow from its images'. Not processed may stand beside judged
 * images (a conflict makes them doubtful), but never beside a finding. */
static bool follows(const struct srt_result *result)
{
    size_t judged = srt_count_judged(result);
    bool finding = count_outcome(result, SRT_FINDING) > 0;
    bool undetermined = count_outcome(result, SRT_UNDETERMINED) > 0;

    switch (result->outcome) {
    case SRT_FINDING:
        return finding;
    case SRT_UNDETERMINED:
        return !finding && undetermined;
    case SRT_NO_FINDING:
        return !finding && !undetermined && judged > 0;
    case SRT_INCOMPLETE:
        return !finding && !undetermined && judged > 0 && !srt_is_covered(result);
    case SRT_NOT_PROCESSED:
        return !finding && judged < result->image_count;
    }
    return false;
}

enum srt_status srt_check_result(const struct srt_result *result, struct srt_error *err)
{
    if (result->image_count == 0)
        return srt_fail(err, SRT_INVALID, "no images");
    if (result->model_count == 0 || result->model_count > SRT_MAX_MODELS)
        return srt_fail(err, SRT_INVALID, "%zu models; expected 1 or %d", result->model_count,
                        SRT_MAX_MODELS);
    for (size_t i = 0; i < result->image_count; i++) {
        enum srt_status status = check_image(result, &result->images[i], i + 1, err);
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
