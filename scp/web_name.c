#include "web_name.h"

#include "host.h"
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#define ADDRESSES 8 /* of one name; the others are not tried */

/* "host:port:address,..." */
bool web_name_resolve(const char *host, uint16_t port, struct curl_slist **addresses, char *why,
                      size_t why_size)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char line[300 + ADDRESSES * (INET6_ADDRSTRLEN + 3)], text[INET6_ADDRSTRLEN];
    *addresses = NULL;
    if (host_is_number(host))
        return true;
    int status = getaddrinfo(host, NULL, &hints, &list);
    if (status != 0) {
        (void)snprintf(why, why_size, "%.200s: %s", host, gai_strerror(status));
        return false;
    }
    int used = snprintf(line, sizeof line, "%.255s:%u:", host, (unsigned)port), count = 0;
    for (const struct addrinfo *one = list; one != NULL && count < ADDRESSES; one = one->ai_next) {
        bool six = one->ai_family == AF_INET6;
        if (getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, NULL, 0,
                        NI_NUMERICHOST) != 0)
            continue;
        used += snprintf(line + used, sizeof line - (size_t)used, six ? "%s[%s]" : "%s%s",
                         count++ > 0 ? "," : "", text);
    }
    freeaddrinfo(list);
    *addresses = count > 0 ? curl_slist_append(NULL, line) : NULL;
    if (*addresses == NULL)
        (void)snprintf(why, why_size, "%.200s: no address", host);
    return *addresses != NULL;
}
