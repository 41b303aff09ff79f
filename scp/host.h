/* host.h: hosts as the configuration and as connections have them. Pure; any thread. */
#ifndef HOST_H
#define HOST_H

#include <netinet/in.h>
#include <stdbool.h>

/* An IPv4 or IPv6 address, for which no name service is asked. */
bool host_is_number(const char *host);

/* The numeric address behind a socket's. False: it has none, address is "unknown". */
bool host_of(const struct sockaddr *from, char address[INET6_ADDRSTRLEN]);

#endif
