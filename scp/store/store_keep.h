/* store_keep.h: the job store, second part: what stays how long, what a person orders, copies.
 *
 * A file goes in two steps. A transaction gives it up: gone_ms of its row says since when, and its
 * path enters a list of removals. Later store_remove_files removes what is listed. Rows stay as
 * tombstones: an identical object that comes again is a duplicate and starts nothing; a result's
 * UID stays ours. What a crash leaves between the steps is still listed.
 *
 * Nothing is given up of a study that is open (an association carries it, an object of it is not
 * yet looked at, a judged image of it is in no report), nor what belongs to a delivery that is
 * pending, held or parked. */
#ifndef STORE_KEEP_H
#define STORE_KEEP_H

#include "store.h"

/* ---- retention ---- */
/* A walk over the rows whose files are there, oldest first; {0} begins one. */
struct store_walk {
    int64_t time_ms, id; /* of the row looked at last */
};
#define STORE_STEP_STUDIES 64
struct store_step {
    int64_t before_ms; /* in: only what was delivered (or, without a delivery, came) before this */
    int64_t now_ms;    /* in */
    size_t look, most; /* in: rows looked at, rows given up, at most */
    uint64_t enough;   /* in: stops when this many bytes were given up; 0: does not stop for that */
    size_t looked, gone; /* out; looked below look, with gone below most: the walk is at its end */
    uint64_t bytes;      /* out: given up */
    char study[STORE_STEP_STUDIES][DX_UID_MAX]; /* out: whose, each once as far as there is room */
    size_t studies;
};
/* One transaction each. */
STORE_MUST_USE enum store_status store_retire_objects(struct store *store, struct store_walk *walk,
                                                      struct store_step *step);
STORE_MUST_USE enum store_status store_retire_results(struct store *store, struct store_walk *walk,
                                                      struct store_step *step);
/* Rows whose files went before before_ms are deleted, a study at a time once nothing of it is left
 * or waits; answered requests of that age, too. looked: objects; gone: studies. */
STORE_MUST_USE enum store_status store_delete_rows(struct store *store, struct store_walk *walk,
                                                   struct store_step *step);
/* Deliveries parked before before_ms become EXPIRED; list gets them, at most room. */
STORE_MUST_USE enum store_status store_expire_parked(struct store *store, int64_t before_ms,
                                                     int64_t now_ms, struct delivery *list,
                                                     size_t room, size_t *count);
/* Bytes of the files that rows say are there. */
STORE_MUST_USE enum store_status store_kept_bytes(struct store *store, uint64_t *objects,
                                                  uint64_t *results);

/* Removes a file below the spool, with what lies beside it; 0 or a negated errno. */
typedef int (*store_remover)(void *context, const char *path);
/* Removes at most `most` files that were given up. The write lock is held meanwhile, so that no
 * object that comes at this moment is taken for durable. One that cannot be removed stays listed;
 * *failed (may be NULL) gets the negated errno. */
STORE_MUST_USE enum store_status store_remove_files(struct store *store, size_t most,
                                                    store_remover remover, void *context,
                                                    size_t *removed, int *failed);
/* Whether a file below the spool (objects/, results/) is wanted by a row. */
STORE_MUST_USE enum store_status store_wants_file(struct store *store, const char *path,
                                                  bool *wanted);
/* Removes it unless a row wants it, under the write lock. */
STORE_MUST_USE enum store_status store_remove_unwanted(struct store *store, const char *path,
                                                       store_remover remover, void *context,
                                                       bool *removed);
/* Rows whose files should be there, by id, above `after`. */
struct kept_file {
    int64_t id;
    char path[256];
    uint64_t bytes; /* 0 in a result: not known */
};
STORE_MUST_USE enum store_status store_kept_objects(struct store *store, int64_t after,
                                                    struct kept_file *list, size_t room,
                                                    size_t *count);
STORE_MUST_USE enum store_status store_kept_results(struct store *store, int64_t after,
                                                    struct kept_file *list, size_t room,
                                                    size_t *count);
/* Fills in what a result of an older schema did not tell. */
STORE_MUST_USE enum store_status store_result_bytes(struct store *store, int64_t id,
                                                    uint64_t bytes);
/* Numbers that outlive the process; 0 when never set. */
STORE_MUST_USE enum store_status store_recall(struct store *store, const char *name,
                                              int64_t *value);
STORE_MUST_USE enum store_status store_memorise(struct store *store, const char *name,
                                                int64_t value);

/* ---- a patient ---- */
/* Patient ID as in the images, in UTF-8, and its issuer; issuer "": whatever it is. */
struct store_patient {
    const char *id, *issuer;
};
struct store_forgotten {
    size_t objects, results, deliveries; /* deliveries: cancelled */
};
/* The patient's ID, and those that the site has merged into it (HL7), over whole chains; this
 * connection keeps them until the next. *merged: the site has merged the patient's into another. */
STORE_MUST_USE enum store_status store_find_ids(struct store *store,
                                                const struct store_patient *patient, bool *merged);
/* Whether it is one of them. */
STORE_MUST_USE enum store_status store_is_found_id(struct store *store, const char *id,
                                                   bool *found);
/* What there is; deliveries: those that would be cancelled. */
STORE_MUST_USE enum store_status store_count_patient(struct store *store,
                                                     const struct store_patient *patient,
                                                     struct store_forgotten *count);
/* One transaction: rows keep UIDs and digests only, files are given up, deliveries cancelled.
 * `more`: instances not judged yet that the caller knows to be of this patient. What the site has
 * said of the patient goes, too, with the IDs of store_find_ids. */
STORE_MUST_USE enum store_status
store_forget_patient(struct store *store, const struct store_patient *patient, const int64_t *more,
                     size_t more_count, int64_t now_ms, struct store_forgotten *forgotten);
/* The request keeps no word of the patient, and its answer waits for store_answer_request. */
STORE_MUST_USE enum store_status store_draft_answer(struct store *store, int64_t id,
                                                    const char *draft);
/* Empties the write-ahead log into the database. STORE_BUSY: somebody reads; try again. */
STORE_MUST_USE enum store_status store_checkpoint(struct store *store);

/* ---- orders of a person; *answer gets what came of it ---- */
#define STORE_ANSWER_MAX 160
/* The object is judged again: "retried", or why not. */
STORE_MUST_USE enum store_status store_retry(struct store *store, int64_t instance,
                                             char answer[STORE_ANSWER_MAX]);
/* The bytes of what was not processed go now, not with time: "discarded", or why not. */
STORE_MUST_USE enum store_status store_discard(struct store *store, int64_t instance,
                                               int64_t now_ms, char answer[STORE_ANSWER_MAX]);
/* A job that waits is not judged, what is not sent of its results will not be; a delivery is not
 * made: "cancelled ...", or why not. */
STORE_MUST_USE enum store_status store_cancel_job(struct store *store, int64_t instance,
                                                  char answer[STORE_ANSWER_MAX]);
STORE_MUST_USE enum store_status store_cancel_delivery(struct store *store, int64_t delivery,
                                                       char answer[STORE_ANSWER_MAX]);
/* Parked (or expired) deliveries become pending: "released ...", or why not. */
STORE_MUST_USE enum store_status store_release_job(struct store *store, int64_t instance,
                                                   char answer[STORE_ANSWER_MAX]);
STORE_MUST_USE enum store_status store_release_delivery(struct store *store, int64_t delivery,
                                                        char answer[STORE_ANSWER_MAX]);
/* Parked deliveries, oldest first; next_ms: since when. */
STORE_MUST_USE enum store_status store_parked(struct store *store, struct delivery *list,
                                              size_t room, size_t *count);

/* ---- copies ---- */
/* Copies the whole store, consistent in itself, to the new file `path` while others write. */
STORE_MUST_USE enum store_status store_copy(struct store *store, const char *path);
/* In a copy: no association is open, nothing waits for removal; objects that are done are given up
 * unless with_objects, since a copy may come without their files. */
STORE_MUST_USE enum store_status store_trim_copy(struct store *store, bool with_objects,
                                                 int64_t now_ms);
/* In a copy: the file of this path was not there any more when it was copied. */
STORE_MUST_USE enum store_status store_give_up_path(struct store *store, const char *path,
                                                    int64_t now_ms);
/* Makes it a store of an older version, STORE_OLDEST to STORE_NEWEST; nobody else may have it open,
 * and the handle is good for store_checkpoint and store_close only. What the older one cannot say
 * is lost. Before STORE_OLDEST a store could not say that a file is gone: that way is closed. */
#define STORE_NEWEST 6
#define STORE_OLDEST 3
/* The version that a store file has, which stays as it is. */
STORE_MUST_USE enum store_status store_look_version(const char *path, int *version, char *error,
                                                    size_t error_size);
STORE_MUST_USE enum store_status store_downgrade(struct store *store, int version);
/* Whether SQLite finds the database whole; store_error says what is not. */
STORE_MUST_USE enum store_status store_verify(struct store *store);

#endif
