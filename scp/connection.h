/* connection.h: a TCP connection that we open, with TLS or without, on a non-blocking socket with a
 * deadline for every step: the audit log's collector, systems that take HL7.
 *
 * TLS 1.2 or later with forward secrecy and authenticated encryption (BCP 195); the peer's
 * certificate must be trusted and bear its name. Deadlines are of clock_monotonic_ms. Looking a
 * name up is the resolver's, which has limits of its own and knows no deadline. SIGPIPE must be
 * ignored, as it is in every role [node.h]. One thread at a time. A call that takes error fills it
 * with a sentence when it fails. */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct connection_peer {
    const char *who; /* "collector": in errors */
    const char *host;
    uint16_t port;
    bool tls;
    const char *name;              /* that its certificate must bear; NULL: the host */
    const char *authorities;       /* PEM; NULL: the system's */
    const char *certificate, *key; /* of ours, PEM; NULL: none */
};
struct connection;

/* Loads the certificates and the key; afterwards no file is opened but the resolver's. What *peer
 * points to must outlive the connection. NULL: error says why, or was left alone as there is no
 * memory. */
struct connection *connection_create(const struct connection_peer *peer, char *error, size_t size);
/* All that is wrong with the files of TLS, each by itself, whether ours is valid by now, then the
 * key with the certificate: "" where nothing is. */
enum { CONNECTION_AUTHORITIES, CONNECTION_CERTIFICATE, CONNECTION_KEY, CONNECTION_FILES };
#define CONNECTION_WHY 256
void connection_judge(const struct connection_peer *peer,
                      char why[CONNECTION_FILES][CONNECTION_WHY]);
void connection_destroy(struct connection *connection); /* takes NULL */

/* Each of a host's addresses gets its share of the time. What was open is closed first. */
bool connection_open(struct connection *connection, int64_t until, char *error, size_t size);
bool connection_is_open(const struct connection *connection);
/* All of it, in order; false: the connection is closed. */
bool connection_send(struct connection *connection, const char *bytes, size_t count, int64_t until,
                     char *error, size_t size);
#define CONNECTION_ENDED  (-1) /* in order, or without close_notify, as many do */
#define CONNECTION_BROKEN (-2)
/* Some bytes; 0: nothing now. */
ssize_t connection_read(struct connection *connection, char *bytes, size_t most);
/* After CONNECTION_BROKEN, before the thread's next call of OpenSSL: the TLS alert by which the
 * peer ended it, in OpenSSL's words (static); NULL: none. In TLS 1.3 that is how a peer refuses our
 * certificate: after the handshake. */
const char *connection_alert(void);
/* Until something can be read; false: not by then. */
bool connection_wait(const struct connection *connection, int64_t until);
/* close_notify, or our side shut down; false: it could not be said, which closes nothing. */
bool connection_say_end(struct connection *connection, int64_t until);
void connection_close(struct connection *connection);
/* The descriptor to poll; -1: closed. */
int connection_fd(const struct connection *connection);

#endif
