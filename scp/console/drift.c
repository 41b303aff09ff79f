/* GET /api/v1/node/drift: the watch's series (docs/health.md) as figures to be drawn: each in at
 * most BINS parts of as many samples, in order, with the evidence of the CUSUM charts at each
 * part's end; scores as two histograms; stations by day. No patient's data. Read anew every
 * KEEP_MS. */
#include "console.h"

#include "clock.h"
#include "json_time.h"
#include "store_health.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BINS      40
#define BIN_LEAST 10
#define PARTS     20 /* of a histogram, 0 to 1 */
#define DAYS      28
#define DAY_HOURS 24
#define KEEP_MS   20000

struct series {
    const char *name, *subject;
    const struct conf_health *limits;
    struct store_sample *reference, *sample;
    size_t references, samples;
};

static bool read_series(struct console *console, struct series *s, const char *key,
                        int64_t since_ms)
{
    int64_t last = 0;
    size_t wanted = (size_t)s->limits->reference;
    s->samples = 0;
    if (store_first_samples(console->store, key, since_ms, s->reference, wanted, &s->references,
                            &last) != STORE_OK)
        return false;
    return s->references < wanted || store_last_samples(console->store, key, last, s->sample,
                                                        STORE_SAMPLES, &s->samples) == STORE_OK;
}

/* Of as many samples as the charts have seen by then. */
static void add_evidence(const struct series *s, bool scores, size_t seen, json_t *bin)
{
    struct health_rate rate;
    struct health_score score;
    if (!scores) {
        health_rate(s->limits, s->reference, s->references, s->sample, seen, &rate);
        (void)json_object_set_new(bin, "more", json_real(rate.more.evidence));
        (void)json_object_set_new(bin, "fewer", json_real(rate.fewer.evidence));
    } else if (health_score(s->limits, s->reference, s->references, s->sample, seen, &score)) {
        (void)json_object_set_new(bin, "higher", json_real(score.higher.evidence));
        (void)json_object_set_new(bin, "lower", json_real(score.lower.evidence));
        (void)json_object_set_new(bin, "wider", json_real(score.wider.evidence));
        (void)json_object_set_new(bin, "narrower", json_real(score.narrower.evidence));
    }
}

/* Samples from..to of this list; seen: how many after the reference, 0: within it. */
static json_t *bin_of(const struct series *s, bool scores, const struct store_sample *list,
                      size_t from, size_t to, size_t seen)
{
    size_t hits = 0;
    double sum = 0;
    for (size_t i = from; i < to; i++) {
        hits += list[i].hit;
        sum += list[i].score;
    }
    json_t *bin = json_pack("{s:o, s:o, s:I, s:I, s:b}", "from", json_time(list[from].at_ms), "to",
                            json_time(list[to - 1].at_ms), "samples", (json_int_t)(to - from),
                            "hits", (json_int_t)hits, "reference", seen == 0);
    if (scores)
        (void)json_object_set_new(bin, "mean", json_real(sum / (double)(to - from)));
    if (seen > 0)
        add_evidence(s, scores, seen, bin);
    return bin;
}

/* A rest that would be less than half a part belongs to the last one. */
static size_t end_of(size_t from, size_t size, size_t count)
{
    return count - from < size + size / 2 ? count : from + size;
}

static json_t *bins_of(const struct series *s, bool scores)
{
    json_t *bins = json_array();
    size_t all = s->references + s->samples, size = (all + BINS - 1) / BINS;
    if (size < BIN_LEAST)
        size = BIN_LEAST;
    for (size_t i = 0, to; i < s->references; i = to) {
        to = end_of(i, size, s->references);
        (void)json_array_append_new(bins, bin_of(s, scores, s->reference, i, to, 0));
    }
    for (size_t i = 0, to; i < s->samples; i = to) {
        to = end_of(i, size, s->samples);
        (void)json_array_append_new(bins, bin_of(s, scores, s->sample, i, to, to));
    }
    return bins;
}

static json_t *describe(const struct series *s, bool scores)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:o}", "name", s->name, "subject", s->subject,
                     "kind", scores ? "scores" : "rate", "reference", (json_int_t)s->references,
                     "samples", (json_int_t)s->samples, "bins", bins_of(s, scores));
}

static json_t *histogram_of(const struct store_sample *list, size_t count)
{
    size_t part[PARTS] = {0};
    json_t *parts = json_array();
    for (size_t i = 0; i < count; i++) {
        double at = list[i].score * PARTS;
        part[at < 0 ? 0 : at >= PARTS ? PARTS - 1 : (size_t)at]++;
    }
    for (size_t i = 0; i < PARTS; i++)
        (void)json_array_append_new(parts, json_integer((json_int_t)part[i]));
    return parts;
}

/* The last as many as the reference has, or what there is. */
static json_t *score_series(const struct series *s)
{
    size_t last = s->samples < s->references ? s->samples : s->references;
    json_t *one = describe(s, true);
    (void)json_object_set_new(one, "reference_histogram",
                              histogram_of(s->reference, s->references));
    (void)json_object_set_new(one, "last_histogram",
                              histogram_of(s->sample + (s->samples - last), last));
    (void)json_object_set_new(one, "last", json_integer((json_int_t)last));
    return one;
}

static bool list_series(struct console *console, struct series *s, json_t *list)
{
    static const struct {
        const char *key, *name;
    } rates[] = {{STORE_SERIES_ASSOCIATION, "refusal-rate"},
                 {STORE_SERIES_STUDY, "unprocessed-rate"}};
    int64_t since_ms = 0;
    if (store_relearned(console->store, &since_ms) != STORE_OK)
        return false;
    for (size_t m = 0; m < console->model_count; m++) {
        const char *digest = console->model[m].digest;
        s->name = "flag-rate";
        s->subject = digest;
        if (!read_series(console, s, digest, since_ms))
            return false;
        (void)json_array_append_new(list, describe(s, false));
        s->name = "score-shift";
        (void)json_array_append_new(list, score_series(s));
    }
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        s->name = rates[i].name;
        s->subject = "";
        if (!read_series(console, s, rates[i].key, since_ms))
            return false;
        (void)json_array_append_new(list, describe(s, false));
    }
    return true;
}

/* Hours of one station, in order; today is the last day. */
static json_t *station_of(const struct conf_health *limits, const struct store_hour *hours,
                          size_t count, int64_t now_hour)
{
    struct health_silence silence;
    int64_t day[DAYS] = {0}, today = now_hour / DAY_HOURS;
    json_t *days = json_array();
    health_silence(limits, hours, count, now_hour, &silence);
    for (size_t i = 0; i < count; i++) {
        int64_t ago = today - hours[i].hour / DAY_HOURS;
        if (ago >= 0 && ago < DAYS)
            day[DAYS - 1 - ago] += hours[i].studies;
    }
    for (size_t i = 0; i < DAYS; i++)
        (void)json_array_append_new(days, json_integer((json_int_t)day[i]));
    return json_pack("{s:s%, s:o, s:b, s:i, s:f, s:b}", "station", silence.station,
                     strnlen(silence.station, sizeof silence.station), "days", days, "ready",
                     silence.ready, "silent_hours", silence.hours, "missed", silence.expected,
                     "alarm", silence.on);
}

static bool list_stations(struct console *console, json_t *list)
{
    const struct conf_health *limits = &console->node->conf->health;
    int64_t now_hour = clock_utc_ms() / STORE_HOUR_MS;
    struct store_hour *hours = NULL;
    size_t count = 0, next;
    if (store_hours(console->store, now_hour - HEALTH_HISTORY, HEALTH_STATIONS, &hours, &count) !=
        STORE_OK)
        return false;
    for (size_t i = 0; i < count; i = next) {
        for (next = i + 1; next < count && strcmp(hours[next].station, hours[i].station) == 0;)
            next++;
        (void)json_array_append_new(list, station_of(limits, hours + i, next - i, now_hour));
    }
    free(hours);
    return true;
}

static json_t *read_drift(struct console *console)
{
    const struct conf_health *l = &console->node->conf->health;
    struct store_sample *memory = calloc((size_t)l->reference + STORE_SAMPLES, sizeof *memory);
    struct series s = {
        .limits = l, .reference = memory, .sample = memory != NULL ? memory + l->reference : NULL};
    json_t *series = json_array(), *stations = json_array();
    bool good = memory != NULL && console_store(console) && list_series(console, &s, series) &&
                list_stations(console, stations);
    free(memory);
    if (good)
        return json_pack("{s:o, s:{s:i, s:i, s:i, s:i, s:i}, s:o, s:o}", "as_of",
                         json_time(clock_utc_ms()), "limits", "reference", l->reference, "minimum",
                         l->minimum, "cusumLimit", l->cusum_limit, "silence", l->silence_hours,
                         "silenceExpected", l->silence_expected, "series", series, "stations",
                         stations);
    console_close_store(console);
    json_decref(series);
    json_decref(stations);
    return NULL;
}

enum MHD_Result drift_page(struct console *console, struct visit *visit, struct session *session,
                           const char *tail)
{
    int64_t now = clock_monotonic_ms();
    (void)session;
    (void)tail;
    if (console->drift == NULL || now >= console->drift_until) {
        json_decref(console->drift);
        console->drift = read_drift(console);
        console->drift_until = now + KEEP_MS;
    }
    if (console->drift == NULL)
        return http_error(&visit->request, MHD_HTTP_SERVICE_UNAVAILABLE,
                          "the job store cannot be read now", 1);
    return http_json(&visit->request, MHD_HTTP_OK, json_incref(console->drift));
}
