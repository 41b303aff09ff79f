/* The charts: rates, scores, silence. */
#include "health.h"

#include "nn_measures.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CONFIDENCE 0.80
#define DEVIATE    1.282 /* its normal deviate, either side */

static void step(const struct conf_health *limits, size_t n, double ratio,
                 struct health_chart *chart)
{
    double limit = limits->cusum_limit;
    chart->evidence = fmin(limit, fmax(0, chart->evidence + ratio));
    if (chart->evidence >= limit && n >= (size_t)limits->minimum)
        chart->on = true;
    if (chart->evidence <= 0)
        chart->on = false;
}

/* ---- rates ---- */

/* Log-likelihood ratios of a hit and of none, of odds that are `factor` times those of p. */
struct ratios {
    double hit, none;
};

static struct ratios ratios_of(double p, double factor)
{
    double odds = factor * p / (1 - p), shifted = odds / (1 + odds);
    if (p <= 0 || p >= 1)
        return (struct ratios){0, 0}; /* there is nothing below never, or above always */
    return (struct ratios){log(shifted / p), log((1 - shifted) / (1 - p))};
}

void health_rate(const struct conf_health *limits, const struct store_sample *reference,
                 size_t reference_count, const struct store_sample *sample, size_t count,
                 struct health_rate *rate)
{
    *rate = (struct health_rate){.reference = reference_count, .samples = count};
    for (size_t i = 0; i < reference_count; i++)
        rate->reference_hits += reference[i].hit;
    for (size_t i = 0; i < count; i++)
        rate->hits += sample[i].hit;
    if (reference_count < (size_t)limits->reference || reference_count == 0)
        return;

    const struct nn_interval usual =
        nn_interval_exact(rate->reference_hits, reference_count, CONFIDENCE);
    const struct ratios up = ratios_of(usual.high, limits->odds_ratio),
                        down = ratios_of(usual.low, 1.0 / limits->odds_ratio);
    for (size_t i = 0; i < count; i++) {
        step(limits, i + 1, sample[i].hit ? up.hit : up.none, &rate->more);
        step(limits, i + 1, sample[i].hit ? down.hit : down.none, &rate->fewer);
    }
    rate->ready = count >= (size_t)limits->minimum;
}

/* ---- scores ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Twice x's middle rank among the sorted reference: 0 to 2 count. */
static size_t rank_of(const double *sorted, size_t count, double x)
{
    size_t below = 0, high = count, upto;
    while (below < high) { /* first that is not below */
        size_t middle = below + (high - below) / 2;
        if (sorted[middle] < x)
            below = middle + 1;
        else
            high = middle;
    }
    for (upto = below; upto < count && sorted[upto] <= x; upto++)
        ;
    return below + upto;
}

/* Deviates of a reference of `count` are off by 1/sqrt(count) in place and by sqrt(2/count) in
 * variance; what is in control may be off by DEVIATE times that. */
static void weigh(const struct conf_health *limits, size_t count, size_t n, double z,
                  struct health_score *score)
{
    double shift = limits->score_shift / 100.0, off = DEVIATE / sqrt((double)count);
    double wide = 1 + DEVIATE * sqrt(2.0 / (double)count), ratio = HEALTH_SPREAD * HEALTH_SPREAD;
    step(limits, n, shift * (z - off) - shift * shift / 2, &score->higher);
    step(limits, n, shift * (-z - off) - shift * shift / 2, &score->lower);
    step(limits, n, z * z / wide / 2 * (1 - 1 / ratio) - log(HEALTH_SPREAD), &score->wider);
    step(limits, n, z * z * wide / 2 * (1 - ratio) + log(HEALTH_SPREAD), &score->narrower);
}

bool health_score(const struct conf_health *limits, const struct store_sample *reference,
                  size_t reference_count, const struct store_sample *sample, size_t count,
                  struct health_score *score)
{
    *score = (struct health_score){.reference = reference_count, .samples = count};
    if (reference_count < (size_t)limits->reference || reference_count == 0)
        return true;
    size_t ranks = 2 * reference_count + 1;
    double *sorted = malloc((reference_count + ranks) * sizeof *sorted), sum = 0;
    if (!sorted)
        return false;
    double *deviate = sorted + reference_count;
    for (size_t i = 0; i < reference_count; i++)
        sorted[i] = reference[i].score;
    qsort(sorted, reference_count, sizeof *sorted, by_value);
    for (size_t i = 0; i < ranks; i++)
        deviate[i] = nn_normal_quantile(((double)i / 2 + 0.5) / ((double)reference_count + 1));
    for (size_t i = 0; i < count; i++) {
        double z = deviate[rank_of(sorted, reference_count, sample[i].score)];
        sum += z;
        weigh(limits, reference_count, i + 1, z, score);
    }
    free(sorted);
    score->mean = count > 0 ? sum / (double)count : 0;
    score->ready = count >= (size_t)limits->minimum;
    return true;
}

/* ---- silence ---- */

void health_silence(const struct conf_health *limits, const struct store_hour *hours, size_t count,
                    int64_t now_hour, struct health_silence *silence)
{
    int seen[HEALTH_WEEK] = {0}, active[HEALTH_WEEK] = {0};
    int64_t studies[HEALTH_WEEK] = {0};
    *silence = (struct health_silence){.hours = 0};
    if (count == 0)
        return;
    int64_t first = hours[0].hour, last = hours[count - 1].hour;
    memcpy(silence->station, hours[0].station, sizeof silence->station);
    silence->last_hour = last;
    for (int64_t hour = first; hour <= last && hour < first + HEALTH_HISTORY; hour++)
        seen[hour % HEALTH_WEEK]++;
    for (size_t i = 0; i < count; i++) {
        active[hours[i].hour % HEALTH_WEEK]++;
        studies[hours[i].hour % HEALTH_WEEK] += hours[i].studies;
        silence->studies += hours[i].studies;
    }
    for (int64_t hour = last + 1; hour < now_hour && hour <= last + HEALTH_HISTORY; hour++) {
        int64_t w = hour % HEALTH_WEEK;
        if (seen[w] < 2 || 2 * active[w] < seen[w])
            continue;
        silence->hours++;
        silence->expected += (double)studies[w] / seen[w];
    }
    silence->ready = last - first >= HEALTH_SPAN && silence->studies >= limits->minimum;
    silence->on = silence->ready && silence->hours >= limits->silence_hours &&
                  silence->expected >= limits->silence_expected;
}
