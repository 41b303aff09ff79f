/* The reading worklist as people get it. */
#include "list.h"

#include "clock.h"
#include <stdlib.h>
#include <string.h>

static const struct priority_policy *the_policy; /* qsort has no context */

static int first(const void *a, const void *b)
{
    const struct store_entry *x = a, *y = b;
    return priority_compare(the_policy, &x->place, &y->place);
}

enum store_status worklist_read(const struct conf *conf, struct store *store,
                                struct store_entry **entries, size_t *count)
{
    const struct priority_policy policy = {.ageing_seconds = conf->ageing_seconds};
    *entries = calloc(WORKLIST_MOST, sizeof **entries);
    *count = 0;
    enum store_status status =
        *entries != NULL ? store_worklist(store, *entries, WORKLIST_MOST, count) : STORE_BROKEN;
    if (status != STORE_OK) {
        free(*entries);
        *entries = NULL;
        return status;
    }
    the_policy = &policy;
    qsort(*entries, *count, sizeof **entries, first);
    return STORE_OK;
}

const char *worklist_band(enum priority_band band)
{
    static const char *const bands[] = {
        [BAND_RAISED] = "raised", [BAND_ROUTINE] = "routine", [BAND_NOT_JUDGED] = "not judged"};
    return bands[band];
}

const char *worklist_last_of(const char *id)
{
    size_t at = strlen(id);
    for (int characters = 0; at > 0 && characters < 4; characters++)
        while (at > 0 && ((unsigned char)id[--at] & 0xC0) == 0x80)
            continue;
    return id + at;
}

static json_t *time_of(int64_t ms)
{
    char text[25];
    clock_iso(ms, text);
    return ms > 0 ? json_string(text) : json_null();
}

json_t *worklist_entry(const struct store_entry *e, size_t position)
{
    const struct priority *p = &e->place.priority;
    return json_pack(
        "{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:o, s:o}",
        "position", (json_int_t)position, "study", e->study, "band", worklist_band(p->band),
        "priority", priority_rank_name(p->rank), "order", priority_order_name(e->place.order),
        "outcome", srt_outcome_name(e->outcome), "reason", priority_reason_code(p->reason), "words",
        priority_reason_text(p->reason), "accession", e->accession, "patient",
        worklist_last_of(e->patient_id), "age", e->age, "sex", e->sex, "studyTime", e->study_time,
        "station", e->station, "report", e->report[0] ? e->report : NULL, "arrived",
        time_of(e->place.arrived_ms), "changed", time_of(e->changed_ms));
}
