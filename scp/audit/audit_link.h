/* audit_link.h: the connection to the collector: syslog over TLS (RFC 5425) or, to this machine,
 * over TCP with the same framing.
 *
 * Syslog has no acknowledgement: what the kernel took may never be read. So a connection is ended
 * with a question [audit_link_confirm]: we send close_notify (or shut our side down) and wait for
 * the collector's. It answers after it has read all before, and only then are the records counted
 * as sent. TLS 1.2 or later; the collector's certificate must be trusted and bear its name.
 *
 * One thread. Opening, sending and confirming wait for the collector, each up to a deadline of its
 * own. conf must outlive the link. */
#ifndef AUDIT_LINK_H
#define AUDIT_LINK_H

#include "conf.h"
#include "connection.h"

struct audit_link;

/* Loads the certificates and the key; afterwards no file is opened but the resolver's. NULL: error
 * says why, or was left alone as there is no memory. */
struct audit_link *audit_link_create(const struct conf *conf, char *error, size_t size);
/* All that is wrong with ca, certificate and key, as connection_judge. */
void audit_link_judge(const struct conf *conf, char why[CONNECTION_FILES][CONNECTION_WHY]);
void audit_link_destroy(struct audit_link *link); /* takes NULL */

/* False: error says why, and it is closed. */
bool audit_link_open(struct audit_link *link, char *error, size_t size);
bool audit_link_is_open(const struct audit_link *link);
/* All of it, in order; false: error says why, and the link is closed. */
bool audit_link_send(struct audit_link *link, const char *bytes, size_t count, char *error,
                     size_t size);
enum audit_confirm {
    AUDIT_CONFIRMED,
    AUDIT_UNCONFIRMED, /* its kernel has all; it did not answer */
    AUDIT_LOST         /* the connection broke */
};
/* Ends the connection. */
enum audit_confirm audit_link_confirm(struct audit_link *link);
/* The collector has closed, or says what nobody asked. */
bool audit_link_has_ended(struct audit_link *link);
void audit_link_close(struct audit_link *link);
/* The descriptor to poll; -1: closed. */
int audit_link_fd(const struct audit_link *link);

#endif
