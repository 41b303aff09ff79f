/* store_reading.h: the job store's part in the reading worklist that others ask for (Unified
 * Procedure Step): the items, each the reading of one study.
 *
 *   SCHEDULED --claim--> IN PROGRESS --end--> COMPLETED: the study is read
 *       |                     `----> CANCELED by its performer, or since nothing was heard of it
 *       `----> CANCELED, since the study was read elsewhere or withdrawn
 *
 * A final state is for good, so a study that is unread and has no item that is open gets another:
 * with a number of its own, and by it another UID. Nothing of it is forgotten before the study is.
 */
#ifndef STORE_READING_H
#define STORE_READING_H

#include "store.h"
#include "worklist/news.h"

enum reading_state { /* as in the store */
                     READING_SCHEDULED = 1,
                     READING_IN_PROGRESS = 2,
                     READING_CANCELED = 3,
                     READING_COMPLETED = 4
};
/* Why an item was canceled. */
enum reading_why { READING_BY_PERFORMER, READING_READ, READING_WITHDRAWN, READING_LAPSED };

#define READING_PERFORMER 96
struct store_reading {
    int64_t id;
    char uid[DX_UID_MAX], study[DX_UID_MAX];
    enum reading_state state;
    int64_t revision; /* of what its performer said */
    int64_t changed_ms, claimed_ms, ended_ms;
    char transaction[DX_UID_MAX]; /* of who claimed it */
    char performer[READING_PERFORMER];
    enum reading_why why;
};

/* Names an item: the same for the same study, arrival and number. */
typedef bool (*store_name_reading)(void *context, const char *study, int64_t arrived_ms,
                                   int64_t number, char uid[DX_UID_MAX]);
/* Brings the items up to date: what was claimed before lapsed_ms is scheduled anew; what was read
 * or withdrawn is canceled; what is unread gets an item. Writes, and takes the lock, only where
 * there is something to write, and never for long: in batches. STORE_BROKEN with nothing written:
 * one could not be named. */
STORE_MUST_USE enum store_status store_readings_turn(struct store *store, int64_t now_ms,
                                                     int64_t lapsed_ms, store_name_reading name,
                                                     void *context);
/* Those in these states (a set of 1 << state), in the list's order, and where there are more than
 * room, those that are read first; final ones that ended since ended_ms. number in the place is the
 * item's id. */
struct store_reading_place {
    int64_t id;
    struct priority_place place;
};
STORE_MUST_USE enum store_status
store_readings(struct store *store, const struct priority_policy *policy, unsigned states,
               int64_t ended_ms, struct store_reading_place *list, size_t room, size_t *count);
/* STORE_NONE: there is none. */
STORE_MUST_USE enum store_status store_reading_find(struct store *store, const char *uid,
                                                    struct store_reading *reading);
/* The item with its study's news, but what the header says: attrs (dx_attrs_pack) of its latest
 * image, and what its performer said; both malloc, or NULL. */
STORE_MUST_USE enum store_status store_reading_get(struct store *store, int64_t id,
                                                   struct store_reading *reading, struct news *news,
                                                   uint8_t **attrs, size_t *attrs_bytes,
                                                   uint8_t **said, size_t *said_bytes);
/* Each STORE_NONE when it is not in the state that this needs, or another revision. */
STORE_MUST_USE enum store_status store_reading_claim(struct store *store, int64_t id,
                                                     const char *transaction, const char *performer,
                                                     int64_t now_ms);
STORE_MUST_USE enum store_status store_reading_say(struct store *store, int64_t id,
                                                   int64_t revision, const uint8_t *said,
                                                   size_t bytes, int64_t now_ms);
/* COMPLETED or CANCELED by its performer. */
STORE_MUST_USE enum store_status store_reading_end(struct store *store, int64_t id,
                                                   int64_t revision, enum reading_state state,
                                                   int64_t now_ms);

#endif
