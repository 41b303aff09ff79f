#include "picture_layout.h"
#include <stdio.h>
#include <string.h>

static const char *const english[][2] = {
    {"picture.original", "Original"},
    {"picture.overlay", "Saliency overlay, score of:"},
    {"picture.not-for-diagnosis", "NOT FOR DIAGNOSIS"},
    {"picture.score", "Model score"},
    {"picture.operating-point", "operating point"},
    {"picture.model", "Model"},
    {"picture.low", "low"},
    {"picture.high", "high"},
    {"picture.neither", "neither"},
    {"picture.disclaimer",
     "The overlay shows where the score depends on the image, not an outline of an injury."},
    {"picture.nothing-drawn", "Nothing is drawn below"},
    {"picture.relative", "Scale relative to this image"},
    {"picture.region", "Most salient region"},
};

static const char *phrase(const struct picture_input *input, const char *id)
{
    const char *text = input->phrase ? input->phrase(input->phrases, id) : NULL;
    return text && text[0] ? text : NULL;
}

const char *picture_say(const struct picture_input *input, const char *id)
{
    const char *text = phrase(input, id);
    for (size_t i = 0; !text && i < sizeof english / sizeof english[0]; i++)
        if (strcmp(english[i][0], id) == 0)
            text = english[i][1];
    return text ? text : "";
}

const char *picture_class(const struct picture_input *input, const struct nn_class *class_)
{
    char id[80];
    if (!class_->finding)
        return picture_say(input, "picture.neither");
    snprintf(id, sizeof id, "class.%s", class_->name);
    const char *text = phrase(input, id);
    return text ? text : class_->name;
}
