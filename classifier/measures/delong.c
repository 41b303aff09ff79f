/* delong.c: two AUCs on the same cases. */
#include "measures_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* DeLong 1988: of each positive the share of negatives under it (v10), of each negative the share
 * of positives above it (v01). By midranks among all and among its own kind (Sun & Xu 2014): one
 * ranking, each run of equal scores at once. */
static enum nn_status placements(const double *score, const bool *positive, size_t count,
                                 uint64_t positives, double *placement, struct nn_error *err)
{
    struct nn_ranking ranking;
    uint64_t negatives = count - positives, p_above = 0, n_above = 0;
    enum nn_status status = nn_ranking_create(score, count, &ranking, err);
    size_t start = 0;

    if (status != NN_OK)
        return status;
    for (size_t k = 0; k < count; k++) {
        if (!ranking.ends[k])
            continue;
        uint64_t p_here = 0, n_here = 0;
        for (size_t j = start; j <= k; j++)
            p_here += positive[ranking.order[j]];
        n_here = k + 1 - start - p_here;
        for (size_t j = start; j <= k; j++) {
            uint32_t i = ranking.order[j];
            placement[i] =
                positive[i] ? (double)(2 * (negatives - n_above) - n_here) / (2 * (double)negatives)
                            : (double)(2 * p_above + p_here) / (2 * (double)positives);
        }
        p_above += p_here;
        n_above += n_here;
        start = k + 1;
    }
    nn_ranking_finish(&ranking);
    return NN_OK;
}

/* Covariance of two AUCs: that of the placements of positives / m + that of negatives / n. */
static double covariance(const double *a, const double *b, double mean_a, double mean_b,
                         const bool *positive, size_t count, uint64_t positives)
{
    double m = (double)positives, n = (double)(count - positives), of_p = 0, of_n = 0;

    for (size_t i = 0; i < count; i++) {
        double product = (a[i] - mean_a) * (b[i] - mean_b);
        of_p += positive[i] ? product : 0;
        of_n += positive[i] ? 0 : product;
    }
    return of_p / ((m - 1) * m) + of_n / ((n - 1) * n);
}

static double mean_of_positives(const double *v, const bool *positive, size_t count, uint64_t m)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += positive[i] ? v[i] : 0;
    return sum / (double)m;
}

static struct nn_figure with_limits(double value, double variance, double z, double least,
                                    uint64_t positives, size_t count)
{
    struct nn_figure f = {.defined = true, .value = value, .hits = positives, .of = count};

    f.interval.kind = variance > 0 ? NN_INTERVAL_DELONG : NN_INTERVAL_DEGENERATE;
    f.interval.low = fmax(value - z * sqrt(variance), least);
    f.interval.high = fmin(value + z * sqrt(variance), 1);
    return f;
}

static void compare(const double *a, const double *b, const bool *positive, size_t count,
                    uint64_t positives, double level, struct nn_delong *out)
{
    double mean_a = mean_of_positives(a, positive, count, positives);
    double mean_b = mean_of_positives(b, positive, count, positives);
    double z = -nn_normal_quantile((1 - level) / 2), difference = 0, of_p = 0, of_n = 0;
    double m = (double)positives, n = (double)(count - positives);

    out->variance_a = covariance(a, a, mean_a, mean_a, positive, count, positives);
    out->variance_b = covariance(b, b, mean_b, mean_b, positive, count, positives);
    out->covariance = covariance(a, b, mean_a, mean_b, positive, count, positives);
    /* of the differences themselves: var a + var b - 2 cov would cancel, and never be quite 0 */
    for (size_t i = 0; i < count; i++)
        difference += positive[i] ? (a[i] - b[i]) / m : 0;
    for (size_t i = 0; i < count; i++) {
        double d = a[i] - b[i] - difference;
        of_p += positive[i] ? d * d : 0;
        of_n += positive[i] ? 0 : d * d;
    }
    double variance = of_p / ((m - 1) * m) + of_n / ((n - 1) * n);
    out->auc_a = with_limits(mean_a, out->variance_a, z, 0, positives, count);
    out->auc_b = with_limits(mean_b, out->variance_b, z, 0, positives, count);
    out->difference = with_limits(difference, variance, z, -1, positives, count);
    out->p_defined = variance > 0;
    if (out->p_defined) {
        out->z = difference / sqrt(variance);
        out->p = erfc(fabs(out->z) * M_SQRT1_2);
    }
}

enum nn_status nn_delong_compare(const double *score_a, const double *score_b, const bool *positive,
                                 size_t count, double level, struct nn_delong *out,
                                 struct nn_error *err)
{
    double *a = NULL, *b = NULL;
    uint64_t positives = 0;
    enum nn_status status;

    memset(out, 0, sizeof *out);
    if ((status = nn_measures_count(count, err)) != NN_OK)
        return status;
    if (!(level > 0) || !(level < 1))
        return nn_fail(err, NN_INVALID, "level %g is not between 0 and 1", level);
    for (size_t i = 0; i < count; i++)
        positives += positive[i];
    if (positives < 2 || count - positives < 2)
        return nn_fail(err, NN_BAD_DATA, "DeLong needs 2 positives and 2 negatives");
    a = calloc(count, sizeof *a);
    b = calloc(count, sizeof *b);
    if (!a || !b)
        status = nn_fail(err, NN_NO_MEMORY, "no memory for %zu samples", count);
    if (status == NN_OK)
        status = placements(score_a, positive, count, positives, a, err);
    if (status == NN_OK)
        status = placements(score_b, positive, count, positives, b, err);
    if (status == NN_OK)
        compare(a, b, positive, count, positives, level, out);
    free(a);
    free(b);
    return status;
}

struct auc_pair {
    struct nn_ranking a, b;
    const bool *positive;
};

static void difference(void *context, const uint32_t *weight, size_t count, double *figures)
{
    const struct auc_pair *pair = context;
    double area;

    (void)count;
    nn_ranking_areas(&pair->a, pair->positive, weight, &figures[0], &area);
    nn_ranking_areas(&pair->b, pair->positive, weight, &figures[1], &area);
    figures[2] = figures[0] - figures[1];
}

/* Two-sided: draws on the rarer side of 0; one more than counted, so that p is never 0. */
static void p_of_draws(const double *samples, int draws, struct nn_auc_pair *out)
{
    int under = 0, over = 0, kept = 0;

    for (int d = 0; d < draws; d++) {
        double v = samples[d * 3 + 2];
        kept += !isnan(v);
        under += v <= 0;
        over += v >= 0;
    }
    out->p_defined = out->difference.interval.kind == NN_INTERVAL_PERCENTILE ||
                     out->difference.interval.kind == NN_INTERVAL_BCA;
    if (out->p_defined)
        out->p = fmin(2.0 * (1 + (under < over ? under : over)) / (kept + 1), 1);
}

static enum nn_status draw_differences(struct auc_pair *pair, const struct nn_resample *over,
                                       const struct nn_bootstrap *settings, uint64_t positives,
                                       struct nn_auc_pair *out, struct nn_error *err)
{
    struct nn_statistic statistic = {pair, 3, difference};
    size_t draws = settings->draws > 0 ? (size_t)settings->draws : 1;
    double *samples = NULL, value[3];
    struct nn_interval interval[3];
    enum nn_status status;

    if (draws > NN_DRAWS_MAX)
        return nn_fail(err, NN_INVALID, "bootstrap: %zu draws, at most %d", draws, NN_DRAWS_MAX);
    if (!(samples = calloc(draws * 3, sizeof *samples)))
        return nn_fail(err, NN_NO_MEMORY, "bootstrap: no memory for %zu draws", draws);
    status = nn_bootstrap_run(over, &statistic, settings, value, interval, samples, err);
    struct nn_figure *figure[3] = {&out->auc_a, &out->auc_b, &out->difference};
    for (int k = 0; status == NN_OK && k < 3; k++)
        *figure[k] = (struct nn_figure){.defined = !isnan(value[k]),
                                        .value = isnan(value[k]) ? 0 : value[k],
                                        .hits = positives,
                                        .of = over->count,
                                        .interval = interval[k]};
    if (status == NN_OK)
        p_of_draws(samples, settings->draws, out);
    free(samples);
    return status;
}

enum nn_status nn_auc_difference(const double *score_a, const double *score_b, const bool *positive,
                                 const uint32_t *patient, size_t count,
                                 const struct nn_bootstrap *settings, struct nn_auc_pair *out,
                                 struct nn_error *err)
{
    struct auc_pair pair = {.positive = positive};
    struct nn_resample over = {count, patient, NULL};
    uint8_t *stratum = NULL;
    uint64_t positives = 0;
    enum nn_status status;

    memset(out, 0, sizeof *out);
    if ((status = nn_ranking_create(score_a, count, &pair.a, err)) != NN_OK ||
        (status = nn_ranking_create(score_b, count, &pair.b, err)) != NN_OK)
        goto out;
    if (!(stratum = calloc(count ? count : 1, sizeof *stratum))) {
        status = nn_fail(err, NN_NO_MEMORY, "no memory for %zu samples", count);
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        stratum[i] = positive[i];
        positives += positive[i];
    }
    over.stratum = settings->stratify ? stratum : NULL;
    status = draw_differences(&pair, &over, settings, positives, out, err);
out:
    free(stratum);
    nn_ranking_finish(&pair.a);
    nn_ranking_finish(&pair.b);
    return status;
}
