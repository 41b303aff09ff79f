/* scan_source.h: the pre-scanner's bytes: a file or memory, digested as stored, inflated on the way
 * when the transfer syntax is deflated. What is skipped in a file whose digest is known is not
 * read. Constant memory; internal to dicom/. */
#ifndef DX_SCAN_SOURCE_H
#define DX_SCAN_SOURCE_H

#include "dx_prescan.h"

#include <stddef.h>
#include <zlib.h>

#define DX_SOURCE_BUFFER 65536u
#define DX_UNKNOWN_SIZE  UINT64_MAX

struct scan_source {
    int fd; /* -1: memory */
    const uint8_t *memory;
    size_t memory_left;
    uint64_t stored_left;  /* bytes of the file or memory that were not fetched yet */
    uint64_t stored;       /* bytes fetched since the digest began */
    struct dx_sha256 *sha; /* NULL before the dataset, and when its digest is known */
    const char *digest;    /* of the dataset, known beforehand; NULL: it is taken here */

    bool is_inflating, inflate_ended;
    z_stream inflate;
    uint8_t *stored_buffer; /* deflated bytes, while inflating */

    uint8_t *buffer; /* bytes to scan */
    size_t at, end;
    uint64_t position; /* of buffer[at], in scanned bytes */
    uint64_t size;     /* scanned bytes in all, or DX_UNKNOWN_SIZE while inflating */
    uint64_t limit;    /* dataset_bytes, or inflated_bytes */
};

DX_MUST_USE enum dx_status dx_scan_source_open_file(struct scan_source *source, int fd,
                                                    struct dx_error *err);
DX_MUST_USE enum dx_status dx_scan_source_open_memory(struct scan_source *source,
                                                      const uint8_t *bytes, size_t count,
                                                      struct dx_error *err);
void dx_scan_source_close(struct scan_source *source);

/* Makes the current position the start of the dataset: position 0, the digest begins here unless
 * source->digest is set. */
DX_MUST_USE enum dx_status dx_scan_source_begin(struct scan_source *source, bool is_deflated,
                                                const struct dx_limits *limits,
                                                struct dx_error *err);
/* Borrows the next count bytes (at most 4096); *got is smaller only at the end. */
DX_MUST_USE enum dx_status dx_scan_source_peek(struct scan_source *source, size_t count,
                                               const uint8_t **bytes, size_t *got,
                                               struct dx_error *err);
/* Passes over count bytes; DX_MALFORMED when there are fewer. */
DX_MUST_USE enum dx_status dx_scan_source_skip(struct scan_source *source, uint64_t count,
                                               struct dx_error *err);
/* Fetches what follows the scanned bytes, and takes the digest of all stored bytes. */
DX_MUST_USE enum dx_status dx_scan_source_finish(struct scan_source *source,
                                                 char digest[DX_DIGEST_MAX], uint64_t *stored,
                                                 struct dx_error *err);

#endif
