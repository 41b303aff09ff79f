/* evaluate_calibrate.c: what a score is worth as a probability, at temperature 1 (before)
 * and at the one that the validation part, or the trainer, chose (after). The judge's scores have
 * the model's own temperature. */
#include "evaluate.h"
#include <stdlib.h>

#define BINS 10

/* Reliability of the top score being right, and of 1 - P(no finding). */
static enum nn_status reliability(const struct evaluation *e, const struct evaluate_arrays *a,
                                  const float *scores, struct nn_reliability *top,
                                  struct nn_reliability *injury, struct nn_error *err)
{
    size_t classes = (size_t)e->model->classes;
    double *probability = calloc(a->processed, sizeof *probability);
    bool *event = calloc(a->processed, sizeof *event);
    enum nn_status status =
        probability && event ? NN_OK : nn_fail(err, NN_NO_MEMORY, "no memory for calibration");
    for (size_t i = 0; status == NN_OK && i < a->processed; i++) {
        const float *score = scores + i * classes;
        size_t best = 0;
        for (size_t c = 1; c < classes; c++)
            best = score[c] > score[best] ? c : best;
        probability[i] = score[best] > 1 ? 1 : (double)score[best];
        event[i] = (size_t)a->truth[i] == best;
    }
    if (status == NN_OK)
        status = nn_reliability_measure(probability, event, a->processed, BINS, NN_BINS_EQUAL_WIDTH,
                                        top, err);
    for (size_t i = 0; status == NN_OK && i < a->processed; i++) {
        double none = (double)scores[i * classes + (size_t)e->none];
        probability[i] = none > 1 ? 0 : 1 - none;
        event[i] = a->finding[a->truth[i]];
    }
    if (status == NN_OK)
        status = nn_reliability_measure(probability, event, a->processed, BINS, NN_BINS_EQUAL_WIDTH,
                                        injury, err);
    free(probability);
    free(event);
    return status;
}

enum nn_status evaluate_calibrate(struct evaluation *e, const struct evaluate_arrays *a,
                                  struct nn_error *err)
{
    struct evaluate_calibration *c = &e->figures.calibration;
    int classes = e->model->classes;
    double own = e->model->temperature > 0 ? e->model->temperature : 1;
    float *before = calloc(a->processed, (size_t)classes * sizeof *before);
    float *after = calloc(a->processed, (size_t)classes * sizeof *after);
    enum nn_status status;
    if (!before || !after)
        status = nn_fail(err, NN_NO_MEMORY, "no memory for calibration");
    else if ((status = nn_temperature_apply(a->scores, a->processed, classes, 1 / own, before,
                                            err)) == NN_OK &&
             (status = nn_temperature_apply(a->scores, a->processed, classes,
                                            e->choice.temperature / own, after, err)) == NN_OK &&
             (status = nn_likelihood(before, a->truth, a->processed, classes, &c->nll_before,
                                     &c->brier_before, err)) == NN_OK &&
             (status = nn_likelihood(after, a->truth, a->processed, classes, &c->nll_after,
                                     &c->brier_after, err)) == NN_OK &&
             (status = reliability(e, a, before, &c->before, &c->injury_before, err)) == NN_OK)
        status = reliability(e, a, after, &c->after, &c->injury_after, err);
    c->defined = status == NN_OK;
    free(before);
    free(after);
    return status;
}
