/* accept.h: which of several media types a client takes (RFC 9110 12.5.1; PS3.18 8.7). Pure. */
#ifndef ACCEPT_H
#define ACCEPT_H

#include <stddef.h>

/* What is sent: all of it is uncompressed. */
#define ACCEPT_SYNTAX "1.2.840.10008.1.2.1"

struct accept_offer {
    const char *type; /* "image/png", "multipart/related" */
    const char *part; /* of multipart/related: the type of each part; else NULL */
};
/* The place of the offer that it likes best, the first of equals; -1: it takes none. NULL: it says
 * nothing, and gets the first. An entry for another transfer syntax than ACCEPT_SYNTAX is none. */
int accept_choose(const char *accept, const struct accept_offer *offers, size_t count);

#endif
