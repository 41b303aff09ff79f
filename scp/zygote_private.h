/* zygote_private.h: between zygote.c (the zygote's side) and zygote_owner.c. */
#ifndef ZYGOTE_PRIVATE_H
#define ZYGOTE_PRIVATE_H

#include "zygote.h"
#include <sys/types.h>

#define ZYGOTE_DESCRIPTORS 3 /* object, socket, pixels */

struct zygote {
    int socket, held; /* held: a pidfd: its owner may signal nobody by number */
    pid_t pid;
};
struct zygote_made {
    int32_t pid, error;
};

bool zygote_send(int socket, const void *bytes, size_t count, const int *fds, size_t fd_count);
/* Exactly `count` bytes and `fd_count` descriptors, or false. */
bool zygote_receive(int socket, void *bytes, size_t count, int *fds, size_t fd_count);

#endif
