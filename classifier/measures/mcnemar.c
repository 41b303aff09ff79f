/* mcnemar.c: two raters on the same cases. */
#include "measures_internal.h"

#include <math.h>
#include <string.h>

#define FEW_DISCORDANT 25
#define LEVEL          0.95

/* Newcombe 1998, method 10: Wilson's limits of both rates, joined through phi with its correction
 * for continuity. */
static struct nn_interval newcombe(const struct nn_mcnemar *m, double n)
{
    double a = (double)m->both, b = (double)m->only_a, c = (double)m->only_b;
    double d = (double)m->neither, p = m->rate_a.value, q = m->rate_b.value;
    struct nn_interval i = nn_interval_wilson(m->rate_a.hits, m->rate_a.of, LEVEL);
    struct nn_interval k = nn_interval_wilson(m->rate_b.hits, m->rate_b.of, LEVEL);
    double margins = sqrt(a + b) * sqrt(c + d) * sqrt(a + c) * sqrt(b + d);
    double top = a * d - b * c, phi;

    if (top > 0)
        top = fmax(top - n / 2, 0);
    phi = margins > 0 ? top / margins : 0;
    double under = (p - i.low) * (p - i.low) - 2 * phi * (p - i.low) * (k.high - q) +
                   (k.high - q) * (k.high - q);
    double over = (q - k.low) * (q - k.low) - 2 * phi * (q - k.low) * (i.high - p) +
                  (i.high - p) * (i.high - p);
    return (struct nn_interval){.kind = NN_INTERVAL_NEWCOMBE,
                                .low = fmax(p - q - sqrt(fmax(under, 0)), -1),
                                .high = fmin(p - q + sqrt(fmax(over, 0)), 1)};
}

static void p_values(struct nn_mcnemar *m)
{
    uint64_t discordant = m->only_a + m->only_b;
    uint64_t larger = m->only_a > m->only_b ? m->only_a : m->only_b;
    double gap = (double)(larger - (discordant - larger)) - 1;

    m->p_exact = fmin(2 * nn_binomial_upper(larger, discordant, 0.5), 1);
    m->chi_square = gap > 0 ? gap * gap / (double)discordant : 0;
    m->p_chi_square = nn_chi_square_upper(m->chi_square);
    m->exact = discordant < FEW_DISCORDANT;
    m->p = m->exact ? m->p_exact : m->p_chi_square;
}

void nn_mcnemar(uint64_t both, uint64_t only_a, uint64_t only_b, uint64_t neither,
                struct nn_mcnemar *out)
{
    uint64_t n = both + only_a + only_b + neither;

    memset(out, 0, sizeof *out);
    out->both = both;
    out->only_a = only_a;
    out->only_b = only_b;
    out->neither = neither;
    p_values(out);
    out->rate_a = nn_figure_rate(both + only_a, n);
    out->rate_b = nn_figure_rate(both + only_b, n);
    out->rate_a.interval = nn_interval_exact(both + only_a, n, LEVEL);
    out->rate_b.interval = nn_interval_exact(both + only_b, n, LEVEL);
    out->difference = (struct nn_figure){.defined = n > 0, .of = n};
    if (n > 0) {
        out->difference.value = ((double)only_a - (double)only_b) / (double)n;
        out->difference.interval = newcombe(out, (double)n);
    }
}

/* [right by a][right by b] */
static void from_table(const uint64_t table[2][2], struct nn_mcnemar *out)
{
    nn_mcnemar(table[1][1], table[1][0], table[0][1], table[0][0], out);
}

enum nn_status nn_readers_compare(const int *truth, const int *answer_a, const int *answer_b,
                                  size_t count, const bool *finding, int classes,
                                  struct nn_comparison *out, struct nn_error *err)
{
    uint64_t accuracy[2][2] = {{0}}, injured[2][2] = {{0}}, healthy[2][2] = {{0}};
    enum nn_status status = nn_measures_count(count, err);

    memset(out, 0, sizeof *out);
    if (status != NN_OK)
        return status;
    if (classes < 2 || classes > NN_MAX_CLASSES)
        return nn_fail(err, NN_INVALID, "%d classes, 2 to %d", classes, NN_MAX_CLASSES);
    for (size_t i = 0; i < count; i++) {
        int t = truth[i], a = answer_a[i], b = answer_b[i];
        if (t < 0 || t >= classes || a < 0 || a >= classes || b < 0 || b >= classes)
            return nn_fail(err, NN_BAD_DATA, "case %zu: classes %d, %d and %d of %d", i, t, a, b,
                           classes);
        accuracy[a == t][b == t]++;
        if (finding[t])
            injured[finding[a]][finding[b]]++;
        else
            healthy[!finding[a]][!finding[b]]++;
    }
    from_table(accuracy, &out->accuracy);
    from_table(injured, &out->sensitivity);
    from_table(healthy, &out->specificity);
    return NN_OK;
}
