/* Unified Procedure Step as SCU, over an association [ups_dimse.c] or HTTP [ups_rs.c].
 *
 *   find by accession, else by the study of a request, else by the study of an input   [ups_site.c]
 *     |
 *   of each that fits: read; SCHEDULED? raise, or back to what it was before our raise
 *     |                in progress, completed: someone reads it
 *   none, or refused -> our own: make; is there already? change; withdrawn? cancel     [ups_own.c]
 *                       of another patient or order? make anew, then cancel
 */
#include "ups.h"

#include "call.h"
#include "proposed.h"
#include "report_file.h"
#include "ups_step.h"
#include <stdio.h>
#include <string.h>

#define IMPLICIT "1.2.840.10008.1.2"

/* Both may bear something of ours. What could not be taken back is for a person. */
static enum step withdraw(struct telling *t, enum step site)
{
    char why[NEWS_WHY];
    (void)snprintf(why, sizeof why, "%s", t->why);
    enum step own = t->push ? ups_cancel_own(t) : STEP_TOLD;
    if (own != STEP_TOLD || site == STEP_NONE)
        return own;
    (void)snprintf(t->why, NEWS_WHY, "%s", why);
    return site;
}

static enum step tell(struct telling *t)
{
    char why[NEWS_WHY];
    enum step site = ups_tell_site(t);
    if (site == STEP_LATER)
        return site;
    if (t->news->kind == NEWS_WITHDRAWN)
        return withdraw(t, site);
    if (site != STEP_TOLD)
        return ups_tell_own(t);
    if (!t->push || !(t->news->was_told || t->news->may_know))
        return site;
    /* An earlier revision may have made one of ours, before the site had its own. */
    (void)snprintf(why, sizeof why, "%s", t->why);
    if (ups_change_own(t) == STEP_LATER)
        return STEP_LATER;
    (void)snprintf(t->why, NEWS_WHY, "%s", why);
    return site;
}

/* One that may not be read may be open. */
static enum step look(struct telling *t)
{
    enum step step = ups_look_site(t);
    for (size_t i = 0;
         i < t->own_count && (t->news->was_told || t->news->may_know) && step != STEP_LATER; i++)
        step = ups_look_at(t, t->own[i]);
    return step;
}

static enum news_end end_of(enum step step)
{
    switch (step) {
    case STEP_LATER:
        return NEWS_LATER;
    case STEP_REFUSED:
        return NEWS_REFUSED;
    default:
        return NEWS_TOLD;
    }
}

static enum news_end talk_dimse(const struct conf *conf, const struct conf_peer *peer,
                                struct telling *t, enum step (*talk)(struct telling *))
{
    struct dx_scu_params params;
    const struct ups_manner *manner = t->manner;
    call_params(conf, peer, &params);
    if (manner->answer_seconds > 0) {
        params.acse_seconds = manner->answer_seconds;
        params.dimse_seconds = manner->answer_seconds;
    }
    if (call_open(conf, peer, &params, proposed_news, PROPOSED_NEWS, &t->scu, &t->err) != DX_OK) {
        (void)snprintf(t->why, NEWS_WHY, "%.250s", t->err.text);
        return NEWS_UNREACHED;
    }
    t->push = dx_scu_accepts(t->scu, DX_UPS_PUSH, IMPLICIT) != 0;
    t->pull = dx_scu_accepts(t->scu, DX_UPS_PULL, IMPLICIT) != 0;
    enum news_end end = NEWS_UNREACHED;
    if (t->push || t->pull)
        end = end_of(talk(t));
    else
        (void)snprintf(t->why, NEWS_WHY, "%s takes neither UPS Push nor UPS Pull", peer->name);
    dx_scu_close(t->scu);
    return end;
}

static enum news_end talk_web(const struct conf *conf, const struct conf_peer *peer,
                              struct telling *t, enum step (*talk)(struct telling *))
{
    t->push = t->pull = true;
    t->http = stow_http_open(conf, peer);
    if (t->http == NULL) {
        (void)snprintf(t->why, NEWS_WHY, "out of memory");
        return NEWS_LATER;
    }
    if (t->manner->answer_seconds > 0)
        stow_http_patience(t->http, t->manner->answer_seconds);
    enum news_end end = end_of(talk(t));
    stow_http_close(t->http);
    return t->away ? NEWS_UNREACHED : end;
}

/* An item's UID is never another's, nor used again: the same item in every news that is of it. */
static bool name_own(struct telling *t)
{
    const struct news *news = t->news;
    for (int item = news->item; item >= 0 && t->own_count < UPS_OWN_MOST; item--) {
        char number[16], *uid = t->own[t->own_count++];
        const char *const fields[] = {"item", news->workitem, number};
        (void)snprintf(number, sizeof number, "%d", item);
        if (item == 0)
            memcpy(uid, news->workitem, DX_UID_MAX);
        else if (!report_hashed_uid(fields, 3, uid))
            return false;
    }
    return true;
}

static enum news_end talk_to(const struct conf *conf, const struct conf_peer *peer,
                             struct telling *t, enum step (*talk)(struct telling *))
{
    t->way = peer->url != NULL ? &ups_rs : &ups_dimse;
    t->why[0] = '\0';
    if (!name_own(t)) {
        (void)snprintf(t->why, NEWS_WHY, "out of memory");
        return NEWS_LATER;
    }
    return peer->url != NULL ? talk_web(conf, peer, t, talk) : talk_dimse(conf, peer, t, talk);
}

enum news_end ups_tell(const struct conf *conf, const struct conf_peer *peer,
                       const struct ups_manner *manner, const struct news *news, char why[NEWS_WHY])
{
    struct telling t = {.manner = manner, .news = news, .why = why};
    return talk_to(conf, peer, &t, tell);
}

enum news_end ups_look(const struct conf *conf, const struct conf_peer *peer,
                       const struct ups_manner *manner, const struct news *news, bool *read,
                       char why[NEWS_WHY])
{
    struct telling t = {.manner = manner, .news = news, .why = why};
    enum news_end end = talk_to(conf, peer, &t, look);
    *read = end == NEWS_TOLD && t.is_completed && !t.is_open;
    return end;
}
