/* bootstrap.c: patients drawn with replacement, with all their samples.
 *
 * Draw d is made from (seed, d) alone: weight of a patient = how often it was drawn, within its
 * stratum as often in all as the stratum has patients. A statistic sees weights, not copies, so
 * ranks are sorted once. */
#include "measures_internal.h"
#include "mix_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STRATA         256
#define JACKKNIFE_MOST 1000

struct clusters {
    size_t samples, count;
    uint32_t *of;         /* (samples) cluster of a sample */
    uint32_t *member;     /* (count) clusters, stratum by stratum */
    uint32_t *times;      /* (count) of this draw */
    uint32_t *weight;     /* (samples) of this draw */
    uint8_t *stratum;     /* (count) */
    size_t start[STRATA]; /* of each stratum in member */
    size_t size[STRATA];
};

static void clusters_finish(struct clusters *c)
{
    free(c->of);
    free(c->member);
    free(c->times);
    free(c->weight);
    free(c->stratum);
}

static enum nn_status clusters_init(struct clusters *c, const struct nn_resample *over,
                                    struct nn_error *err)
{
    size_t room = over->count ? over->count : 1, filled[STRATA], next = 0;
    enum nn_status status;

    memset(c, 0, sizeof *c);
    c->samples = over->count;
    c->of = calloc(room, sizeof *c->of);
    c->member = calloc(room, sizeof *c->member);
    c->times = calloc(room, sizeof *c->times);
    c->weight = calloc(room, sizeof *c->weight);
    c->stratum = calloc(room, sizeof *c->stratum);
    if (!c->of || !c->member || !c->times || !c->weight || !c->stratum)
        return nn_fail(err, NN_NO_MEMORY, "bootstrap: no memory for %zu samples", over->count);
    if ((status = nn_groups_number(over->patient, over->count, c->of, &c->count, err)) != NN_OK)
        return status;
    for (size_t i = 0; over->stratum && i < over->count; i++) {
        if (over->stratum[i] > c->stratum[c->of[i]])
            c->stratum[c->of[i]] = over->stratum[i];
    }
    for (size_t k = 0; k < c->count; k++)
        c->size[c->stratum[k]]++;
    for (int s = 0; s < STRATA; s++) {
        c->start[s] = filled[s] = next;
        next += c->size[s];
    }
    for (size_t k = 0; k < c->count; k++)
        c->member[filled[c->stratum[k]]++] = (uint32_t)k;
    return NN_OK;
}

static size_t below(uint64_t *state, size_t bound)
{
    uint64_t most = UINT64_MAX - UINT64_MAX % bound, drawn;

    do
        drawn = nn_mix_next(state);
    while (drawn >= most);
    return (size_t)(drawn % bound);
}

static void draw_patients(struct clusters *c, uint64_t seed, int draw)
{
    uint64_t state = nn_mix64(nn_mix64(seed + NN_MIX_STEP) + (uint64_t)draw);

    memset(c->times, 0, c->count * sizeof *c->times);
    for (int s = 0; s < STRATA; s++) {
        for (size_t k = 0; k < c->size[s]; k++)
            c->times[c->member[c->start[s] + below(&state, c->size[s])]]++;
    }
    for (size_t i = 0; i < c->samples; i++)
        c->weight[i] = c->times[c->of[i]];
}

/* Hyndman-Fan type 7. */
static double quantile(const double *sorted, size_t count, double p)
{
    double at = p * (double)(count - 1);
    size_t under = (size_t)at;

    if (under + 1 >= count)
        return sorted[count - 1];
    return sorted[under] + (at - (double)under) * (sorted[under + 1] - sorted[under]);
}

/* The two shares of draws that lie below the limits. */
struct shares {
    double low, high;
};

/* Efron 1987: bias from the share of draws below the value (equal ones half), acceleration from the
 * jackknife; false when one of them isn't finite. */
static bool bca_shares(double value, const double *sorted, size_t count, double acceleration,
                       double level, struct shares *out)
{
    size_t below_value = 0, equal = 0;
    double share, bias, z = nn_normal_quantile((1 - level) / 2);

    for (size_t k = 0; k < count; k++) {
        below_value += sorted[k] < value;
        equal += sorted[k] == value;
    }
    share = ((double)below_value + 0.5 * (double)equal) / (double)count;
    if (!isfinite(acceleration) || !(share > 0) || !(share < 1))
        return false;
    bias = nn_normal_quantile(share);
    double low = 1 - acceleration * (bias + z), high = 1 - acceleration * (bias - z);
    if (!(low > 0) || !(high > 0))
        return false;
    out->low = nn_normal_cdf(bias + (bias + z) / low);
    out->high = nn_normal_cdf(bias + (bias - z) / high);
    return true;
}

/* acceleration (figures): sum (mean - t)^3 / (6 (sum (mean - t)^2)^1.5) over the values t that
 * leave one group of patients out; NaN where a t is undefined or all are equal. */
static enum nn_status accelerate(struct clusters *c, const struct nn_statistic *statistic,
                                 double *acceleration, struct nn_error *err)
{
    size_t groups = c->count < JACKKNIFE_MOST ? c->count : JACKKNIFE_MOST;
    size_t figures = (size_t)statistic->figures;
    double *left = calloc(groups * figures, sizeof *left);

    if (!left)
        return nn_fail(err, NN_NO_MEMORY, "bootstrap: no memory for a jackknife of %zu", groups);
    for (size_t g = 0; g < groups; g++) {
        for (size_t i = 0; i < c->samples; i++)
            c->weight[i] = c->of[i] % groups != g;
        statistic->compute(statistic->context, c->weight, c->samples, left + g * figures);
    }
    for (size_t f = 0; f < figures; f++) {
        double mean = 0, square = 0, cube = 0;
        for (size_t g = 0; g < groups; g++)
            mean += left[g * figures + f] / (double)groups;
        for (size_t g = 0; g < groups; g++) {
            double d = mean - left[g * figures + f];
            square += d * d;
            cube += d * d * d;
        }
        acceleration[f] = square > 0 ? cube / (6 * pow(square, 1.5)) : NAN;
    }
    free(left);
    return NN_OK;
}

static struct nn_interval interval_of(double value, double *column, size_t draws,
                                      const struct nn_bootstrap *settings, double acceleration)
{
    struct nn_interval interval = {.kind = NN_INTERVAL_NONE};
    struct shares shares = {(1 - settings->level) / 2, 1 - (1 - settings->level) / 2};
    size_t kept = 0;

    for (size_t d = 0; d < draws; d++) {
        if (!isnan(column[d]))
            column[kept++] = column[d];
    }
    interval.draws = (int)kept;
    if (isnan(value) || kept == 0 || (double)kept < 0.95 * (double)draws)
        return interval;
    nn_measures_sort(column, kept);
    interval.kind = NN_INTERVAL_PERCENTILE;
    if (column[0] == column[kept - 1])
        interval.kind = NN_INTERVAL_DEGENERATE;
    else if (settings->bca &&
             bca_shares(value, column, kept, acceleration, settings->level, &shares))
        interval.kind = NN_INTERVAL_BCA;
    interval.low = quantile(column, kept, shares.low);
    interval.high = quantile(column, kept, shares.high);
    return interval;
}

static enum nn_status check(const struct nn_resample *over, const struct nn_statistic *statistic,
                            const struct nn_bootstrap *settings, struct nn_error *err)
{
    enum nn_status status = nn_measures_count(over->count, err);

    if (status != NN_OK)
        return status;
    if (statistic->figures < 1 || statistic->figures > NN_FIGURES_MAX)
        return nn_fail(err, NN_INVALID, "bootstrap: %d figures, 1 to %d", statistic->figures,
                       NN_FIGURES_MAX);
    if (settings->draws != 0 && (settings->draws < 100 || settings->draws > NN_DRAWS_MAX))
        return nn_fail(err, NN_INVALID, "bootstrap: %d draws, 0 or 100 to %d", settings->draws,
                       NN_DRAWS_MAX);
    if (!(settings->level > 0) || !(settings->level < 1))
        return nn_fail(err, NN_INVALID, "bootstrap: level %g is not between 0 and 1",
                       settings->level);
    return NN_OK;
}

static enum nn_status intervals_of(struct clusters *c, const struct nn_statistic *statistic,
                                   const struct nn_bootstrap *settings, const double *value,
                                   const double *drawn, struct nn_interval *interval,
                                   struct nn_error *err)
{
    size_t figures = (size_t)statistic->figures, draws = (size_t)settings->draws;
    double *column = calloc(draws, sizeof *column), acceleration[NN_FIGURES_MAX];
    enum nn_status status = NN_OK;

    if (!column)
        return nn_fail(err, NN_NO_MEMORY, "bootstrap: no memory for %zu draws", draws);
    for (size_t f = 0; f < figures; f++)
        acceleration[f] = NAN;
    if (settings->bca)
        status = accelerate(c, statistic, acceleration, err);
    for (size_t f = 0; status == NN_OK && f < figures; f++) {
        for (size_t d = 0; d < draws; d++)
            column[d] = drawn[d * figures + f];
        interval[f] = interval_of(value[f], column, draws, settings, acceleration[f]);
    }
    free(column);
    return status;
}

enum nn_status nn_bootstrap_run(const struct nn_resample *over,
                                const struct nn_statistic *statistic,
                                const struct nn_bootstrap *settings, double *value,
                                struct nn_interval *interval, double *samples, struct nn_error *err)
{
    size_t figures = (size_t)statistic->figures, draws = (size_t)settings->draws;
    struct clusters c = {0};
    double *own = NULL, *drawn = samples;
    enum nn_status status;

    if ((status = check(over, statistic, settings, err)) != NN_OK)
        return status;
    for (size_t f = 0; f < figures; f++)
        interval[f] = (struct nn_interval){.kind = NN_INTERVAL_NONE};
    if ((status = clusters_init(&c, over, err)) != NN_OK)
        goto out;
    for (size_t i = 0; i < c.samples; i++)
        c.weight[i] = 1;
    statistic->compute(statistic->context, c.weight, c.samples, value);
    if (!drawn && draws > 0 && !(drawn = own = calloc(draws * figures, sizeof *own))) {
        status = nn_fail(err, NN_NO_MEMORY, "bootstrap: no memory for %zu draws", draws);
        goto out;
    }
    for (int d = 0; d < settings->draws; d++) {
        draw_patients(&c, settings->seed, d);
        statistic->compute(statistic->context, c.weight, c.samples, drawn + (size_t)d * figures);
    }
    if (draws > 0 && c.count > 1)
        status = intervals_of(&c, statistic, settings, value, drawn, interval, err);
out:
    clusters_finish(&c);
    free(own);
    return status;
}
