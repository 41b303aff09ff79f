/* ups_step.h: what the parts of ups_tell share: one manager, one item at a time. */
#ifndef UPS_STEP_H
#define UPS_STEP_H

#include "stow_http.h"
#include "ups.h"
#include "ups_item.h"
#include "ups_text.h"

/* Earlier items of ours that are looked at are fewer than this: each news does away with them. */
#define UPS_OWN_MOST 5

struct telling;

/* The services as they are carried. DX_OK means that an answer came, whose status is DIMSE's; else
 * telling.err says why not. find as dx_scu_find: DX_LIMIT, and not broken: more matches than most.
 */
struct ups_way {
    enum dx_status (*find)(struct telling *t, enum dx_ups_key key, const char *value,
                           const char *patient_id, size_t most, dx_ups_match match, void *context,
                           uint16_t *status);
    enum dx_status (*get)(struct telling *t, const char *uid, struct dx_ups_item *item,
                          struct dx_ups_answer *answer);
    enum dx_status (*create)(struct telling *t, const char *uid, const struct dx_writing *item,
                             struct dx_ups_answer *answer);
    enum dx_status (*set)(struct telling *t, const char *uid, const struct dx_writing *change,
                          struct dx_ups_answer *answer);
    enum dx_status (*cancel)(struct telling *t, const char *uid, const struct dx_writing *reason,
                             struct dx_ups_answer *answer);
    bool (*is_broken)(const struct telling *t); /* nothing more can be asked now */
};
extern const struct ups_way ups_dimse, ups_rs;

struct telling {
    const struct ups_way *way;
    const struct ups_manner *manner;
    const struct news *news;
    struct dx_scu *scu;     /* of ups_dimse */
    struct stow_http *http; /* of ups_rs */
    bool away, broken;      /* of ups_rs: the manager as a whole; its last answer */
    struct dx_error err;
    bool push, pull;                    /* what the manager takes */
    bool is_open, is_completed;         /* of a look: any of its items */
    char *why;                          /* of NEWS_WHY; each step fills it */
    char own[UPS_OWN_MOST][DX_UID_MAX]; /* our items: the one that is to be, and before it those
                                           of whom, or of which order, the study was said to be */
    size_t own_count;
};

enum step {
    STEP_TOLD,
    STEP_NONE, /* there is no such item */
    STEP_LATER,
    STEP_REFUSED
};

/* Of a service that got no answer. */
enum step ups_broken(struct telling *t, enum dx_status status);
/* Says what a service was answered. */
enum ups_sense ups_say(struct telling *t, const char *what, const char *uid, uint16_t status,
                       const char *comment);
enum step ups_read_item(struct telling *t, const char *uid, struct dx_ups_item *item);
/* Sets the priority and, where the comments can be kept whole, the mark; nothing where all is so.
 */
enum step ups_set_marked(struct telling *t, const char *uid, const struct dx_ups_item *item,
                         const struct ups_mark *mark, enum dx_ups_priority was,
                         struct dx_ups_change *change);

/* The site's items of the study. STEP_TOLD: one is as it is to be, or is read. STEP_REFUSED: it may
 * not be changed. */
enum step ups_tell_site(struct telling *t);
/* Looks at the site's items, at ours: is_open, is_completed. */
enum step ups_look_site(struct telling *t);
enum step ups_look_at(struct telling *t, const char *uid);
/* Our own: made, changed, made anew for another patient or order. */
enum step ups_tell_own(struct telling *t);
enum step ups_change_own(struct telling *t);
enum step ups_cancel_own(struct telling *t);

#endif
