#include "host.h"

#include <arpa/inet.h>
#include <stdio.h>

bool host_is_number(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

bool host_of(const struct sockaddr *from, char address[INET6_ADDRSTRLEN])
{
    const void *bytes = NULL;
    if (from->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
    else if (from->sa_family == AF_INET)
        bytes = &((const struct sockaddr_in *)(const void *)from)->sin_addr;
    if (bytes != NULL && inet_ntop(from->sa_family, bytes, address, INET6_ADDRSTRLEN) != NULL)
        return true;
    (void)snprintf(address, INET6_ADDRSTRLEN, "unknown");
    return false;
}
