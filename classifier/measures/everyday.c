/* everyday.c: what sensitivity and specificity mean where injuries are rare. */
#include "nn_measures.h"

#include <math.h>
#include <string.h>

enum { POSITIVE_VALUE, NEGATIVE_VALUE, ALERTS, TRUE_ALERTS, MISSED, FALSE_PER_TRUE, FIGURES };

static double quotient(double a, double b)
{
    return b > 0 ? a / b : NAN;
}

static void bayes(double sensitivity, double specificity, double prevalence, double studies,
                  double figure[FIGURES])
{
    double tp = studies * prevalence * sensitivity, fn = studies * prevalence * (1 - sensitivity);
    double tn = studies * (1 - prevalence) * specificity;
    double fp = studies * (1 - prevalence) * (1 - specificity);

    figure[POSITIVE_VALUE] = quotient(tp, tp + fp);
    figure[NEGATIVE_VALUE] = quotient(tn, tn + fn);
    figure[ALERTS] = tp + fp;
    figure[TRUE_ALERTS] = tp;
    figure[MISSED] = fn;
    figure[FALSE_PER_TRUE] = quotient(fp, tp);
}

static bool has_limits(const struct nn_figure *f)
{
    return f->interval.kind != NN_INTERVAL_NONE && f->interval.kind != NN_INTERVAL_DEGENERATE;
}

/* Each figure is monotone in both rates: its extremes are at the corners of their limits. */
static void corners(const struct nn_figure *sensitivity, const struct nn_figure *specificity,
                    double prevalence, double studies, struct nn_figure figure[FIGURES])
{
    for (int corner = 0; corner < 4; corner++) {
        double at[FIGURES];
        bayes(corner % 2 ? sensitivity->interval.high : sensitivity->interval.low,
              corner / 2 ? specificity->interval.high : specificity->interval.low, prevalence,
              studies, at);
        for (int k = 0; k < FIGURES; k++) {
            struct nn_interval *i = &figure[k].interval;
            i->low = corner ? fmin(i->low, at[k]) : at[k];
            i->high = corner ? fmax(i->high, at[k]) : at[k];
            i->kind = isnan(at[k]) || (corner && i->kind == NN_INTERVAL_NONE) || !figure[k].defined
                          ? NN_INTERVAL_NONE
                          : NN_INTERVAL_JOINT;
        }
    }
}

enum nn_status nn_everyday_measure(const struct nn_figure *sensitivity,
                                   const struct nn_figure *specificity, double prevalence,
                                   double studies_a_day, struct nn_everyday *out,
                                   struct nn_error *err)
{
    struct nn_figure figure[FIGURES] = {{0}};
    double value[FIGURES];

    memset(out, 0, sizeof *out);
    if (!(prevalence > 0) || !(prevalence < 1) || !(studies_a_day > 0) || !isfinite(studies_a_day))
        return nn_fail(err, NN_INVALID, "prevalence %g, studies a day %g", prevalence,
                       studies_a_day);
    out->prevalence = prevalence;
    out->studies_a_day = studies_a_day;
    if (!sensitivity->defined || !specificity->defined)
        return NN_OK;
    bayes(sensitivity->value, specificity->value, prevalence, studies_a_day, value);
    for (int k = 0; k < FIGURES; k++) {
        figure[k].defined = !isnan(value[k]);
        figure[k].value = figure[k].defined ? value[k] : 0;
    }
    if (has_limits(sensitivity) && has_limits(specificity))
        corners(sensitivity, specificity, prevalence, studies_a_day, figure);
    out->positive_value = figure[POSITIVE_VALUE];
    out->negative_value = figure[NEGATIVE_VALUE];
    out->alerts_a_day = figure[ALERTS];
    out->true_alerts_a_day = figure[TRUE_ALERTS];
    out->missed_a_day = figure[MISSED];
    out->false_per_true = figure[FALSE_PER_TRUE];
    return NN_OK;
}
