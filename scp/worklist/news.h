/* news.h: what other systems are told of a study's place in the reading worklist.
 *
 * One struct news is one revision of one study's priority for one receiver (struct conf_announce).
 * Sent again after a crash it is the same message: `workitem` is the same for all revisions of a
 * study at one receiver, `message` for one revision. Texts are UTF-8, "" where nothing is known. */
#ifndef NEWS_H
#define NEWS_H

#include "dx_uid.h"
#include "priority.h"
#include "store_reconcile.h"
#include <stdint.h>

enum news_kind {
    NEWS_PRIORITY,  /* a place, for the first time or corrected */
    NEWS_WITHDRAWN, /* what was told no longer holds: retracted, moved, or read */
    NEWS_LOOK       /* no news: has the study been read there? Never in the job store */
};

#define NEWS_IDENTITY 81

struct news {
    int64_t id;
    int64_t revision; /* of the study's priority, from 1 */
    enum news_kind kind;
    enum priority_rank rank, told;  /* told: by the last revision that this receiver may have */
    bool raised;                    /* above what its order says */
    bool was_told;                  /* this receiver has that revision */
    bool may_know;                  /* it went out to it; what became of it may be unknown */
    enum priority_order told_order; /* what its order said then */
    enum priority_order order;      /* when this revision was made */
    enum priority_reason reason;
    enum srt_outcome outcome;
    bool research;  /* said by whoever sends: the mode is demo */
    bool is_report; /* the study's report is there: report, report_series */
    char workitem[DX_UID_MAX];
    int item; /* of our items of the study at a workflow manager; 0: the first, named `workitem` */
    /* of whom and of which order it speaks, and the last one before that went out: news_header.h */
    char identity[NEWS_IDENTITY], told_identity[NEWS_IDENTITY];
    char message[33]; /* MSH-10, webhook's id: hexadecimal */
    char study[DX_UID_MAX], report[DX_UID_MAX], report_series[DX_UID_MAX];
    char accession[65], issuer_of_accession[257], study_id[65];
    char patient_id[257], issuer[257], patient_name[1025]; /* name: as PN, components by ^ */
    struct site_id alias[SITE_IDS_MOST]; /* other IDs of that patient, by the site's own word */
    unsigned aliases;
    char birth_date[17], sex[17];
    char study_date[17], study_time[33], study_description[257], procedure_id[65];
    char placer_order[65], filler_order[65]; /* of the site's order, where it was read */
    int64_t created_ms;                      /* UTC of this revision */
    int64_t received_ms;                     /* UTC of the study's first image */
    int attempts;                            /* before this one */
    char model[520];                         /* "cervigate-phantom 0.2.0" */
};

/* What became of it. */
enum news_end {
    NEWS_TOLD,      /* or the receiver has it already */
    NEWS_LATER,     /* this one, another time */
    NEWS_UNREACHED, /* the receiver as a whole */
    NEWS_REFUSED    /* for good: for a person to look at */
};
#define NEWS_WHY 256

#endif
