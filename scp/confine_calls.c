/* seccomp: two kinds of filter from the same rights. A listed role may call what is listed here
 * and what its rights add; any other may call all but what its missing rights take away. In both,
 * what no role ever calls kills, so that an attempt is seen.
 *
 * Compared are whole 64-bit arguments where the kernel looks at 32: conditions are such that
 * anything in the upper half refuses. */
#include "confine_row.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define REFUSE      SCMP_ACT_ERRNO(EPERM)

#define COMPILE_SECONDS 2 /* of a processor; it takes milliseconds */

/* Stands in a program for the number of the process that will load it. */
#define SELF 0x70696421u

/* No role's business; the reason to kill. */
static const int never[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(kcmp),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(syslog),
    SCMP_SYS(vhangup),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid),
};

/* The same, but a sanitizer's run-time does it. */
static const int never_plain[] = {SCMP_SYS(ptrace), SCMP_SYS(personality)};

/* What a listed role may call in any case: its memory, its time, and the descriptors it has. */
static const int listed[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(fcntl),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(sync_file_range),
    SCMP_SYS(sync_file_range),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(times),
    SCMP_SYS(getrusage),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(umask),
    SCMP_SYS(alarm),
    SCMP_SYS(setitimer),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(rt_sigsuspend),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(sendto),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(membarrier),
};

static const int for_open[] = {
    SCMP_SYS(open),     SCMP_SYS(openat),    SCMP_SYS(openat2),    SCMP_SYS(creat),
    SCMP_SYS(stat),     SCMP_SYS(lstat),     SCMP_SYS(newfstatat), SCMP_SYS(statx),
    SCMP_SYS(access),   SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
    SCMP_SYS(statfs),   SCMP_SYS(fstatfs),   SCMP_SYS(readlinkat), SCMP_SYS(getdents64),
    SCMP_SYS(rename),   SCMP_SYS(renameat),  SCMP_SYS(renameat2),  SCMP_SYS(unlink),
    SCMP_SYS(unlinkat), SCMP_SYS(flock),     SCMP_SYS(getcwd),     SCMP_SYS(fadvise64),
};
/* With what the children need to confine themselves further. */
static const int for_fork[] = {
    SCMP_SYS(fork),      SCMP_SYS(vfork),     SCMP_SYS(wait4),
    SCMP_SYS(waitid),    SCMP_SYS(prctl),     SCMP_SYS(setrlimit),
    SCMP_SYS(prlimit64), SCMP_SYS(getrlimit), SCMP_SYS(seccomp),
};
static const int for_signal[] = {SCMP_SYS(tkill), SCMP_SYS(rt_sigqueueinfo),
                                 SCMP_SYS(rt_tgsigqueueinfo), SCMP_SYS(pidfd_open)};
static const int for_connect[] = {SCMP_SYS(connect)};
static const int for_listen[] = {SCMP_SYS(bind), SCMP_SYS(listen)};
static const int for_accept[] = {SCMP_SYS(accept), SCMP_SYS(accept4)};

/* Which right each call needs. A list is taken away as a whole (`only`: of it, so many). */
static const struct {
    unsigned may;
    const int *calls;
    size_t count, only;
} groups[] = {
    {MAY_OPEN, for_open, COUNT(for_open), 4},
    {MAY_FORK, for_fork, COUNT(for_fork), 2},
    {MAY_SIGNAL, for_signal, COUNT(for_signal), COUNT(for_signal)},
    {MAY_CONNECT, for_connect, COUNT(for_connect), COUNT(for_connect)},
    {MAY_LISTEN, for_listen, COUNT(for_listen), COUNT(for_listen)},
    {MAY_ACCEPT, for_accept, COUNT(for_accept), COUNT(for_accept)},
};

static int add(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
    int bad = 0;
    for (size_t i = 0; i < count; i++)
        bad |= seccomp_rule_add(filter, action, calls[i], 0);
    return bad;
}

#define RULE(action, call, ...)                                                                    \
    (bad |= seccomp_rule_add(filter, action, SCMP_SYS(call), 1, __VA_ARGS__))

/* Writable code, and terminals made to type. */
static int forbid_some(scmp_filter_ctx filter)
{
    int bad = 0;
    const uint64_t both = PROT_WRITE | PROT_EXEC;
    const uint32_t kill = SANITIZED ? REFUSE : SCMP_ACT_KILL_PROCESS;
    RULE(kill, mmap, SCMP_A2(SCMP_CMP_MASKED_EQ, both, both));
    RULE(kill, mprotect, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    RULE(kill, pkey_mprotect, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    return bad;
}

/* fork and thread creation. clone3's flags lie in memory, where no filter sees them: without it
 * the C library uses clone. */
static int rule_clone(scmp_filter_ctx filter, const struct confine_row *row, bool is_listed)
{
    static const uint64_t spaces[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                      CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};
    int bad = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (is_listed) {
        uint64_t all = 0;
        for (size_t i = 0; i < COUNT(spaces); i++)
            all |= spaces[i];
        if (row->may & MAY_FORK)
            RULE(SCMP_ACT_ALLOW, clone, SCMP_A0(SCMP_CMP_MASKED_EQ, all, 0));
        else if (row->may & MAY_THREAD)
            RULE(SCMP_ACT_ALLOW, clone, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
        return bad;
    }
    if (row->may & MAY_FORK) {
        for (size_t i = 0; i < COUNT(spaces); i++)
            RULE(REFUSE, clone, SCMP_A0(SCMP_CMP_MASKED_EQ, spaces[i], spaces[i]));
    } else if (row->may & MAY_THREAD) {
        RULE(REFUSE, clone, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    } else {
        bad |= seccomp_rule_add(filter, REFUSE, SCMP_SYS(clone), 0);
    }
    return bad;
}

/* Itself, it may always; whether another is there, too. */
static int rule_kill(scmp_filter_ctx filter, const struct confine_row *row, bool is_listed)
{
    int bad = 0;
    const scmp_datum_t self = SELF;
    if (row->may & MAY_SIGNAL) {
        if (!is_listed)
            return 0;
        bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(kill), 0);
        bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 0);
    } else if (is_listed) {
        RULE(SCMP_ACT_ALLOW, kill, SCMP_A0(SCMP_CMP_EQ, self));
        RULE(SCMP_ACT_ALLOW, kill, SCMP_A1(SCMP_CMP_EQ, 0));
        RULE(SCMP_ACT_ALLOW, tgkill, SCMP_A0(SCMP_CMP_EQ, self));
    } else {
        bad |= seccomp_rule_add(filter, REFUSE, SCMP_SYS(kill), 2, SCMP_A0(SCMP_CMP_NE, self),
                                SCMP_A1(SCMP_CMP_NE, 0));
        RULE(REFUSE, tgkill, SCMP_A0(SCMP_CMP_NE, self));
    }
    if (!(row->may & (MAY_SIGNAL | MAY_HOLD)) && !is_listed)
        bad |= seccomp_rule_add(filter, REFUSE, SCMP_SYS(pidfd_send_signal), 0);
    return bad;
}

/* Sockets of the families that are in use: not netlink, packet, vsock, crypto, Bluetooth... */
static int rule_socket(scmp_filter_ctx filter, const struct confine_row *row, bool is_listed)
{
    static const uint64_t families[] = {AF_UNIX, AF_INET, AF_INET6};
    int bad = 0;
    bool may = (row->may & (MAY_CONNECT | MAY_LISTEN)) != 0;
    if (is_listed) {
        for (size_t i = 0; may && i < COUNT(families); i++)
            RULE(SCMP_ACT_ALLOW, socket, SCMP_A0(SCMP_CMP_EQ, families[i]));
        return bad;
    }
    if (!may)
        return seccomp_rule_add(filter, REFUSE, SCMP_SYS(socket), 0);
    RULE(REFUSE, socket, SCMP_A0(SCMP_CMP_GT, AF_INET6));
    for (uint64_t family = 0; family < AF_INET6; family++)
        if (family != AF_UNIX && family != AF_INET)
            RULE(REFUSE, socket, SCMP_A0(SCMP_CMP_EQ, family));
    return bad;
}

/* Code from files, and in listed roles the rest of the memory calls. */
static int rule_memory(scmp_filter_ctx filter, const struct confine_row *row, bool is_listed)
{
    int bad = 0;
    const uint64_t both = PROT_WRITE | PROT_EXEC;
    bool may = (row->may & MAY_CODE) != 0;
    if (!is_listed && !may)
        RULE(REFUSE, mmap, SCMP_A2(SCMP_CMP_MASKED_EQ, both, PROT_EXEC));
    if (!is_listed)
        return bad;
    RULE(SCMP_ACT_ALLOW, mmap, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (may)
        RULE(SCMP_ACT_ALLOW, mmap, SCMP_A2(SCMP_CMP_MASKED_EQ, both, PROT_EXEC));
    RULE(SCMP_ACT_ALLOW, mprotect, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    return bad;
}

static int rule_ioctl(scmp_filter_ctx filter, bool is_listed)
{
    static const uint64_t asked[] = {FIONREAD, FIONBIO, TCGETS};
    const uint64_t low = UINT32_MAX;
    int bad = 0;
    if (is_listed) {
        for (size_t i = 0; i < COUNT(asked); i++)
            RULE(SCMP_ACT_ALLOW, ioctl, SCMP_A1(SCMP_CMP_EQ, asked[i]));
        if (!SANITIZED)
            RULE(SCMP_ACT_ALLOW, newfstatat, SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH));
        return bad;
    }
    RULE(REFUSE, ioctl, SCMP_A1(SCMP_CMP_MASKED_EQ, low, TIOCSTI));
    RULE(REFUSE, ioctl, SCMP_A1(SCMP_CMP_MASKED_EQ, low, TIOCLINUX));
    return bad;
}

static int rule_groups(scmp_filter_ctx filter, const struct confine_row *row, bool is_listed)
{
    int bad = 0;
    for (size_t i = 0; i < COUNT(groups); i++) {
        bool may = (row->may & groups[i].may) != 0;
        if (is_listed && may)
            bad |= add(filter, SCMP_ACT_ALLOW, groups[i].calls, groups[i].count);
        else if (!is_listed && !may)
            bad |= add(filter, REFUSE, groups[i].calls, groups[i].only);
    }
    return bad;
}

/* The filter of a row; NULL with errno set. */
static scmp_filter_ctx make_filter(const struct confine_row *row)
{
    const uint32_t kill = SANITIZED ? REFUSE : SCMP_ACT_KILL_PROCESS;
    bool is_listed = row->listed && !SANITIZED;
    scmp_filter_ctx filter = seccomp_init(is_listed ? REFUSE : SCMP_ACT_ALLOW);
    if (!filter) {
        errno = ENOMEM;
        return NULL;
    }
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree; libseccomp 2.5 */
    int bad = add(filter, kill, never, COUNT(never));
    if (!SANITIZED)
        bad |= add(filter, kill, never_plain, COUNT(never_plain));
    if (is_listed)
        bad |= add(filter, SCMP_ACT_ALLOW, listed, COUNT(listed));
    bad |= forbid_some(filter);
    bad |= rule_clone(filter, row, is_listed) | rule_kill(filter, row, is_listed);
    bad |= rule_socket(filter, row, is_listed) | rule_memory(filter, row, is_listed);
    bad |= rule_ioctl(filter, is_listed) | rule_groups(filter, row, is_listed);
    if (bad == 0)
        return filter;
    seccomp_release(filter);
    errno = EINVAL;
    return NULL;
}

/* libseccomp writes programs to files only. */
static bool export_filter(scmp_filter_ctx filter, struct sock_fprog *program)
{
    int fd = memfd_create("filter", MFD_CLOEXEC);
    bool good = fd >= 0 && seccomp_export_bpf(filter, fd) == 0;
    off_t bytes = good ? lseek(fd, 0, SEEK_END) : 0;
    size_t count = (size_t)bytes / sizeof(struct sock_filter);
    struct sock_filter *code = bytes > 0 && count <= BPF_MAXINSNS ? malloc((size_t)bytes) : NULL;
    good = code != NULL && pread(fd, code, (size_t)bytes, 0) == bytes;
    if (fd >= 0)
        (void)close(fd);
    if (!good) {
        free(code);
        return false;
    }
    *program = (struct sock_fprog){.len = (unsigned short)count, .filter = code};
    return true;
}

static bool compile(const struct confine_row *row, struct sock_fprog *program)
{
    scmp_filter_ctx filter = make_filter(row);
    bool good = filter != NULL && export_filter(filter, program);
    if (filter != NULL)
        seccomp_release(filter);
    return good;
}

static void limit_time(time_t seconds)
{
    const struct itimerval limit = {.it_value.tv_sec = seconds};
    (void)setitimer(ITIMER_VIRTUAL, &limit, NULL);
}

/* Without memory libseccomp 2.5 may write a part of a filter, which refuses all or nothing, and say
 * that all went well: what comes out twice is believed. Or it never ends: then the process does. */
bool confine_compile(const struct confine_row *row, struct sock_fprog *program)
{
    struct sock_fprog once = {0}, again = {0};
    limit_time(COMPILE_SECONDS);
    bool good = compile(row, &once) && compile(row, &again);
    limit_time(0);
    bool same = good && once.len == again.len &&
                memcmp(once.filter, again.filter, once.len * sizeof *once.filter) == 0;
    free(again.filter);
    if (same) {
        *program = once;
        return true;
    }
    free(once.filter);
    if (good)
        errno = ENOMEM;
    return false;
}

bool confine_calls(const struct sock_fprog *program)
{
    for (size_t i = 0; i < program->len; i++) {
        struct sock_filter *step = &program->filter[i];
        if (BPF_CLASS(step->code) == BPF_JMP && BPF_OP(step->code) == BPF_JEQ && step->k == SELF)
            step->k = (uint32_t)getpid();
    }
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) == 0;
}
