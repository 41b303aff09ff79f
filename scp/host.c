#include "host.h"

#include <arpa/inet.h>
#include <netinet/in.h>

bool host_is_number(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}
