/* What the models' scores say together. A class is an image's finding when every model that judged
 * the image has it at or above its operating point; when only one has, the models disagree about
 * it, and the report says so in place of choosing. When each model has a finding, but none is
 * shared, they agree that the image has one: each names its own, and the report says that they
 * differ. */
#include "srt_private.h"
#include <string.h>

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

bool srt_is_covered(const struct srt_result *result)
{
    for (size_t i = 0; i < result->image_count; i++)
        if (srt_is_judged(&result->images[i]) && result->images[i].coverage == SRT_COVERAGE_FULL)
            return true;
    return false;
}

/* Models that judged the image, and how many of them have a finding of this name. */
static void count_votes(const struct srt_image *image, const char *name, size_t *judges,
                        size_t *votes)
{
    *judges = *votes = 0;
    for (size_t m = 0; m < SRT_MAX_MODELS; m++) {
        const struct srt_opinion *opinion = &image->opinion[m];
        bool vote = false;
        for (size_t i = 0; i < opinion->classes && i < SRT_MAX_CLASSES; i++)
            vote |= opinion->class_[i].name && srt_is_finding(&opinion->class_[i]) &&
                    strcmp(opinion->class_[i].name, name) == 0;
        *judges += opinion->classes > 0;
        *votes += vote;
    }
}

static bool is_shared(const struct srt_image *image, const struct srt_class *class_)
{
    size_t judges, votes;

    if (!class_->name || !srt_is_finding(class_))
        return false;
    count_votes(image, class_->name, &judges, &votes);
    return votes == judges;
}

/* Whether every model that judged the image has a finding, but they share none. */
static bool is_split(const struct srt_image *image)
{
    size_t judges = 0, finders = 0;

    for (size_t m = 0; m < SRT_MAX_MODELS; m++) {
        const struct srt_opinion *opinion = &image->opinion[m];
        bool finds = false;
        for (size_t i = 0; i < opinion->classes && i < SRT_MAX_CLASSES; i++) {
            if (is_shared(image, &opinion->class_[i]))
                return false;
            finds |= srt_is_finding(&opinion->class_[i]);
        }
        judges += opinion->classes > 0;
        finders += finds;
    }
    return judges > 0 && finders == judges;
}

bool srt_is_named(const struct srt_image *image, const struct srt_class *class_)
{
    return is_shared(image, class_) || (srt_is_finding(class_) && is_split(image));
}

bool srt_is_disputed(const struct srt_image *image, const struct srt_class *class_)
{
    size_t judges, votes;

    if (!class_->name)
        return false;
    count_votes(image, class_->name, &judges, &votes);
    return votes > 0 && votes < judges;
}

bool srt_has_dispute(const struct srt_image *image)
{
    for (size_t m = 0; srt_is_judged(image) && m < SRT_MAX_MODELS; m++)
        for (size_t i = 0; i < image->opinion[m].classes && i < SRT_MAX_CLASSES; i++)
            if (srt_is_disputed(image, &image->opinion[m].class_[i]))
                return true;
    return false;
}

const struct srt_class *srt_first_finding(const struct srt_image *image, size_t model)
{
    const struct srt_opinion *opinion = &image->opinion[model];
    const struct srt_class *first = NULL;

    for (size_t i = 0; i < opinion->classes && i < SRT_MAX_CLASSES; i++) {
        const struct srt_class *class_ = &opinion->class_[i];
        if (srt_is_named(image, class_) && (!first || class_->score > first->score))
            first = class_;
    }
    return first;
}

enum srt_outcome srt_image_outcome(const struct srt_image *image)
{
    bool judged = false;

    for (size_t m = 0; m < SRT_MAX_MODELS; m++) {
        if (srt_first_finding(image, m))
            return SRT_FINDING;
        judged |= image->opinion[m].classes > 0;
    }
    if (!judged)
        return SRT_NOT_PROCESSED;
    for (size_t m = 0; m < SRT_MAX_MODELS; m++)
        for (size_t i = 0; i < image->opinion[m].classes && i < SRT_MAX_CLASSES; i++)
            if (srt_is_disputed(image, &image->opinion[m].class_[i]))
                return SRT_UNDETERMINED;
    return SRT_NO_FINDING;
}

enum srt_outcome srt_study_outcome(const struct srt_result *result)
{
    bool undetermined = false, conflict = false;

    for (size_t i = 0; i < result->image_count; i++) {
        if (result->images[i].outcome == SRT_FINDING)
            return SRT_FINDING;
        undetermined |= result->images[i].outcome == SRT_UNDETERMINED;
        conflict |= !srt_is_judged(&result->images[i]) && result->images[i].reason == SRT_CONFLICT;
    }
    if (undetermined)
        return SRT_UNDETERMINED;
    if (conflict || srt_count_judged(result) == 0)
        return SRT_NOT_PROCESSED;
    return srt_is_covered(result) ? SRT_NO_FINDING : SRT_INCOMPLETE;
}
