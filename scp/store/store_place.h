/* store_place.h: the job store's part in the reading worklist: each study's place, and the news of
 * it that others are told.
 *
 *   what changes a study --trigger--> due --[store_next_case, priority_of, store_place]--> placed,
 *   with news for each announcement --[store_next_news, store_news_end]--> told
 *
 * Before its answer a study is in the list from its first image on (store_waiting.c), but nobody is
 * told of it: what tells or asks others passes over rows that wait.
 *
 * Nothing is lost between two steps: a study is due until its place is entered, together with its
 * news, and news waits until it is told, is stale or is overtaken by later news of its study. */
#ifndef STORE_PLACE_H
#define STORE_PLACE_H

#include "store.h"
#include "worklist/news.h"
#include "worklist/priority.h"

/* A study whose place is to be looked at, what is known of it, and the place that it has. */
struct store_case {
    char study[DX_UID_MAX];
    struct priority_case known;
    int64_t arrived_ms; /* UTC of its first image */
    bool site_read;     /* the site's orders say that it has been read */
    bool withdrawn;     /* it has no image that counts and no report: what was told is taken back */
    bool waits;         /* it has no answer, and an image that may give it one */
    int64_t revision;   /* of the place that it has; 0: it has none */
    struct priority now;
    enum srt_outcome told_outcome;
    bool told_answered;
    enum priority_order told_order; /* what the site's order said then */
    char report[DX_UID_MAX];        /* current report, or "" */
    char told_report[DX_UID_MAX];
    char accession[65], patient_id[257], issuer[257]; /* of its latest image; as received, while
                                                         none has been judged */
    int64_t image;                                    /* of the judged ones; 0: there is none */
    char model[520];                                  /* by the caller: who judges */
};
/* This study; STORE_NONE. since_ms: a finding of the same patient after it, in another study, is
 * known. */
STORE_MUST_USE enum store_status store_case_of(struct store *store, const char *study,
                                               int64_t since_ms, struct store_case *found);
/* The first study that is due; STORE_NONE. */
STORE_MUST_USE enum store_status store_next_case(struct store *store, int64_t since_ms,
                                                 struct store_case *found);
/* Nothing of it is news. One without an answer is shown as waiting where it waits for one, and
 * leaves the list otherwise. Here and below it stays due where the site's orders were changed since
 * it was found. */
STORE_MUST_USE enum store_status store_place_stays(struct store *store, const struct store_case *of,
                                                   int64_t now_ms);
/* Enters its new place, and news of it for each receiver that is to be told: those that may have
 * heard of the study before; all that its images' rules give it to, when it is raised or its report
 * is there. Earlier news that waits is overtaken. kind: what the news is. What was known by a
 * finding that is none any more is due. */
struct store_receiver {
    const char *name; /* of the announcement */
    bool raises_only; /* what is not raised is no news there, unless it may have heard of a raise */
};
STORE_MUST_USE enum store_status store_place(struct store *store, const struct store_case *of,
                                             const struct priority *priority, enum news_kind kind,
                                             const struct store_receiver *to, size_t count,
                                             int64_t now_ms);

/* The news for this announcement that is due, in the worklist's order (what was read stands where
 * its order puts it); STORE_NONE. Due is what is put off to now_ms or less, or beyond far_ms (the
 * wall clock was set back). What the header says is left to the caller: attrs (dx_attrs_pack;
 * malloc, or NULL) is of the image that was the study's latest when the news was made. */
STORE_MUST_USE enum store_status
store_next_news(struct store *store, const struct priority_policy *policy, const char *announcement,
                int64_t now_ms, int64_t far_ms, struct news *news, uint8_t **attrs, size_t *bytes);
/* Before it goes out: from now on its receiver may know it, with this item and identity, whatever
 * becomes of us. STORE_NONE: it was overtaken meanwhile. */
STORE_MUST_USE enum store_status store_news_asked(struct store *store, const struct news *news);
/* NEWS_LATER and NEWS_UNREACHED: again at next_ms. STORE_NONE: it was overtaken meanwhile. */
STORE_MUST_USE enum store_status store_news_end(struct store *store, int64_t id, enum news_end end,
                                                int64_t next_ms, const char *why, int64_t now_ms);
/* What is older than before_ms is told no more, unless it takes something back or raises nothing
 * that its receiver has not; *count: how many. */
STORE_MUST_USE enum store_status store_expire_news(struct store *store, const char *announcement,
                                                   int64_t before_ms, int64_t now_ms,
                                                   size_t *count);

/* A study of the list to be looked at there, as a struct news of kind NEWS_LOOK, the one first that
 * was looked at longest ago; STORE_NONE. None is more often than every period_ms, nor than an
 * eighth of the time that it has waited; one that a look has ended is over, whoever brings it back.
 * attrs as of store_next_news. */
STORE_MUST_USE enum store_status store_next_look(struct store *store, const char *announcement,
                                                 int64_t now_ms, int64_t period_ms,
                                                 struct news *news, uint8_t **attrs, size_t *bytes);
STORE_MUST_USE enum store_status store_look_asked(struct store *store, const char *announcement,
                                                  const char *study, int64_t now_ms);
/* It has been read there: it leaves the list. */
STORE_MUST_USE enum store_status store_look_read(struct store *store, const char *announcement,
                                                 const char *study);

/* How it stands with one announcement: what waits, and since when (created_ms; 0: nothing); what it
 * refused for good since since_ms, and the last reason. */
struct store_news_state {
    size_t pending, parked;
    int64_t oldest_ms;
    char why[NEWS_WHY];
};
STORE_MUST_USE enum store_status store_news_state(struct store *store, const char *announcement,
                                                  int64_t since_ms, struct store_news_state *state);

/* A person says that the study has been read, or that it has not. STORE_NONE: no such study. */
STORE_MUST_USE enum store_status store_mark_read(struct store *store, const char *study, bool read);

/* The reading worklist: studies that nobody has read, in no order; where there are more than room,
 * those that are read first. */
struct store_entry {
    char study[DX_UID_MAX], accession[65], patient_id[257], station[65];
    struct priority_place place;
    char age[8], sex[20], study_time[20]; /* of its latest header; ISO 8601 without offset, or "" */
    bool answered;
    enum srt_outcome outcome; /* when answered */
    char report[DX_UID_MAX];
    int64_t changed_ms, read_ms; /* UTC; read_ms 0: nobody has read it */
    char claimed_by[96]; /* who reads it, by UPS Pull, since when last heard of; "": nobody */
    int64_t claimed_ms;
};
STORE_MUST_USE enum store_status store_worklist(struct store *store,
                                                const struct priority_policy *policy,
                                                struct store_entry *list, size_t room,
                                                size_t *count);
/* Those that left the list, the latest first. */
STORE_MUST_USE enum store_status store_read_list(struct store *store, struct store_entry *list,
                                                 size_t room, size_t *count);
/* One study's; STORE_NONE. */
STORE_MUST_USE enum store_status store_place_entry(struct store *store, const char *study,
                                                   struct store_entry *entry);
/* A number that is another one whenever somebody else changed the job store. */
STORE_MUST_USE enum store_status store_change(struct store *store, int64_t *number);

/* What happened to a study, and when; in order of time. */
enum store_happening {
    HAPPENED_RECEIVED,
    HAPPENED_ANALYSED,
    HAPPENED_COMPLETE,
    HAPPENED_REPORTED,
    HAPPENED_SENT,
    HAPPENED_COMMITTED,
    HAPPENED_NOTIFIED,
    HAPPENED_READ
};
struct store_history {
    int64_t at_ms; /* UTC */
    enum store_happening what;
    char with[65]; /* calling AE title, kind of result, destination or announcement; "" */
};
STORE_MUST_USE enum store_status store_study_history(struct store *store, const char *study,
                                                     struct store_history *list, size_t room,
                                                     size_t *count);
/* All deliveries of a study's results, whatever their state; done_ms: UTC when sent, 0. */
struct store_sending {
    int64_t result, done_ms;
    char destination[65], state[16], error[256];
    int attempts;
};
STORE_MUST_USE enum store_status store_study_sendings(struct store *store, const char *study,
                                                      struct store_sending *list, size_t room,
                                                      size_t *count);

#endif
