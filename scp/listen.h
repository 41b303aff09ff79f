/* listen.h: the node's listening sockets, opened by the supervisor and kept over restarts. */
#ifndef LISTEN_H
#define LISTEN_H

#include <stddef.h>
#include <stdint.h>

/* Binds a numeric address and listens (SO_REUSEADDR, non-blocking, close-on-exec; port 0: any free
 * one). The descriptor, or a negated errno. */
int listen_open(const char *address, uint16_t port);
/* The port a socket is bound to; 0 when it cannot be told. */
uint16_t listen_port(int fd);
/* Sockets that systemd passed (LISTEN_FDS): the one named "console" is HTTP, "tls" DICOM over TLS,
 * "orders" HL7, the first other one DICOM. Leaves what was not passed as it is. */
void listen_activated(int *dicom_fd, int *tls_fd, int *console_fd, int *orders_fd);

#endif
