/* Records what a node does to its spool, in one order over all its processes: an LD_PRELOAD
 * library.
 *
 *   CERVIGATE_RECORD=FILE: `struct log` below, made by the test; its tail grows by a record a call
 *
 * Writes, truncations, creations, renames and removals are recorded before they are done, syncs
 * once they have returned, with the tail at their beginning: what was recorded before that is
 * durable by them. What libc's streams write cannot be seen: such a file is recorded whole when it
 * is synced or closed. jobs.sqlite-shm is left out, since nothing may rely on it after a crash.
 * tests/faults/images.py reads the records; the two must agree. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum type {
    RECORD_CREATE = 1, /* path; inode */
    RECORD_WRITE,      /* bytes; inode, offset */
    RECORD_TRUNCATE,   /* inode, size */
    RECORD_SYNC,       /* inode, tail when it began */
    RECORD_RENAME,     /* path, 0, path */
    RECORD_UNLINK,     /* path */
    RECORD_MKDIR       /* path; inode */
};

struct log {
    _Atomic uint64_t tail; /* of the records, from the beginning of this structure */
    uint64_t size;         /* of the file */
};

struct record {
    _Atomic uint32_t size; /* with this head, a multiple of 8; 0: not complete */
    uint32_t type;
    uint64_t inode, value;
    uint32_t bytes, pid;
};

#define FILES 4096

static struct log *book;
static struct {
    uint64_t inode; /* 0: not of the spool */
    bool is_stream;
    char path[160];
} files[FILES];

#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void start(void)
{
    struct stat info;
    const char *path = getenv("CERVIGATE_RECORD");
    int fd = path != NULL ? NEXT(open)(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *at = MAP_FAILED;
    if (fstat(fd, &info) == 0)
        at = mmap(NULL, (size_t)info.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)NEXT(close)(fd);
    if (at != MAP_FAILED)
        book = at;
}

/* The test's spool is a folder of this name, and nothing else that it uses is. */
static bool is_ours(const char *path)
{
    const char *below = book != NULL ? strstr(path, "/spool") : NULL;
    return below != NULL && (below[6] == '/' || below[6] == '\0') &&
           strstr(below, "sqlite-shm") == NULL;
}

static void put(enum type type, uint64_t inode, uint64_t value, const void *bytes, size_t count)
{
    size_t size = (sizeof(struct record) + count + 7) & ~(size_t)7;
    uint64_t at = atomic_fetch_add(&book->tail, size);
    if (at + size > book->size)
        abort(); /* a record that ends somewhere would prove nothing */
    struct record *record = (struct record *)((char *)book + at);
    record->type = (uint32_t)type;
    record->inode = inode;
    record->value = value;
    record->bytes = (uint32_t)count;
    record->pid = (uint32_t)getpid();
    memcpy(record + 1, bytes, count);
    record->size = (uint32_t)size;
}

static void put_path(enum type type, uint64_t inode, const char *path)
{
    put(type, inode, 0, path, strlen(path));
}

static uint64_t inode_of(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 ? (uint64_t)info.st_ino : 0;
}

static bool is_known(int fd)
{
    return book != NULL && fd >= 0 && fd < FILES && files[fd].inode != 0;
}

static int opened(int fd, const char *path, int flags)
{
    if (fd < 0 || fd >= FILES)
        return fd;
    files[fd].inode = 0;
    files[fd].is_stream = false;
    if (!is_ours(path) || strlen(path) >= sizeof files[fd].path)
        return fd;
    files[fd].inode = inode_of(fd);
    (void)snprintf(files[fd].path, sizeof files[fd].path, "%s", path);
    if ((flags & O_CREAT) != 0)
        put_path(RECORD_CREATE, files[fd].inode, path);
    if ((flags & O_TRUNC) != 0)
        put(RECORD_TRUNCATE, files[fd].inode, 0, "", 0);
    return fd;
}

/* The whole of a file that a stream wrote. */
static void put_whole(int fd)
{
    struct stat info;
    char *bytes = NULL;
    int again = NEXT(open)(files[fd].path, O_RDONLY | O_CLOEXEC);
    if (again >= 0 && fstat(again, &info) == 0 && (uint64_t)info.st_ino == files[fd].inode &&
        (bytes = malloc((size_t)info.st_size + 1)) != NULL &&
        NEXT(pread)(again, bytes, (size_t)info.st_size, 0) == info.st_size)
        put(RECORD_WRITE, files[fd].inode, 0, bytes, (size_t)info.st_size);
    free(bytes);
    if (again >= 0)
        (void)NEXT(close)(again);
}

/* ---- open and close ---- */

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return opened(NEXT(open)(path, flags, mode), path, flags);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int __open_2(const char *path, int flags)
{
    return open(path, flags);
}

int __open64_2(const char *path, int flags)
{
    return open(path, flags);
}

static FILE *streamed(FILE *file)
{
    if (file != NULL && is_known(fileno(file)))
        files[fileno(file)].is_stream = true;
    return file;
}

FILE *fopen(const char *path, const char *mode)
{
    FILE *file = NEXT(fopen)(path, mode);
    if (file != NULL)
        (void)opened(fileno(file), path, mode[0] == 'w' ? O_CREAT | O_TRUNC : 0);
    return mode[0] == 'r' ? file : streamed(file);
}

FILE *fopen64(const char *path, const char *mode) __attribute__((alias("fopen")));

FILE *fdopen(int fd, const char *mode)
{
    FILE *file = NEXT(fdopen)(fd, mode);
    return mode[0] == 'r' ? file : streamed(file);
}

int close(int fd)
{
    if (fd >= 0 && fd < FILES)
        files[fd].inode = 0;
    return NEXT(close)(fd);
}

int fclose(FILE *file)
{
    int fd = fileno(file);
    if (is_known(fd) && files[fd].is_stream && fflush(file) == 0)
        put_whole(fd);
    if (fd >= 0 && fd < FILES)
        files[fd].inode = 0;
    return NEXT(fclose)(file);
}

int close_range(unsigned first, unsigned last, int flags)
{
    for (unsigned fd = first; fd < FILES && fd <= last; fd++)
        files[fd].inode = 0;
    return NEXT(close_range)(first, last, flags);
}

/* ---- contents ---- */

ssize_t write(int fd, const void *bytes, size_t size)
{
    if (is_known(fd))
        put(RECORD_WRITE, files[fd].inode, (uint64_t)lseek(fd, 0, SEEK_CUR), bytes, size);
    return NEXT(write)(fd, bytes, size);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    if (is_known(fd))
        put(RECORD_WRITE, files[fd].inode, (uint64_t)at, bytes, size);
    return NEXT(pwrite)(fd, bytes, size, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at) __attribute__((alias("pwrite")));

int ftruncate(int fd, off_t size)
{
    if (is_known(fd))
        put(RECORD_TRUNCATE, files[fd].inode, (uint64_t)size, "", 0);
    return NEXT(ftruncate)(fd, size);
}

int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));

static int synced(int fd, int (*next)(int fd))
{
    if (is_known(fd) && files[fd].is_stream)
        put_whole(fd);
    uint64_t begin = book != NULL ? book->tail : 0;
    int failed = next(fd);
    if (failed == 0 && is_known(fd))
        put(RECORD_SYNC, files[fd].inode, begin, "", 0);
    return failed;
}

int fsync(int fd)
{
    return synced(fd, NEXT(fsync));
}

int fdatasync(int fd)
{
    return synced(fd, NEXT(fdatasync));
}

/* ---- names ---- */

static void put_rename(const char *from, const char *to)
{
    char both[2 * PATH_MAX];
    size_t first = strlen(from) + 1, second = strlen(to);
    if (book == NULL || !is_ours(to) || first + second > sizeof both)
        return;
    memcpy(both, from, first);
    memcpy(both + first, to, second);
    put(RECORD_RENAME, 0, 0, both, first + second);
}

int rename(const char *from, const char *to)
{
    put_rename(from, to);
    return NEXT(rename)(from, to);
}

/* RENAME_NOREPLACE: what will fail is not recorded; nobody else gives an object its name meanwhile
 * but another copy of the same. */
int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    if (access(to, F_OK) != 0)
        put_rename(from, to);
    return NEXT(renameat2)(from_at, from, to_at, to, flags);
}

int unlink(const char *path)
{
    if (book != NULL && is_ours(path))
        put_path(RECORD_UNLINK, 0, path);
    return NEXT(unlink)(path);
}

int unlinkat(int at, const char *name, int flags)
{
    char link[64], path[PATH_MAX];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", at);
    ssize_t n = book != NULL ? readlink(link, path, sizeof path) : -1;
    size_t length = n > 0 ? (size_t)n : 0;
    if (length > 0 && length + strlen(name) + 2 < sizeof path) {
        (void)snprintf(path + length, sizeof path - length, "/%s", name);
        if (is_ours(path))
            put_path(RECORD_UNLINK, 0, path);
    }
    return NEXT(unlinkat)(at, name, flags);
}

int mkdir(const char *path, mode_t mode)
{
    struct stat info;
    int failed = NEXT(mkdir)(path, mode);
    if (failed == 0 && book != NULL && is_ours(path) && stat(path, &info) == 0)
        put_path(RECORD_MKDIR, (uint64_t)info.st_ino, path);
    return failed;
}
