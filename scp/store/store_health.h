/* store_health.h: what the node remembers of itself: samples of what it said, when each station
 * sent, alarms that are on, self-tests. No patient's data; rows that retention removes are not
 * needed here. */
#ifndef STORE_HEALTH_H
#define STORE_HEALTH_H

#include "store.h"

/* Series of samples beside those of models, which are named by their digest. */
#define STORE_SERIES_ASSOCIATION "association" /* hit: an object in it was refused */
#define STORE_SERIES_STUDY       "study"       /* hit: its first report says not processed */

#define STORE_HOUR_MS    INT64_C(3600000)
#define STORE_SAMPLES    10000 /* of a series that stay, beside its reference */
#define STORE_HOURS_KEPT (60 * 24)

/* Counts an association that brought objects, at its end. */
STORE_MUST_USE enum store_status store_count_association(struct store *store, int64_t at_ms,
                                                         bool refused);

/* The series' first samples since since_ms, at most `room`, in order. *last: id of the last of
 * them, 0 when there is none. */
STORE_MUST_USE enum store_status store_first_samples(struct store *store, const char *series,
                                                     int64_t since_ms, struct store_sample *list,
                                                     size_t room, size_t *count, int64_t *last);
/* The latest ones behind that id, at most `room`, in order. */
STORE_MUST_USE enum store_status store_last_samples(struct store *store, const char *series,
                                                    int64_t after, struct store_sample *list,
                                                    size_t room, size_t *count);

/* An hour (UTC, since 1970) in which a station sent the first object of a study. */
struct store_hour {
    char station[17];
    int64_t hour;
    int64_t studies;
};
/* Hours since `since` of the `stations` stations with the most studies, by station and hour;
 * malloc, the caller's. */
STORE_MUST_USE enum store_status store_hours(struct store *store, int64_t since, int stations,
                                             struct store_hour **list, size_t *count);

/* References are learnt from what came after this; 0: from all. */
STORE_MUST_USE enum store_status store_relearned(struct store *store, int64_t *at_ms);
STORE_MUST_USE enum store_status store_relearn(struct store *store, int64_t at_ms);
/* Removes samples between a series' first `reference` and its last STORE_SAMPLES, and old hours. */
STORE_MUST_USE enum store_status store_trim_health(struct store *store, int64_t now_ms,
                                                   int reference);

/* Receipt of the oldest object that was not looked at, last receipt of the study that waits longest
 * for its report though nothing of it comes any more; UTC, 0: none. */
struct store_oldest {
    int64_t received_ms, due_ms;
};
STORE_MUST_USE enum store_status store_oldest(struct store *store, struct store_oldest *oldest);
/* Of each destination, the making of its oldest result that is pending. */
struct store_oldest_pending {
    char destination[64];
    int64_t since_ms;
};
STORE_MUST_USE enum store_status store_oldest_pending(struct store *store,
                                                      struct store_oldest_pending *list,
                                                      size_t room, size_t *count);

/* Of each destination for which something is parked: how much, and why the last one is. */
struct store_refused {
    char destination[64];
    uint64_t count;
    char why[256];
};
STORE_MUST_USE enum store_status store_refused(struct store *store, struct store_refused *list,
                                               size_t room, size_t *count);

/* Of each station that sent an object with the SOP Instance UID of another and other pixels: how
 * many of these are kept, and the last one's id. */
struct store_conflicts {
    char station[17];
    uint64_t count;
    int64_t last;
};
STORE_MUST_USE enum store_status store_conflicts(struct store *store, struct store_conflicts *list,
                                                 size_t room, size_t *count);

/* Alarms that are on, as they were told last. */
struct store_alarm {
    char name[32], subject[80];
    int64_t since_ms;
};
#define STORE_ALARMS_MOST 512
STORE_MUST_USE enum store_status store_alarms(struct store *store, struct store_alarm *list,
                                              size_t room, size_t *count);
STORE_MUST_USE enum store_status store_set_alarm(struct store *store,
                                                 const struct store_alarm *alarm, bool on);

/* One self-test of the node. */
struct store_selftest {
    int64_t at_ms;
    bool passed;
    int unlocked;                   /* models whose scores were compared with nothing */
    char cause[16];                 /* "start", "upgrade", "daily", "again", "order" */
    char build[64], kernels[96];    /* that ran it */
    char models[2 * DX_DIGEST_MAX]; /* their digests, blank-separated */
    char what[32], detail[512];     /* of the first step that failed */
};
STORE_MUST_USE enum store_status store_add_selftest(struct store *store,
                                                    const struct store_selftest *selftest);
STORE_MUST_USE enum store_status store_last_selftest(struct store *store,
                                                     struct store_selftest *selftest);

/* Ids of the images that a result was made of: one, or those that its report holds; malloc, the
 * caller's. */
STORE_MUST_USE enum store_status
store_result_images(struct store *store, const struct result *result, int64_t **ids, size_t *count);

#endif
