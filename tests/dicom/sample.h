/* sample.h: small DICOM files written byte by byte, and a source study, for the tests of dicom/. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include "dx_result.h"

/* Explicit VR little endian, in memory; elements must be put in ascending tag order. */
struct sample {
    uint8_t bytes[1 << 16];
    size_t count;
};

/* Preamble and meta group of the transfer syntax (NULL: explicit VR little endian). */
void sample_begin(struct sample *sample, const char *transfer_syntax);
void sample_put(struct sample *sample, uint32_t tag, const char *vr, const void *value,
                size_t length);
void sample_text(struct sample *sample, uint32_t tag, const char *vr, const char *text);
void sample_word(struct sample *sample, uint32_t tag, unsigned value);
/* Sequence of one item, whose elements follow until sample_leave. */
size_t sample_enter(struct sample *sample, uint32_t tag);
void sample_leave(struct sample *sample, size_t mark);
/* Encapsulated Pixel Data of one fragment and an empty offset table. */
void sample_fragment(struct sample *sample, const void *bytes, size_t count);
/* An unlinked temporary file that holds it; caller closes. */
int sample_open(const struct sample *sample);

/* Patient, study and series of an imaginary radiograph; caller destroys. */
struct dx_attrs *sample_source(void);
/* Fills what all results share; header->source stays NULL. */
void sample_header(struct dx_result_header *header);
/* A TID 1500 tree of one finding about the source's image. */
const struct dx_sr_item *sample_report(void);
/* The same with the finding's region (TID 1410) and a code of 99CERVIGATE. */
const struct dx_sr_item *sample_region_report(void);

#endif
