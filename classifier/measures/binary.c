/* binary.c: one finding, or any injury, against the rest. */
#include "measures_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ACCURACY, SENSITIVITY, SPECIFICITY, PRECISION, NEGATIVE_VALUE, F1, AUC, AREA, FIGURES };

struct binary_context {
    const struct nn_binary *binary;
    struct nn_ranking ranking;
};

static struct nn_tally tally_of(const struct nn_binary *b, const uint32_t *weight)
{
    struct nn_tally t = {0};

    for (size_t i = 0; b->called && i < b->count; i++) {
        uint64_t times = weight ? weight[i] : 1;
        t.tp += b->positive[i] && b->called[i] ? times : 0;
        t.fn += b->positive[i] && !b->called[i] ? times : 0;
        t.fp += !b->positive[i] && b->called[i] ? times : 0;
        t.tn += !b->positive[i] && !b->called[i] ? times : 0;
    }
    return t;
}

static void rates_of(const struct nn_tally *t, struct nn_figure rates[AUC])
{
    rates[ACCURACY] = nn_figure_rate(t->tp + t->tn, t->tp + t->fp + t->fn + t->tn);
    rates[SENSITIVITY] = nn_figure_rate(t->tp, t->tp + t->fn);
    rates[SPECIFICITY] = nn_figure_rate(t->tn, t->tn + t->fp);
    rates[PRECISION] = nn_figure_rate(t->tp, t->tp + t->fp);
    rates[NEGATIVE_VALUE] = nn_figure_rate(t->tn, t->tn + t->fn);
    rates[F1] = nn_figure_rate(2 * t->tp, 2 * t->tp + t->fp + t->fn);
}

static void compute(void *context, const uint32_t *weight, size_t count, double *figures)
{
    struct binary_context *c = context;
    struct nn_tally tally = tally_of(c->binary, weight);
    struct nn_figure rates[AUC];

    (void)count;
    rates_of(&tally, rates);
    for (int k = 0; k < AUC; k++)
        figures[k] = rates[k].defined ? rates[k].value : NAN;
    figures[AUC] = figures[AREA] = NAN;
    if (c->binary->score)
        nn_ranking_areas(&c->ranking, c->binary->positive, weight, &figures[AUC], &figures[AREA]);
}

enum nn_status nn_rate_without_error(struct nn_figure *figure, const uint32_t *patient,
                                     const bool *about, bool against, size_t count, double level,
                                     struct nn_error *err)
{
    uint32_t *group = NULL;
    bool *met = NULL;
    size_t groups, patients = 0;
    enum nn_status status = NN_OK;

    if (!figure->defined || (figure->hits != 0 && figure->hits != figure->of))
        return NN_OK;
    group = calloc(count ? count : 1, sizeof *group);
    met = calloc(count ? count : 1, sizeof *met);
    if (!group || !met)
        status = nn_fail(err, NN_NO_MEMORY, "no memory for %zu samples", count);
    else
        status = nn_groups_number(patient, count, group, &groups, err);
    for (size_t i = 0; status == NN_OK && i < count; i++) {
        if (met[group[i]] || (about && about[i] == against))
            continue;
        met[group[i]] = true;
        patients++;
    }
    if (status == NN_OK)
        figure->interval = nn_interval_exact(figure->hits ? patients : 0, patients, level);
    free(group);
    free(met);
    return status;
}

static enum nn_status rates_without_error(const struct nn_binary *b, double level,
                                          struct nn_figure figure[FIGURES], struct nn_error *err)
{
    const struct {
        const bool *about;
        bool against;
    } of[F1] = {[ACCURACY] = {NULL, false},
                [SENSITIVITY] = {b->positive, false},
                [SPECIFICITY] = {b->positive, true},
                [PRECISION] = {b->called, false},
                [NEGATIVE_VALUE] = {b->called, true}};
    enum nn_status status = NN_OK;

    for (int k = 0; status == NN_OK && k < F1; k++)
        status = nn_rate_without_error(&figure[k], b->patient, of[k].about, of[k].against, b->count,
                                       level, err);
    return status;
}

static enum nn_status with_intervals(struct binary_context *context, const uint8_t *stratum,
                                     const struct nn_bootstrap *settings,
                                     struct nn_figure figure[FIGURES], struct nn_error *err)
{
    const struct nn_binary *b = context->binary;
    struct nn_resample over = {b->count, b->patient, settings->stratify ? stratum : NULL};
    struct nn_statistic statistic = {context, FIGURES, compute};
    struct nn_interval interval[FIGURES];
    double value[FIGURES];
    enum nn_status status =
        nn_bootstrap_run(&over, &statistic, settings, value, interval, NULL, err);

    if (status != NN_OK)
        return status;
    for (int k = 0; k < FIGURES; k++) {
        if (k >= AUC && !isnan(value[k])) {
            uint64_t positives = 0;
            for (size_t i = 0; i < b->count; i++)
                positives += b->positive[i];
            figure[k] = (struct nn_figure){true, value[k], positives, b->count, {0}};
        }
        figure[k].interval = interval[k];
    }
    return settings->draws ? rates_without_error(b, settings->level, figure, err) : NN_OK;
}

enum nn_status nn_binary_measure_strata(const struct nn_binary *binary, const uint8_t *stratum,
                                        const struct nn_bootstrap *settings,
                                        struct nn_binary_figures *figures, struct nn_error *err)
{
    struct binary_context context = {.binary = binary};
    struct nn_figure figure[FIGURES] = {{0}};
    uint8_t *own = NULL;
    enum nn_status status;

    memset(figures, 0, sizeof *figures);
    if ((status = nn_measures_count(binary->count, err)) != NN_OK)
        return status;
    if (binary->score &&
        (status = nn_ranking_create(binary->score, binary->count, &context.ranking, err)) != NN_OK)
        return status;
    if (!stratum && !(own = calloc(binary->count ? binary->count : 1, sizeof *own))) {
        status = nn_fail(err, NN_NO_MEMORY, "no memory for %zu samples", binary->count);
        goto out;
    }
    figures->count = binary->count;
    for (size_t i = 0; i < binary->count; i++) {
        figures->positives += binary->positive[i];
        if (own)
            own[i] = binary->positive[i];
    }
    figures->tally = tally_of(binary, NULL);
    rates_of(&figures->tally, figure);
    status = with_intervals(&context, own ? own : stratum, settings, figure, err);
    figures->accuracy = figure[ACCURACY];
    figures->sensitivity = figure[SENSITIVITY];
    figures->specificity = figure[SPECIFICITY];
    figures->precision = figure[PRECISION];
    figures->negative_value = figure[NEGATIVE_VALUE];
    figures->f1 = figure[F1];
    figures->auc = figure[AUC];
    figures->average_precision = figure[AREA];
out:
    free(own);
    nn_ranking_finish(&context.ranking);
    return status;
}

void nn_binary_part_finish(struct nn_binary_part *part)
{
    free(part->score);
    free(part->positive);
    free(part->called);
    free(part->refused);
    free(part->patient);
    memset(part, 0, sizeof *part);
}

enum nn_status nn_binary_take(const struct nn_binary *b, const uint32_t *index, size_t count,
                              struct nn_binary_part *part, struct nn_error *err)
{
    size_t room = count ? count : 1;

    memset(part, 0, sizeof *part);
    part->positive = calloc(room, sizeof *part->positive);
    part->score = b->score ? calloc(room, sizeof *part->score) : NULL;
    part->called = b->called ? calloc(room, sizeof *part->called) : NULL;
    part->refused = b->refused ? calloc(room, sizeof *part->refused) : NULL;
    part->patient = b->patient ? calloc(room, sizeof *part->patient) : NULL;
    part->view = (struct nn_binary){count,        part->score,   part->positive,
                                    part->called, part->refused, part->patient};
    if (!part->positive || !part->score != !b->score || !part->called != !b->called ||
        !part->refused != !b->refused || !part->patient != !b->patient) {
        nn_binary_part_finish(part);
        return nn_fail(err, NN_NO_MEMORY, "no memory for %zu samples", count);
    }
    for (size_t k = 0; k < count; k++) {
        part->positive[k] = b->positive[index[k]];
        if (b->score)
            part->score[k] = b->score[index[k]];
        if (b->called)
            part->called[k] = b->called[index[k]];
        if (b->refused)
            part->refused[k] = b->refused[index[k]];
        if (b->patient)
            part->patient[k] = b->patient[index[k]];
    }
    return NN_OK;
}

enum nn_status nn_binary_measure(const struct nn_binary *binary,
                                 const struct nn_bootstrap *settings,
                                 struct nn_binary_figures *figures, struct nn_error *err)
{
    struct nn_binary_part part;
    uint32_t *index = NULL;
    size_t kept = 0;
    enum nn_status status;

    memset(figures, 0, sizeof *figures);
    if ((status = nn_measures_count(binary->count, err)) != NN_OK)
        return status;
    if (!binary->refused)
        return nn_binary_measure_strata(binary, NULL, settings, figures, err);
    index = calloc(binary->count ? binary->count : 1, sizeof *index);
    if (!index)
        return nn_fail(err, NN_NO_MEMORY, "no memory for %zu samples", binary->count);
    for (size_t i = 0; i < binary->count; i++) {
        if (!binary->refused[i])
            index[kept++] = (uint32_t)i;
    }
    if ((status = nn_binary_take(binary, index, kept, &part, err)) == NN_OK) {
        status = nn_binary_measure_strata(&part.view, NULL, settings, figures, err);
        nn_binary_part_finish(&part);
    }
    free(index);
    return status;
}

enum nn_status nn_binary_eligible(const struct nn_binary *binary,
                                  const struct nn_bootstrap *settings,
                                  struct nn_binary_figures *figures, struct nn_error *err)
{
    struct nn_binary all = *binary;
    bool *called = NULL;
    enum nn_status status;

    memset(figures, 0, sizeof *figures);
    if (!binary->called)
        return nn_fail(err, NN_INVALID, "no answers to count refused images among");
    if ((status = nn_measures_count(binary->count, err)) != NN_OK)
        return status;
    called = calloc(binary->count ? binary->count : 1, sizeof *called);
    if (!called)
        return nn_fail(err, NN_NO_MEMORY, "no memory for %zu samples", binary->count);
    for (size_t i = 0; i < binary->count; i++) {
        bool refused = binary->refused && binary->refused[i];
        called[i] = refused ? !binary->positive[i] : binary->called[i];
    }
    all.called = called;
    all.score = NULL;
    status = nn_binary_measure_strata(&all, NULL, settings, figures, err);
    free(called);
    return status;
}
