/* Why an image was not judged. CID 6135 was made for mammography CAD and has nothing that says "not
 * a cervical spine", so each reason carries its exact code of ours beside the nearest of the
 * Standard. */
#include "srt_private.h"
#include <string.h>

#define OURS "99CERVIGATE"
#define POSITIONING                                                                                \
    {                                                                                              \
        "111209", "DCM", "Positioning"                                                             \
    }
#define NO_IMAGE                                                                                   \
    {                                                                                              \
        "111213", "DCM", "No image"                                                                \
    }
#define SOFTWARE                                                                                   \
    {                                                                                              \
        "111218", "DCM", "Software failure"                                                        \
    }
#define OTHER                                                                                      \
    {                                                                                              \
        "111220", "DCM", "Other failure"                                                           \
    }

static const struct {
    const char *words; /* follow "not judged: " */
    struct dx_code exact, nearest;
} table[] = {
    [SRT_REASON_NONE] = {"no reason recorded",
                         {"none", OURS, "No reason recorded"},
                         {"111221", "DCM", "Unknown failure"}},
    [SRT_WRONG_MODALITY] = {"modality is not radiography",
                            {"wrong-modality", OURS, "Modality is not radiography"},
                            OTHER},
    [SRT_WRONG_BODY_PART] = {"body part is not the cervical spine",
                             {"wrong-body-part", OURS, "Body part is not the cervical spine"},
                             OTHER},
    [SRT_WRONG_VIEW] = {"view is not lateral",
                        {"wrong-view", OURS, "View is not lateral"},
                        POSITIONING},
    [SRT_OUTSIDE_AGE] = {"patient's age is outside the intended use",
                         {"outside-age", OURS, "Patient's age is outside the intended use"},
                         OTHER},
    [SRT_UNDECODABLE] = {"pixel data cannot be decoded",
                         {"undecodable", OURS, "Pixel data cannot be decoded"},
                         NO_IMAGE},
    [SRT_NO_PIXEL_DATA] = {"object has no pixel data",
                           {"no-pixel-data", OURS, "Object has no pixel data"},
                           NO_IMAGE},
    [SRT_TOO_LARGE] = {"image is over the node's limits",
                       {"too-large", OURS, "Image is over the node's limits"},
                       OTHER},
    [SRT_CONFLICT] = {"two images have the same SOP Instance UID",
                      {"conflict", OURS, "Two images have the same SOP Instance UID"},
                      OTHER},
    [SRT_MULTI_FRAME] = {"image has more than one frame",
                         {"multi-frame", OURS, "Image has more than one frame"},
                         OTHER},
    [SRT_SOFTWARE_FAILURE] = {"software failure",
                              {"software-failure", OURS, "Software failure"},
                              SOFTWARE},
};
enum { REASONS = sizeof table / sizeof *table };

static size_t place(enum srt_reason reason)
{
    return (size_t)reason < REASONS ? (size_t)reason : SRT_REASON_NONE;
}

const char *srt_reason_name(enum srt_reason reason)
{
    return table[place(reason)].exact.value;
}

bool srt_reason_parse(const char *name, enum srt_reason *reason)
{
    for (size_t i = 0; i < REASONS; i++)
        if (strcmp(table[i].exact.value, name) == 0) {
            *reason = (enum srt_reason)i;
            return true;
        }
    return false;
}

const char *srt_reason_words(enum srt_reason reason)
{
    return table[place(reason)].words;
}

const struct dx_code *srt_reason_exact(enum srt_reason reason)
{
    return &table[place(reason)].exact;
}

const struct dx_code *srt_reason_nearest(enum srt_reason reason)
{
    return &table[place(reason)].nearest;
}
