/* gate.h: is this image what the model is meant for? Judged by its header, before its pixels.
 *
 * A rule says that an image should be judged; the gate says whether it can be. What the header does
 * not say is not held against the image: the rule took it. */
#ifndef GATE_H
#define GATE_H

#include "dx_attrs.h"
#include "nn_model.h"
#include "srt.h"
#include <stdbool.h>
#include <stdint.h>

#define GATE_DETAIL_MAX 256

struct gate_image {
    bool has_pixels;
    uint32_t frames;
};

/* SRT_REASON_NONE, or why not, with what was found in detail (ASCII; no patient's name or ID). */
enum srt_reason gate_check(const struct nn_model_info *model, const struct dx_attrs *attrs,
                           const struct gate_image *image, char detail[GATE_DETAIL_MAX]);

/* Age in whole years at the study: Patient's Age (PS3.5 AS), else birth date to study date; -1 when
 * the header does not say. */
int gate_age(const struct dx_attrs *attrs);
/* The view in words ("lateral", "AP"), from View Position or the view code; "" unknown. */
const char *gate_view(const struct dx_attrs *attrs);

#endif
