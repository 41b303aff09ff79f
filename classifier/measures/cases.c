/* cases.c: many classes: each class against the rest, and averages. */
#include "measures_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Averages of one draw. RIGHT and the micro rates have counts; the macro ones are means. */
enum {
    RIGHT,
    MICRO_ACCURACY,
    MICRO_SPECIFICITY,
    MACRO_ACCURACY,
    MACRO_SENSITIVITY,
    MACRO_SPECIFICITY,
    MACRO_PRECISION,
    MACRO_F1,
    MACRO_AUC,
    MACRO_AREA,
    AVERAGES
};

struct scratch {
    const struct nn_cases *cases;
    int *answer;
    bool *positive, *called; /* (classes, count) and (count) */
    double *score;           /* (count) of one class */
    uint8_t *stratum;
    struct nn_ranking ranking[NN_MAX_CLASSES];
    struct nn_figure figure[AVERAGES]; /* of the data itself */
};

static void scratch_finish(struct scratch *s)
{
    free(s->answer);
    free(s->positive);
    free(s->called);
    free(s->score);
    free(s->stratum);
    for (int c = 0; c < NN_MAX_CLASSES; c++)
        nn_ranking_finish(&s->ranking[c]);
}

static void score_of_class(const struct nn_cases *cases, int class_, double *score)
{
    for (size_t i = 0; i < cases->count; i++)
        score[i] = (double)cases->scores[i * (size_t)cases->classes + (size_t)class_];
}

static enum nn_status scratch_init(struct scratch *s, const struct nn_cases *cases,
                                   struct nn_error *err)
{
    size_t count = cases->count, classes = (size_t)cases->classes, room = count ? count : 1;
    enum nn_status status = NN_OK;

    s->cases = cases;
    s->answer = calloc(room, sizeof *s->answer);
    s->positive = calloc(room * classes, sizeof *s->positive);
    s->called = calloc(room, sizeof *s->called);
    s->score = calloc(room, sizeof *s->score);
    s->stratum = calloc(room, sizeof *s->stratum);
    if (!s->answer || !s->positive || !s->called || !s->score || !s->stratum)
        return nn_fail(err, NN_NO_MEMORY, "no memory for %zu samples", count);
    for (size_t i = 0; i < count; i++) {
        s->answer[i] = nn_measures_top(cases->scores + i * classes, cases->classes);
        s->positive[(size_t)cases->truth[i] * count + i] = true;
        s->stratum[i] = cases->finding[cases->truth[i]];
    }
    for (int c = 0; status == NN_OK && c < cases->classes; c++) {
        score_of_class(cases, c, s->score);
        status = nn_ranking_create(s->score, count, &s->ranking[c], err);
    }
    return status;
}

struct sum {
    double value;
    uint64_t defined;
};

static void add(struct sum *sum, struct nn_figure figure)
{
    sum->value += figure.defined ? figure.value : 0;
    sum->defined += figure.defined;
}

static struct nn_figure area(double value)
{
    return (struct nn_figure){.defined = !isnan(value), .value = isnan(value) ? 0 : value};
}

static void averages(const struct scratch *s, const uint32_t *weight,
                     struct nn_figure figure[AVERAGES])
{
    uint64_t all = 0, right = 0, of_truth[NN_MAX_CLASSES] = {0}, of_answer[NN_MAX_CLASSES] = {0},
             hit[NN_MAX_CLASSES] = {0}, classes = (uint64_t)s->cases->classes;
    struct sum sum[AVERAGES] = {{0}};

    for (size_t i = 0; i < s->cases->count; i++) {
        uint64_t times = weight ? weight[i] : 1;
        int truth = s->cases->truth[i], answer = s->answer[i];
        all += times;
        of_truth[truth] += times;
        of_answer[answer] += times;
        hit[truth] += truth == answer ? times : 0;
    }
    for (uint64_t c = 0; c < classes; c++) {
        double auc, precision;
        uint64_t tp = hit[c], fp = of_answer[c] - tp, fn = of_truth[c] - tp,
                 tn = all - tp - fp - fn;
        right += tp;
        add(&sum[MACRO_ACCURACY], nn_figure_rate(tp + tn, all));
        add(&sum[MACRO_SENSITIVITY], nn_figure_rate(tp, tp + fn));
        add(&sum[MACRO_SPECIFICITY], nn_figure_rate(tn, tn + fp));
        add(&sum[MACRO_PRECISION], nn_figure_rate(tp, tp + fp));
        add(&sum[MACRO_F1], nn_figure_rate(2 * tp, 2 * tp + fp + fn));
        nn_ranking_areas(&s->ranking[c], s->positive + c * s->cases->count, weight, &auc,
                         &precision);
        add(&sum[MACRO_AUC], area(auc));
        add(&sum[MACRO_AREA], area(precision));
    }
    /* a wrong answer is one fp and one fn: summed over classes tp + fp = tp + fn = all */
    figure[RIGHT] = nn_figure_rate(right, all);
    figure[MICRO_ACCURACY] = nn_figure_rate(classes * all - 2 * (all - right), classes * all);
    figure[MICRO_SPECIFICITY] =
        nn_figure_rate((classes - 1) * all - (all - right), (classes - 1) * all);
    for (int k = MACRO_ACCURACY; k < AVERAGES; k++) {
        figure[k] = (struct nn_figure){.hits = sum[k].defined, .of = classes};
        figure[k].defined = sum[k].defined > 0;
        if (figure[k].defined)
            figure[k].value = sum[k].value / (double)sum[k].defined;
    }
}

/* A draw that lacks a class would average over others than the data does: undefined there. */
static void compute(void *context, const uint32_t *weight, size_t count, double *figures)
{
    const struct scratch *s = context;
    struct nn_figure figure[AVERAGES];

    (void)count;
    averages(s, weight, figure);
    for (int k = 0; k < AVERAGES; k++) {
        bool lacks = k >= MACRO_ACCURACY && figure[k].hits < s->figure[k].hits;
        figures[k] = figure[k].defined && !lacks ? figure[k].value : NAN;
    }
}

static enum nn_status measure_averages(struct scratch *s, const struct nn_bootstrap *settings,
                                       struct nn_case_figures *out, struct nn_error *err)
{
    struct nn_resample over = {s->cases->count, s->cases->patient,
                               settings->stratify ? s->stratum : NULL};
    struct nn_statistic statistic = {s, AVERAGES, compute};
    struct nn_interval interval[AVERAGES];
    struct nn_figure *figure = s->figure;
    double value[AVERAGES];
    enum nn_status status;

    averages(s, NULL, figure);
    status = nn_bootstrap_run(&over, &statistic, settings, value, interval, NULL, err);
    if (status != NN_OK)
        return status;
    for (int k = 0; k < AVERAGES; k++)
        figure[k].interval = interval[k];
    for (int k = RIGHT; settings->draws && status == NN_OK && k <= MICRO_SPECIFICITY; k++)
        status = nn_rate_without_error(&figure[k], s->cases->patient, NULL, false, s->cases->count,
                                       settings->level, err);
    out->right = figure[RIGHT];
    out->micro.accuracy = figure[MICRO_ACCURACY];
    out->micro.specificity = figure[MICRO_SPECIFICITY];
    out->macro.accuracy = figure[MACRO_ACCURACY];
    out->macro.sensitivity = figure[MACRO_SENSITIVITY];
    out->macro.specificity = figure[MACRO_SPECIFICITY];
    out->macro.precision = figure[MACRO_PRECISION];
    out->macro.f1 = figure[MACRO_F1];
    out->macro.auc = figure[MACRO_AUC];
    out->macro.average_precision = figure[MACRO_AREA];
    return status;
}

static enum nn_status measure_class(struct scratch *s, int class_,
                                    const struct nn_bootstrap *settings,
                                    struct nn_class_figures *out, struct nn_error *err)
{
    const struct nn_cases *cases = s->cases;
    struct nn_binary binary = {.count = cases->count,
                               .score = s->score,
                               .positive = s->positive + (size_t)class_ * cases->count,
                               .called = s->called,
                               .patient = cases->patient};
    struct nn_binary_figures f;
    enum nn_status status;

    score_of_class(cases, class_, s->score);
    for (size_t i = 0; i < cases->count; i++)
        s->called[i] = s->answer[i] == class_;
    if ((status = nn_binary_measure_strata(&binary, s->stratum, settings, &f, err)) != NN_OK)
        return status;
    out->tally = f.tally;
    out->accuracy = f.accuracy;
    out->sensitivity = f.sensitivity;
    out->specificity = f.specificity;
    out->precision = f.precision;
    out->f1 = f.f1;
    out->auc = f.auc;
    out->average_precision = f.average_precision;
    if (!cases->point || !cases->finding[class_])
        return NN_OK;
    for (size_t i = 0; i < cases->count; i++)
        s->called[i] = s->score[i] >= cases->point[class_];
    binary.score = NULL;
    if ((status = nn_binary_measure_strata(&binary, s->stratum, settings, &f, err)) != NN_OK)
        return status;
    out->at_point = f.tally;
    out->point_sensitivity = f.sensitivity;
    out->point_specificity = f.specificity;
    out->point_precision = f.precision;
    return NN_OK;
}

enum nn_status nn_confusion_count(const float *scores, const int *truth, size_t count, int classes,
                                  uint64_t *confusion, struct nn_error *err)
{
    enum nn_status status = nn_measures_scores(scores, truth, count, classes, err);

    if (status != NN_OK)
        return status;
    memset(confusion, 0, (size_t)classes * (size_t)classes * sizeof *confusion);
    for (size_t i = 0; i < count; i++)
        confusion[truth[i] * classes + nn_measures_top(scores + i * (size_t)classes, classes)]++;
    return NN_OK;
}

enum nn_status nn_cases_measure(const struct nn_cases *cases, const struct nn_bootstrap *settings,
                                struct nn_case_figures *figures, struct nn_error *err)
{
    struct scratch scratch = {0};
    enum nn_status status;

    memset(figures, 0, sizeof *figures);
    figures->classes = cases->classes;
    figures->count = cases->count;
    if ((status = nn_confusion_count(cases->scores, cases->truth, cases->count, cases->classes,
                                     figures->confusion, err)) != NN_OK)
        return status;
    status = scratch_init(&scratch, cases, err);
    if (status == NN_OK)
        status = measure_averages(&scratch, settings, figures, err);
    for (int c = 0; status == NN_OK && c < cases->classes; c++)
        status = measure_class(&scratch, c, settings, &figures->class_[c], err);
    scratch_finish(&scratch);
    return status;
}
