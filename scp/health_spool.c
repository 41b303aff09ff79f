/* Is there room in the spool, and in its quarantine? */
#include "health.h"

static void look_at_quarantine(const struct conf *conf, struct health *h)
{
    const struct conf_limits *most = &conf->limits;
    const struct spool_quarantine_use *use = &h->quarantine;
    if (spool_quarantine_use(conf, &h->quarantine) != 0 || most->quarantine_bytes == 0)
        return;
    if (use->objects >= most->quarantine_objects - most->quarantine_objects / HEALTH_TENTH ||
        use->bytes >= most->quarantine_bytes - most->quarantine_bytes / HEALTH_TENTH)
        health_say(h, true, "quarantine-full", "",
                   "%llu refused objects of quarantineObjects %u, %llu bytes of quarantineBytes "
                   "%llu: what is refused then is not kept",
                   (unsigned long long)use->objects, most->quarantine_objects,
                   (unsigned long long)use->bytes, (unsigned long long)most->quarantine_bytes);
}

void health_spool(const struct conf *conf, struct health *h)
{
    h->free_bytes = spool_free_bytes(conf);
    if (h->free_bytes < conf->limits.spool_reserve_bytes)
        health_say(h, true, "spool-full", "",
                   "%llu bytes free, spoolReserve is %llu: nothing is received",
                   (unsigned long long)h->free_bytes,
                   (unsigned long long)conf->limits.spool_reserve_bytes);
    look_at_quarantine(conf, h);
}
