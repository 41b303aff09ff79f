/* archive.h: a tar file (POSIX.1 ustar) in gzip, written and read in one go: what `cervigate
 * backup` makes. Plain files only, by relative names of at most 100 bytes. One thread.
 *
 * A reader believes nothing: every header is checked, and only ARCHIVE_END says that the file was
 * whole, since gzip's checksum stands at its end.
 *
 * In either direction archive_close frees it. A failure, ARCHIVE_NONE aside, is for good: what was
 * written is not whole, what is read from then on is not to be believed. */
#ifndef ARCHIVE_H
#define ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

#define ARCHIVE_STATUS_MAP(X)                                                                      \
    X(ARCHIVE_OK, "ok")                                                                            \
    X(ARCHIVE_END, "the end")                                                                      \
    X(ARCHIVE_NONE, "no such file")                                                                \
    X(ARCHIVE_DAMAGED, "damaged, or no such archive")                                              \
    X(ARCHIVE_IO, "input or output failed")
enum archive_status {
#define X(code, text) code,
    ARCHIVE_STATUS_MAP(X)
#undef X
};
#define ARCHIVE_MUST_USE __attribute__((warn_unused_result))

struct archive;
/* The sentence of the last failure; lives until the next one, or archive_close. */
const char *archive_error(const struct archive *archive);

/* A new file, 0600, that must not be there; NULL: errno says why. */
struct archive *archive_create(const char *path);
/* ARCHIVE_NONE: there is no such file, nothing was added. Its size must not change meanwhile. */
ARCHIVE_MUST_USE enum archive_status archive_add_file(struct archive *archive, const char *name,
                                                      const char *path);
ARCHIVE_MUST_USE enum archive_status archive_add_text(struct archive *archive, const char *name,
                                                      const char *text);
/* Writes the end and syncs the file; before, it is not whole. Nothing is added after it. The
 * directory is the caller's to sync, and a file that is not whole his to remove. */
ARCHIVE_MUST_USE enum archive_status archive_finish(struct archive *archive);

/* NULL: errno says why. */
struct archive *archive_open(const char *path);
struct archive *archive_open_fd(int fd); /* takes fd in every case */
struct archive_member {
    char name[101];
    uint64_t bytes;
};
/* The next member; what is left of the one before is passed over. */
ARCHIVE_MUST_USE enum archive_status archive_next(struct archive *archive,
                                                  struct archive_member *member);
/* Some bytes of the member, at most `room` and 64 KiB; *count 0: all were read. */
ARCHIVE_MUST_USE enum archive_status archive_read(struct archive *archive, void *bytes, size_t room,
                                                  size_t *count);
void archive_close(struct archive *archive); /* takes NULL */

#endif
