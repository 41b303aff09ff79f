/* host.h: hosts as the configuration has them. */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>

/* An IPv4 or IPv6 address, for which no name service is asked. */
bool host_is_number(const char *host);

#endif
