/* keys_shown.h: certificates that the node shows elsewhere than by <tls>: to receivers of HL7 and
 * the audit log's collector where they ask for one, and to browsers. Their ends are watched here
 * and become alarms; who uses them reads them for himself. No key is read. */
#ifndef KEYS_SHOWN_H
#define KEYS_SHOWN_H

#include "keys.h"

#define KEYS_SHOWN_MOST (CONF_MAX_ANNOUNCEMENTS + 2)
struct keys_shown {
    char by[80];             /* "hl7 NAME", "audit", "console" */
    const char *path;        /* the configuration's; NULL from keys_shown_read */
    int line;                /* of the configuration */
    struct dx_tls_term term; /* end_ms 0: unknown */
    char wrong[256];         /* why it cannot be used; "": it can, or has ended */
};
/* Those in use; not that of <tls>, which is watched by itself [keys_watch_turn]. Nothing is read.
 */
size_t keys_shown_list(const struct conf *conf, struct keys_shown list[KEYS_SHOWN_MOST]);
/* The configuration as if this certificate were that of <tls>, and no other file there: for
 * keys_find_wrong. Its pointers are conf's and shown's: not for conf_destroy, and not to outlive
 * them. */
struct conf keys_shown_alone(const struct conf *conf, const struct keys_shown *shown);

/* The supervisor's: writes SPOOL/run/shown whenever one of them has changed. */
struct keys_shown_watch {
    struct keys_mark mark[KEYS_SHOWN_MOST];
    bool looked;
    int64_t again_ms; /* monotonic; 0: when one changes */
};
void keys_shown_turn(const struct conf *conf, struct keys_shown_watch *watch);
/* What run/shown says, for whoever reads it: how many; 0 also where it cannot be read. */
size_t keys_shown_read(const struct conf *conf, struct keys_shown list[KEYS_SHOWN_MOST]);

#endif
