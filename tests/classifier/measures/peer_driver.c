/* peer_driver.c: the measures on numbers from standard input, for test_peers.py.
 *   special:   lines "beta|beta_quantile|normal|chi|exact|wilson|mcnemar|upper ARGS"
 *   curve:     N, then N x (score positive)
 *   pair:      N, then N x (score_a score_b positive)
 *   cases:     N CLASSES, then N x (truth score...)
 *   bins:      N BINS, then N x (probability event)
 *   bootstrap: N, then N x (value patient positive): the mean's intervals, then its draws */
#include "nn_measures.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 200000

static double scores[MOST], others[MOST];
static float rows[MOST * NN_MAX_CLASSES];
static bool positive[MOST];
static int truth[MOST];

static bool number(double *out)
{
    return scanf("%lf", out) == 1;
}

static void put(double value)
{
    printf("%.17g ", value);
}

static void put_figure(struct nn_figure figure)
{
    if (figure.defined)
        put(figure.value);
    else
        fputs("nan ", stdout);
}

static bool special_line(const char *word)
{
    double v[4] = {0};
    struct nn_interval interval;
    struct nn_mcnemar m;
    bool pair = strcmp(word, "exact") == 0 || strcmp(word, "wilson") == 0;
    int wanted = strcmp(word, "mcnemar") == 0                              ? 4
                 : strcmp(word, "normal") == 0 || strcmp(word, "chi") == 0 ? 1
                                                                           : 3;

    for (int k = 0; k < wanted; k++) {
        if (!number(&v[k]))
            return false;
    }
    if (pair) {
        interval = (word[0] == 'e' ? nn_interval_exact : nn_interval_wilson)((uint64_t)v[0],
                                                                             (uint64_t)v[1], v[2]);
        put(interval.low);
        put(interval.high);
    } else if (wanted == 4) {
        nn_mcnemar((uint64_t)v[0], (uint64_t)v[1], (uint64_t)v[2], (uint64_t)v[3], &m);
        put(m.p_exact);
        put(m.p_chi_square);
    } else if (wanted == 1) {
        put(word[0] == 'n' ? nn_normal_quantile(v[0]) : nn_chi_square_upper(v[0]));
    } else if (strcmp(word, "upper") == 0) {
        put(nn_binomial_upper((uint64_t)v[0], (uint64_t)v[1], v[2]));
    } else {
        put((strcmp(word, "beta") == 0 ? nn_beta : nn_beta_quantile)(v[0], v[1], v[2]));
    }
    putchar('\n');
    return true;
}

static bool special(void)
{
    char word[32];

    while (scanf("%31s", word) == 1) {
        if (!special_line(word))
            return false;
    }
    return true;
}

static bool read_scores(size_t *count, bool two, double *bins)
{
    double n, flag;

    if (!number(&n) || n < 0 || n > MOST || (bins && !number(bins)))
        return false;
    *count = (size_t)n;
    for (size_t i = 0; i < *count; i++) {
        if (!number(&scores[i]) || (two && !number(&others[i])) || !number(&flag))
            return false;
        positive[i] = flag > 0;
    }
    return true;
}

static bool curve(void)
{
    struct nn_curve c;
    size_t count;

    if (!read_scores(&count, false, NULL) ||
        nn_curve_create(scores, positive, count, &c, NULL) != NN_OK)
        return false;
    put_figure(c.auc);
    put_figure(c.average_precision);
    put((double)c.count);
    nn_curve_finish(&c);
    return true;
}

static bool pair(void)
{
    struct nn_delong d;
    size_t count;

    if (!read_scores(&count, true, NULL) ||
        nn_delong_compare(scores, others, positive, count, 0.95, &d, NULL) != NN_OK)
        return false;
    put(d.auc_a.value);
    put(d.auc_b.value);
    put(d.variance_a);
    put(d.variance_b);
    put(d.covariance);
    put(d.z);
    put(d.p);
    return true;
}

static bool bins(void)
{
    static struct nn_reliability wide, even;
    double count_bins;
    size_t count;

    if (!read_scores(&count, false, &count_bins) ||
        nn_reliability_measure(scores, positive, count, (int)count_bins, NN_BINS_EQUAL_WIDTH, &wide,
                               NULL) != NN_OK ||
        nn_reliability_measure(scores, positive, count, (int)count_bins, NN_BINS_EQUAL_COUNT, &even,
                               NULL) != NN_OK)
        return false;
    put(wide.ece);
    put(wide.worst);
    put(wide.brier);
    put(even.ece);
    return true;
}

static uint32_t patients[MOST];

static void mean(void *context, const uint32_t *weight, size_t count, double *figures)
{
    double sum = 0, all = 0;

    (void)context;
    for (size_t i = 0; i < count; i++) {
        sum += weight[i] * scores[i];
        all += weight[i];
    }
    figures[0] = sum / all;
}

static bool bootstrap(void)
{
    struct nn_bootstrap settings = NN_BOOTSTRAP_DEFAULT;
    const struct nn_statistic statistic = {NULL, 1, mean};
    struct nn_interval percentile, bca;
    struct nn_resample over = {.patient = patients};
    static double drawn[2000];
    double value;

    if (!read_scores(&over.count, true, NULL))
        return false;
    for (size_t i = 0; i < over.count; i++)
        patients[i] = (uint32_t)others[i];
    if (nn_bootstrap_run(&over, &statistic, &settings, &value, &percentile, drawn, NULL) != NN_OK)
        return false;
    settings.bca = true;
    if (nn_bootstrap_run(&over, &statistic, &settings, &value, &bca, drawn, NULL) != NN_OK)
        return false;
    put(value);
    put(percentile.low);
    put(percentile.high);
    put(bca.low);
    put(bca.high);
    putchar('\n');
    for (size_t d = 0; d < 2000; d++)
        put(drawn[d]);
    return true;
}

static bool read_cases(size_t *count, int *classes)
{
    double n, k, value;

    if (!number(&n) || !number(&k) || n < 0 || n > MOST || k < 2 || k > NN_MAX_CLASSES)
        return false;
    *count = (size_t)n;
    *classes = (int)k;
    for (size_t i = 0; i < *count; i++) {
        if (!number(&value))
            return false;
        truth[i] = (int)value;
        for (int c = 0; c < *classes; c++) {
            if (!number(&value))
                return false;
            rows[i * (size_t)*classes + (size_t)c] = (float)value;
        }
    }
    return true;
}

static bool cases(void)
{
    static struct nn_case_figures f;
    const struct nn_bootstrap none = {.level = 0.95};
    struct nn_cases data = {.scores = rows, .truth = truth};
    bool finding[NN_MAX_CLASSES] = {true};
    struct nn_temperature fit;
    double nll, brier;

    data.finding = finding;
    if (!read_cases(&data.count, &data.classes) ||
        nn_cases_measure(&data, &none, &f, NULL) != NN_OK ||
        nn_temperature_fit(rows, truth, data.count, data.classes, &fit, NULL) != NN_OK ||
        nn_likelihood(rows, truth, data.count, data.classes, &nll, &brier, NULL) != NN_OK)
        return false;
    put_figure(f.right);
    put_figure(f.macro.sensitivity);
    put_figure(f.macro.precision);
    put_figure(f.macro.f1);
    put_figure(f.macro.auc);
    put_figure(f.macro.average_precision);
    put(nll);
    put(brier);
    put(fit.temperature);
    put(fit.nll_after);
    for (int c = 0; c < data.classes; c++) {
        put_figure(f.class_[c].sensitivity);
        put_figure(f.class_[c].specificity);
        put_figure(f.class_[c].precision);
        put_figure(f.class_[c].f1);
    }
    return true;
}

int main(int argc, char **argv)
{
    const struct {
        const char *name;
        bool (*run)(void);
    } kinds[] = {{"special", special}, {"curve", curve}, {"pair", pair},
                 {"cases", cases},     {"bins", bins},   {"bootstrap", bootstrap}};

    for (size_t k = 0; argc == 2 && k < sizeof kinds / sizeof *kinds; k++) {
        if (strcmp(argv[1], kinds[k].name) == 0)
            return kinds[k].run() ? 0 : 1;
    }
    fputs("usage: classifier_measures_driver special|curve|pair|cases|bins|bootstrap <NUMBERS\n",
          stderr);
    return 64;
}
