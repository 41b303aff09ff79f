/* peer.h: whom a command speaks to. */
#ifndef PEER_H
#define PEER_H

#include "conf.h"

/* A configured peer by its name; NULL, and told on standard error which there are. */
const struct conf_peer *peer_find(const struct conf *conf, const char *name);

#endif
