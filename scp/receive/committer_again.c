/* A stored object is compared with its digest when it comes again. */
#include "committer_again.h"

#include "dx_uid.h"
#include "log.h"
#include "spool.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX 144 /* preamble, "DICM", the element of the group length (PS3.10 7.1) */

enum soundness { SOUND, DAMAGED, UNREADABLE };

/* Whether the file's dataset has this digest. What the disk cannot read back is damaged, too. */
static enum soundness look_at(int fd, const char *digest)
{
    uint8_t prefix[PREFIX];
    struct stat at;
    char found[DX_DIGEST_MAX];
    struct dx_error err;
    if (fstat(fd, &at) != 0 || !S_ISREG(at.st_mode))
        return UNREADABLE;
    ssize_t n = pread(fd, prefix, sizeof prefix, 0);
    if (n != (ssize_t)sizeof prefix || memcmp(prefix + 128, "DICM", 4) != 0)
        return n >= 0 || errno == EIO ? DAMAGED : UNREADABLE;
    uint64_t offset = PREFIX + ((uint64_t)prefix[140] | (uint64_t)prefix[141] << 8 |
                                (uint64_t)prefix[142] << 16 | (uint64_t)prefix[143] << 24);
    if (offset >= (uint64_t)at.st_size)
        return DAMAGED;
    enum dx_status status = dx_digest_descriptor(fd, "object", offset, found, &err);
    if (status == DX_OK)
        return strcmp(found, digest) == 0 ? SOUND : DAMAGED;
    return status == DX_IO ? DAMAGED : UNREADABLE;
}

static enum soundness look(const char *path, const char *digest, int *fd)
{
    *fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (*fd < 0)
        return errno == ENOENT ? DAMAGED : UNREADABLE;
    return look_at(*fd, digest);
}

static int replace(int fd, const char *from, const char *to)
{
    if (fsync(fd) != 0)
        return -errno;
    crash_point("again-before-rename");
    if (rename(from, to) != 0)
        return -errno;
    crash_point("again-after-rename");
    return spool_sync_directory_of(to);
}

bool committer_again(const struct conf *conf, const struct instance *instance, const char *offered)
{
    char from[PATH_MAX], to[PATH_MAX];
    int fd;
    if (offered[strspn(offered, "0123456789abcdef-")] != '\0')
        return false;
    node_path(conf, from, sizeof from, "incoming/%s", offered);
    node_path(conf, to, sizeof to, "%s", instance->path);

    enum soundness stored = look(to, instance->digest, &fd);
    if (fd >= 0)
        (void)close(fd);
    if (stored != DAMAGED)
        return stored == SOUND;

    bool good = look(from, instance->digest, &fd) == SOUND;
    int failed = good ? replace(fd, from, to) : -EBADMSG;
    if (fd >= 0)
        (void)close(fd);
    log_event(failed == 0 ? LOG_AT_WARN : LOG_AT_ERROR, "file-replaced",
              "path=%s replaced=%s error=%s", instance->path, failed == 0 ? "true" : "false",
              log_quote(failed == 0 ? "" : strerror(-failed)));
    return failed == 0;
}
