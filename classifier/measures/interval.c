/* interval.c: rates with their counts, and the intervals that have a formula. */
#include "nn_measures.h"

#include <math.h>

const char *nn_interval_text(enum nn_interval_kind kind)
{
    switch (kind) {
    case NN_INTERVAL_NONE:
        return "none";
    case NN_INTERVAL_DEGENERATE:
        return "none (no draw differs)";
    case NN_INTERVAL_EXACT:
        return "exact (Clopper-Pearson)";
    case NN_INTERVAL_WILSON:
        return "Wilson";
    case NN_INTERVAL_PERCENTILE:
        return "bootstrap by patient (percentile)";
    case NN_INTERVAL_BCA:
        return "bootstrap by patient (BCa)";
    case NN_INTERVAL_DELONG:
        return "DeLong";
    case NN_INTERVAL_NEWCOMBE:
        return "Newcombe (paired)";
    case NN_INTERVAL_JOINT:
        return "both limits taken together";
    }
    return "unknown";
}

struct nn_figure nn_figure_rate(uint64_t hits, uint64_t of)
{
    struct nn_figure figure = {.defined = of > 0, .hits = hits, .of = of};

    if (of > 0)
        figure.value = (double)hits / (double)of;
    return figure;
}

static bool sensible(uint64_t hits, uint64_t of, double level)
{
    return of > 0 && hits <= of && level > 0 && level < 1;
}

struct nn_interval nn_interval_exact(uint64_t hits, uint64_t of, double level)
{
    struct nn_interval interval = {.kind = NN_INTERVAL_NONE};
    double tail = (1 - level) / 2, k = (double)hits, rest = (double)(of - hits);

    if (!sensible(hits, of, level))
        return interval;
    interval.kind = NN_INTERVAL_EXACT;
    interval.low = hits == 0 ? 0 : nn_beta_quantile(k, rest + 1, tail);
    interval.high = hits == of ? 1 : nn_beta_quantile(k + 1, rest, 1 - tail);
    return interval;
}

struct nn_interval nn_interval_wilson(uint64_t hits, uint64_t of, double level)
{
    struct nn_interval interval = {.kind = NN_INTERVAL_NONE};

    if (!sensible(hits, of, level))
        return interval;
    double z = -nn_normal_quantile((1 - level) / 2), n = (double)of;
    double p = (double)hits / n, scale = 1 + z * z / n;
    double centre = (p + z * z / (2 * n)) / scale;
    double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale;
    interval.kind = NN_INTERVAL_WILSON;
    interval.low = hits == 0 ? 0 : fmax(centre - half, 0);
    interval.high = hits == of ? 1 : fmin(centre + half, 1);
    return interval;
}
