/* Why an image was not judged. CID 6135 was made for mammography CAD and has nothing that says "not
 * a cervical spine", so each reason has a name of its own beside the Standard's nearest code. */
#include "srt_private.h"
#include <string.h>

#define POSITIONING "111209" /* Positioning */
#define NO_IMAGE    "111213" /* No image */
#define SOFTWARE    "111218" /* Software failure */
#define OTHER       "111220" /* Other failure */
#define UNKNOWN     "111221" /* Unknown failure */

static const struct {
    const char *name, *words, *nearest; /* words follow "not processed: " */
} table[] = {
    [SRT_REASON_NONE] = {"none", "no reason recorded", UNKNOWN},
    [SRT_WRONG_MODALITY] = {"wrong-modality", "modality is not radiography", OTHER},
    [SRT_WRONG_BODY_PART] = {"wrong-body-part", "body part is not the cervical spine", OTHER},
    [SRT_WRONG_VIEW] = {"wrong-view", "view is not lateral", POSITIONING},
    [SRT_OUTSIDE_AGE] = {"outside-age", "patient's age is outside the intended use", OTHER},
    [SRT_UNDECODABLE] = {"undecodable", "pixel data cannot be decoded", NO_IMAGE},
    [SRT_NO_PIXEL_DATA] = {"no-pixel-data", "object has no pixel data", NO_IMAGE},
    [SRT_TOO_LARGE] = {"too-large", "image is over the node's limits", OTHER},
    [SRT_CONFLICT] = {"conflict", "same SOP Instance UID, different pixels", OTHER},
    [SRT_MULTI_FRAME] = {"multi-frame", "image has more than one frame", OTHER},
    [SRT_NO_CONTENT] = {"no-content", "image shows nothing that could be judged", NO_IMAGE},
    [SRT_AGE_UNKNOWN] = {"age-unknown", "patient's age is not known", OTHER},
    [SRT_NOT_SPINE] = {"not-a-spine", "pixels do not show a cervical spine", OTHER},
    [SRT_HARDWARE] = {"hardware", "implants or a changed spine are outside the intended use",
                      OTHER},
    [SRT_INVERTED] = {"inverted", "bone is shown black", OTHER},
    [SRT_CROPPED] = {"cropped", "too little of the cervical spine is in the field", POSITIONING},
    [SRT_SOFTWARE_FAILURE] = {"software-failure", "software failure", SOFTWARE},
    [SRT_TOO_FEW_SLICES] = {"too-few-slices", "the series has too few slices", OTHER},
    [SRT_C7_T1_NOT_SHOWN] = {"c7-t1-not-shown", "C7-T1 is not shown", POSITIONING},
};
enum { REASONS = sizeof table / sizeof *table };

static size_t place(enum srt_reason reason)
{
    return (size_t)reason < REASONS ? (size_t)reason : SRT_REASON_NONE;
}

const char *srt_reason_name(enum srt_reason reason)
{
    return table[place(reason)].name;
}

bool srt_reason_parse(const char *name, enum srt_reason *reason)
{
    for (size_t i = 0; i < REASONS; i++)
        if (strcmp(table[i].name, name) == 0) {
            *reason = (enum srt_reason)i;
            return true;
        }
    return false;
}

const char *srt_reason_words(enum srt_reason reason)
{
    return table[place(reason)].words;
}

const char *srt_reason_nearest(enum srt_reason reason)
{
    return table[place(reason)].nearest;
}
