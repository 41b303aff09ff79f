/* calibrate.c: do scores mean what they say? Temperature, likelihood, reliability. */
#include "measures_internal.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Bounds of beta = 1/T. */
#define LEAST_BETA (1 / NN_TEMPERATURE_HIGH)
#define MOST_BETA  (1 / NN_TEMPERATURE_LOW)

static double log_score(float score)
{
    return log(score > FLT_MIN ? (double)score : (double)FLT_MIN);
}

/* p = softmax(beta z) over one sample, z = log scores; returns log of the sum behind p[]. */
static double soften(const float *scores, int classes, double beta, double *p)
{
    double highest = -INFINITY, sum = 0;

    for (int c = 0; c < classes; c++) {
        p[c] = beta * log_score(scores[c]);
        highest = fmax(highest, p[c]);
    }
    for (int c = 0; c < classes; c++)
        sum += exp(p[c] - highest);
    for (int c = 0; c < classes; c++)
        p[c] = exp(p[c] - highest) / sum;
    return highest + log(sum);
}

/* d/dbeta of the mean negative log-likelihood: mean of E_p[z] - z[truth]; rises with beta. */
static double slope(const float *scores, const int *truth, size_t count, int classes, double beta)
{
    double p[NN_MAX_CLASSES], sum = 0;

    for (size_t i = 0; i < count; i++) {
        const float *row = scores + i * (size_t)classes;
        double expected = 0;
        soften(row, classes, beta, p);
        for (int c = 0; c < classes; c++)
            expected += p[c] * log_score(row[c]);
        sum += expected - log_score(row[truth[i]]);
    }
    return sum / (double)count;
}

static double loss(const float *scores, const int *truth, size_t count, int classes, double beta)
{
    double p[NN_MAX_CLASSES], sum = 0;

    for (size_t i = 0; i < count; i++) {
        const float *row = scores + i * (size_t)classes;
        double norm = soften(row, classes, beta, p);
        sum += norm - beta * log_score(row[truth[i]]);
    }
    return sum / (double)count;
}

static enum nn_status check_scores(const float *scores, const int *truth, size_t count, int classes,
                                   struct nn_error *err)
{
    enum nn_status status = nn_measures_scores(scores, truth, count, classes, err);

    if (status == NN_OK && truth && count == 0)
        return nn_fail(err, NN_BAD_DATA, "no samples to calibrate on");
    for (size_t i = 0; status == NN_OK && i < count * (size_t)classes; i++) {
        if (scores[i] < 0 || scores[i] > 1)
            status = nn_fail(err, NN_BAD_DATA, "sample %zu: score %g is not between 0 and 1",
                             i / (size_t)classes, (double)scores[i]);
    }
    return status;
}

enum nn_status nn_temperature_fit(const float *scores, const int *truth, size_t count, int classes,
                                  struct nn_temperature *fit, struct nn_error *err)
{
    double low = LEAST_BETA, high = MOST_BETA, beta = 1;
    enum nn_status status = check_scores(scores, truth, count, classes, err);

    memset(fit, 0, sizeof *fit);
    if (status != NN_OK)
        return status;
    double at_one = slope(scores, truth, count, classes, 1);
    if (at_one > 0 && slope(scores, truth, count, classes, low) >= 0) {
        beta = low;
        fit->at_bound = true;
    } else if (at_one < 0 && slope(scores, truth, count, classes, high) <= 0) {
        beta = high;
        fit->at_bound = true;
    } else if (at_one > 0 || at_one < 0) {
        while (high - low > 1e-12 * high) {
            beta = low + (high - low) / 2;
            if (beta <= low || beta >= high)
                break;
            if (slope(scores, truth, count, classes, beta) < 0)
                low = beta;
            else
                high = beta;
        }
    }
    fit->temperature = 1 / beta;
    fit->nll_before = loss(scores, truth, count, classes, 1);
    fit->nll_after = loss(scores, truth, count, classes, beta);
    return NN_OK;
}

enum nn_status nn_temperature_apply(const float *scores, size_t count, int classes,
                                    double temperature, float *out, struct nn_error *err)
{
    double p[NN_MAX_CLASSES];
    enum nn_status status = check_scores(scores, NULL, count, classes, err);

    if (status != NN_OK)
        return status;
    if (!(temperature > 0) || !isfinite(temperature))
        return nn_fail(err, NN_INVALID, "temperature %g is not above 0", temperature);
    for (size_t i = 0; i < count; i++) {
        soften(scores + i * (size_t)classes, classes, 1 / temperature, p);
        for (int c = 0; c < classes; c++)
            out[i * (size_t)classes + (size_t)c] = (float)p[c];
    }
    return NN_OK;
}

enum nn_status nn_likelihood(const float *scores, const int *truth, size_t count, int classes,
                             double *nll, double *brier, struct nn_error *err)
{
    double likelihood = 0, square = 0;
    enum nn_status status = check_scores(scores, truth, count, classes, err);

    if (status != NN_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        const float *row = scores + i * (size_t)classes;
        likelihood -= log_score(row[truth[i]]);
        for (int c = 0; c < classes; c++) {
            double d = (double)row[c] - (truth[i] == c);
            square += d * d;
        }
    }
    *nll = likelihood / (double)count;
    *brier = square / (double)count;
    return NN_OK;
}

struct predicted {
    double probability;
    bool event;
};

static int by_probability(const void *a, const void *b)
{
    const struct predicted *x = a, *y = b;

    if (x->probability < y->probability || x->probability > y->probability)
        return x->probability < y->probability ? -1 : 1;
    return (x->event > y->event) - (x->event < y->event);
}

/* Rising probabilities into bins; sums run over sorted values, so no order of samples shows. */
static void fill_bins(const struct predicted *sorted, size_t count, enum nn_binning binning,
                      struct nn_reliability *out)
{
    size_t first = 0;

    for (size_t i = 0; i < count; i++) {
        double p = sorted[i].probability;
        size_t k = (size_t)(p * out->bins);
        if (i > 0 && p > sorted[i - 1].probability)
            first = i;
        if (binning == NN_BINS_EQUAL_COUNT)
            k = first * (size_t)out->bins / count;
        if (k >= (size_t)out->bins)
            k = (size_t)out->bins - 1;
        struct nn_bin *bin = &out->bin[k];
        if (binning == NN_BINS_EQUAL_COUNT) {
            bin->low = bin->count ? bin->low : p;
            bin->high = p;
        }
        bin->count++;
        bin->events += sorted[i].event;
        bin->mean += p;
        out->brier += (p - sorted[i].event) * (p - sorted[i].event) / (double)count;
    }
}

static enum nn_status check_reliability(const double *probability, size_t count, int bins,
                                        struct nn_error *err)
{
    enum nn_status status = nn_measures_count(count, err);

    if (status != NN_OK)
        return status;
    if (bins < 1 || bins > NN_BINS_MAX)
        return nn_fail(err, NN_INVALID, "%d bins, 1 to %d", bins, NN_BINS_MAX);
    if (count == 0)
        return nn_fail(err, NN_BAD_DATA, "no samples for a reliability diagram");
    for (size_t i = 0; i < count; i++) {
        if (!(probability[i] >= 0) || !(probability[i] <= 1))
            return nn_fail(err, NN_BAD_DATA, "sample %zu: probability %g", i, probability[i]);
    }
    return NN_OK;
}

enum nn_status nn_reliability_measure(const double *probability, const bool *event, size_t count,
                                      int bins, enum nn_binning binning, struct nn_reliability *out,
                                      struct nn_error *err)
{
    enum nn_status status = check_reliability(probability, count, bins, err);
    struct predicted *sorted = NULL;

    memset(out, 0, sizeof *out);
    if (status != NN_OK)
        return status;
    out->bins = bins;
    if (!(sorted = calloc(count, sizeof *sorted)))
        return nn_fail(err, NN_NO_MEMORY, "no memory for %zu samples", count);
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct predicted){probability[i], event[i]};
    qsort(sorted, count, sizeof *sorted, by_probability);
    for (int k = 0; binning == NN_BINS_EQUAL_WIDTH && k < bins; k++) {
        out->bin[k].low = (double)k / bins;
        out->bin[k].high = (double)(k + 1) / bins;
    }
    fill_bins(sorted, count, binning, out);
    for (int k = 0; k < bins; k++) {
        struct nn_bin *bin = &out->bin[k];
        if (bin->count == 0)
            continue;
        bin->mean /= (double)bin->count;
        double gap = fabs((double)bin->events / (double)bin->count - bin->mean);
        out->ece += (double)bin->count / (double)count * gap;
        out->worst = fmax(out->worst, gap);
    }
    free(sorted);
    return NN_OK;
}
