/* site_fixture.h: orders of the site as messages tell them, and what a job store knows of them. */
#ifndef SITE_FIXTURE_H
#define SITE_FIXTURE_H

#include "open_store.h"
#include "store_site.h"

static int messages;

/* ---- what is told, and what comes ---- */

static inline struct site_order of(const char *accession, int study, enum priority_order priority)
{
    struct site_order o = {.priority = priority};
    snprintf(o.accession, sizeof o.accession, "%s", accession);
    if (study > 0)
        snprintf(o.study, sizeof o.study, "1.2.4.%d", study);
    return o;
}

/* Of an order with numbers; "": none. */
static inline struct site_order numbered(const char *accession, int study, const char *placer,
                                         const char *filler, enum priority_order priority)
{
    struct site_order o = of(accession, study, priority);
    snprintf(o.placer_order, sizeof o.placer_order, "%s", placer);
    snprintf(o.filler_order, sizeof o.filler_order, "%s", filler);
    return o;
}

/* Studies that are due by it; -1: it is of nothing that is known. */
static inline int say_at(const struct site_order *orders, size_t count, int64_t when)
{
    char name[32];
    size_t studies, missing;
    snprintf(name, sizeof name, "message %d", ++messages);
    enum store_status status =
        store_site_orders(store, name, orders, count, when, &studies, &missing);
    if (status == STORE_NONE)
        return -1;
    FIXTURE_OK(status);
    return (int)studies;
}

static inline int say(struct site_order order)
{
    return say_at(&order, 1, 1000);
}

static inline struct site_order known(int study, const char *accession)
{
    char uid[DX_UID_MAX];
    struct site_order o;
    snprintf(uid, sizeof uid, "1.2.4.%d", study);
    FIXTURE_OK(store_site_of(store, uid, accession, &o));
    return o;
}

#endif
