/* health.h: is the node well, and does it still judge as it did? Pure functions over rows of the
 * job store, and the picture that `cervigate status`, /healthz and the alarms of the log are made
 * of.
 *
 * Rates and scores are held against a reference, the first conf_health.reference samples of their
 * series, by CUSUM charts (Page 1954): evidence for a shift is the sum of log-likelihood ratios,
 * begun anew wherever it falls to 0. In control a likelihood ratio's mean is 1, so in n samples a
 * chart reaches `limit` nats with a chance of at most n exp(-limit) (Ville; one term a start). The
 * reference's own error is taken into account: the edge of its 80 % interval stands for what is in
 * control. An alarm is on from `limit` until the evidence is 0 again. docs/health.md has figures.
 */
#ifndef HEALTH_H
#define HEALTH_H

#include "audit_ship.h"
#include "conf.h"
#include "spool.h"
#include "store_health.h"

struct health_chart {
    double evidence; /* nats, 0 to the limit */
    bool on;
};

/* A rate: has it gone up or down? */
struct health_rate {
    size_t reference, reference_hits, samples, hits;
    bool ready; /* reference complete, and conf_health.minimum samples after it */
    struct health_chart more, fewer;
};
void health_rate(const struct conf_health *limits, const struct store_sample *reference,
                 size_t reference_count, const struct store_sample *sample, size_t count,
                 struct health_rate *rate);

/* Scores, as normal deviates of their rank in the reference: have they moved, or spread? */
#define HEALTH_SPREAD 1.5 /* standard deviation times or divided by this: what is looked for */
struct health_score {
    size_t reference, samples;
    bool ready;
    double mean; /* of the deviates: 0 in control */
    struct health_chart higher, lower, wider, narrower;
};
/* False: no memory. */
bool health_score(const struct conf_health *limits, const struct store_sample *reference,
                  size_t reference_count, const struct store_sample *sample, size_t count,
                  struct health_score *score);

/* A station that is silent when it usually sends. An hour of the week (UTC) is usual when the
 * station sent in at least half of those of its history that were seen twice or more. The silence
 * is of whole hours after the last study. */
#define HEALTH_WEEK     168
#define HEALTH_HISTORY  (4 * HEALTH_WEEK) /* hours looked back */
#define HEALTH_SPAN     (2 * HEALTH_WEEK) /* of history, before there is an alarm */
#define HEALTH_STATIONS 256               /* looked at: those that send most */
struct health_silence {
    char station[17];
    int64_t studies, last_hour;
    bool ready;
    int hours;       /* silent ones that are usual */
    double expected; /* studies in them */
    bool on;
};
/* hours: of one station, in order, none before now - HEALTH_HISTORY. */
void health_silence(const struct conf_health *limits, const struct store_hour *hours, size_t count,
                    int64_t now_hour, struct health_silence *silence);

/* ---- the whole picture ---- */

/* A reason not to be well. */
struct health_why {
    char name[32];    /* "oldest-job", "selftest", ... : docs/health.md lists them */
    char subject[80]; /* station, model; "" none */
    char detail[320];
    bool alarm; /* told in the log by analyze, too */
};
#define HEALTH_WHY_MOST 384

struct health_model {
    char digest[DX_DIGEST_MAX];
    struct health_rate flags;
    struct health_score scores;
};

/* A process of the node, as the supervisor tells. */
struct health_role {
    char name[16];
    int64_t since_ms; /* UTC of its start; 0: it does not run */
    int died;         /* how often by itself since the node's start */
    bool runs;
};
#define HEALTH_ROLES 9

/* What may wait: objects to be judged, studies for their report, results and news for who takes
 * them. */
enum health_queue { QUEUE_OBJECT, QUEUE_REPORT, QUEUE_DELIVERY, QUEUE_NEWS, HEALTH_QUEUES };
const char *health_queue_name(enum health_queue queue); /* "object", "report", ... */

struct health {
    int64_t at_ms;
    bool running, receives, analyzes, delivers;
    long pid, dicom_port, tls_port, console_port; /* 0 when not running, or none */
    long landlock;                                /* version that confines the roles; 0: none */
    struct health_role role[HEALTH_ROLES];        /* those that the configuration wants */
    size_t roles;
    uint64_t free_bytes;
    struct spool_quarantine_use quarantine;
    bool has_store;
    bool tested; /* there was a self-test */
    struct store_selftest selftest;
    int64_t waits_seconds[HEALTH_QUEUES]; /* the oldest that waits and may go on; -1: none waits */
    const char *oldest_kind; /* of the first three the one that waits longest; NULL: none */
    int64_t oldest_seconds;
    struct health_rate refusals, unprocessed;
    struct health_model model[SRT_MAX_MODELS];
    int models;
    struct health_silence *station; /* (stations) */
    size_t stations;
    struct audit_waiting audit; /* the audit log and what its collector has not got */
    struct health_why *why;     /* (why_count) */
    size_t why_count;           /* 0: well */
};
/* Reads run/node, the spool and the job store (NULL: it could not be opened, and no_store says
 * why). False: no memory. health_finish whatever it returns. */
bool health_read(const struct conf *conf, struct store *store, const char *no_store, int64_t now_ms,
                 struct health *health);
void health_finish(struct health *health);

/* For the parts of health_read: adds a reason; the spool's, whose quarantine is as good as full
 * when a tenth is left; the audit log's; certificates that end. */
void health_say(struct health *health, bool alarm, const char *name, const char *subject,
                const char *format, ...) __attribute__((format(printf, 5, 6)));
#define HEALTH_TENTH 10
void health_spool(const struct conf *conf, struct health *health);
void health_audit(const struct conf *conf, struct health *health);
void health_certificates(const struct conf *conf, struct health *health);

#endif
