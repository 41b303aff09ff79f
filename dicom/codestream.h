/* codestream.h: what one compressed frame says of itself, read before any decoder may see it
 * (private to dicom/).
 *
 * The decoders trust these headers in places where DCMTK 3.6.7 has known holes: the 64-byte RLE
 * header of a shorter item, RLE offsets outside the item, and the JPEG marker TEM, on which the
 * bit-depth scan never ends. Sources: PS3.5 annex G (RLE), ITU-T T.81 B.2, T.87 C.2, T.800 A.5. */
#ifndef DX_CODESTREAM_H
#define DX_CODESTREAM_H

#include "dx_object.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dx_codestream {
    uint32_t rows, cols;
    uint16_t samples;
    uint16_t precision; /* largest of the components */
    int is_signed;
    int transformed; /* JPEG 2000: a multiple component transform is undone by the decoder */
};

/* segments: samples * bytes a sample; each must decode to `pixels` bytes. */
DX_MUST_USE enum dx_status dx_check_rle(const uint8_t *bytes, size_t count, uint32_t segments,
                                        uint64_t pixels, struct dx_error *err);
/* JPEG and JPEG-LS, up to the frame header. */
DX_MUST_USE enum dx_status dx_check_jpeg(const uint8_t *bytes, size_t count,
                                         struct dx_codestream *stream, struct dx_error *err);
/* JPEG 2000; *offset: where the codestream starts, after JP2 boxes if there are any. */
DX_MUST_USE enum dx_status dx_check_j2k(const uint8_t *bytes, size_t count,
                                        const struct dx_limits *limits, size_t *offset,
                                        struct dx_codestream *stream, struct dx_error *err);
/* rows * cols * samples against the limits; *bytes = the frame's size at bits_allocated. */
DX_MUST_USE enum dx_status dx_check_area(uint64_t rows, uint64_t cols, uint64_t samples,
                                         uint64_t bits_allocated, const struct dx_limits *limits,
                                         size_t *bytes, struct dx_error *err);

#ifdef __cplusplus
}
#endif
#endif
