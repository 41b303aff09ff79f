/* The reading worklist as people get it. */
#include "list.h"

#include "clock.h"
#include "hl7_put.h"
#include <stdio.h>
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
    const struct priority_policy policy = {.ageing_seconds = conf->ageing_seconds,
                                           .delay_seconds = conf->delay_seconds,
                                           .now_ms = clock_utc_ms()};
    size_t room = (size_t)conf->list_most;
    *entries = calloc(room, sizeof **entries);
    *count = 0;
    enum store_status status =
        *entries != NULL ? store_worklist(store, &policy, *entries, room, count) : STORE_BROKEN;
    if (status != STORE_OK) {
        free(*entries);
        *entries = NULL;
        return status;
    }
    int64_t lapsed = policy.now_ms - (int64_t)conf->reading.claim_seconds * 1000;
    for (size_t i = 0; i < *count; i++)
        if ((*entries)[i].claimed_ms < lapsed) /* as if the desk had looked at it already */
            (*entries)[i].claimed_by[0] = '\0';
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

/* ---- one entry as JSON: written, not built, since thousands of them are at a time ---- */

struct writer {
    char *text;
    size_t used, size;
};

static void put(struct writer *to, const char *bytes, size_t count)
{
    if (count < to->size - to->used)
        memcpy(to->text + to->used, bytes, count);
    to->used += count < to->size - to->used ? count : 0;
}

/* Bytes that are written as they are. */
static size_t plain(const char *text)
{
    size_t n = 0;
    while ((unsigned char)text[n] >= 0x20 && (unsigned char)text[n] < 0x7f && text[n] != '"' &&
           text[n] != '\\')
        n++;
    return n;
}

/* What is no UTF-8 is a question mark. */
static void put_string(struct writer *to, const char *text)
{
    char code[8];
    uint32_t number;
    put(to, "\"", 1);
    while (*text != '\0') {
        size_t run = plain(text);
        put(to, text, run);
        text += run;
        if (*text == '\0')
            break;
        size_t count = hl7_character(text, strlen(text), &number);
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\' || c < 0x20)
            put(to, code, (size_t)snprintf(code, sizeof code, "\\u%04x", c));
        else
            put(to, count > 0 ? text : "?", count > 0 ? count : 1);
        text += count > 0 ? count : 1;
    }
    put(to, "\"", 1);
}

static void put_key(struct writer *to, const char *key)
{
    put(to, to->used > 1 ? ", \"" : "\"", to->used > 1 ? 3 : 1);
    put(to, key, strlen(key));
    put(to, "\": ", 3);
}

/* NULL: null. */
static void put_text(struct writer *to, const char *key, const char *text)
{
    put_key(to, key);
    if (text != NULL)
        put_string(to, text);
    else
        put(to, "null", 4);
}

static void put_time(struct writer *to, const char *key, int64_t ms)
{
    char text[25];
    clock_iso(ms, text);
    put_text(to, key, ms > 0 ? text : NULL);
}

static void put_claim(struct writer *to, const struct store_entry *e)
{
    put_key(to, "claimed");
    if (e->claimed_by[0] == '\0') {
        put(to, "null", 4);
        return;
    }
    struct writer inner = {.text = to->text + to->used, .size = to->size - to->used};
    put(&inner, "{", 1);
    put_text(&inner, "by", e->claimed_by);
    put_time(&inner, "since", e->claimed_ms);
    put(&inner, "}", 1);
    to->used += inner.used;
}

size_t worklist_entry_text(const struct store_entry *e, size_t position,
                           char text[WORKLIST_ENTRY_MAX])
{
    char number[24];
    const struct priority *p = &e->place.priority;
    struct writer to = {.text = text, .size = WORKLIST_ENTRY_MAX};
    put(&to, "{", 1);
    put_key(&to, "position");
    put(&to, number, (size_t)snprintf(number, sizeof number, "%zu", position));
    put_text(&to, "study", e->study);
    put_text(&to, "band", worklist_band(p->band));
    put_text(&to, "priority", priority_rank_name(p->rank));
    put_text(&to, "order", priority_order_name(e->place.order));
    put_text(&to, "outcome", e->answered ? srt_outcome_name(e->outcome) : NULL);
    put_text(&to, "reason", priority_reason_code(p->reason));
    put_text(&to, "words", priority_reason_text(p->reason));
    put_text(&to, "accession", e->accession);
    put_text(&to, "patient", worklist_last_of(e->patient_id));
    put_text(&to, "age", e->age);
    put_text(&to, "sex", e->sex);
    put_text(&to, "studyTime", e->study_time);
    put_text(&to, "station", e->station);
    put_text(&to, "report", e->report[0] ? e->report : NULL);
    put_time(&to, "arrived", e->place.arrived_ms);
    put_time(&to, "changed", e->changed_ms);
    put_claim(&to, e);
    put(&to, "}", 1);
    text[to.used] = '\0';
    return to.used;
}

json_t *worklist_entry(const struct store_entry *e, size_t position)
{
    char text[WORKLIST_ENTRY_MAX];
    size_t count = worklist_entry_text(e, position, text);
    return json_loadb(text, count, 0, NULL);
}
