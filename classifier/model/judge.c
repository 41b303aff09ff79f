/* judge.c: one plane in, the class scores out; one thread's scratch. */
#include "model_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum nn_status create(const struct nn_model *model, struct nn_pool *pool,
                             enum nn_run_mode mode, struct nn_judge **judge, struct nn_error *err)
{
    size_t side = (size_t)model->info.preprocess.side;
    size_t classes = (size_t)model->info.classes;
    enum nn_status status;

    *judge = NULL;
    struct nn_judge *j = calloc(1, sizeof *j);
    if (!j)
        return nn_fail(err, NN_NO_MEMORY, "judge: no memory");
    j->model = model;
    j->pool = pool;
    j->input = malloc(3 * side * side * sizeof *j->input);
    j->output = malloc(classes * sizeof *j->output);
    j->seed = malloc(classes * sizeof *j->seed);
    if (!j->input || !j->output || !j->seed)
        status = nn_fail(err, NN_NO_MEMORY, "judge: no memory");
    else
        status = nn_run_create(model->graph, model->values, 1, mode, pool, &j->run, err);
    if (status == NN_OK && model->gate)
        status = create(model->gate, pool, NN_RUN_INFER, &j->gate, err);
    if (status != NN_OK)
        nn_judge_destroy(j);
    else
        *judge = j;
    return status;
}

enum nn_status nn_judge_create(const struct nn_model *model, struct nn_pool *pool,
                               struct nn_judge **judge, struct nn_error *err)
{
    return create(model, pool, NN_RUN_EXPLAIN, judge, err);
}

void nn_judge_destroy(struct nn_judge *judge)
{
    if (!judge)
        return;
    nn_judge_destroy(judge->gate);
    nn_run_destroy(judge->run);
    free(judge->input);
    free(judge->output);
    free(judge->seed);
    free(judge);
}

void nn_judge_rest(struct nn_judge *judge)
{
    judge->judged = false;
    nn_run_rest(judge->run);
    if (judge->gate)
        nn_judge_rest(judge->gate);
}

void nn_judge_levels(struct nn_judge *judge, const struct nn_levels *levels)
{
    judge->levels = levels;
    if (judge->gate)
        judge->gate->levels = levels;
}

enum nn_status nn_judge_plane(struct nn_judge *judge, const float *plane, int rows, int cols,
                              struct nn_judgement *judgement, struct nn_error *err)
{
    const struct nn_model_info *info = &judge->model->info;
    enum nn_status status;

    judge->judged = false;
    *judgement = (struct nn_judgement){0};
    status = nn_model_prepare_part(&info->preprocess, plane, rows, cols, judge->levels,
                                   judge->input, &judgement->box, judge->pool, err);
    if (status == NN_OK)
        status = nn_run_forward(judge->run, judge->input, 1, judge->output, err);
    if (status != NN_OK)
        return status;
    nn_model_calibrate(info, judge->output);
    for (int i = 0; i < info->classes; i++) {
        if (!isfinite(judge->output[i]))
            return nn_fail(err, NN_BAD_DATA, "model %s: the score of %s is not a number",
                           info->name, info->class_[i].name);
        judgement->score[i] = judge->output[i];
        if (judge->output[i] > judgement->score[judgement->top])
            judgement->top = i;
    }
    judge->judged = true;
    return NN_OK;
}

/* d(class score before softmax)/d(input) of the plane judged last; borrowed from the run. */
static enum nn_status gradient_of(struct nn_judge *judge, int class_, const float **gradient,
                                  struct nn_error *err)
{
    const struct nn_model *model = judge->model;
    enum nn_status status;

    if (!judge->judged)
        return nn_fail(err, NN_INVALID, "saliency: no plane has been judged");
    if (class_ < 0 || class_ >= model->info.classes)
        return nn_fail(err, NN_INVALID, "saliency: class %d of %d", class_, model->info.classes);
    memset(judge->seed, 0, (size_t)model->info.classes * sizeof *judge->seed);
    judge->seed[class_] = 1.0f;
    status = nn_run_backward(judge->run, model->head, judge->seed, err);
    if (status == NN_OK)
        *gradient = nn_run_input_gradient(judge->run);
    return status;
}

enum nn_status nn_judge_saliency(struct nn_judge *judge, int class_, float *map,
                                 struct nn_error *err)
{
    const float *gradient;
    enum nn_status status = gradient_of(judge, class_, &gradient, err);

    if (status != NN_OK)
        return status;
    return nn_saliency_map(gradient, 3, judge->model->info.preprocess.side, map, err);
}

enum nn_status nn_judge_saliency_absolute(struct nn_judge *judge, int class_, float *map,
                                          double *raw, struct nn_error *err)
{
    const struct nn_model_info *info = &judge->model->info;
    size_t side = (size_t)info->preprocess.side;
    const float *gradient;
    float top;
    enum nn_status status = gradient_of(judge, class_, &gradient, err);

    if (status == NN_OK)
        status = nn_saliency_raw(gradient, 3, info->preprocess.side, map, &top, err);
    if (status != NN_OK)
        return status;
    float strong = info->saliency_scale > 0 ? (float)info->saliency_scale : top;
    for (size_t i = 0; i < side * side; i++)
        map[i] = strong > 0 ? map[i] / strong : 0.0f;
    if (raw)
        *raw = (double)top;
    return NN_OK;
}
