/* Addresses of DICOMweb services: no user, query or fragment, so that there is nothing to hide in
 * one and nothing to quote. */
#include "conf_private.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/* The end of a host, bracketed where it is an IPv6 address; NULL: it is none. */
static const char *skip_host(const char *text)
{
    size_t length;

    if (text[0] == '[') {
        length = strspn(text + 1, "0123456789abcdefABCDEF:.");
        return length >= 2 && text[1 + length] == ']' ? text + length + 2 : NULL;
    }
    for (length = 0; text[length] && (strchr(letters, text[length]) || strchr(".-", text[length]));)
        length++;
    return length > 0 && length <= 253 && strchr(letters, text[0]) &&
                   strchr(letters, text[length - 1])
               ? text + length
               : NULL;
}

static const char *skip_port(const char *text)
{
    size_t length;

    if (text[0] != ':')
        return text;
    length = strspn(text + 1, "0123456789");
    return length >= 1 && length <= 5 ? text + 1 + length : NULL;
}

bool conf_is_url(const char *text)
{
    const char *at = NULL;

    if (strlen(text) >= CONF_URL_MAX)
        return false;
    if (strncmp(text, "http://", 7) == 0)
        at = text + 7;
    else if (strncmp(text, "https://", 8) == 0)
        at = text + 8;
    at = at ? skip_host(at) : NULL;
    at = at ? skip_port(at) : NULL;
    if (!at || (*at != '/' && *at != '\0'))
        return false;
    for (; *at; at++)
        if (!strchr(letters, *at) && !strchr("/._~%@!$*+,;=:-", *at))
            return false;
    return true;
}

bool conf_is_this_machine(const char *host)
{
    struct in_addr address;

    if (strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0)
        return true;
    return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
}
