/* evaluate_rival.c: a second model (--against) on the same images, each at its own operating
 * points. */
#include "evaluate.h"
#include <stdlib.h>
#include <string.h>

int evaluate_answer(const struct nn_model_info *model, const float *score, const double *point,
                    int none)
{
    int answer = none;
    for (int c = 0; c < model->classes; c++)
        if (model->class_[c].finding && (double)score[c] >= point[c] &&
            (answer == none || score[c] > score[answer]))
            answer = c;
    return answer;
}

static void tables(const struct nn_studies *a, const struct nn_studies *b,
                   struct evaluate_rival *rival)
{
    uint64_t count[2][4] = {{0}}; /* [injured][both, only a, only b, neither] */
    for (size_t i = 0; i < a->count; i++) {
        bool right_a = a->called[i] == a->positive[i], right_b = b->called[i] == a->positive[i];
        count[a->positive[i]][right_a ? (right_b ? 0 : 1) : right_b ? 2 : 3]++;
    }
    nn_mcnemar(count[1][0], count[1][1], count[1][2], count[1][3], &rival->study_sensitivity);
    nn_mcnemar(count[0][0], count[0][1], count[0][2], count[0][3], &rival->study_specificity);
}

static enum nn_status compare_studies(struct evaluation *e, const struct nn_studies *a,
                                      const struct nn_studies *b, struct nn_error *err)
{
    struct evaluate_rival *rival = &e->figures.rival;
    tables(a, b, rival);
    enum nn_status status = nn_delong_compare(a->score, b->score, a->positive, a->count,
                                              e->choice.bootstrap.level, &rival->delong, err);
    rival->delong_defined = status == NN_OK;
    if (status == NN_BAD_DATA) /* too few of a kind: no AUC to compare */
        return NN_OK;
    if (status == NN_OK && e->choice.bootstrap.draws > 0) {
        status = nn_auc_difference(a->score, b->score, a->positive, a->patient, a->count,
                                   &e->choice.bootstrap, &rival->pair, err);
        rival->pair_defined = status == NN_OK;
    }
    return status;
}

static enum nn_status compare_images(struct evaluation *e, const struct evaluate_arrays *arrays,
                                     const double *point, struct nn_error *err)
{
    int *a = calloc(arrays->processed, sizeof *a), *b = calloc(arrays->processed, sizeof *b);
    size_t classes = (size_t)e->model->classes;
    enum nn_status status = a && b ? NN_OK : nn_fail(err, NN_NO_MEMORY, "no memory to compare");
    for (size_t i = 0; status == NN_OK && i < arrays->processed; i++) {
        a[i] = evaluate_answer(e->model, arrays->scores + i * classes, e->choice.point, e->none);
        b[i] = evaluate_answer(e->rival, arrays->rivals + i * classes, point, e->none);
    }
    if (status == NN_OK)
        status = nn_readers_compare(arrays->truth, a, b, arrays->processed, arrays->finding,
                                    (int)classes, &e->figures.rival.images.comparison, err);
    e->figures.rival.images.cases = arrays->processed;
    free(a);
    free(b);
    return status;
}

enum nn_status evaluate_rival(struct evaluation *e, const struct evaluate_arrays *arrays,
                              struct nn_error *err)
{
    struct evaluate_rival *rival = &e->figures.rival;
    struct nn_studies a = {0}, b = {0};
    double point[NN_MAX_CLASSES];
    for (int c = 0; c < e->rival->classes; c++)
        point[c] = e->rival->class_[c].operating_point;
    struct nn_cases cases = {.count = arrays->processed,
                             .classes = e->model->classes,
                             .scores = arrays->scores,
                             .truth = arrays->truth,
                             .patient = arrays->patient,
                             .study = arrays->study,
                             .finding = arrays->finding,
                             .point = e->choice.point};
    enum nn_status status = nn_studies_create(&cases, &a, err);
    cases.scores = arrays->rivals;
    cases.point = point;
    if (status == NN_OK)
        status = nn_studies_create(&cases, &b, err);
    if (status == NN_OK)
        status = compare_studies(e, &a, &b, err);
    if (status == NN_OK)
        status = compare_images(e, arrays, point, err);
    snprintf(rival->name, sizeof rival->name, "%s", e->rival->name);
    snprintf(rival->version, sizeof rival->version, "%s", e->rival->version);
    memcpy(rival->digest, e->rival->digest, sizeof rival->digest);
    rival->defined = status == NN_OK;
    nn_studies_finish(&a);
    nn_studies_finish(&b);
    return status;
}
