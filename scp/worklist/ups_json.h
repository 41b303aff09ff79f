/* ups_json.h: datasets of UPS as DICOM JSON (PS3.18 annex F), written and read by way of the
 * encoding that DIMSE carries, so that both ways say and understand the same.
 *
 * Pure functions of their arguments. */
#ifndef UPS_JSON_H
#define UPS_JSON_H

#include "dx_ups.h"

/* An array of the one dataset that dx_ups_write_* wrote, malloc'd; NULL: no memory. Empty
 * attributes stay: of type 2 they are to be there. */
char *ups_json_write(const struct dx_writing *dataset);

/* Each dataset of an array, or the one that is no array; of each what dx_ups_read knows. False ends
 * it. DX_MALFORMED: no DICOM JSON; DX_LIMIT: more than `most`, or a dataset that is too large. */
DX_MUST_USE enum dx_status ups_json_read(const char *body, size_t count, size_t most,
                                         dx_ups_match match, void *context, struct dx_error *err);

#endif
