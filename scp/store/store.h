/* store.h: the job store: what is known of every object, study, result and delivery.
 *
 * An interface that names no SQL; store_sqlite.c is the only backend (WAL, synchronous=FULL). Of
 * every store_*.h: a handle is of one process and thread, never carried across fork; what changes
 * something is one transaction by itself unless store_begin ... store_commit groups them (the group
 * commit); STORE_FULL and STORE_BROKEN are temporary at run time. */
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
/* Creates and migrates when needed; STORE_VERSION: it is of a newer program. error (may be NULL)
 * gets a sentence. After store_only_reads whatever would change something is STORE_BROKEN. */
STORE_MUST_USE enum store_status store_open(const char *path, struct store **store, char *error,
                                            size_t error_size);
STORE_MUST_USE enum store_status store_only_reads(struct store *store);
void store_close(struct store *store);
/* How long a call waits for another's lock before STORE_BUSY, unless STORE_PATIENCE_MS. */
#define STORE_PATIENCE_MS 10000
void store_patience(struct store *store, int64_t ms);
/* Opens the store anew behind the same handle. For who keeps a handle, after trouble: one that lost
 * a file or a descriptor once may stay read-only for ever, long after the disk is well again. Not
 * STORE_OK: the old one stays. Never within a group or a callback of the store. */
STORE_MUST_USE enum store_status store_renew(struct store *store, const char *path, char *error,
                                             size_t error_size);
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
    INSTANCE_REJECTION,     /* a rejection note: it takes other objects back */
    INSTANCE_STATES
};
const char *instance_state_name(enum instance_state state);

#define INSTANCE_SEEN_MAX 1024
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
    int64_t gone_ms;      /* UTC when its file was given up (store_keep.h); 0: it is there */
    char rule[64];
    enum srt_reason reason; /* NOT_PROCESSED */
    char detail[256];
    /* "": it counts. Else no report holds it: a code of CID 7010 under which its sender rejected it
     * or it moved to another study (113038), STORE_BY_PERSON or STORE_FORGOTTEN. */
    char withdrawn[16];
    int revision; /* how often it was judged, or its series' picture made, under other UIDs */
    /* What the receiver saw of its header, dx_attrs_pack, until it is judged; 0 bytes: none. */
    uint8_t seen[INSTANCE_SEEN_MAX];
    size_t seen_bytes;
};
#define STORE_BY_PERSON "person"
#define STORE_FORGOTTEN "forgotten" /* with its patient (store_keep.h) */

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
/* At start of receive: of those that are open all but these (kept may be NULL) are of an earlier
 * life. store_association_others tells what they brought, by association, study and SOP class: the
 * first of it, and how many; store_association_end_others ends them. */
typedef void store_brought(void *context, const struct instance *first, unsigned instances);
STORE_MUST_USE enum store_status store_association_others(struct store *store,
                                                          const char *const *kept, size_t count,
                                                          store_brought *brought, void *context);
STORE_MUST_USE enum store_status
store_association_end_others(struct store *store, const char *const *kept, size_t count);

/* Oldest RECEIVED instance whose id is above `after`; STORE_NONE when there is none. */
STORE_MUST_USE enum store_status store_next_received(struct store *store, int64_t after,
                                                     struct instance *instance);
STORE_MUST_USE enum store_status store_get_instance(struct store *store, int64_t id,
                                                    struct instance *instance);
/* The latest judged or not processed instance with this SOP Instance UID before `before`, conflicts
 * left out: what a new one is compared with. */
STORE_MUST_USE enum store_status store_last_answer(struct store *store, const char *sop_instance,
                                                   int64_t before, struct instance *instance);
/* Likewise, of those whose pixels were decoded. */
STORE_MUST_USE enum store_status store_last_decoded(struct store *store, const char *sop_instance,
                                                    int64_t before, struct instance *instance);
/* Counts one more examination, before it begins: what kills us is known after. */
STORE_MUST_USE enum store_status store_count_attempt(struct store *store, int64_t id);
/* Takes one back: it came to no end, and not for the object's sake. */
STORE_MUST_USE enum store_status store_forget_attempt(struct store *store, int64_t id);
/* Counts one more object child that died over it. */
STORE_MUST_USE enum store_status store_count_death(struct store *store, int64_t id);

#define STORE_REGION_POINTS 64

/* One model's scores; classes 0: it did not judge this image. */
struct opinion {
    double score[SRT_MAX_CLASSES];
    int classes;
    char model_digest[DX_DIGEST_MAX];
};

/* What analysis learnt of an instance: everything the report needs. */
struct judgement {
    enum instance_state state; /* not RECEIVED */
    char rule[64];
    enum srt_reason reason;
    char detail[256];
    const uint8_t *attrs; /* dx_attrs_pack, or NULL */
    size_t attrs_bytes;
    char pixel_digest[DX_DIGEST_MAX], patient_digest[DX_DIGEST_MAX]; /* "" unknown */
    struct opinion opinion[SRT_MAX_MODELS]; /* in the order of the configuration's models */
    enum srt_coverage coverage;
    float region[2 * STORE_REGION_POINTS]; /* srt_image.region */
    size_t region_points;
    /* SOP Instance UIDs of what was made of it and lies in results/, or "" */
    char picture[DX_UID_MAX], gsps[DX_UID_MAX], map[DX_UID_MAX];
    enum srt_outcome outcome; /* of this image */
    /* Of the finding that stands out most: its score, 0 when there is none, and operating point;
     * and whether every model that judged it finds something. */
    double finding_score, finding_point;
    bool agreed;
    bool alone; /* no slice: what it shows is the study's finding without the others */
    int64_t first_computed_ms; /* UTC; journalled dates of the results */
    bool nameless;             /* its UIDs are none: no report can hold it */
    bool moved;         /* its SOP Instance UID was in another study: what was told there is taken
                         * back */
    bool others_report; /* another's report: the study has been read */
    /* Entering: what the rule gives. Names of destinations, of announcements, NULL: all; outputs,
     * an opaque set, 0: all; and whether its finding raises nothing. */
    const char *destinations, *announcements;
    unsigned outputs;
    bool muted;
    int64_t now_ms; /* entering: UTC, for the histograms; 0: not counted there */
};
/* Stores it and, for JUDGED and NOT_PROCESSED, makes its study due for a (new) report. One whose
 * SOP Instance UID was rejected before it came is withdrawn at once. */
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
    enum srt_amendment amendment;                                 /* why the next one amends */
    bool read;                                                    /* another's report is there */
};
/* Studies that have judged or not-processed instances which no report holds yet, no RECEIVED
 * instance, and no open association; never the study with the empty UID, whose instances may be
 * anybody's. Calls back for each, which may write to the store; false stops. */
STORE_MUST_USE enum store_status
store_studies_due(struct store *store, bool (*each)(void *context, const struct study *study),
                  void *context);
/* Ids of the study's JUDGED and NOT_PROCESSED instances in order of receipt, without the nameless
 * and the withdrawn; malloc, caller frees. */
STORE_MUST_USE enum store_status store_study_instances(struct store *store, const char *study,
                                                       int64_t **ids, size_t *count);

/* ---- results and deliveries ---- */
enum result_kind {
    RESULT_SR, /* Comprehensive 3D SR */
    RESULT_SC,
    RESULT_SR_COMPREHENSIVE, /* the same report for who does not take 3D SR */
    RESULT_SR_ENHANCED,
    RESULT_GSPS,
    RESULT_MAP,       /* Parametric Map */
    RESULT_REJECTION, /* a note that takes results of ours back */
    RESULT_KINDS
};
const char *result_kind_name(enum result_kind kind); /* "sr", "sc", "sr-comprehensive", ... */
bool result_is_report(enum result_kind kind);        /* one of the three */

enum result_state {
    RESULT_CURRENT,
    RESULT_SUPERSEDED, /* a later report amends it */
    RESULT_RETRACTED,
    RESULT_PARKED /* it did not pass our own check: never sent */
};
const char *result_state_name(enum result_state state);

struct result {
    int64_t id;
    enum result_kind kind;
    enum result_state state;
    char uid[DX_UID_MAX], sop_class[DX_UID_MAX], series[DX_UID_MAX], study[DX_UID_MAX];
    char path[256];             /* below the spool */
    char digest[DX_DIGEST_MAX]; /* of the file */
    enum srt_outcome outcome;
    int64_t created_ms;
    int64_t instance;            /* the image that it was made of; 0: of the study */
    int64_t report;              /* id of the RESULT_SR that it first came with; its own for that */
    char patient[DX_DIGEST_MAX]; /* of the demographics in it */
    char made_of[DX_UID_MAX];    /* entering: of a series' picture's images, revisions, study */
    char why[256];               /* RETRACTED: code of CID 7010; PARKED: what is wrong */
    const char *only;            /* entering: for this destination alone; NULL */
    uint64_t bytes;              /* entering: of the file */
    const uint8_t *attrs;        /* entering: dx_attrs_pack of the patient and study in it */
    size_t attrs_bytes;
};

/* A destination and what it gets: a set of 1u << enum result_kind. */
struct addressee {
    const char *name;
    unsigned kinds;
    bool held; /* until another's report is in the study */
};

/* What a study's first report says, for the watch over drift (store_health.h). */
struct store_sample {
    char series[DX_DIGEST_MAX]; /* a model's digest, or STORE_SERIES_STUDY */
    int64_t at_ms;              /* UTC */
    bool hit;                   /* the model finds something; the study was not processed */
    double score;               /* of a model: its highest of a finding */
};
#define STORE_SAMPLES_MOST (1 + SRT_MAX_MODELS)

/* One transaction: the study's new report with what belongs to it, and a delivery of each to each
 * destination that wants its kind. A result whose uid exists is left as it is, and so are its
 * deliveries. The report covers `instances`; a new report is the study's next version, and the one
 * that it follows (`last`, 0: none) becomes SUPERSEDED, or RETRACTED when `take_back` is a code of
 * CID 7010. What was made of the `replaced` instances is retracted under STORE_REPLACED.
 * Deliveries wait here while the mode forbids sending. */
#define STORE_REPLACED "113038" /* Incorrect Modality Worklist Entry: wrong patient or study */
struct store_report {
    const char *study;
    const struct result *results; /* results[0] is the RESULT_SR */
    size_t count;
    const int64_t *instances;
    size_t instance_count;
    const int64_t *replaced; /* instances */
    size_t replaced_count;
    int64_t last;
    const char *take_back; /* NULL: the last report stays, amended */
    const struct addressee *to;
    size_t to_count;
    const struct store_sample *samples; /* kept when no report was before */
    size_t sample_count;
    int64_t complete_ms, now_ms; /* UTC: since when the study was quiet; 0: unknown */
};
STORE_MUST_USE enum store_status store_add_report(struct store *store,
                                                  const struct store_report *report);
/* What a destination gets of a study: *outputs, the union of the sets that the rules of the study's
 * judged and not processed images give it, ~0u for all; withdrawn and replaced images count, and
 * *kinds, a set of 1u << enum result_kind: what it got of the study before. What a destination has
 * is amended there, whatever the rules say now. */
STORE_MUST_USE enum store_status store_route(struct store *store, const char *study,
                                             const char *destination, unsigned *outputs,
                                             unsigned *kinds);
/* The current report that holds the most recent of these instances; STORE_NONE. */
STORE_MUST_USE enum store_status store_last_report(struct store *store, const int64_t *instances,
                                                   size_t count, struct result *result);
/* The report `sr` (a RESULT_SR's id) in its other kinds, itself first. */
STORE_MUST_USE enum store_status store_report_kinds(struct store *store, int64_t sr,
                                                    struct result list[3], size_t *count);
STORE_MUST_USE enum store_status store_find_result(struct store *store, const char *uid,
                                                   struct result *result);
/* The result of this id (instance.reported). */
STORE_MUST_USE enum store_status store_get_result(struct store *store, int64_t id,
                                                  struct result *result);
/* True when uid is one of our results (our own objects coming back). */
STORE_MUST_USE enum store_status store_is_result(struct store *store, const char *uid, bool *ours);
/* True when a current result of this instance is made of the same, whoever's data it holds. */
STORE_MUST_USE enum store_status store_is_made(struct store *store, int64_t instance,
                                               const char *made_of, bool *made);

enum delivery_state {
    DELIVERY_PENDING,
    DELIVERY_SENT,
    DELIVERY_PARKED,
    DELIVERY_HELD,      /* until the study has another's report */
    DELIVERY_CANCELLED, /* its result was taken back before it was sent, or a person wanted it */
    DELIVERY_EXPIRED    /* was parked for longer than copies are kept */
};
struct delivery {
    int64_t id;
    char destination[64];
    struct result result;
    enum delivery_state state;
    int attempts;
    int64_t next_ms;   /* UTC: not before; 0: at once. PARKED: since when */
    int64_t looked_ms; /* UTC since when its images are looked for there in vain; 0: they are not */
    bool urgent;       /* of a finding: before the others */
    char last_error[256];
};
/* Pending deliveries of one destination that are due: urgent ones first, in order of
 * creation. Due is what is put off to now_ms or less, or
 * beyond far_ms: a wall clock that was set back must not put an object off for years. What was put
 * off (and does not wait for its images) goes in that order, too: not while one before it is put
 * off still; and of a study nothing goes before what was made earlier. */
STORE_MUST_USE enum store_status store_pending(struct store *store, const char *destination,
                                               int64_t now_ms, int64_t far_ms,
                                               struct delivery *list, size_t room, size_t *count);
/* Before a sender gets these: from now on the destination may have them, whatever dies. STORE_NONE,
 * and nothing is changed, when one is not pending any more. */
STORE_MUST_USE enum store_status
store_deliveries_offered(struct store *store, const struct delivery *list, size_t count);
/* The destination's sender is another one: what the last one had and did not answer for, the
 * destination may have. Takes no lock where there is none. */
STORE_MUST_USE enum store_status store_deliveries_lost(struct store *store,
                                                       const char *destination);
/* STORE_NONE when there is no such delivery. What was sent stays sent. `result`: which of the
 * report's kinds the destination took; 0: the delivery's own. */
STORE_MUST_USE enum store_status store_delivered(struct store *store, int64_t delivery,
                                                 int64_t result, int64_t now_ms);
/* may_be_there: the destination got it, or some of it, and did not say that it has not kept it. */
STORE_MUST_USE enum store_status store_delivery_failed(struct store *store, int64_t delivery,
                                                       int64_t next_ms, bool park,
                                                       bool may_be_there, const char *error);
/* It was not sent, and nobody is to blame. */
STORE_MUST_USE enum store_status store_delivery_unsent(struct store *store, int64_t delivery);

/* Its images are not there, or are another's: looked for again at next_ms. */
STORE_MUST_USE enum store_status store_delivery_waits(struct store *store, int64_t delivery,
                                                      int64_t next_ms, int64_t now_ms,
                                                      const char *why);
/* A hint that the images of this study may be there now: what waits for them is due at once. *due:
 * how many. */
STORE_MUST_USE enum store_status store_delivery_may_be_there(struct store *store, const char *study,
                                                             size_t *due);
/* Never to be sent: why is told where deliveries are listed. */
STORE_MUST_USE enum store_status store_delivery_dropped(struct store *store, int64_t delivery,
                                                        const char *why);
/* Whether another's report is in the study. */
STORE_MUST_USE enum store_status store_study_read(struct store *store, const char *study,
                                                  bool *read);

/* ---- commitment (PS3.4 annex J) ---- */
/* The destination has it; it is delivered when it has committed to it. */
STORE_MUST_USE enum store_status store_delivery_stored(struct store *store, int64_t delivery,
                                                       int64_t result, int64_t now_ms);
/* No commitment is wanted of it (any more): what it has is delivered; *count: how many that were.
 * Takes no lock where there are none. */
STORE_MUST_USE enum store_status store_commitment_waived(struct store *store,
                                                         const char *destination, size_t *count);
/* Stored deliveries for which nobody was asked yet, or whose answer is overdue, oldest first. */
STORE_MUST_USE enum store_status store_uncommitted(struct store *store, const char *destination,
                                                   int64_t now_ms, int64_t far_ms,
                                                   struct delivery *list, size_t room,
                                                   size_t *count);
/* Before the request goes out: the transaction under which these are asked for; overdue at next_ms.
 */
STORE_MUST_USE enum store_status store_ask_commitment(struct store *store,
                                                      const int64_t *deliveries, size_t count,
                                                      const char *transaction, int64_t next_ms);
/* The request did not get through: anew at next_ms. */
STORE_MUST_USE enum store_status store_commitment_unasked(struct store *store, int64_t delivery,
                                                          int64_t next_ms, const char *why);
/* The destination's answer, to the last request or one of some before it, for one instance:
 * committed (failure 0), or not: then it is sent again,
 * and parked after STORE_UNCOMMITTED_MOST times. STORE_NONE: nobody asked for that. */
#define STORE_UNCOMMITTED_MOST 3
STORE_MUST_USE enum store_status store_commitment(struct store *store, const char *transaction,
                                                  const char *sop_instance, uint16_t failure,
                                                  const char *reason, int64_t now_ms);

/* ---- taking back ---- */
/* Its sender rejects (or another study now has) the SOP instance: instances with that UID, in the
 * study `in` (NULL: in any) but not in the study `but` (NULL), are withdrawn with this code of CID
 * 7011; what was made of them is retracted; a report that also covers others becomes due again, one
 * that does not is retracted. *hit: how many instances. Without `but` the UID is remembered: it may
 * come later. */
STORE_MUST_USE enum store_status store_withdraw(struct store *store, const char *sop_instance,
                                                const char *in, const char *but, const char *code,
                                                size_t *hit);
/* A person takes a result back: a report with all that came with it, or one picture. */
STORE_MUST_USE enum store_status store_retract(struct store *store, const char *uid,
                                               const char *code);
/* A person asks for a result anew. One that is current: the report becomes due again, pictures are
 * sent again as they are. One that was retracted: its images are judged again; STORE_NONE when none
 * of their files is here any more. */
STORE_MUST_USE enum store_status store_reissue(struct store *store, const char *uid);
/* Results that were retracted, that this destination has (or may have), and that no rejection note
 * took back there: all of one study, code and patient, at most `room`. *count 0: none. */
STORE_MUST_USE enum store_status store_to_reject(struct store *store, const char *destination,
                                                 struct result *list, size_t room, size_t *count);
/* Patient and study attributes as they are in the result (dx_attrs_unpack); malloc, or NULL. */
STORE_MUST_USE enum store_status store_result_attrs(struct store *store, int64_t id,
                                                    uint8_t **attrs, size_t *bytes);
/* One transaction: the note and its delivery to note->only; the results are rejected there. */
STORE_MUST_USE enum store_status store_add_rejection(struct store *store, const struct result *note,
                                                     const struct result *results, size_t count);

/* ---- requests of people ---- */
enum request_kind {
    REQUEST_RETRACT,
    REQUEST_REISSUE,
    REQUEST_RETRY,   /* a job judged again */
    REQUEST_CANCEL,  /* a job or a delivery */
    REQUEST_RELEASE, /* a parked delivery, or those of a job */
    REQUEST_FORGET,  /* a patient */
    REQUEST_READ,    /* a study has been read: it leaves the worklist */
    REQUEST_UNREAD,  /* it has not */
    REQUEST_DISCARD, /* a job in quarantine, or refused bytes, for good */
    REQUEST_ECHO,    /* of a peer; answered by the role that talks to it (store_contact.h) */
    REQUEST_AGREE,   /* a reader says that the study's answer is right */
    REQUEST_DISAGREE,
    REQUEST_UNSAY, /* and takes back what was said */
    REQUEST_KINDS
};
const char *request_kind_name(enum request_kind kind); /* "retract", ... */
#define STORE_SUBJECT_MAX 260                          /* 64 characters of up to 4 bytes */
struct request {
    int64_t id;
    enum request_kind kind;
    char uid[DX_UID_MAX];            /* RETRACT, REISSUE: of a result; READ to UNSAY: of a study */
    char reason[16];                 /* RETRACT: code of CID 7010 */
    char subject[STORE_SUBJECT_MAX]; /* RETRY, CANCEL, RELEASE, DISCARD: "7" a job, "d7" a delivery,
                                      * "q..." a name in quarantine/; FORGET: Patient ID; ECHO:
                                      * KIND/NAME */
    char issuer[STORE_SUBJECT_MAX];  /* FORGET: Issuer of Patient ID; "": any */
    char draft[256]; /* FORGET: done but for the last step, and this is the answer; subject and
                      * issuer are empty then */
    char who[64];
    int64_t asked_ms; /* UTC */
};
/* What a person asks of the analyze role; done in order, once. id is filled. */
STORE_MUST_USE enum store_status store_add_request(struct store *store, struct request *request);
/* The oldest above `after` that has no answer; STORE_NONE. */
STORE_MUST_USE enum store_status store_next_request(struct store *store, int64_t after,
                                                    struct request *request);
STORE_MUST_USE enum store_status store_answer_request(struct store *store, int64_t id,
                                                      const char *answer);
/* "" as long as there is none. */
STORE_MUST_USE enum store_status store_request_answer(struct store *store, int64_t id, char *answer,
                                                      size_t size);

/* ---- for people ---- */
struct store_counts {
    uint64_t instances[INSTANCE_STATES];
    uint64_t duplicates, refused;
    uint64_t reports, pictures;
    uint64_t pending, sent, parked, held, cancelled, expired; /* deliveries: each is one of these */
    int64_t oldest_pending_ms; /* UTC when the oldest undelivered result was made, 0: none */
};
STORE_MUST_USE enum store_status store_counts(struct store *store, struct store_counts *counts);
/* Counts a refused or duplicate object ("refused", "duplicates"). */
STORE_MUST_USE enum store_status store_count(struct store *store, const char *counter);
/* The latest instances with their state, newest first. */
STORE_MUST_USE enum store_status store_list(struct store *store, struct instance *list, size_t room,
                                            size_t *count);
/* In quarantine: not processed for a technical reason, the bytes still here; newest first, with ids
 * below `before`. */
STORE_MUST_USE enum store_status store_quarantined(struct store *store, int64_t before,
                                                   struct instance *list, size_t room,
                                                   size_t *count);
STORE_MUST_USE enum store_status store_count_quarantined(struct store *store, size_t *count);
/* All results, newest first; those of one study. */
STORE_MUST_USE enum store_status store_results(struct store *store, struct result *list,
                                               size_t room, size_t *count);
STORE_MUST_USE enum store_status store_study_results(struct store *store, const char *study,
                                                     struct result *list, size_t room,
                                                     size_t *count);

#endif
