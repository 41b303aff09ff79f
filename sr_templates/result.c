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
    if (image->classes == 0 || image->classes > SRT_MAX_CLASSES)
        return srt_fail(err, SRT_INVALID, "image %zu: %zu classes; expected 1 to %d", number,
                        image->classes, SRT_MAX_CLASSES);
    for (size_t i = 0; i < image->classes; i++) {
        const struct srt_class *class_ = &image->class_[i];
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

enum srt_status srt_check_result(const struct srt_result *result, struct srt_error *err)
{
    enum srt_outcome outcome = SRT_NOT_PROCESSED;

    if (result->image_count == 0)
        return srt_fail(err, SRT_INVALID, "no images");
    for (size_t i = 0; i < result->image_count; i++) {
        const struct srt_image *image = &result->images[i];
        enum srt_status status = check_image(image, i + 1, err);
        if (status != SRT_OK)
            return status;
        if (image->outcome == SRT_FINDING)
            outcome = SRT_FINDING;
        else if (srt_is_judged(image) && outcome == SRT_NOT_PROCESSED)
            outcome = SRT_NO_FINDING;
    }
    if (outcome != result->outcome)
        return srt_fail(err, SRT_INVALID, "the study's outcome contradicts its images'");
    return SRT_OK;
}
