/* priority.h: which patient is to be read first, and why; the policy's table is in priority.c.
 *
 * Raise only: a study never stands lower than its order says. A clinical STAT comes before all that
 * the node raises. What was not judged keeps its place and is shown as such, never as a negative.
 * Ageing: nobody waits longer than a configured time because of others, STAT aside: a study that so
 * long ago was passed for the first time is passed no more.
 *
 * Pure functions of their arguments; any thread. */
#ifndef PRIORITY_H
#define PRIORITY_H

#include "srt.h"
#include <stdbool.h>
#include <stdint.h>

/* Scheduled Procedure Step Priority (0074,1200), PS3.3 C.30.2: UPS has these three only. */
enum priority_rank { PRIORITY_LOW, PRIORITY_MEDIUM, PRIORITY_HIGH };
const char *priority_rank_name(enum priority_rank rank); /* "HIGH", ... */

/* What the order says: Requested Procedure Priority (0040,1003), TQ1-9, OBR-27.6. */
enum priority_order { ORDER_UNKNOWN, ORDER_LOW, ORDER_ROUTINE, ORDER_HIGH, ORDER_STAT };
const char *priority_order_name(enum priority_order order); /* "UNKNOWN", "LOW", ... */
/* The words of DICOM and of HL7 (tables 0485, 0027), letter case aside; unknown words: UNKNOWN. */
enum priority_order priority_order_parse(const char *word);

enum priority_band { BAND_RAISED, BAND_ROUTINE, BAND_NOT_JUDGED };

/* The reason in words is English, of what is sent to other systems; no decimals, and it never says
 * that something is absent. */
#define PRIORITY_REASON_MAP(X)                                                                     \
    X(REASON_FINDING, "finding", "suspicion of a cervical spine injury")                           \
    X(REASON_UNDETERMINED, "undetermined", "the models disagree")                                  \
    X(REASON_NOT_PROCESSED, "not-processed", "not analysed")                                       \
    X(REASON_INCOMPLETE, "incomplete", "no suspicion, incomplete")                                 \
    X(REASON_NO_FINDING, "no-finding",                                                             \
      "no finding above the operating point; this does not exclude injury")                        \
    X(REASON_WAITING, "waiting", "not yet analysed")                                               \
    X(REASON_KNOWN, "known", "suspicion of a cervical spine injury, known from an earlier study")  \
    X(REASON_POSTOPERATIVE, "postoperative",                                                       \
      "suspicion of a cervical spine injury, in a post-operative study")                           \
    X(REASON_RULE, "rule",                                                                         \
      "suspicion of a cervical spine injury, in an image that by the site's choice raises "        \
      "nothing")                                                                                   \
    X(REASON_READ, "read", "has been read")
enum priority_reason {
#define X(value, code, text) value,
    PRIORITY_REASON_MAP(X)
#undef X
};
const char *priority_reason_code(enum priority_reason reason);
const char *priority_reason_text(enum priority_reason reason);

#define PRIORITY_DAY_MS INT64_C(86400000)

struct priority_policy {
    int ageing_seconds; /* a study is passed only by what came at most so much later */
    int delay_seconds;  /* and no more, so long after it was passed for the first time */
    int64_t now_ms;     /* UTC */
};

/* What is known of a study. */
struct priority_case {
    bool answered;            /* an image of it has been judged, or was not processed */
    enum srt_outcome outcome; /* when answered: the worst of its images so far */
    double score;             /* highest model score of a finding, 0..1; 0: none */
    double operating_point;   /* of that score */
    bool agreed;              /* all models that judged it find something */
    enum priority_order order;
    bool known;         /* the same patient had a finding within the policy's days */
    bool postoperative; /* the order says so */
    bool muted;         /* the rules of all images with a finding say that they raise nothing */
    bool read;          /* by a radiologist: it leaves the list */
};

struct priority {
    enum priority_rank rank; /* told to other systems; never below the order's */
    enum priority_band band;
    bool raised;     /* rank or place is above what the order alone gives */
    double strength; /* of a raise, 0..1; monotone in score */
    enum priority_reason reason;
};
/* What an order alone gives. */
enum priority_rank priority_rank_of_order(enum priority_order order);
void priority_of(const struct priority_case *known, struct priority *priority);

/* A study in the list. */
struct priority_place {
    struct priority priority;
    enum priority_order order;
    int64_t arrived_ms; /* UTC of its first image */
    int64_t passed_ms;  /* UTC when the first that came later had been read, STAT before others
                           aside; 0: none */
    int64_t number;     /* its own: breaks ties, the lower first */
};
/* The same order as one number, the lower first, ties aside. */
int64_t priority_stands(const struct priority_policy *policy, const struct priority_place *place);
/* The list's order: below 0 when a is read first, above 0 when b is. A total order. Only an answer,
 * an order, or delay_seconds after it was passed, moves a study. */
int priority_compare(const struct priority_policy *policy, const struct priority_place *a,
                     const struct priority_place *b);

#endif
