/* ustar (POSIX.1-2017, pax, "ustar Interchange Format") in gzip. */
#include "archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define BLOCK 512
#define CHUNK 65536
#define OCTAL_MOST                                                                                 \
    077777777777ULL /* of 11 digits; larger sizes are binary, as GNU tar has them                  \
                     */
#define BYTES_MOST  (1ULL << 50)
#define MODE_MEMBER "0000600"

struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
    char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is a block");

struct archive {
    gzFile gz;
    int fd;                 /* a second descriptor, to sync it by */
    uint64_t left, padding; /* of the member that is read */
    char error[256];
};

const char *archive_error(const struct archive *archive)
{
    return archive->error;
}

static enum archive_status fail(struct archive *archive, enum archive_status status,
                                const char *text)
{
    (void)snprintf(archive->error, sizeof archive->error, "%s", text);
    return status;
}

static enum archive_status fail_zlib(struct archive *archive)
{
    int code = 0, why = errno;
    const char *text = gzerror(archive->gz, &code);
    if (code == Z_ERRNO)
        return fail(archive, ARCHIVE_IO, strerror(why));
    const char *words = strstr(text, ": "); /* behind zlib's name of the file */
    return fail(archive, ARCHIVE_DAMAGED,
                code == Z_BUF_ERROR || words == NULL ? "it ends early" : words + 2);
}

static struct archive *wrap(int fd, const char *mode, bool second)
{
    struct archive *archive = calloc(1, sizeof *archive);
    if (archive == NULL) {
        (void)close(fd);
        errno = ENOMEM;
        return NULL;
    }
    archive->fd = second ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    archive->gz = gzdopen(fd, mode);
    if (archive->gz != NULL && gzbuffer(archive->gz, CHUNK) == 0)
        return archive;
    if (archive->gz == NULL)
        (void)close(fd);
    archive_close(archive);
    errno = ENOMEM;
    return NULL;
}

void archive_close(struct archive *archive)
{
    if (archive == NULL)
        return;
    if (archive->gz != NULL)
        (void)gzclose(archive->gz);
    if (archive->fd >= 0)
        (void)close(archive->fd);
    free(archive);
}

/* ---- writing ---- */

struct archive *archive_create(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd < 0 ? NULL : wrap(fd, "wb1", true);
}

static enum archive_status put(struct archive *archive, const void *bytes, size_t count)
{
    if (count == 0 || gzwrite(archive->gz, bytes, (unsigned)count) == (int)count)
        return ARCHIVE_OK;
    int code = 0, why = errno;
    const char *text = gzerror(archive->gz, &code);
    return fail(archive, ARCHIVE_IO, code == Z_ERRNO || !text[0] ? strerror(why) : text);
}

/* Octal digits and a NUL; binary behind a mark where they do not fit. */
static void put_number(char *field, size_t size, uint64_t number)
{
    bool octal = number <= OCTAL_MOST;
    field[size - 1] = '\0';
    for (size_t i = size - (octal ? 1 : 0); i-- > 0; number >>= octal ? 3 : 8)
        field[i] = (char)(octal ? '0' + (number & 7) : number & 0xff);
    if (!octal)
        field[0] = (char)0x80;
}

/* The header's bytes added up, its own sum taken for blanks. */
static unsigned sum_of(const struct header *header)
{
    const unsigned char *bytes = (const unsigned char *)header;
    size_t at = offsetof(struct header, sum);
    unsigned sum = 0;
    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= at && i < at + sizeof header->sum ? ' ' : bytes[i];
    return sum;
}

static enum archive_status put_header(struct archive *archive, const char *name, uint64_t bytes,
                                      int64_t mtime)
{
    struct header header = {.type = '0'};
    size_t length = strlen(name);
    if (length > sizeof header.name)
        return fail(archive, ARCHIVE_IO, "a name is too long");
    memcpy(header.name, name, length);
    memcpy(header.mode, MODE_MEMBER, sizeof header.mode);
    put_number(header.uid, sizeof header.uid, 0);
    put_number(header.gid, sizeof header.gid, 0);
    put_number(header.size, sizeof header.size, bytes);
    put_number(header.mtime, sizeof header.mtime, mtime > 0 ? (uint64_t)mtime : 0);
    memcpy(header.magic, "ustar", sizeof header.magic);
    memcpy(header.version, "00", sizeof header.version);
    put_number(header.sum, sizeof header.sum, sum_of(&header));
    return put(archive, &header, sizeof header);
}

static enum archive_status pad(struct archive *archive, uint64_t bytes)
{
    static const char zeros[BLOCK];
    return put(archive, zeros, (size_t)((BLOCK - bytes % BLOCK) % BLOCK));
}

static enum archive_status add_bytes(struct archive *archive, int fd, uint64_t bytes)
{
    char chunk[CHUNK];
    enum archive_status status = ARCHIVE_OK;
    while (status == ARCHIVE_OK && bytes > 0) {
        ssize_t n = read(fd, chunk, bytes < CHUNK ? (size_t)bytes : CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(archive, ARCHIVE_IO, n < 0 ? strerror(errno) : "a file became shorter");
        status = put(archive, chunk, (size_t)n);
        bytes -= (uint64_t)n;
    }
    return status;
}

enum archive_status archive_add_file(struct archive *archive, const char *name, const char *path)
{
    struct stat at;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(archive, errno == ENOENT ? ARCHIVE_NONE : ARCHIVE_IO, strerror(errno));
    enum archive_status status = ARCHIVE_OK;
    if (fstat(fd, &at) != 0 || !S_ISREG(at.st_mode))
        status = fail(archive, ARCHIVE_IO, "no plain file");
    if (status == ARCHIVE_OK)
        status = put_header(archive, name, (uint64_t)at.st_size, at.st_mtim.tv_sec);
    if (status == ARCHIVE_OK)
        status = add_bytes(archive, fd, (uint64_t)at.st_size);
    if (status == ARCHIVE_OK)
        status = pad(archive, (uint64_t)at.st_size);
    (void)close(fd);
    return status;
}

enum archive_status archive_add_text(struct archive *archive, const char *name, const char *text)
{
    size_t length = strlen(text);
    enum archive_status status = put_header(archive, name, length, 0);
    if (status == ARCHIVE_OK)
        status = put(archive, text, length);
    return status == ARCHIVE_OK ? pad(archive, length) : status;
}

enum archive_status archive_finish(struct archive *archive)
{
    static const char zeros[2 * BLOCK];
    enum archive_status status = put(archive, zeros, sizeof zeros);
    if (status != ARCHIVE_OK)
        return status;
    errno = 0;
    int code = gzclose(archive->gz);
    archive->gz = NULL;
    if (code != Z_OK || archive->fd < 0 || fsync(archive->fd) != 0)
        return fail(archive, ARCHIVE_IO, errno != 0 ? strerror(errno) : "it cannot be ended");
    return ARCHIVE_OK;
}

/* ---- reading ---- */

struct archive *archive_open_fd(int fd)
{
    return wrap(fd, "rb", false);
}

struct archive *archive_open(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? NULL : archive_open_fd(fd);
}

static enum archive_status get(struct archive *archive, void *bytes, size_t count)
{
    int n = gzread(archive->gz, bytes, (unsigned)count);
    if (n == (int)count)
        return ARCHIVE_OK;
    return n < 0 ? fail_zlib(archive) : fail(archive, ARCHIVE_DAMAGED, "it ends early");
}

static enum archive_status skip(struct archive *archive, uint64_t bytes)
{
    char chunk[CHUNK];
    enum archive_status status = ARCHIVE_OK;
    while (status == ARCHIVE_OK && bytes > 0) {
        size_t some = bytes < CHUNK ? (size_t)bytes : CHUNK;
        status = get(archive, chunk, some);
        bytes -= some;
    }
    return status;
}

static bool take_number(const char *field, size_t size, uint64_t *number)
{
    *number = 0;
    if ((unsigned char)field[0] == 0x80) {
        for (size_t i = 1; i < size; i++) {
            if (*number >> 48 != 0)
                return false;
            *number = *number << 8 | (unsigned char)field[i];
        }
        return true;
    }
    size_t i = 0;
    for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
        *number = *number << 3 | (uint64_t)(field[i] - '0');
    return i > 0 && (i == size || field[i] == '\0' || field[i] == ' ');
}

/* The second block of zeros, and gzip's end with its checksum; tar pads with more zeros. */
static enum archive_status take_end(struct archive *archive)
{
    char block[BLOCK];
    int n;
    while ((n = gzread(archive->gz, block, sizeof block)) > 0)
        for (int i = 0; i < n; i++)
            if (block[i] != 0)
                return fail(archive, ARCHIVE_DAMAGED, "something stands behind its end");
    if (n < 0)
        return fail_zlib(archive);
    int code = 0;
    (void)gzerror(archive->gz, &code);
    return code == Z_OK ? ARCHIVE_END : fail_zlib(archive);
}

static bool is_zero(const void *block)
{
    const char *bytes = block;
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, BLOCK - 1) == 0;
}

enum archive_status archive_next(struct archive *archive, struct archive_member *member)
{
    struct header header;
    uint64_t sum = 0;
    enum archive_status status = skip(archive, archive->left + archive->padding);
    archive->left = archive->padding = 0;
    if (status == ARCHIVE_OK)
        status = get(archive, &header, sizeof header);
    if (status != ARCHIVE_OK)
        return status;
    if (is_zero(&header))
        return take_end(archive);
    if (memcmp(header.magic, "ustar", 5) != 0 ||
        !take_number(header.sum, sizeof header.sum, &sum) || sum != sum_of(&header))
        return fail(archive, ARCHIVE_DAMAGED, "no archive of tar, or a damaged one");
    if ((header.type != '0' && header.type != '\0') || header.prefix[0] != '\0' ||
        header.name[0] == '\0')
        return fail(archive, ARCHIVE_DAMAGED, "a member that is no plain file");
    if (!take_number(header.size, sizeof header.size, &member->bytes) || member->bytes > BYTES_MOST)
        return fail(archive, ARCHIVE_DAMAGED, "a member of no possible size");
    memcpy(member->name, header.name, sizeof header.name);
    member->name[sizeof header.name] = '\0';
    archive->left = member->bytes;
    archive->padding = (BLOCK - member->bytes % BLOCK) % BLOCK;
    return ARCHIVE_OK;
}

enum archive_status archive_read(struct archive *archive, void *bytes, size_t room, size_t *count)
{
    *count = archive->left < room ? (size_t)archive->left : room;
    *count = *count < CHUNK ? *count : CHUNK;
    enum archive_status status = get(archive, bytes, *count);
    if (status == ARCHIVE_OK)
        archive->left -= *count;
    return status;
}
