/* Buffered, digested, perhaps inflated input of the pre-scanner. */
#include "scan_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum dx_status source_init(struct scan_source *source, struct dx_error *err)
{
    memset(source, 0, sizeof *source);
    source->fd = -1;
    source->limit = UINT64_MAX;
    source->buffer = malloc(DX_SOURCE_BUFFER);
    if (source->buffer == NULL)
        return dx_fail(err, DX_NO_MEMORY, "no memory to scan a dataset");
    return DX_OK;
}

enum dx_status dx_scan_source_open_file(struct scan_source *source, int fd, struct dx_error *err)
{
    struct stat info;
    enum dx_status status = source_init(source, err);
    if (status != DX_OK)
        return status;
    if (fstat(fd, &info) != 0 || lseek(fd, 0, SEEK_SET) != 0)
        return dx_fail(err, DX_IO, "cannot scan the file: %s", strerror(errno));
    if (!S_ISREG(info.st_mode))
        return dx_fail(err, DX_INVALID, "cannot scan what is not a regular file");

    source->fd = fd;
    source->stored_left = (uint64_t)info.st_size;
    source->size = source->stored_left;
    return DX_OK;
}

enum dx_status dx_scan_source_open_memory(struct scan_source *source, const uint8_t *bytes,
                                          size_t count, struct dx_error *err)
{
    enum dx_status status = source_init(source, err);
    if (status != DX_OK)
        return status;
    source->memory = bytes;
    source->memory_left = count;
    source->stored_left = count;
    source->size = count;
    return DX_OK;
}

void dx_scan_source_close(struct scan_source *source)
{
    if (source->is_inflating)
        (void)inflateEnd(&source->inflate);
    dx_sha256_destroy(source->sha);
    free(source->stored_buffer);
    free(source->buffer);
    memset(source, 0, sizeof *source);
}

/* Fetches stored bytes and digests them; *got is 0 at the end. */
static enum dx_status fetch(struct scan_source *source, uint8_t *into, size_t room, size_t *got,
                            struct dx_error *err)
{
    *got = 0;
    if (source->stored_left == 0)
        return DX_OK;
    if (room > source->stored_left)
        room = (size_t)source->stored_left;

    if (source->fd < 0) {
        memcpy(into, source->memory, room);
        source->memory += room;
        source->memory_left -= room;
        *got = room;
    } else {
        ssize_t count;
        do
            count = read(source->fd, into, room);
        while (count < 0 && errno == EINTR);
        if (count <= 0)
            return dx_fail(err, DX_IO, "cannot read the dataset: %s",
                           count < 0 ? strerror(errno) : "the file became shorter");
        *got = (size_t)count;
    }
    source->stored_left -= *got;
    source->stored += *got;
    if (source->sha != NULL)
        dx_sha256_add(source->sha, into, *got);
    return DX_OK;
}

static enum dx_status inflate_more(struct scan_source *source, struct dx_error *err)
{
    z_stream *z = &source->inflate;

    z->next_out = source->buffer + source->end;
    z->avail_out = (uInt)(DX_SOURCE_BUFFER - source->end);
    while (z->avail_out > 0 && !source->inflate_ended) {
        size_t got = 0;
        if (z->avail_in == 0) {
            enum dx_status status =
                fetch(source, source->stored_buffer, DX_SOURCE_BUFFER, &got, err);
            if (status != DX_OK)
                return status;
            if (got == 0)
                return dx_fail(err, DX_MALFORMED, "the deflated dataset ends early");
            z->next_in = source->stored_buffer;
            z->avail_in = (uInt)got;
        }
        int result = inflate(z, Z_NO_FLUSH);
        if (result == Z_STREAM_END)
            source->inflate_ended = true;
        else if (result == Z_MEM_ERROR)
            return dx_fail(err, DX_NO_MEMORY, "no memory to inflate the dataset");
        else if (result != Z_OK)
            return dx_fail(err, DX_MALFORMED, "the deflated dataset cannot be inflated");
    }

    source->end = DX_SOURCE_BUFFER - z->avail_out;
    return DX_OK;
}

/* Moves what is left to the front of the buffer and adds to it. */
static enum dx_status fill(struct scan_source *source, struct dx_error *err)
{
    size_t got = 0;
    enum dx_status status = DX_OK;

    if (source->at > 0) {
        memmove(source->buffer, source->buffer + source->at, source->end - source->at);
        source->end -= source->at;
        source->at = 0;
    }
    if (source->is_inflating) {
        status = inflate_more(source, err);
    } else {
        status =
            fetch(source, source->buffer + source->end, DX_SOURCE_BUFFER - source->end, &got, err);
        source->end += got;
    }
    if (status == DX_OK && source->position + (source->end - source->at) > source->limit)
        status = dx_fail(err, DX_LIMIT, "limit %s: the dataset has more than %llu bytes",
                         source->is_inflating ? "inflatedBytes" : "datasetBytes",
                         (unsigned long long)source->limit);
    return status;
}

enum dx_status dx_scan_source_begin(struct scan_source *source, bool is_deflated,
                                    const struct dx_limits *limits, struct dx_error *err)
{
    size_t ahead = source->end - source->at;

    if (source->digest == NULL) {
        source->sha = dx_sha256_create();
        if (source->sha == NULL)
            return dx_fail(err, DX_NO_MEMORY, "no memory for a digest");
        dx_sha256_add(source->sha, source->buffer + source->at, ahead);
    }
    source->stored = ahead;
    source->size = ahead + source->stored_left;
    source->position = 0;
    source->limit = limits->dataset_bytes;
    if (source->size > source->limit)
        return dx_fail(err, DX_LIMIT, "limit datasetBytes: %llu bytes, more than %llu",
                       (unsigned long long)source->size, (unsigned long long)source->limit);
    if (!is_deflated)
        return DX_OK;

    source->stored_buffer = malloc(DX_SOURCE_BUFFER);
    if (source->stored_buffer == NULL || inflateInit2(&source->inflate, -MAX_WBITS) != Z_OK)
        return dx_fail(err, DX_NO_MEMORY, "no memory to inflate the dataset");
    source->is_inflating = true;
    source->limit = limits->inflated_bytes;
    memcpy(source->stored_buffer, source->buffer + source->at, ahead);
    source->inflate.next_in = source->stored_buffer;
    source->inflate.avail_in = (uInt)ahead;
    source->at = 0;
    source->end = 0;
    source->size = DX_UNKNOWN_SIZE;
    return DX_OK;
}

enum dx_status dx_scan_source_peek(struct scan_source *source, size_t count, const uint8_t **bytes,
                                   size_t *got, struct dx_error *err)
{
    while (source->end - source->at < count) {
        size_t before = source->end - source->at;
        enum dx_status status = fill(source, err);
        if (status != DX_OK)
            return status;
        if (source->end - source->at == before)
            break;
    }

    size_t have = source->end - source->at;
    *bytes = source->buffer + source->at;
    *got = have < count ? have : count;
    return DX_OK;
}

/* Passes over stored bytes that neither scan nor digest needs; *count becomes what is left. */
static enum dx_status leap(struct scan_source *source, uint64_t *count, struct dx_error *err)
{
    if (source->fd < 0 || source->digest == NULL || source->is_inflating)
        return DX_OK;

    uint64_t step = *count < source->stored_left ? *count : source->stored_left;
    if (lseek(source->fd, (off_t)step, SEEK_CUR) < 0)
        return dx_fail(err, DX_IO, "cannot read the dataset: %s", strerror(errno));
    source->stored_left -= step;
    source->stored += step;
    source->position += step;
    *count -= step;
    return DX_OK;
}

enum dx_status dx_scan_source_skip(struct scan_source *source, uint64_t count, struct dx_error *err)
{
    for (;;) {
        size_t have = source->end - source->at;
        size_t step = count < have ? (size_t)count : have;
        source->at += step;
        source->position += step;
        count -= step;
        enum dx_status status = count > 0 ? leap(source, &count, err) : DX_OK;
        if (count == 0 || status != DX_OK)
            return status;

        status = fill(source, err);
        if (status != DX_OK)
            return status;
        if (source->at == source->end)
            return dx_fail(err, DX_MALFORMED, "the dataset ends early, at byte %llu",
                           (unsigned long long)source->position);
    }
}

enum dx_status dx_scan_source_finish(struct scan_source *source, char digest[DX_DIGEST_MAX],
                                     uint64_t *stored, struct dx_error *err)
{
    size_t got;
    if (source->digest != NULL) {
        *stored = source->stored + source->stored_left;
        (void)snprintf(digest, DX_DIGEST_MAX, "%s", source->digest);
        return DX_OK;
    }
    do {
        enum dx_status status = fetch(source, source->buffer, DX_SOURCE_BUFFER, &got, err);
        if (status != DX_OK)
            return status;
    } while (got > 0);

    *stored = source->stored;
    dx_sha256_take(source->sha, digest);
    source->sha = NULL;
    return digest[0] != '\0' ? DX_OK : dx_fail(err, DX_INTERNAL, "SHA-256 failed");
}
