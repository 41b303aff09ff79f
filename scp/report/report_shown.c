/* What a list of series shows of a report. */
#include "report_file.h"
#include <stdio.h>
#include <string.h>

static void put(struct report_shown *shown, const char *text, size_t length)
{
    size_t used = strlen(shown->what);
    snprintf(shown->what + used, sizeof shown->what - used, "%.*s", (int)length, text);
}

bool report_stand(const struct conf *conf, struct store *store, const char *study,
                  enum srt_outcome outcome, struct report_standing *standing)
{
    struct store_case c;
    struct priority p;
    int64_t since = clock_utc_ms() - (int64_t)conf->known_days * PRIORITY_DAY_MS;
    if (store_case_of(store, study, since, &c) != STORE_OK)
        return false;
    c.known.answered = true;
    c.known.outcome = outcome; /* what the report will say; its place comes after it */
    priority_of(&c.known, &p);
    *standing = (struct report_standing){
        .outcome = outcome, .rank = p.rank, .flagged = p.reason == REASON_FINDING};
    return true;
}

void report_show(const struct conf *conf, const struct report_standing *standing, int series_number,
                 int number, struct report_shown *shown)
{
    const struct {
        const char *name, *text;
    } known[] = {{"{outcome}", srt_outcome_name(standing->outcome)},
                 {"{priority}", priority_rank_name(standing->rank)}};
    *shown = (struct report_shown){.series_number = series_number, .instance_number = number};
    for (const char *at = conf->report_shown ? conf->report_shown : "report"; *at;) {
        size_t i = 0, length = 1;
        while (i < 2 && strncmp(at, known[i].name, strlen(known[i].name)) != 0)
            i++;
        if (i < 2) {
            put(shown, known[i].text, strlen(known[i].text));
            length = strlen(known[i].name);
        } else {
            put(shown, at, 1);
        }
        at += length;
    }
    if (standing->flagged && conf->finding_series != 0)
        shown->series_number = conf->finding_series;
    if (standing->flagged)
        shown->instance_number += conf->finding_instances;
    shown->is_plain = strcmp(shown->what, "report") == 0 && shown->series_number == series_number &&
                      shown->instance_number == number;
}

bool report_shown_series(const struct report_shown *shown, char uid[DX_UID_MAX])
{
    char number[16], plain[DX_UID_MAX];
    const char *const fields[] = {"shown", plain, shown->what, number};
    if (shown->is_plain)
        return true;
    memcpy(plain, uid, sizeof plain);
    snprintf(number, sizeof number, "%d", shown->series_number);
    return report_hashed_uid(fields, sizeof fields / sizeof *fields, uid);
}
