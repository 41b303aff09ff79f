/* Makes the N-th call of a kind fail, in the processes of one role: an LD_PRELOAD library.
 *
 *   CERVIGATE_FAIL=FILE: `struct control` below, mapped by every process of the node and by the
 * test
 *
 * The test arms it while the node runs: sets what is to fail and the count to 0, then armed to 1;
 * it reads `count` (calls that would have been hit) and `fired`. Roles are told apart by the name
 * that each gives itself (PR_SET_NAME), places by the path that a descriptor was opened with. A
 * call that is made by libc itself (stdio's own write) cannot be seen: fwrite, fputs and fflush
 * stand for it.
 *
 * Beside it the library watches one rule: a file whose fsync failed is not synced again through the
 * same descriptor and then believed (`resynced` counts such calls; SQLite's files are exempt, since
 * a transaction that failed is written anew).
 *
 * A process that dies of a fault says in whose code: "died signal=11 of=libxml2,cervigated" on
 * standard error, the innermost first, libc and C++'s runtime left out. */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind {
    KIND_MALLOC = 1,
    KIND_CREATE = 2, /* open with O_CREAT, or for writing by stdio */
    KIND_OPEN = 4,   /* any other open */
    KIND_WRITE = 8,
    KIND_SYNC = 16,
    KIND_RENAME = 32,
    KIND_UNLINK = 64,
    KIND_MKDIR = 128,
    KIND_READ = 256,
    KIND_TRUNCATE = 512,
    KIND_MAP = 1024
};

enum place {
    PLACE_STORE = 1, /* jobs.sqlite and what is beside it */
    PLACE_SPOOL = 2, /* all else below the spool */
    PLACE_ELSEWHERE = 4
};

/* Read and written by tests/faults/calls.py: its struct format must follow. */
struct control {
    _Atomic uint32_t armed, role, kind, place;
    _Atomic int32_t error; /* errno; 0: a short write */
    _Atomic uint32_t ever; /* from the N-th on */
    _Atomic uint64_t at, count, fired;
    _Atomic uint32_t resynced, fired_pid;
};

#define FILES 4096

static struct control *control;
static uint32_t role = 1; /* 1 << its place in `names`; the supervisor until it is renamed */
static unsigned char places[FILES];
static bool is_failed[FILES];

static const char *const names[] = {
    "cervigated",     "cervigated-rcv", "cervigated-com", "cervigated-asc", "cervigated-ana",
    "zygote",         "cervigated-dlv", "cervigated-snd", "cervigated-con", "cervigated-try",
    "cervigated-aud", "cervigated-ann", "cervigated-cry", "cervigated-ord", "cervigated-hea",
    "cervigated-inq", "cervigated-ask", "cervigated-dsk"};
enum { NAMES = sizeof names / sizeof *names };

#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

/* ---- deaths ---- */

/* Adds the module of an address to "of=a,b", once for each run of the same. */
static size_t add_module(char *text, size_t used, size_t size, void *at)
{
    static const char *const runtime[] = {"fail.", "libc.", "libstdc++.", "libgcc_s."};
    Dl_info info;
    if (dladdr(at, &info) == 0 || info.dli_fname == NULL)
        return used;
    const char *slash = strrchr(info.dli_fname, '/'), *name = slash ? slash + 1 : info.dli_fname;
    for (size_t i = 0; i < sizeof runtime / sizeof *runtime; i++)
        if (strncmp(name, runtime[i], strlen(runtime[i])) == 0)
            return used;
    int length = (int)strcspn(name, ".");
    size_t own = (size_t)length;
    if (used > own && strncmp(text + used - own - 1, name, own) == 0)
        return used;
    int n = snprintf(text + used, size - used, "%.*s,", length, name);
    return n > 0 && (size_t)n < size - used ? used + (size_t)n : used;
}

static void died(int number)
{
    void *at[64];
    char text[512];
    int count = backtrace(at, 64);
    size_t used = (size_t)snprintf(text, sizeof text, "died signal=%d of=", number);
    for (int i = 0; i < count; i++)
        used = add_module(text, used, sizeof text, at[i]);
    text[used - 1] = '\n';
    (void)!NEXT(write)(STDERR_FILENO, text, used);
}

static void watch_deaths(void)
{
    static const int faults[] = {SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV};
    static char stack[65536]; /* the fault may be the end of the other */
    struct sigaction act = {.sa_handler = died, .sa_flags = SA_ONSTACK | (int)SA_RESETHAND};
    void *at[1];
    (void)backtrace(at, 1); /* it asks for memory the first time */
    (void)sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        (void)sigaction(faults[i], &act, NULL);
}

__attribute__((constructor)) static void start(void)
{
    watch_deaths();
    const char *path = getenv("CERVIGATE_FAIL");
    int fd = path != NULL ? (int)NEXT(open)(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *at = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (at != MAP_FAILED)
        control = at;
}

/* Whether this call is to fail; errno is set when it is. */
static bool hit(enum kind kind, unsigned place)
{
    if (control == NULL || control->armed == 0 || (control->kind & kind) == 0 ||
        (control->role & role) == 0 || (control->place & place) == 0)
        return false;
    uint64_t n = atomic_fetch_add(&control->count, 1) + 1;
    if (control->ever != 0 ? n < control->at : n != control->at)
        return false;
    (void)atomic_fetch_add(&control->fired, 1);
    control->fired_pid = (uint32_t)getpid();
    if (control->error != 0)
        errno = control->error;
    return true;
}

/* The test's spool is a folder of this name, and nothing else that it uses is. */
static unsigned place_of(const char *path)
{
    const char *below = strstr(path, "/spool/");
    if (below == NULL)
        return PLACE_ELSEWHERE;
    return strncmp(below, "/spool/jobs.sqlite", 18) == 0 ? PLACE_STORE : PLACE_SPOOL;
}

static unsigned place_of_fd(int fd)
{
    return fd >= 0 && fd < FILES && places[fd] != 0 ? places[fd] : PLACE_ELSEWHERE;
}

static int opened(int fd, const char *path)
{
    if (fd >= 0 && fd < FILES) {
        places[fd] = (unsigned char)place_of(path);
        is_failed[fd] = false;
    }
    return fd;
}

static void forget(int fd)
{
    if (fd >= 0 && fd < FILES) {
        places[fd] = 0;
        is_failed[fd] = false;
    }
}

/* ---- names ---- */

int prctl(int option, ...)
{
    unsigned long a[4];
    va_list args;
    va_start(args, option);
    for (int i = 0; i < 4; i++)
        a[i] = va_arg(args, unsigned long);
    va_end(args);
    if (option == PR_SET_NAME) {
        size_t i = 0;
        while (i < NAMES && strcmp((const char *)a[0], names[i]) != 0)
            i++;
        role = 1u << i; /* of any other name: the bit after the last */
    }
    return NEXT(prctl)(option, a[0], a[1], a[2], a[3]);
}

/* ---- memory ---- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *at, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static bool no_memory(void)
{
    return hit(KIND_MALLOC, PLACE_ELSEWHERE);
}

void *malloc(size_t size)
{
    return no_memory() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return no_memory() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *at, size_t size)
{
    return no_memory() ? NULL : __libc_realloc(at, size);
}

void *reallocarray(void *at, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return no_memory() ? NULL : __libc_realloc(at, bytes);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return no_memory() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **at, size_t alignment, size_t size)
{
    void *got = no_memory() ? NULL : __libc_memalign(alignment, size);
    if (got == NULL)
        return ENOMEM;
    *at = got;
    return 0;
}

/* ---- open and close ---- */

static bool open_hit(const char *path, bool creates)
{
    return hit(creates ? KIND_CREATE : KIND_OPEN, place_of(path));
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    if (open_hit(path, (flags & O_CREAT) != 0))
        return -1;
    return opened(NEXT(open)(path, flags, mode), path);
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

static FILE *stream_opened(FILE *file, const char *path)
{
    if (file != NULL)
        (void)opened(fileno(file), path);
    return file;
}

FILE *fopen(const char *path, const char *mode)
{
    if (open_hit(path, mode[0] != 'r'))
        return NULL;
    return stream_opened(NEXT(fopen)(path, mode), path);
}

FILE *fopen64(const char *path, const char *mode) __attribute__((alias("fopen")));

int close(int fd)
{
    forget(fd);
    return NEXT(close)(fd);
}

int fclose(FILE *file)
{
    forget(fileno(file));
    return NEXT(fclose)(file);
}

int close_range(unsigned first, unsigned last, int flags)
{
    for (unsigned fd = first; fd < FILES && fd <= last; fd++)
        forget((int)fd);
    return NEXT(close_range)(first, last, flags);
}

/* ---- reading and writing ---- */

/* How much of `size` is to be written: 0 none, the call fails. */
static size_t allowed(int fd, size_t size)
{
    if (!hit(KIND_WRITE, place_of_fd(fd)))
        return size;
    return control->error == 0 && size > 1 ? size / 2 : control->error == 0 ? size : 0;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    size_t most = allowed(fd, size);
    return most == 0 && size > 0 ? -1 : NEXT(write)(fd, bytes, most);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    size_t most = allowed(fd, size);
    return most == 0 && size > 0 ? -1 : NEXT(pwrite)(fd, bytes, most, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at) __attribute__((alias("pwrite")));

ssize_t read(int fd, void *bytes, size_t size)
{
    return hit(KIND_READ, place_of_fd(fd)) ? -1 : NEXT(read)(fd, bytes, size);
}

ssize_t pread(int fd, void *bytes, size_t size, off_t at)
{
    return hit(KIND_READ, place_of_fd(fd)) ? -1 : NEXT(pread)(fd, bytes, size, at);
}

ssize_t pread64(int fd, void *bytes, size_t size, off_t at) __attribute__((alias("pread")));

size_t fwrite(const void *bytes, size_t size, size_t count, FILE *file)
{
    if (hit(KIND_WRITE, place_of_fd(fileno(file))) && control->error != 0)
        return 0;
    return NEXT(fwrite)(bytes, size, count, file);
}

int fputs(const char *text, FILE *file)
{
    if (hit(KIND_WRITE, place_of_fd(fileno(file))) && control->error != 0)
        return EOF;
    return NEXT(fputs)(text, file);
}

int fflush(FILE *file)
{
    if (file != NULL && hit(KIND_WRITE, place_of_fd(fileno(file))) && control->error != 0)
        return EOF;
    return NEXT(fflush)(file);
}

int ftruncate(int fd, off_t size)
{
    return hit(KIND_TRUNCATE, place_of_fd(fd)) ? -1 : NEXT(ftruncate)(fd, size);
}

int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (fd >= 0 && hit(KIND_MAP, place_of_fd(fd)))
        return MAP_FAILED;
    return NEXT(mmap)(at, size, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset)
    __attribute__((alias("mmap")));

/* ---- durability ---- */

static bool sync_hit(int fd)
{
    unsigned place = place_of_fd(fd);
    bool again = fd >= 0 && fd < FILES && is_failed[fd];
    if (hit(KIND_SYNC, place)) {
        if (fd >= 0 && fd < FILES && place != PLACE_STORE)
            is_failed[fd] = true;
        return true;
    }
    if (again && control != NULL)
        (void)atomic_fetch_add(&control->resynced, 1);
    return false;
}

int fsync(int fd)
{
    return sync_hit(fd) ? -1 : NEXT(fsync)(fd);
}

int fdatasync(int fd)
{
    return sync_hit(fd) ? -1 : NEXT(fdatasync)(fd);
}

/* ---- names on the disk ---- */

int rename(const char *from, const char *to)
{
    return hit(KIND_RENAME, place_of(to)) ? -1 : NEXT(rename)(from, to);
}

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    return hit(KIND_RENAME, place_of(to)) ? -1 : NEXT(renameat2)(from_at, from, to_at, to, flags);
}

int unlink(const char *path)
{
    return hit(KIND_UNLINK, place_of(path)) ? -1 : NEXT(unlink)(path);
}

int unlinkat(int at, const char *path, int flags)
{
    return hit(KIND_UNLINK, PLACE_SPOOL) ? -1 : NEXT(unlinkat)(at, path, flags);
}

int mkdir(const char *path, mode_t mode)
{
    return hit(KIND_MKDIR, place_of(path)) ? -1 : NEXT(mkdir)(path, mode);
}
