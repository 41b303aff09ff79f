/* gate.h: is this image what the model is meant for? Judged by its header, then by its pixels.
 *
 * A rule says that an image should be judged; the gate says whether it can be. What the header does
 * not say is not held against the image: the rule took it. The view is told from the pixels where
 * the model has an input gate (nn_model.h): a header or a marker alone may be wrong. Pure functions
 * of their arguments. */
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
    bool age_needed;          /* an image whose header tells no age is not judged */
    bool body_part_by_pixels; /* another Body Part Examined refuses nothing where there is a gate */
};

/* SRT_REASON_NONE, or why not, with what was found in detail (ASCII; no patient's name or ID). */
enum srt_reason gate_check(const struct nn_model_info *model, const struct dx_attrs *attrs,
                           const struct gate_image *image, char detail[GATE_DETAIL_MAX]);

/* What the pixels look like, against the model and the header. SRT_REASON_NONE: to be judged; then
 * detail may hold what the report's reader should know (age unknown, a header that disagrees). */
enum srt_reason gate_look(const struct nn_model_info *model, const struct dx_attrs *attrs,
                          const struct nn_verdict *verdict, char detail[GATE_DETAIL_MAX]);

/* How far down the spine is shown: told by a gate that has a class for laterals that end above
 * C7-T1 ("lateral-short"); unknown without. */
enum srt_coverage gate_coverage(const struct nn_model *model, const struct nn_verdict *verdict);

/* Age in whole years at the study: Patient's Age (PS3.5 AS), else birth date to study date; -1 when
 * the header does not say. */
int gate_age(const struct dx_attrs *attrs);
/* The view in words ("lateral", "AP"), from View Position or the view code; "" unknown. Static. */
const char *gate_view(const struct dx_attrs *attrs);

#endif
