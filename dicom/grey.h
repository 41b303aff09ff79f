/* grey.h: from stored values to what should be seen, in plain C (private to dicom/).
 *
 * struct dx_display is what the dataset says about showing a frame; dcmtk/display.cc fills it.
 * Order of PS3.3 C.11.1, C.11.2 and C.7.6.3.1.2: modality, VOI, polarity. */
#ifndef DX_GREY_H
#define DX_GREY_H

#include "dx_object.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A look-up table (PS3.3 C.11.1.1.1): input below `first` takes the first entry, input after the
 * last one the last. */
struct dx_lut {
    uint32_t count; /* 0: none */
    int32_t first;
    uint16_t bits; /* of an entry: 1..16 */
    uint16_t *entries;
};

enum dx_voi { DX_VOI_FULL_RANGE, DX_VOI_LUT, DX_VOI_LINEAR, DX_VOI_LINEAR_EXACT, DX_VOI_SIGMOID };

struct dx_display {
    struct dx_lut modality; /* wins over slope and intercept */
    double slope, intercept;
    enum dx_voi voi;
    struct dx_lut voi_lut;
    double center, width;
    int is_inverted;
    int has_padding; /* stored values padding_low..padding_high are no image */
    int64_t padding_low, padding_high;
    struct dx_lut palette[3]; /* PALETTE COLOR: red, green, blue */
    double row_mm, col_mm;    /* distance between rows, between columns; 0 when unknown */
    double aspect;            /* height : width of a pixel, when no distance is known */
    int was_lossy;
};

void dx_display_init(struct dx_display *display);
void dx_display_finish(struct dx_display *display);

/* Polarity: Presentation LUT Shape, when it is IDENTITY or INVERSE, else MONOCHROME1. */
int dx_display_is_inverted(const char *photometric, const char *shape);

DX_MUST_USE enum dx_status dx_grey_render(const struct dx_frame *frame,
                                          const struct dx_display *display,
                                          const struct dx_limits *limits, struct dx_grey *grey,
                                          struct dx_error *err);

#ifdef __cplusplus
}
#endif
#endif
