/* net_server.h: a storage server of the library for tests: an accept loop, a process per
 * association, everything received kept in a folder. */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include "dx_scp.h"

#include <sys/types.h>

struct net_server {
    pid_t pid;
    uint16_t port;
    char folder[64];
};

/* Starts it on a free port of the loopback; it admits called AE "CERVIGATE" and no calling AE
 * "EVIL", "FULL" is told that there is no room. most: associations at once; 0: unlimited. */
int net_server_start(struct net_server *server, const struct dx_scp_params *params, int most);
/* Is the accepting process alive? */
int net_server_is_alive(const struct net_server *server);
/* Stops it and removes the folder. */
void net_server_stop(struct net_server *server);

/* The journal: a line an event, "stored|refused|end ...". How many lines begin with this text, or
 * the n-th (from 0) of them. Waits up to 3 s until there are at least `wanted`. */
int net_server_count(const struct net_server *server, const char *prefix, int wanted);
int net_server_line(const struct net_server *server, const char *prefix, int n, char *line,
                    size_t size);

/* Runs a program with its output to a file in the folder; returns its exit code. */
int net_run(const struct net_server *server, char *const argv[]);

#endif
