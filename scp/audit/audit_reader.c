/* Reading the audit log, and telling whether it is as it was left. */
#include "audit_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (4 * (size_t)AUDIT_RECORD_MOST)

struct audit_reader {
    const struct conf *conf;
    uint64_t *files;
    size_t count, next; /* of files: the one behind that which is open */
    uint64_t file;      /* the one that is open; 0: none */
    int fd;
    uint64_t at, begin; /* offsets: behind the last record, and of it */
    size_t first, held; /* of the bytes: where those of `at` begin, how many there are */
    char bytes[CHUNK];
};

/* Goes on in the next file. */
static bool open_next(struct audit_reader *r, uint64_t at)
{
    char path[PATH_MAX];
    audit_log_path(r->conf, r->files[r->next], path, sizeof path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false; /* the next try is of the same file */
    if (r->fd >= 0)
        (void)close(r->fd);
    r->fd = fd;
    r->file = r->files[r->next++];
    r->at = r->begin = at;
    r->first = r->held = 0;
    return true;
}

struct audit_reader *audit_reader_open(const struct conf *conf, const struct audit_head *from)
{
    struct audit_reader *r = calloc(1, sizeof *r);
    bool begins = from == NULL || from->file == 0;
    if (r == NULL)
        return NULL;
    r->conf = conf;
    r->fd = -1;
    int failed = audit_log_files(conf, &r->files, &r->count);
    while (failed == 0 && !begins && r->next < r->count && r->files[r->next] != from->file)
        r->next++;
    if (failed == 0 && !begins && r->next == r->count)
        failed = -ENOENT;
    if (failed == 0 && r->count > 0 && !open_next(r, begins ? 0 : from->end))
        failed = -errno;
    if (failed == 0)
        return r;
    audit_reader_close(r);
    errno = -failed;
    return NULL;
}

void audit_reader_close(struct audit_reader *r)
{
    if (r == NULL)
        return;
    if (r->fd >= 0)
        (void)close(r->fd);
    free(r->files);
    free(r);
}

uint64_t audit_reader_file(const struct audit_reader *r)
{
    return r->file;
}

uint64_t audit_reader_begin(const struct audit_reader *r)
{
    return r->begin;
}

uint64_t audit_reader_end(const struct audit_reader *r)
{
    return r->at;
}

/* More of the open file behind what is held; -1 with errno. */
static ssize_t fill(struct audit_reader *r)
{
    if (r->first > 0) {
        memmove(r->bytes, r->bytes + r->first, r->held);
        r->first = 0;
    }
    ssize_t got =
        pread(r->fd, r->bytes + r->held, sizeof r->bytes - r->held, (off_t)(r->at + r->held));
    if (got > 0)
        r->held += (size_t)got;
    return got;
}

/* Whether there is a file behind the open one, which may have been made meanwhile. */
static bool has_next(struct audit_reader *r)
{
    uint64_t *files = NULL;
    size_t count = 0, next = 0;
    if (r->next < r->count)
        return true;
    if (audit_log_files(r->conf, &files, &count) != 0) {
        free(files);
        return false;
    }
    while (next < count && files[next] <= r->file)
        next++;
    free(r->files);
    r->files = files;
    r->count = count;
    r->next = next;
    return next < count;
}

static enum audit_read pass(struct audit_reader *r, const struct audit_record *record,
                            enum audit_read kind)
{
    r->begin = r->at;
    r->at += record->bytes;
    r->first += record->bytes;
    r->held -= record->bytes;
    return kind;
}

enum audit_read audit_reader_next(struct audit_reader *r, struct audit_record *record)
{
    for (;;) {
        enum audit_parse parsed = r->held > 0
                                      ? audit_record_parse(r->bytes + r->first, r->held, record)
                                      : AUDIT_PARSE_CUT;
        if (parsed == AUDIT_PARSE_OK)
            return pass(r, record, AUDIT_READ_RECORD);
        if (parsed == AUDIT_PARSE_ALTERED)
            return pass(r, record, AUDIT_READ_ALTERED);
        if (parsed == AUDIT_PARSE_WRONG)
            return pass(r, record, AUDIT_READ_WRONG);
        if (parsed == AUDIT_PARSE_NO_MEMORY) {
            errno = ENOMEM;
            return AUDIT_READ_FAILED;
        }
        /* In this order: what is in the open file when there is another one is all of it. */
        bool more = has_next(r);
        ssize_t got = r->fd >= 0 ? fill(r) : 0;
        if (got < 0)
            return AUDIT_READ_FAILED;
        if (got > 0)
            continue;
        record->bytes = r->held;
        if (r->held > 0)
            return more ? pass(r, record, AUDIT_READ_WRONG) : AUDIT_READ_CUT;
        if (!more)
            return AUDIT_READ_END;
        if (!open_next(r, 0))
            return AUDIT_READ_FAILED;
    }
}
