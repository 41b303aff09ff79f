#include "health_watch.h"

#include "clock.h"
#include "log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIM_MS (3600 * INT64_C(1000))

static bool is_same(const struct store_alarm *alarm, const struct health_why *why)
{
    return why->alarm && strcmp(alarm->name, why->name) == 0 &&
           strcmp(alarm->subject, why->subject) == 0;
}

static enum store_status change(struct store *store, const struct store_alarm *alarm, bool on,
                                const char *detail)
{
    enum store_status status = store_set_alarm(store, alarm, on);
    if (status == STORE_OK)
        log_event(on ? LOG_AT_ERROR : LOG_AT_INFO, "alarm", "name=%s subject=%s state=%s detail=%s",
                  alarm->name, log_quote(alarm->subject), on ? "on" : "off", log_quote(detail));
    return status;
}

enum store_status health_watch_tell(const struct health *h, struct store *store)
{
    size_t count = 0;
    struct store_alarm *list = calloc(STORE_ALARMS_MOST, sizeof *list);
    if (!list)
        return STORE_BROKEN;
    enum store_status status = store_alarms(store, list, STORE_ALARMS_MOST, &count);
    for (size_t i = 0; status == STORE_OK && i < h->why_count; i++) {
        const struct health_why *why = &h->why[i];
        size_t known = 0;
        struct store_alarm alarm = {.since_ms = h->at_ms};
        memcpy(alarm.name, why->name, sizeof alarm.name);
        memcpy(alarm.subject, why->subject, sizeof alarm.subject);
        while (known < count && !is_same(&list[known], why))
            known++;
        if (why->alarm && known == count)
            status = change(store, &alarm, true, why->detail);
    }
    for (size_t i = 0; status == STORE_OK && i < count; i++) {
        size_t still = 0;
        while (still < h->why_count && !is_same(&list[i], &h->why[still]))
            still++;
        if (still == h->why_count) {
            char since[25], detail[64];
            clock_iso(list[i].since_ms, since);
            (void)snprintf(detail, sizeof detail, "it was on since %s", since);
            status = change(store, &list[i], false, detail);
        }
    }
    free(list);
    return status;
}

enum store_status health_watch_turn(struct health_watch *watch, const struct conf *conf,
                                    struct store *store)
{
    struct health health;
    int64_t now = clock_monotonic_ms();
    enum store_status status = STORE_OK;
    if (now < watch->next_ms)
        return STORE_OK;
    watch->next_ms = now + 1000 * (int64_t)conf->health.check_seconds;
    if (now >= watch->trim_ms) {
        watch->trim_ms = now + TRIM_MS;
        status = store_trim_health(store, clock_utc_ms(), conf->health.reference);
    }
    if (status != STORE_OK)
        return status;
    /* Without a store nothing is known to end. */
    bool read = health_read(conf, store, "", clock_utc_ms(), &health) && health.has_store;
    status = read ? health_watch_tell(&health, store) : STORE_BROKEN;
    health_finish(&health);
    return status;
}
