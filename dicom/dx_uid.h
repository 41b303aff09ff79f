/* dx_uid.h: unique identifiers and digests.
 *
 * Result UIDs are 2.25 (PS3.5 B.2) of the first 128 bits of a SHA-256 with the version and variant
 * bits of a name-based UUID set, so the same inputs give the same object.
 *
 * No state but a running digest's, which is one thread's at a time; else any thread. */
#ifndef DX_UID_H
#define DX_UID_H

#include "dx_status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DX_UID_MAX    65 /* 64 characters and the terminator */
#define DX_DIGEST_MAX 65 /* SHA-256 in hexadecimal and the terminator */

struct dx_sha256;                         /* running digest */
struct dx_sha256 *dx_sha256_create(void); /* NULL: no memory */
void dx_sha256_add(struct dx_sha256 *sha, const void *bytes, size_t count);
/* Adds the text and its length, so that neighbouring fields cannot run together. */
void dx_sha256_add_text(struct dx_sha256 *sha, const char *text);
/* Destroys sha; digest is "" when it failed, and for NULL. */
void dx_sha256_take(struct dx_sha256 *sha, char digest[DX_DIGEST_MAX]);
/* Of a grey plane: its size and its pixels. False: no memory. */
bool dx_sha256_pixels(uint32_t rows, uint32_t cols, const uint16_t *pixels,
                      char digest[DX_DIGEST_MAX]);
void dx_sha256_destroy(struct dx_sha256 *sha); /* takes NULL */
/* Digest of a file's bytes from offset to its end; "" unless DX_OK. */
DX_MUST_USE enum dx_status dx_digest_file(const char *path, uint64_t offset,
                                          char digest[DX_DIGEST_MAX], struct dx_error *err);

/* The same of an open file, whose position stays; `name` is what errors call it. */
DX_MUST_USE enum dx_status dx_digest_descriptor(int fd, const char *name, uint64_t offset,
                                                char digest[DX_DIGEST_MAX], struct dx_error *err);

/* The same of a file that another thread makes meanwhile: it need not be there yet, grows at its
 * end alone, and is complete when *whole is set (by __atomic_store_n). DX_MISSING: it never came.
 */
DX_MUST_USE enum dx_status dx_digest_growing(const char *path, const bool *whole,
                                             char digest[DX_DIGEST_MAX], struct dx_error *err);

/* digest: 64 hexadecimal digits; else DX_INVALID, and uid is "". */
DX_MUST_USE enum dx_status dx_uid_from_digest(const char *digest, char uid[DX_UID_MAX]);
/* PS3.5 9.1: digits and dots, no leading zeros, at most 64. */
bool dx_uid_is_valid(const char *uid);
/* What others may have given out and archives accept: 1 to 64 digits and dots. */
bool dx_uid_is_usable(const char *uid);

#ifdef __cplusplus
}
#endif
#endif
