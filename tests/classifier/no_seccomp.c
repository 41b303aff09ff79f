/* For QEMU's user mode, which has no seccomp (scripts/arm64): preloaded, libseccomp believes that
 * the kernel has it, and the program that its filter is loaded. Never part of what is installed. */
#include <dlfcn.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define TAKE(given, count, last)                                                                   \
    va_list list;                                                                                  \
    va_start(list, last);                                                                          \
    for (int i = 0; i < (count); i++)                                                              \
        (given)[i] = va_arg(list, unsigned long);                                                  \
    va_end(list)

int prctl(int option, ...)
{
    unsigned long given[4];
    TAKE(given, 4, option);
    if (option == PR_SET_SECCOMP)
        return 0;
    int (*next)(int, ...) = (int (*)(int, ...))dlsym(RTLD_NEXT, "prctl");
    return next(option, given[0], given[1], given[2], given[3]);
}

/* As libseccomp asks whether the call is there, and whether a flag is known. */
static long ask(unsigned long operation)
{
    if (operation == SECCOMP_GET_ACTION_AVAIL)
        return 0;
    errno = operation == SECCOMP_SET_MODE_STRICT ? EINVAL : EFAULT;
    return -1;
}

long syscall(long number, ...)
{
    unsigned long given[6];
    TAKE(given, 6, number);
    if (number == SYS_seccomp)
        return ask(given[0]);
    long (*next)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    return next(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}
