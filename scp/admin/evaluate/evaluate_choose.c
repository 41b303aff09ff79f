/* evaluate_choose.c: what the validation part decides, so that the test part decides nothing:
 * operating points, temperature, method of explanation. */
#include "evaluate.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void evaluate_note(struct evaluation *e, const char *format, ...)
{
    va_list arguments;
    if (e->note_count == sizeof e->notes / sizeof e->notes[0])
        return;
    va_start(arguments, format);
    vsnprintf(e->notes[e->note_count++], sizeof e->notes[0], format, arguments);
    va_end(arguments);
}

static size_t count_of(const struct evaluate_arrays *a, int label)
{
    size_t count = 0;
    for (size_t i = 0; i < a->processed; i++)
        count += a->truth[i] == label;
    return count;
}

static void choose_points(struct evaluation *e, const struct evaluate_arrays *a)
{
    size_t none = count_of(a, e->none);
    if (none == 0) {
        evaluate_note(e,
                      "The validation part has no image of class %s: the model's own operating "
                      "points are used.",
                      e->model->class_[e->none].name);
        return;
    }
    if (none < NN_SUFFICIENT)
        evaluate_note(e, "Operating points were chosen on %zu uninjured validation images only.",
                      none);
    for (int c = 0; c < e->model->classes; c++) {
        if (!e->model->class_[c].finding)
            continue;
        e->choice.point[c] = nn_operating_point_usual(a->scores, a->truth, a->processed,
                                                      e->model->classes, c, e->none);
        double own = e->model->class_[c].operating_point;
        if (e->choice.point[c] < own || e->choice.point[c] > own)
            evaluate_note(
                e,
                "The operating point of %s here is %.4f; model.xml, which the node obeys, "
                "has %.4f.",
                e->model->class_[c].name, e->choice.point[c], own);
    }
    e->choice.points_chosen = true;
}

static enum nn_status fit(struct evaluation *e, const struct evaluate_arrays *a,
                          struct nn_error *err)
{
    enum nn_status status = nn_temperature_fit(a->scores, a->truth, a->processed, e->model->classes,
                                               &e->choice.fit, err);
    if (status != NN_OK)
        return status;
    if (e->choice.fit.at_bound) {
        evaluate_note(e, "The validation part gives no temperature (all answers right, or noise): "
                         "scores are shown as they are.");
        return NN_OK;
    }
    e->choice.temperature *= e->choice.fit.temperature; /* the scores have the model's already */
    e->choice.calibrated = true;
    return NN_OK;
}

enum nn_status evaluate_choose(struct evaluation *e, struct nn_error *err)
{
    struct evaluate_arrays a = {0};
    e->choice.temperature = e->model->temperature > 0 ? e->model->temperature : 1;
    for (int c = 0; c < e->model->classes; c++)
        e->choice.point[c] = e->model->class_[c].operating_point;
    snprintf(e->choice.method, sizeof e->choice.method, "%s",
             e->options.maps > 0 ? nn_explain_name(NN_EXPLAIN_GRADIENT) : "");
    if (e->validation.count == 0)
        return NN_OK;
    enum nn_status status = evaluate_arrays_make(&e->validation, e->model, &a, err);
    if (status == NN_OK && a.processed == 0) {
        evaluate_note(e, "No image of the validation part could be judged.");
    } else if (status == NN_OK && !e->options.as_is) {
        choose_points(e, &a);
        status = fit(e, &a, err);
    }
    evaluate_arrays_finish(&a);
    if (status == NN_OK)
        evaluate_call(&e->validation, e->model, e->choice.point);
    return status == NN_OK ? evaluate_explain_choose(e, err) : status;
}
