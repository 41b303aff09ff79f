/* zygote_side.h: between zygote.c, the owner's side, and zygote_side.c, the zygote itself. */
#ifndef ZYGOTE_SIDE_H
#define ZYGOTE_SIDE_H

#include "pass.h"
#include "zygote.h"
#include <sys/types.h>

#define DESCRIPTORS PASS_MOST /* object, socket, pixels */

/* What the zygote tells of a child that it made; its pidfd comes with it. */
struct made {
    int32_t pid, error;
};

/* What it tells of its end: waitpid's status, and the most memory that it had at once. */
struct ended {
    int32_t status, peak_kib;
};

/* The zygote's life, in the process that its owner forked. */
_Noreturn void zygote_live(int socket, pid_t owner);

#endif
