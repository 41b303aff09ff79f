/* malformed.h: what the halves of `malformed` share. */
#ifndef MALFORMED_H
#define MALFORMED_H

#include "mutate.h"

/* The mutation as a Part 10 file, as the node writes a received object. */
bool malformed_write(int fd, const struct mutation *mutation);
/* Over the network, an association each; prints the answers, and exits 1 when one never came. */
int malformed_send(const struct corpus *corpus, uint64_t seed, uint64_t count, uint64_t first,
                   uint16_t port, const char *ledger);

#endif
