/* plan.c: from settings and index to patient, camera and injury. */
#include "plan.h"
#include <math.h>

#define MOST_REGION 64
#define SHOWN       0.75 /* of the injury's box */
#define ATTEMPTS    64

static enum nn_phantom_class choose_class(const struct nn_phantom_settings *settings,
                                          uint64_t index)
{
    struct phantom_rng rng = nn_phantom_rng(settings->seed, index, PHANTOM_CLASS);
    double at = nn_phantom_uniform(&rng, 0, 1);

    if (settings->subject != NN_PHANTOM_LATERAL)
        return NN_PHANTOM_NORMAL;
    if (at < settings->prevalence[0])
        return NN_PHANTOM_DISLOCATION;
    return at < settings->prevalence[0] + settings->prevalence[1] ? NN_PHANTOM_FRACTURE
                                                                  : NN_PHANTOM_NORMAL;
}

void nn_phantom_find_box(const struct nn_phantom_settings *settings,
                         const struct phantom_plan *plan, double box[4])
{
    struct vec3 points[MOST_REGION];
    int count = nn_phantom_region(&plan->injury, &plan->anatomy, points);
    double low_x = INFINITY, low_y = INFINITY, high_x = -INFINITY, high_y = -INFINITY;

    for (int i = 0; i < 4; i++)
        box[i] = 0;
    if (count == 0)
        return;
    for (int i = 0; i < count; i++) {
        double x, y;

        nn_camera_project(&plan->camera, points[i], &x, &y, NULL);
        low_x = fmin(low_x, x);
        low_y = fmin(low_y, y);
        high_x = fmax(high_x, x);
        high_y = fmax(high_y, y);
    }
    box[0] = nn_phantom_clamp(low_x, 0, settings->cols);
    box[1] = nn_phantom_clamp(low_y, 0, settings->rows);
    box[2] = nn_phantom_clamp(high_x, 0, settings->cols);
    box[3] = nn_phantom_clamp(high_y, 0, settings->rows);
}

/* Is most of the injury in the field? The field is chosen without knowing of the injury, and an
 * injury that nobody could see would be a false label. */
static bool is_shown(const struct nn_phantom_settings *settings, const struct phantom_plan *plan)
{
    struct phantom_plan open = *plan;
    struct nn_phantom_settings wide = *settings;
    double box[4], whole[4];

    wide.rows *= 3;
    wide.cols *= 3;
    open.camera.cols *= 3; /* mirrored columns count from there */
    open.camera.middle_x += settings->cols;
    open.camera.middle_y += settings->rows;
    nn_phantom_find_box(settings, plan, box);
    nn_phantom_find_box(&wide, &open, whole);
    return (box[2] - box[0]) * (box[3] - box[1]) >=
           SHOWN * (whole[2] - whole[0]) * (whole[3] - whole[1]);
}

static void choose_injury(const struct nn_phantom_settings *settings, uint64_t index,
                          struct phantom_plan *plan)
{
    struct nn_phantom_settings again = *settings;

    for (int i = 0; i < ATTEMPTS; i++, again.seed += UINT64_C(0x9e3779b97f4a7c15)) {
        nn_phantom_injury(&again, index, plan->class_, &plan->uninjured, &plan->injury);
        plan->anatomy = plan->uninjured;
        nn_phantom_injure(&plan->injury, &plan->anatomy);
        if (plan->injury.kind == PHANTOM_NONE || is_shown(settings, plan))
            return;
    }
}

void nn_phantom_make_plan(const struct nn_phantom_settings *settings, uint64_t index, bool twin,
                          struct phantom_plan *plan)
{
    plan->class_ = twin ? NN_PHANTOM_NORMAL : choose_class(settings, index);
    nn_phantom_anatomy(settings, index, &plan->uninjured);
    nn_phantom_view(settings, index, &plan->uninjured, &plan->camera);
    choose_injury(settings, index, plan);
}
