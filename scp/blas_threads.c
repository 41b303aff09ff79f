#include "blas_threads.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#define THREADS "OPENBLAS_NUM_THREADS"

void blas_threads_end(char **argv)
{
    char self[PATH_MAX];
    struct rlimit space;
    const char *threads = getenv(THREADS);
    if (getrlimit(RLIMIT_AS, &space) != 0 || space.rlim_cur == RLIM_INFINITY ||
        (threads != NULL && strcmp(threads, "1") == 0))
        return;
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1); /* keeps its name */
    if (length > 0 && setenv(THREADS, "1", 1) == 0) {
        self[length] = '\0';
        (void)execv(self, argv);
    }
    (void)fprintf(stderr, "%s: the address space has a limit (ulimit -v): set " THREADS "=1 (%s)\n",
                  argv[0], strerror(errno));
    _exit(EX_OSERR); /* exit would wait for OpenBLAS */
}
