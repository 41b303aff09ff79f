/* confine_deeds.h: what test_confine.c tries, and where. */
#ifndef CONFINE_DEEDS_H
#define CONFINE_DEEDS_H

#include "confine.h"
#include "scp_fixture.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

struct place {
    struct fixture *fixture;
    struct conf_peer peer, manager; /* the destination's, and that of announced UPS */
    struct conf_destination to;
    struct conf_announcement news;
    char model[128], incoming[160], object[160], outside[128], key[128], password[128];
    int listener, receiver, other, library;
    uint16_t port, news_port, other_port;
};
extern struct place place;

enum { SCRATCH = 40 }; /* a descriptor to write to */

/* y done; n refused; k killed by SIGSYS (refused under a sanitizer); digits: refused where Landlock
 * has that version, else done; L: as 2 under a sanitizer, which has no list of calls, else n.
 * Columns: Supervisor Receive Association reFuser Committer aNalyze Zygote Deliver senDer cOnsole,
 * aNnounce, crier, orders, hearer, inquire, inquirer (q), audit, admin, admin-Peer, object child.
 */
struct deed {
    const char *name;
    int (*does)(void);
    const char *expected;
    bool plain; /* not under a sanitizer */
};
extern const struct deed deeds[];
extern const size_t deed_count;

/* Alone: 0, or errno. */
int deed_opens(const char *path, int flags);
int deed_threads(void);

#endif
