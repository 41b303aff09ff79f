/* ups.h: tells a workflow manager of a study's priority by UPS (PS3.4 annex CC), over DIMSE, or,
 * where the peer has a url, by UPS-RS (PS3.18 chapter 11).
 *
 * Where the site has a reading item of the study (Scheduled Workitem Code Interpretation, or none),
 * its priority is raised while it is SCHEDULED; else a reading item of our own is made. What the
 * item's priority was is written into its comments (ups_text.h), so that a correction can go back
 * to it, however long after, and nothing of it is kept here. Never below what the item has, but for
 * a raise of our own; what another has changed since is another's.
 *
 * Blocks: one association, or connection, in the caller's process, which is not to be the node's
 * own. The store is not touched. */
#ifndef UPS_H
#define UPS_H

#include "conf.h"
#include "news.h"

struct ups_manner {
    bool own_item;              /* never the site's item */
    const char *codes;          /* by which the site's item is a reading: "VALUE^SCHEME ..." */
    const char *worklist_label; /* of our own items; NULL or "": the manager's */
    int answer_seconds;         /* that an answer may take; 0: as call_params has it */
    /* Where the study's report can be fetched: AE title, and the SOP class of the report there.
     * NULL or "": our items name no report. */
    const char *retrieve_ae, *report_class;
};

/* why gets one sentence in every case: what was done, or why not; no patient data but what the
 * manager wrote into an Error Comment. */
enum news_end ups_tell(const struct conf *conf, const struct conf_peer *peer,
                       const struct ups_manner *manner, const struct news *news,
                       char why[NEWS_WHY]);

/* Whether the study has been read there: an item of its reading, the site's or ours, is COMPLETED,
 * and none is open. NEWS_TOLD: *read says. Changes nothing there; why as ups_tell's. */
enum news_end ups_look(const struct conf *conf, const struct conf_peer *peer,
                       const struct ups_manner *manner, const struct news *news, bool *read,
                       char why[NEWS_WHY]);

/* What a manager's status means to us, whatever service it answers. */
enum ups_sense {
    UPS_DONE,
    UPS_PRESENT, /* N-CREATE: it is there */
    UPS_ABSENT,
    UPS_OVER, /* someone reads it, or has: there is nothing left to change */
    UPS_WAIT, /* another time */
    UPS_REFUSED
};
enum ups_sense ups_sense_of(uint16_t status, const char **words);

#endif
