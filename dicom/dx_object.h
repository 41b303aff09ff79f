/* dx_object.h: a stored object parsed and decoded: for the object child only.
 *
 * DCMTK parses it after the pre-scanner has passed it; frames are decoded one at a time under a
 * ceiling: uncompressed, deflated, RLE, JPEG, JPEG-LS by DCMTK, JPEG 2000 by OpenJPEG.
 *
 * One thread, the child's. Attributes, frames and rejections that were given out are copies: they
 * outlive the object, and are ended by dx_attrs_destroy and the *_finish below. */
#ifndef DX_OBJECT_H
#define DX_OBJECT_H

#include "dx_attrs.h"
#include "dx_prescan.h"
#include "dx_result.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dx_object;

/* Reads a Part 10 file (or a bare dataset) from fd (not closed). No file is opened by name. */
DX_MUST_USE enum dx_status dx_object_open(int fd, const struct dx_limits *limits,
                                          struct dx_object **object, struct dx_error *err);
void dx_object_close(struct dx_object *object);

/* The attributes that reports, rules, gate and pictures use (Patient, Study, Series, Image,
 * equipment: the list is in attributes.cc); coded view as (0054,0220)'s code value under tag
 * (0008,0100), coded anatomic region as (0008,2218)'s code value under that tag. Of an SR document:
 * its title's code value, where that is DICOM's, under (0040,A043); PSN or DEV of its observers and
 * its header's authors, PSN if there is a person, under (0040,A084); and the first private coding
 * scheme (99...) of the concept names of its upper two levels under (0008,0102). */
DX_MUST_USE enum dx_status dx_object_attributes(struct dx_object *object, struct dx_attrs **attrs,
                                                struct dx_error *err);

struct dx_image_info {
    uint32_t rows, cols, frames;
    uint16_t samples, bits_allocated, bits_stored, high_bit;
    int is_signed;
    char photometric[17];
    char transfer_syntax[DX_UID_MAX];
};
DX_MUST_USE enum dx_status dx_object_image(struct dx_object *object, struct dx_image_info *info,
                                           struct dx_error *err);

/* The title and references of a Key Object Selection document: what it rejects, if the title is one
 * of dx_rejection's. A reference's series is "" when the evidence does not tell it. DX_UNSUPPORTED:
 * another SOP class or title; DX_LIMIT: more than DX_REJECTION_MAX references, or nested content;
 * DX_MALFORMED: no reference, or one without UIDs. */
DX_MUST_USE enum dx_status
dx_object_rejection(struct dx_object *object, struct dx_rejection *rejection, struct dx_error *err);
void dx_rejection_finish(struct dx_rejection *rejection);

/* One decoded frame as stored values: samples interleaved (RGBRGB), native endian,
 * bits_allocated/8 bytes each, bits above bits_stored cleared or sign-extended; single bits one a
 * byte. YBR is converted to RGB; PALETTE COLOR stays indices. info may differ from
 * dx_object_image's (the codestream is right). Caller frees. */
struct dx_frame {
    struct dx_image_info info;
    uint8_t *bytes;
    size_t count;
};
/* Index counts from 0. DX_UNSUPPORTED: transfer syntax, floating point, bits or samples that are
 * not handled. DX_MALFORMED: dataset and pixels contradict each other, or the decoder gave up. */
DX_MUST_USE enum dx_status dx_object_frame(struct dx_object *object, uint32_t index,
                                           struct dx_frame *frame, struct dx_error *err);
void dx_frame_finish(struct dx_frame *frame);

/* A frame as it should be seen: modality LUT or rescale, VOI LUT or window (first one; full range
 * of the non-padding pixels when there is none), polarity inverted exactly once (MONOCHROME1, or
 * Presentation LUT Shape INVERSE, which wins when they contradict: PS3.3 C.7.6.3.1.2, C.11.6),
 * padding shown as background; colour to luma; 16 bits, 0 black. Pixels that are not square
 * (Pixel Aspect Ratio, Imager Pixel Spacing, Pixel Spacing) are resampled to square. */
struct dx_grey {
    uint32_t rows, cols;
    uint16_t *pixels;    /* (rows, cols), caller frees with dx_grey_finish */
    double mm_per_pixel; /* 0 when unknown */
    int was_lossy;       /* Lossy Image Compression 01 or a lossy transfer syntax */
    int is_lent;         /* the pixels are another's: dx_grey_finish leaves them */
};
DX_MUST_USE enum dx_status dx_object_grey(struct dx_object *object, uint32_t index,
                                          struct dx_grey *grey, struct dx_error *err);
void dx_grey_finish(struct dx_grey *grey);

#ifdef __cplusplus
}
#endif
#endif
