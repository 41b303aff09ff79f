/* scan_dataset.h: the grammar of a dataset, over a scan_source; internal to dicom/. */
#ifndef DX_SCAN_DATASET_H
#define DX_SCAN_DATASET_H

#include "scan_source.h"

enum scan_encoding { SCAN_IMPLICIT_LITTLE, SCAN_EXPLICIT_LITTLE, SCAN_EXPLICIT_BIG };

/* How a transfer syntax writes its elements; unknown and private ones as explicit little endian
 * (PS3.5 A.4: all encapsulated ones are). */
enum scan_encoding dx_scan_encoding_of(const char *transfer_syntax);
bool dx_scan_is_deflated(const char *transfer_syntax);

/* One element's header, read from bytes; size is 0 when there are too few bytes. */
struct scan_element {
    uint32_t tag, length;
    char vr[3];  /* "" in implicit encoding and for item tags */
    size_t size; /* of the header: 8 or 12 */
};
struct scan_element dx_scan_element_header(const uint8_t *bytes, size_t count,
                                           enum scan_encoding encoding);

/* Scans from the source's position to its end. */
DX_MUST_USE enum dx_status dx_scan_dataset(struct scan_source *source, enum scan_encoding encoding,
                                           const struct dx_limits *limits, struct dx_scan *scan,
                                           struct dx_error *err);

/* Copies a value without padding (spaces, NULs); false when it does not fit. */
bool dx_scan_copy_text(char *to, size_t size, const uint8_t *value, size_t length);

#endif
