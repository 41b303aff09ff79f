/* Which certificates end soon, or have ended. */
#include "health.h"

#include "clock.h"
#include "keys_shown.h"

#define DAY_MS (24 * STORE_HOUR_MS)

static void look_at_term(struct health *h, const char *subject, int days,
                         const struct dx_tls_term *term)
{
    int64_t left = term->end_ms - h->at_ms;
    char at[25];
    if (term->end_ms == 0 || left > days * DAY_MS)
        return;
    clock_iso(term->end_ms, at);
    if (left <= 0)
        health_say(h, true, "certificate", subject, "%.150s ended %s: TLS fails", term->subject,
                   at);
    else
        health_say(h, true, "certificate", subject, "%.150s ends %s, in %lld days", term->subject,
                   at, (long long)(left / DAY_MS));
}

/* Lists of what was revoked are made anew every few days: the last of them is what counts. */
static void look_at_keys(const struct conf *conf, struct health *h)
{
    struct keys_told told;
    if (!keys_read_told(conf, &told))
        return;
    if (told.wrong[0] != '\0')
        health_say(h, true, "certificate", "files", "%.300s", told.wrong);
    for (int i = 0; i < DX_TLS_FILES; i++)
        look_at_term(h, keys_attribute((enum dx_tls_file)i),
                     i == DX_TLS_REVOKED ? 1 : conf->health.certificate_days, &told.term[i]);
}

void health_certificates(const struct conf *conf, struct health *h)
{
    struct keys_shown shown[KEYS_SHOWN_MOST];
    if (!h->running)
        return;
    look_at_keys(conf, h);
    size_t count = keys_shown_read(conf, shown);
    for (size_t i = 0; i < count; i++) {
        if (shown[i].wrong[0] != '\0')
            health_say(h, true, "certificate", shown[i].by, "%.255s", shown[i].wrong);
        else
            look_at_term(h, shown[i].by, conf->health.certificate_days, &shown[i].term);
    }
}
