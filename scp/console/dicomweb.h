/* dicomweb.h: our own results by DICOMweb (PS3.18), read only: dicomweb.c (addresses), search.c
 * (QIDO-RS), retrieve.c (WADO-RS), rendered.c (pictures and reports for people).
 *
 *   /dicomweb/studies[/UID/series[/UID/instances[/UID]]]   and /dicomweb/series,
 * /dicomweb/instances
 *
 * Never what was received: only results that count (no superseded or retracted ones, no rejection
 * notes, and a report once, in its first kind), and none in shadow mode, where results stay on the
 * node. */
#ifndef DICOMWEB_H
#define DICOMWEB_H

#include "console.h"
#include "store_search.h"

#define DICOMWEB_ADDRESS_MAX 512

/* The resource: "" what the address does not name. */
struct dicomweb_target {
    char study[DX_UID_MAX], series[DX_UID_MAX], instance[DX_UID_MAX];
    const char *verb; /* what follows it, without a slash before: "metadata", "frames/1", "" */
};

/* "https://host:port/dicomweb", or "/dicomweb" where the request names no host that could be one.
 */
void dicomweb_root(const struct console *console, const struct http_request *request,
                   char root[DICOMWEB_ADDRESS_MAX]);
/* Path of a result's file; false: it is not there, or not what was written. */
bool dicomweb_file(const struct console *console, const struct result *result, char *path,
                   size_t size);
/* Its attributes; NULL: they cannot be read. */
json_t *dicomweb_metadata(const struct console *console, const struct result *result,
                          const char *root);

enum MHD_Result dicomweb_search(struct console *console, const struct http_request *request,
                                const struct dicomweb_target *target, enum store_level level);
/* `list`: what the target is, at least one. */
enum MHD_Result dicomweb_retrieve(struct console *console, const struct http_request *request,
                                  const struct result *list, size_t count);
enum MHD_Result dicomweb_retrieve_metadata(struct console *console,
                                           const struct http_request *request,
                                           const struct result *list, size_t count);
/* "7FE00010" */
enum MHD_Result dicomweb_bulk(struct console *console, const struct http_request *request,
                              const struct result *result, const char *tag);
/* "1,3" or "1,3/rendered" */
enum MHD_Result dicomweb_frames(struct console *console, const struct http_request *request,
                                const struct result *result, const char *list);
/* frame: from 1 */
enum MHD_Result dicomweb_rendered(struct console *console, const struct http_request *request,
                                  const struct result *result, int frame);

/* Uncompressed pixels at the end of a file of ours. */
struct dicomweb_pixels {
    int fd; /* the caller closes it; -1: none */
    off_t offset;
    size_t frame_bytes;
    int rows, cols, samples, bits, frames;
    bool is_float;
};
bool dicomweb_pixels(const struct console *console, const struct result *result,
                     struct dicomweb_pixels *pixels);

#endif
