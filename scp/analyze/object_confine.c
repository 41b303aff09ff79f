/* What an object child may do: compute, and read, write and seek on the descriptors that it has.
 * The list is what DCMTK, libjpeg, CharLS, OpenJPEG, zlib and glibc's malloc and iconv need on
 * Debian 12; everything else kills the process, so an exploit has no network, file or program. */
#include "confine_row.h"
#include "object.h"
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(close),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(sendto),
    SCMP_SYS(recvfrom),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
};

/* Calls that are allowed with some arguments only. */
static int allow_some(scmp_filter_ctx filter)
{
    int bad = 0;
    struct scmp_arg_cmp not_executable = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    struct scmp_arg_cmp itself = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid());
    struct scmp_arg_cmp by_descriptor = SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH);
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, not_executable);
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, not_executable);
    /* abort() */
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, itself);
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1, by_descriptor);
    bad |=
        seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_GETFL));
    bad |=
        seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_GETFD));
    return bad;
}

static bool filter_calls(void)
{
    int bad = 0;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return false;
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    bad |= allow_some(filter);
    if (bad == 0)
        bad = seccomp_load(filter);
    seccomp_release(filter);
    return bad == 0;
}

static bool limit(__rlimit_resource_t resource, uint64_t soft, uint64_t hard)
{
    struct rlimit value = {.rlim_cur = soft, .rlim_max = hard};
    return setrlimit(resource, &value) == 0;
}

bool object_confine(const struct object_limits *limits)
{
    uint64_t cpu = (uint64_t)limits->cpu_seconds, pixels = object_pixel_bytes(limits);
    uint64_t files = SANITIZED ? 64 : 8; /* the sanitizer's own checks use pipes */
    if (!limit(RLIMIT_CPU, cpu, cpu + 1) || !limit(RLIMIT_FSIZE, pixels, pixels) ||
        !limit(RLIMIT_CORE, 0, 0) || !limit(RLIMIT_NOFILE, files, files))
        return false;
    alarm((unsigned)limits->wall_seconds);
    if (SANITIZED)
        return true;
    return limit(RLIMIT_AS, limits->memory_bytes, limits->memory_bytes) && filter_calls();
}
