/* dx_json.h: an object of ours as the DICOM JSON Model (PS3.18 annex F): what DICOMweb calls its
 * metadata.
 *
 * For files that this node wrote; what came from elsewhere is parsed in the object child alone. One
 * thread at a time. */
#ifndef DX_JSON_H
#define DX_JSON_H

#include "dx_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One JSON object in UTF-8 without the file meta group; malloc, the caller frees. Pixel data is a
 * BulkDataURI: bulk, a slash, and its tag in 8 hexadecimal digits; other binary values are inline.
 * DX_UNSUPPORTED: a text cannot be converted to UTF-8. */
DX_MUST_USE enum dx_status dx_json_read(const char *path, const char *bulk, char **json,
                                        struct dx_error *err);

#ifdef __cplusplus
}
#endif
#endif
