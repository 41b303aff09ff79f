/* Addresses and networks of callers. */
#include "conf_private.h"
#include <arpa/inet.h>
#include <string.h>

struct network {
    unsigned char bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
    unsigned bits;
};

static bool parse_address(const char *text, size_t length, struct network *network)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    char copy[46];

    if (length == 0 || length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    network->bits = 128;
    if (inet_pton(AF_INET6, copy, network->bytes) == 1)
        return true;
    memcpy(network->bytes, mapped, sizeof mapped);
    return inet_pton(AF_INET, copy, network->bytes + 12) == 1;
}

/* Address, or address/bits. */
static bool parse_network(const char *text, size_t length, struct network *network)
{
    const char *slash = memchr(text, '/', length);
    size_t address = slash ? (size_t)(slash - text) : length;
    unsigned bits = 0, most = memchr(text, ':', address) ? 128 : 32;

    if (!parse_address(text, address, network))
        return false;
    if (!slash)
        return true;
    if (address + 1 == length || length - address > 4)
        return false;
    for (const char *digit = slash + 1; digit < text + length; digit++) {
        if (*digit < '0' || *digit > '9')
            return false;
        bits = bits * 10 + (unsigned)(*digit - '0');
    }
    network->bits = 128 - most + bits;
    return bits <= most;
}

bool conf_is_network(const char *text, size_t length)
{
    struct network network;

    return parse_network(text, length, &network);
}

static bool contains(const struct network *network, const struct network *address)
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;

    if (memcmp(network->bytes, address->bytes, whole) != 0)
        return false;
    return rest == 0 || (network->bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}

bool conf_address_is_in(const char *address, const char *list)
{
    struct network caller, network;

    if (!parse_address(address, strlen(address), &caller))
        return false;
    for (list += strspn(list, CONF_BLANKS); *list; list += strspn(list, CONF_BLANKS)) {
        size_t length = strcspn(list, CONF_BLANKS);
        if (parse_network(list, length, &network) && contains(&network, &caller))
            return true;
        list += length;
    }
    return false;
}
