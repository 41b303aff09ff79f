/* check_host.h: what of this machine stands in a node's way: ports that others have, and the clock.
 * Returns how many errors were told on standard error. */
#ifndef CHECK_HOST_H
#define CHECK_HOST_H

#include "conf.h"

/* Ports that cannot be listened on. Those of the running node on this spool are its own; while
 * cervigate.socket is active the DICOM port is systemd's. One that nobody has, but that this user
 * may not listen on, is a warning. */
int check_ports(const struct conf *conf);
/* A clock that is earlier than what is known to have happened; that nobody sets is a note. */
int check_clock(const struct conf *conf);

#endif
