/* pass.h: records with descriptors over a socket between two processes of the node.
 *
 * A SOCK_SEQPACKET pair; one record is one packet. Whatever else arrives is closed and refused: who
 * reads never holds a descriptor that it did not ask for. */
#ifndef PASS_H
#define PASS_H

#include <stdbool.h>
#include <stddef.h>

#define PASS_MOST 3 /* descriptors of one record */

/* flags: MSG_DONTWAIT or 0. The descriptors stay the caller's. False with errno set. */
bool pass_send(int socket, const void *bytes, size_t count, const int *fds, size_t fd_count,
               int flags);
/* Exactly `count` bytes and `fd_count` descriptors, which become the caller's, or false; errno is
 * 0 when what came was another record. */
bool pass_receive(int socket, void *bytes, size_t count, int *fds, size_t fd_count, int flags);

#endif
