/* store.h: the job store: what is known of every object, study, result and delivery.
 *
 * An interface that names no SQL; store_sqlite.c is the only backend (WAL, synchronous=FULL). A
 * handle belongs to one process and thread and is never carried across fork. Every function that
 * changes something is one transaction by itself unless store_begin ... store_commit groups them
 * (the group commit). STORE_FULL and STORE_BROKEN are temporary at run time. */
#ifndef STORE_H
#define STORE_H

#include "dx_uid.h"
#include "srt.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_STATUS_MAP(X)                                                                        \
    X(STORE_OK, "ok")                                                                              \
    X(STORE_NONE, "nothing there")                                                                 \
    X(STORE_FULL, "no space left")                                                                 \
    X(STORE_BUSY, "busy")                                                                          \
    X(STORE_VERSION, "schema version not supported")                                               \
    X(STORE_BROKEN, "store error")
enum store_status {
#define X(code, text) code,
    STORE_STATUS_MAP(X)
#undef X
};
#define STORE_MUST_USE __attribute__((warn_unused_result))
const char *store_status_text(enum store_status status);

struct store;
/* Creates and migrates when needed. error (may be NULL) gets a sentence. */
STORE_MUST_USE enum store_status store_open(const char *path, struct store **store, char *error,
                                            size_t error_size);
void store_close(struct store *store);
const char *store_error(const struct store *store); /* sentence of the last failure */
STORE_MUST_USE enum store_status store_begin(struct store *store);
STORE_MUST_USE enum store_status store_commit(struct store *store);
void store_rollback(struct store *store);

/* ---- instances ---- */
enum instance_state {
    INSTANCE_RECEIVED,      /* durable, not yet looked at */
    INSTANCE_IGNORED,       /* no rule selects it, or store-only: nothing is sent */
    INSTANCE_OWN,           /* a result of ours that came back */
    INSTANCE_SAME,          /* another encoding of an image that we have */
    INSTANCE_JUDGED,        /* selected and classified */
    INSTANCE_NOT_PROCESSED, /* selected, with a reason */
    INSTANCE_STATES
};
const char *instance_state_name(enum instance_state state);

struct instance {
    int64_t id;
    enum instance_state state;
    char sop_class[DX_UID_MAX], sop_instance[DX_UID_MAX], study[DX_UID_MAX], series[DX_UID_MAX];
    char transfer_syntax[DX_UID_MAX], digest[DX_DIGEST_MAX];
    char path[256]; /* below the spool: "objects/ab/....dcm" */
    uint64_t bytes;
    char calling[17], called[17], address[64];
    char association[24]; /* id in the log */
    int64_t received_ms;  /* UTC */
    int attempts;         /* examinations begun */
    int deaths;           /* object children that died over it */
    bool rival;           /* another object with this SOP Instance UID was there first */
    int64_t reported;     /* id of the last report that holds it; 0 none yet, below 0 none ever */
    char rule[64];
    enum srt_reason reason; /* NOT_PROCESSED */
    char detail[256];
};

enum store_identity {
    STORE_NEW,       /* first of its SOP Instance UID */
    STORE_DUPLICATE, /* same SOP Instance UID, same digest: nothing was added */
    STORE_RIVAL      /* same SOP Instance UID, other digest: added beside, rival set */
};
/* Adds a received instance (state RECEIVED; id and rival are filled; a duplicate gets the id of the
 * one that is there, and is counted) and marks its study as touched by `association`, which is open
 * until store_association_end. */
STORE_MUST_USE enum store_status store_add_instance(struct store *store, struct instance *instance,
                                                    enum store_identity *identity);
STORE_MUST_USE enum store_status store_association_end(struct store *store,
                                                       const char *association);
/* At start of receive: no association of an earlier life is open. */
STORE_MUST_USE enum store_status store_association_end_all(struct store *store);

/* Oldest RECEIVED instance whose id is above `after`; STORE_NONE when there is none. */
STORE_MUST_USE enum store_status store_next_received(struct store *store, int64_t after,
                                                     struct instance *instance);
STORE_MUST_USE enum store_status store_get_instance(struct store *store, int64_t id,
                                                    struct instance *instance);
/* The first instance with this SOP Instance UID (the one a rival stands against). */
STORE_MUST_USE enum store_status store_first_instance(struct store *store, const char *sop_instance,
                                                      struct instance *instance);
/* Counts one more examination, before it begins: what kills us is known after. */
STORE_MUST_USE enum store_status store_count_attempt(struct store *store, int64_t id);
/* Takes one back: it came to no end, and not for the object's sake. */
STORE_MUST_USE enum store_status store_forget_attempt(struct store *store, int64_t id);
/* Counts one more object child that died over it. */
STORE_MUST_USE enum store_status store_count_death(struct store *store, int64_t id);

/* What analysis learnt of an instance: everything the report needs. */
struct judgement {
    enum instance_state state; /* IGNORED, OWN, SAME, JUDGED or NOT_PROCESSED */
    char rule[64];
    enum srt_reason reason;
    char detail[256];
    const uint8_t *attrs; /* dx_attrs_pack, or NULL */
    size_t attrs_bytes;
    char pixel_digest[DX_DIGEST_MAX], patient_digest[DX_DIGEST_MAX]; /* "" unknown */
    double score[SRT_MAX_CLASSES];
    int classes;
    char model_digest[DX_DIGEST_MAX];
    char picture[DX_UID_MAX];  /* SOP Instance UID of the SC in results/, or "" */
    int64_t first_computed_ms; /* UTC; journalled dates of the results */
    bool nameless;             /* its UIDs are none: no report can hold it */
};
/* Stores it and, for JUDGED and NOT_PROCESSED, makes its study due for a (new) report. */
STORE_MUST_USE enum store_status store_judge(struct store *store, int64_t id,
                                             const struct judgement *judgement);
/* attrs points into memory that the caller frees with free(). */
STORE_MUST_USE enum store_status store_get_judgement(struct store *store, int64_t id,
                                                     struct judgement *judgement, uint8_t **attrs);

/* ---- studies ---- */
struct study {
    char uid[DX_UID_MAX];
    int64_t last_received_ms; /* UTC of the last instance, selected or not */
    int version;              /* reports so far */
    char last_report[DX_UID_MAX], last_report_series[DX_UID_MAX]; /* "" none */
};
/* Studies that have judged or not-processed instances which no report holds yet, no RECEIVED
 * instance, and no open association; never the study with the empty UID, whose instances may be
 * anybody's. Calls back for each, which may write to the store; false stops. */
STORE_MUST_USE enum store_status
store_studies_due(struct store *store, bool (*each)(void *context, const struct study *study),
                  void *context);
/* Ids of the study's JUDGED and NOT_PROCESSED instances in order of receipt, without the nameless;
 * malloc, caller frees. */
STORE_MUST_USE enum store_status store_study_instances(struct store *store, const char *study,
                                                       int64_t **ids, size_t *count);

/* ---- results and deliveries ---- */
enum result_kind { RESULT_SR, RESULT_SC };
struct result {
    int64_t id;
    enum result_kind kind;
    char uid[DX_UID_MAX], sop_class[DX_UID_MAX], series[DX_UID_MAX], study[DX_UID_MAX];
    char path[256];             /* below the spool */
    char digest[DX_DIGEST_MAX]; /* of the file */
    enum srt_outcome outcome;
    int64_t created_ms;
};
/* One transaction: the study's new report with its pictures, and a pending delivery of each to each
 * destination that wants its kind (by peer name). A result whose uid exists is left as it is, and
 * so are its deliveries. The report covers `instances`; a new report is the study's next version.
 * Deliveries wait here while the mode forbids sending. */
STORE_MUST_USE enum store_status
store_add_report(struct store *store, const char *study, const struct result *results, size_t count,
                 const int64_t *instances, size_t instance_count, const char *const *destinations,
                 const bool *wants_sr, const bool *wants_sc, size_t destination_count);
/* The result of this id (instance.reported). */
STORE_MUST_USE enum store_status store_get_result(struct store *store, int64_t id,
                                                  struct result *result);
/* True when uid is one of our results (our own objects coming back). */
STORE_MUST_USE enum store_status store_is_result(struct store *store, const char *uid, bool *ours);

enum delivery_state { DELIVERY_PENDING, DELIVERY_SENT, DELIVERY_PARKED };
struct delivery {
    int64_t id;
    char destination[64];
    struct result result;
    enum delivery_state state;
    int attempts;
    int64_t next_ms; /* UTC: not before; 0: at once */
    char last_error[256];
};
/* Pending deliveries of one destination: those never put off (next_ms 0) in order of creation, then
 * by next_ms. The caller looks at the clock. */
STORE_MUST_USE enum store_status store_pending(struct store *store, const char *destination,
                                               struct delivery *list, size_t room, size_t *count);
/* STORE_NONE when there is no such delivery. What was sent stays sent. */
STORE_MUST_USE enum store_status store_delivered(struct store *store, int64_t delivery,
                                                 int64_t now_ms);
STORE_MUST_USE enum store_status store_delivery_failed(struct store *store, int64_t delivery,
                                                       int64_t next_ms, bool park,
                                                       const char *error);

/* ---- for people ---- */
struct store_counts {
    uint64_t instances[INSTANCE_STATES];
    uint64_t duplicates, refused;
    uint64_t reports, pictures, pending, sent, parked;
    int64_t oldest_pending_ms; /* UTC when the oldest undelivered result was made, 0: none */
};
STORE_MUST_USE enum store_status store_counts(struct store *store, struct store_counts *counts);
/* Counts a refused or duplicate object ("refused", "duplicates"). */
STORE_MUST_USE enum store_status store_count(struct store *store, const char *counter);
/* The latest instances with their state, newest first. */
STORE_MUST_USE enum store_status store_list(struct store *store, struct instance *list, size_t room,
                                            size_t *count);
/* All results, newest first. */
STORE_MUST_USE enum store_status store_results(struct store *store, struct result *list,
                                               size_t room, size_t *count);

#endif
