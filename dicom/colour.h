/* colour.h: sample arithmetic on decoded frames, in plain C (private to dicom/). */
#ifndef DX_COLOUR_H
#define DX_COLOUR_H

#include "dx_object.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Clears the bits above bits_stored, or extends the sign into them, after shifting a high_bit that
 * is not bits_stored - 1 into place. 8, 16 and 32 bits allocated. */
void dx_colour_normalise(struct dx_frame *frame);
/* RRGGBB (Planar Configuration 1) to RGBRGB. */
DX_MUST_USE enum dx_status dx_colour_interleave(struct dx_frame *frame, struct dx_error *err);
/* Y1 Y2 Cb Cr to Y Cb Cr for each pixel (8 bits; PS3.3 C.7.6.3.1.2). */
DX_MUST_USE enum dx_status dx_colour_expand_422(struct dx_frame *frame, struct dx_error *err);
/* YBR_FULL and YBR_PARTIAL families to RGB; others stay as they are. 8 and 16 bits. */
void dx_colour_to_rgb(struct dx_frame *frame);
/* One bit a pixel, from bit `first` of `packed`, to one byte each. */
void dx_colour_unpack_bits(const uint8_t *packed, size_t first, uint8_t *to, size_t pixels);

#ifdef __cplusplus
}
#endif
#endif
