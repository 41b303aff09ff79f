/* Is the audit log written, whole, and with its collector? */
#include "health.h"

#include "store_health.h"

void health_audit(const struct conf *conf, struct health *h)
{
    char text[200], since[25];
    uint64_t missed = audit_log_missing(conf, since);
    if (missed > 0)
        health_say(h, true, "audit-unwritten", "",
                   "%llu events could not be written since %s: disk, permissions, a process that "
                   "keeps the lock",
                   (unsigned long long)missed, since);
    if (audit_log_broken(conf, text, sizeof text))
        health_say(h, true, "audit-broken", "", "%s; cervigate audit verify", text);
    if (!audit_ship_waiting(conf, &h->audit) || conf->audit.host == NULL || h->audit.since_ms == 0)
        return;
    int64_t hours = (h->at_ms - h->audit.since_ms) / STORE_HOUR_MS;
    if (hours >= conf->audit.undrained_hours)
        health_say(
            h, true, "audit-undrained", "",
            "%llu records wait for the collector, the oldest since %lld h; undrained is %d%s%s",
            (unsigned long long)(h->audit.last - h->audit.sent), (long long)hours,
            conf->audit.undrained_hours, h->audit.trouble[0] ? ": " : "", h->audit.trouble);
}
