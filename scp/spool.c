/* The spool: directories, durable renames, quarantine. Errors are negated errno. */
#include "spool.h"

#include "node.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

int spool_random_name(char *text, size_t count)
{
    uint8_t bytes[32];
    if (count > sizeof bytes)
        return -EINVAL;
    if (getrandom(bytes, count, 0) != (ssize_t)count)
        return errno != 0 ? -errno : -EIO;
    for (size_t i = 0; i < count; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

static int sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int failed = fsync(fd) != 0 ? -errno : 0;
    (void)close(fd);
    return failed;
}

int spool_sync_directory_of(const char *path)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return sync_directory(".");
    if ((size_t)(slash - path) >= sizeof directory)
        return -ENAMETOOLONG;
    (void)snprintf(directory, sizeof directory, "%.*s", (int)(slash - path), path);
    return sync_directory(directory[0] != '\0' ? directory : "/");
}

/* What root has made at path (open as fd) becomes its folder's owner's; what has another name, too,
 * root may not have made there. */
static int give(int fd, const char *path)
{
    char folder[PATH_MAX];
    struct stat at;
    const char *slash = strrchr(path, '/');
    if (geteuid() != 0 || slash == NULL || slash == path)
        return 0;
    if (fstat(fd, &at) != 0)
        return -errno;
    if (at.st_uid != 0 || (S_ISREG(at.st_mode) && at.st_nlink > 1))
        return 0;
    if ((size_t)(slash - path) >= sizeof folder)
        return -ENAMETOOLONG;
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    int directory = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return -errno;
    int failed = fstat(directory, &at) != 0 ? -errno : 0;
    (void)close(directory);
    if (failed == 0 && at.st_uid != 0 && fchown(fd, at.st_uid, at.st_gid) != 0)
        failed = -errno;
    return failed;
}

int spool_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    int failed = fd >= 0 ? give(fd, path) : 0;
    if (failed == 0)
        return fd;
    (void)close(fd);
    errno = -failed;
    return -1;
}

static int give_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int failed = give(fd, path);
    (void)close(fd);
    return failed;
}

/* A directory that is there may be a symbolic link to another disk: it is taken as it is. */
static int make_directory(const char *path)
{
    struct stat at;
    if (mkdir(path, 0700) == 0) {
        int failed = give_directory(path);
        return failed != 0 ? failed : spool_sync_directory_of(path);
    }
    if (errno != EEXIST)
        return -errno;
    if (stat(path, &at) != 0)
        return -errno;
    if (!S_ISDIR(at.st_mode))
        return -ENOTDIR;
    return access(path, R_OK | W_OK | X_OK) != 0 ? -errno : 0;
}

int spool_prepare(const struct conf *conf, char *bad, size_t bad_size)
{
    static const char *const names[] = {"incoming", "objects", "results",   "quarantine",
                                        "run",      "audit",   "audit/sent"};
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s", conf->spool);
    int failed = make_directory(path);
    for (size_t i = 0; failed == 0 && i < sizeof names / sizeof *names; i++) {
        node_path(conf, path, sizeof path, "%s", names[i]);
        failed = make_directory(path);
    }
    for (unsigned i = 0; failed == 0 && i < 256; i++) {
        node_path(conf, path, sizeof path, "objects/%02x", i);
        if (mkdir(path, 0700) == 0)
            failed = give_directory(path);
        else if (errno != EEXIST)
            failed = -errno;
    }
    if (failed == 0) {
        node_path(conf, path, sizeof path, "objects");
        failed = sync_directory(path);
    }
    if (failed != 0)
        (void)snprintf(bad, bad_size, "%s", path);
    return failed;
}

static int remove_incoming(const struct conf *conf, bool all, size_t *removed)
{
    char path[PATH_MAX];
    node_path(conf, path, sizeof path, "incoming");
    DIR *directory = opendir(path);
    if (directory == NULL)
        return -errno;

    int failed = 0;
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.' || (!all && spool_has_owner(entry->d_name)))
            continue;
        if (unlinkat(dirfd(directory), entry->d_name, 0) != 0)
            failed = -errno;
        else
            ++*removed;
    }
    (void)closedir(directory);
    return failed;
}

int spool_empty_incoming(const struct conf *conf, size_t *removed)
{
    size_t count = 0;
    int failed = remove_incoming(conf, true, &count);
    if (removed != NULL)
        *removed = count;
    return failed;
}

int spool_forget_dead(const struct conf *conf)
{
    size_t count = 0;
    return remove_incoming(conf, false, &count);
}

int spool_create_incoming(const struct conf *conf, char *path, size_t size)
{
    char name[33];
    int failed = spool_random_name(name, 16);
    if (failed != 0)
        return failed;

    node_path(conf, path, size, "incoming/%d-%s", (int)getpid(), name);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : fd;
}

uint64_t spool_free_bytes(const struct conf *conf)
{
    struct statvfs at;
    if (statvfs(conf->spool, &at) != 0)
        return 0;
    uint64_t bytes;
    if (__builtin_mul_overflow((uint64_t)at.f_bavail, (uint64_t)at.f_frsize, &bytes))
        return UINT64_MAX;
    return bytes;
}

bool spool_object_name(const char *digest, char *name, size_t size)
{
    if (strspn(digest, "0123456789abcdef") != 64 || digest[64] != '\0')
        return false;
    int n = snprintf(name, size, "objects/%.2s/%s.dcm", digest, digest);
    return n > 0 && (size_t)n < size;
}

int spool_keep_object(const struct conf *conf, int fd, const char *from, const char *digest,
                      char *name, size_t name_size, bool *is_there)
{
    char to[PATH_MAX];
    *is_there = false;
    if (!spool_object_name(digest, name, name_size))
        return -EINVAL;
    node_path(conf, to, sizeof to, "%s", name);

    crash_point("receive-before-fsync");
    if (fsync(fd) != 0)
        return -errno;
    crash_point("receive-after-fsync");

    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) != 0) {
        if (errno != EEXIST)
            return -errno;
        *is_there = true; /* its directory is perhaps not yet synced */
    }
    crash_point("receive-after-rename");

    int failed = spool_sync_directory_of(to);
    crash_point("receive-after-dirsync");
    return failed;
}

int spool_quarantine_use(const struct conf *conf, struct spool_quarantine_use *use)
{
    char path[PATH_MAX];
    *use = (struct spool_quarantine_use){.objects = 0};
    node_path(conf, path, sizeof path, "quarantine");
    DIR *directory = opendir(path);
    if (directory == NULL)
        return -errno;
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        struct stat at;
        size_t length = strlen(entry->d_name);
        if (fstatat(dirfd(directory), entry->d_name, &at, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(at.st_mode))
            continue;
        use->objects += length > 4 && strcmp(entry->d_name + length - 4, ".dcm") == 0;
        use->bytes += (uint64_t)at.st_size;
    }
    (void)closedir(directory);
    return 0;
}

/* The setting that leaves no room for so much more; NULL: there is room. */
static const char *quarantine_limit(const struct conf *conf, uint64_t more,
                                    const struct spool_quarantine_use *use)
{
    if (use->objects >= conf->limits.quarantine_objects)
        return "quarantineObjects";
    if (use->bytes + more > conf->limits.quarantine_bytes)
        return "quarantineBytes";
    return spool_free_bytes(conf) / 2 < conf->limits.spool_reserve_bytes ? "spoolReserve" : NULL;
}

/* Whether it may stay, and then synced. */
static int sync_if_room(const struct conf *conf, int fd, size_t more, const char **limit)
{
    struct stat at;
    struct spool_quarantine_use use;
    if (fstat(fd, &at) != 0)
        return -errno;
    int failed = spool_quarantine_use(conf, &use);
    if (failed != 0)
        return failed;
    *limit = quarantine_limit(conf, (uint64_t)at.st_size + more, &use);
    if (*limit != NULL)
        return -ENOSPC;
    return fsync(fd) != 0 ? -errno : 0;
}

int spool_quarantine(const struct conf *conf, int fd, const char *from, const char *why, char *name,
                     size_t name_size, const char **limit)
{
    char random[33];
    *limit = NULL;
    int failed = spool_random_name(random, 16);
    if (failed == 0)
        failed = sync_if_room(conf, fd, strlen(why), limit);
    if (failed != 0) {
        (void)unlink(from);
        return failed;
    }

    /* The reason first: bytes in quarantine are never without one. */
    (void)snprintf(name, name_size, "%s", random);
    char to[PATH_MAX];
    node_path(conf, to, sizeof to, "quarantine/%s.txt", random);
    failed = spool_write_whole(to, why);
    if (failed != 0) {
        (void)unlink(from);
        return failed;
    }
    crash_point("quarantine-reason");
    node_path(conf, to, sizeof to, "quarantine/%s.dcm", random);
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) != 0)
        return -errno;
    crash_point("quarantine-renamed");
    return spool_sync_directory_of(to);
}

int spool_discard_quarantined(const struct conf *conf, const char *name)
{
    char path[PATH_MAX];
    if (strspn(name, "0123456789abcdef") != 32 || name[32] != '\0')
        return -ENOENT;
    node_path(conf, path, sizeof path, "quarantine/%s.dcm", name);
    if (unlink(path) != 0)
        return -errno;
    node_path(conf, path, sizeof path, "quarantine/%s.txt", name);
    return unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
}

static int write_all(int fd, const char *text)
{
    size_t length = strlen(text), done = 0;
    while (done < length) {
        ssize_t n = write(fd, text + done, length - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        done += (size_t)n;
    }
    return fsync(fd) != 0 ? -errno : 0;
}

int spool_write_whole(const char *path, const char *text)
{
    char temporary[PATH_MAX], random[17];
    int failed = spool_random_name(random, 8);
    if (failed != 0)
        return failed;
    int n = snprintf(temporary, sizeof temporary, "%s.%d-%s", path, (int)getpid(), random);
    if (n < 0 || (size_t)n >= sizeof temporary)
        return -ENAMETOOLONG;

    int fd = spool_open(temporary, O_WRONLY | O_EXCL);
    if (fd < 0)
        return -errno;
    failed = write_all(fd, text);
    crash_point("whole-written");
    if (close(fd) != 0 && failed == 0)
        failed = -errno;
    if (failed == 0 && rename(temporary, path) != 0)
        failed = -errno;
    if (failed != 0) {
        (void)unlink(temporary);
        return failed;
    }
    crash_point("whole-renamed");
    return spool_sync_directory_of(path);
}

int spool_node_id(const struct conf *conf, char id[SPOOL_NODE_ID_MAX])
{
    char path[PATH_MAX];
    node_path(conf, path, sizeof path, "node-id");
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        if (errno != ENOENT)
            return -errno;
        int failed = spool_random_name(id, 16);
        return failed != 0 ? failed : spool_write_whole(path, id);
    }
    size_t count = fread(id, 1, SPOOL_NODE_ID_MAX - 1, file);
    (void)fclose(file);
    id[count] = '\0';
    return strspn(id, "0123456789abcdef") == SPOOL_NODE_ID_MAX - 1 ? 0 : -EINVAL;
}

int spool_lock(const struct conf *conf)
{
    char path[PATH_MAX];
    node_path(conf, path, sizeof path, "run/lock");
    int fd = spool_open(path, O_RDWR);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int failed = errno;
    if (fd >= 0)
        (void)close(fd);
    return -failed;
}
