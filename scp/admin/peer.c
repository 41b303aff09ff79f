#include "peer.h"
#include <stdio.h>
#include <string.h>

const struct conf_peer *peer_find(const struct conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->peer_count; i++)
        if (strcmp(conf->peers[i].name, name) == 0)
            return &conf->peers[i];
    fprintf(stderr, "%s: no peer is called \"%s\"; there %s", conf->path, name,
            conf->peer_count == 0 ? "are none" : "are:");
    for (size_t i = 0; i < conf->peer_count; i++)
        fprintf(stderr, " %s", conf->peers[i].name);
    fputc('\n', stderr);
    return NULL;
}
