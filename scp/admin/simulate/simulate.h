/* simulate.h: `cervigate simulate`: a reading room by chance, with and without triage.
 *
 * Studies arrive (Poisson, by the hour), readers work by the hour, and a reader who is free takes
 * what the discipline puts first and reads it to its end, past the end of the shift. The same
 * arrivals meet every discipline. The n-th reading to begin takes the n-th reading time, whatever
 * is read: what differs between disciplines is the order alone, and the number of those who wait
 * is the same in all of them at any time, and so is their mean wait. */
#ifndef SIMULATE_H
#define SIMULATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum simulate_discipline {
    SIMULATE_FCFS,  /* STAT, then by arrival */
    SIMULATE_NECKS, /* STAT, then every trauma neck, then by arrival */
    SIMULATE_TRIAGE /* scp/worklist/priority.c */
};
enum simulate_service { SIMULATE_LOGNORMAL, SIMULATE_EXPONENTIAL, SIMULATE_FIXED };

#define SIMULATE_LIST      12 /* values of an option that takes several */
#define SIMULATE_READERS   50 /* at a time */
#define SIMULATE_WARM_DAYS 2  /* before the first that is counted: the room begins empty */

struct simulate_list {
    double value[SIMULATE_LIST];
    size_t count;
};

struct simulate_options {
    long seed, days, necks, others; /* studies a day */
    int readers[24];                /* by the hour */
    bool flat;                      /* arrivals: the same in every hour */
    enum simulate_service service;
    double reading_minutes;                /* mean */
    double stat;                           /* share of all studies, 0..1, as specificity */
    bool necks_high;                       /* triage: they are ordered HIGH */
    struct simulate_list prevalence;       /* 0..1 */
    struct simulate_list sensitivity;      /* of the network */
    double specificity;                    /* of the network */
    double answer_seconds, ageing_minutes; /* the node's */
    double delay_minutes;                  /* likewise */
    double reader_sensitivity;             /* without the network */
    struct simulate_list trust;            /* 0..1 */
    const char *plot;                      /* SVG, or NULL */
    bool json, help;
};

/* False when it was told on standard error what is wrong. */
bool simulate_options_parse(int argc, char **argv, struct simulate_options *options);
extern const char simulate_usage[];
/* Work that comes over work that can be done. */
double simulate_load(const struct simulate_options *options);

/* ---- simulate_room.c ---- */

struct simulate_study {
    int64_t arrived_ms;
    double injury; /* uniform: injured when below the prevalence */
    double noise;  /* normal: of the network's score */
    bool neck, stat;
};
struct simulate_room {
    const struct simulate_options *options;
    struct simulate_study *studies; /* by arrival */
    double *reading_ms;             /* of the n-th reading to begin */
    size_t count;
    size_t first; /* counted; those before warm the room up */
};
/* False: no memory. */
bool simulate_room_init(struct simulate_room *room, const struct simulate_options *options);
void simulate_room_finish(struct simulate_room *room);

struct simulate_run {
    enum simulate_discipline discipline;
    double prevalence, sensitivity;
    double trust; /* SIMULATE_TRIAGE: necks without a finding are read so much faster, 0..1 */
    double injured_mean, uninjured_mean; /* of the normal scores, above the operating point */
};
/* The network is binormal: injured and uninjured have normal scores of one width. */
struct simulate_run simulate_run(const struct simulate_options *options,
                                 enum simulate_discipline discipline, double prevalence,
                                 double sensitivity, double trust);
bool simulate_injured(const struct simulate_run *run, const struct simulate_study *study);
/* The network has a finding; score (0..1, operating point 0.5) may be NULL. */
bool simulate_flagged(const struct simulate_run *run, const struct simulate_study *study,
                      double *score);
/* start_ms (room->count) gets when each study's reading begins. False: no memory. */
bool simulate_read(const struct simulate_room *room, const struct simulate_run *run,
                   int64_t *start_ms);

/* ---- simulate_waits.c ---- */

enum simulate_group {
    SIMULATE_INJURED,  /* all injured necks: found and missed */
    SIMULATE_FOUND,    /* by the network */
    SIMULATE_MISSED,   /* by the network */
    SIMULATE_ALARMS,   /* uninjured necks with a finding */
    SIMULATE_NEGATIVE, /* uninjured necks without one */
    SIMULATE_OTHERS,   /* the department's other studies */
    SIMULATE_ALL,
    SIMULATE_GROUPS
};
struct simulate_wait {
    size_t count;
    double mean, median, ninetieth, longest; /* minutes; NAN without studies */
};
struct simulate_result {
    struct simulate_run run;
    struct simulate_wait waits[SIMULATE_GROUPS];
    double latest; /* minutes that a study began later than first come, first served lets it */
    double reader_misses; /* per 1000 injured, expected, at run.trust */
};
/* fcfs_ms: start_ms of SIMULATE_FCFS. False: no memory. */
bool simulate_measure(const struct simulate_room *room, const struct simulate_run *run,
                      const int64_t *start_ms, const int64_t *fcfs_ms,
                      struct simulate_result *result);

/* ---- the results: of each prevalence, FCFS, NECKS, then TRIAGE by sensitivity; then bias, by
 * trust and sensitivity at the middle prevalence ---- */

struct simulate_results {
    const struct simulate_options *options;
    size_t studies; /* counted */
    struct simulate_result *runs, *bias;
    size_t run_count, bias_count;
};
void simulate_tell(const struct simulate_results *results);
int simulate_tell_json(const struct simulate_results *results);
/* An exit status; what went wrong is told on standard error. */
int simulate_plot(const struct simulate_results *results, const char *path);
const char *simulate_discipline_name(enum simulate_discipline discipline);

#endif
