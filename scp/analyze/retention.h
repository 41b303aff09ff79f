/* retention.h: what goes from the spool, when, and what a person orders at once. The analyze
 * role's, between its other work, and `cervigate retention`'s where no node runs; one thread.
 *
 * A turn does little (RETENTION_*), so that a backlog of any size holds up nobody. */
#ifndef RETENTION_H
#define RETENTION_H

#include "node.h"
#include "store_keep.h"

#define RETENTION_TURN_MS  1000   /* between two turns while there is work */
#define RETENTION_PASS_MS  60000  /* between two passes over what is there */
#define RETENTION_SHORT_MS 10000  /* the same with less free than twice spoolReserve */
#define RETENTION_LOOK     256    /* rows looked at in a turn */
#define RETENTION_MOST     64     /* rows given up in a turn */
#define RETENTION_ORDERS   4096   /* orders of the site looked at in a turn, once a day each */
#define RETENTION_FILES    256    /* files removed in a turn */
#define RETENTION_NAMES    512    /* files and rows compared in a turn of the sweep */
#define RETENTION_GRACE    600000 /* milliseconds: an unknown file may be an object that comes */
#define RETENTION_STRAYS   1024   /* unknown files remembered; more wait for the next sweep */
#define RETENTION_SWEEP_MS 86400000LL /* from the end of a sweep to the next */
#define RETENTION_JUMP_MS                                                                          \
    86400000LL                       /* the clock went on by more than this between two looks...   \
                                      */
#define RETENTION_WAIT_MS 86400000LL /* ...then nothing goes by age for so long */

#define RETENTION_ALONE_MS   20000      /* a node that starts meanwhile is refused the spool */
#define RETENTION_OVERDUE_MS 86400000LL /* a backlog is no fault */

struct retention;
/* Both must outlive it. NULL without memory. */
struct retention *retention_create(const struct conf *conf, struct store *store);
void retention_destroy(struct retention *retention);

/* One turn, if it is time for one. STORE_OK, or the trouble of the job store that ended it. */
STORE_MUST_USE enum store_status retention_turn(struct retention *retention);
/* Where no node runs: one pass without its pauses, RETENTION_ALONE_MS at most. gone (files): what
 * it gave up. */
struct retention_files {
    size_t objects, results, refused;
};
STORE_MUST_USE enum store_status retention_pass(struct retention *retention,
                                                struct retention_files *gone);
/* Counts what should have gone by age RETENTION_OVERDUE_MS ago and is there, and changes nothing.
 * *wait_ms: until then nothing goes by age, since the clock jumped; 0: no wait. */
STORE_MUST_USE enum store_status retention_overdue(const struct conf *conf, struct store *store,
                                                   struct retention_files *overdue,
                                                   int64_t *wait_ms);
/* `cervigate forget`: everything of the patient, files included; answer gets what was removed.
 * STORE_BUSY: objects wait to be looked at that may be the patient's: later. */
STORE_MUST_USE enum store_status forget_patient(const struct conf *conf, struct store *store,
                                                const struct request *request,
                                                char answer[STORE_ANSWER_MAX]);

/* The store_remover of both: context is the struct conf. Beside results/NAME.dcm it removes the
 * texts of that name. */
int retention_remove(void *context, const char *path);

#endif
