/* phantom.c: from settings and index to truth and plane. */
#include "phantom_parts.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_REGION 32

/* All that is decided before a pixel is drawn. */
struct plan {
    struct phantom_anatomy uninjured, anatomy;
    struct phantom_injury injury;
    struct phantom_view view;
    enum nn_phantom_class class_;
};

const char *nn_phantom_class_name(enum nn_phantom_class class_)
{
    static const char *const NAMES[] = {"dislocation", "fracture", "normal"};

    return (unsigned)class_ < 3 ? NAMES[class_] : "unknown";
}

static enum nn_phantom_class choose_class(const struct nn_phantom_settings *settings,
                                          uint64_t index)
{
    struct phantom_rng rng = nn_phantom_rng(settings->seed, index, PHANTOM_CLASS);
    double at = nn_phantom_uniform(&rng, 0, 1);

    if (at < settings->prevalence[0])
        return NN_PHANTOM_DISLOCATION;
    return at < settings->prevalence[0] + settings->prevalence[1] ? NN_PHANTOM_FRACTURE
                                                                  : NN_PHANTOM_NORMAL;
}

static void make_plan(const struct nn_phantom_settings *settings, uint64_t index, bool twin,
                      struct plan *plan)
{
    plan->class_ = twin ? NN_PHANTOM_NORMAL : choose_class(settings, index);
    nn_phantom_anatomy(settings->seed, index, &plan->uninjured);
    nn_phantom_view(settings, index, &plan->uninjured, &plan->view);
    nn_phantom_injury(settings->seed, index, plan->class_, &plan->uninjured, &plan->injury);
    plan->anatomy = plan->uninjured;
    nn_phantom_injure(&plan->injury, &plan->anatomy);
}

static void find_box(const struct nn_phantom_settings *settings, const struct plan *plan,
                     double box[4])
{
    struct vec points[MOST_REGION];
    int count = nn_phantom_region(&plan->injury, &plan->anatomy, points);
    double low_x = INFINITY, low_y = INFINITY, high_x = -INFINITY, high_y = -INFINITY;

    for (int i = 0; i < 4; i++)
        box[i] = 0;
    if (count == 0)
        return;
    for (int i = 0; i < count; i++) {
        struct vec p = nn_phantom_project(&plan->view, points[i]);

        low_x = fmin(low_x, p.x);
        low_y = fmin(low_y, p.y);
        high_x = fmax(high_x, p.x);
        high_y = fmax(high_y, p.y);
    }
    box[0] = nn_phantom_clamp(low_x, 0, settings->cols);
    box[1] = nn_phantom_clamp(low_y, 0, settings->rows);
    box[2] = nn_phantom_clamp(high_x, 0, settings->cols);
    box[3] = nn_phantom_clamp(high_y, 0, settings->rows);
}

static void tell(const struct nn_phantom_settings *settings, uint64_t index,
                 const struct plan *plan, struct nn_phantom_truth *truth)
{
    const struct phantom_injury *injury = &plan->injury;

    *truth = (struct nn_phantom_truth){.class_ = plan->class_, .patient = index};
    truth->level = injury->level;
    snprintf(truth->lesion, sizeof truth->lesion, "%s", nn_phantom_kind_name(injury->kind));
    truth->translation_mm = fabs(injury->translation);
    truth->angulation_deg = fabs(injury->angulation);
    truth->height_loss_percent = injury->height_loss;
    truth->gap_mm = injury->gap;
    truth->subtlety = nn_phantom_subtlety(truth->translation_mm, truth->angulation_deg,
                                          truth->height_loss_percent, truth->gap_mm);
    find_box(settings, plan, truth->box);
    truth->mm_per_pixel = plan->view.mm_per_pixel;
    truth->facing_left = plan->view.facing_left;
    truth->age = plan->anatomy.age;
    truth->sex = plan->anatomy.sex;
}

static enum nn_status check(const struct nn_phantom_settings *settings, struct nn_error *err)
{
    double sum = 0;

    if (settings->rows < NN_PHANTOM_MIN_SIDE || settings->cols < NN_PHANTOM_MIN_SIDE)
        return nn_fail(err, NN_INVALID, "phantom of %d x %d: each side must be at least %d",
                       settings->rows, settings->cols, NN_PHANTOM_MIN_SIDE);
    if ((uint64_t)settings->rows * (uint64_t)settings->cols > NN_IMAGE_MAX_PIXELS)
        return nn_fail(err, NN_LIMIT, "phantom of %d x %d: more than %u pixels", settings->rows,
                       settings->cols, NN_IMAGE_MAX_PIXELS);
    for (int i = 0; i < 3; i++) {
        if (!(settings->prevalence[i] >= 0 && settings->prevalence[i] <= 1))
            return nn_fail(err, NN_INVALID, "phantom: prevalence %g is not in 0..1",
                           settings->prevalence[i]);
        sum += settings->prevalence[i];
    }
    if (fabs(sum - 1) > 1e-6)
        return nn_fail(err, NN_INVALID, "phantom: prevalences sum to %g, not 1", sum);
    return NN_OK;
}

/* From far to near does not matter: attenuation adds. */
static void draw_patient(struct phantom_canvas *canvas, const struct nn_phantom_settings *settings,
                         uint64_t index, const struct plan *plan)
{
    uint64_t seed = settings->seed;

    nn_phantom_draw_neck(canvas, &plan->anatomy, &plan->uninjured,
                         nn_phantom_rng(seed, index, PHANTOM_SOFT));
    nn_phantom_draw_head(canvas, &plan->anatomy, nn_phantom_rng(seed, index, PHANTOM_SKULL));
    nn_phantom_draw_atlas(canvas, &plan->anatomy);
    nn_phantom_draw_axis(canvas, &plan->anatomy, &plan->injury);
    for (int i = 3; i <= PHANTOM_T1; i++)
        nn_phantom_draw_vertebra(canvas, &plan->anatomy, &plan->injury, i);
    nn_phantom_draw_devices(canvas, &plan->uninjured, nn_phantom_rng(seed, index, PHANTOM_DEVICES));
}

static enum nn_status draw(const struct nn_phantom_settings *settings, uint64_t index, bool twin,
                           struct nn_plane *plane, struct nn_phantom_truth *truth,
                           struct nn_error *err)
{
    struct phantom_canvas canvas;
    struct plan plan;
    enum nn_status status = check(settings, err);

    *plane = (struct nn_plane){0};
    if (status != NN_OK)
        return status;
    make_plan(settings, index, twin, &plan);
    status = nn_phantom_canvas_init(&canvas, settings->rows, settings->cols, &plan.view,
                                    nn_phantom_rng(settings->seed, index, PHANTOM_TEXTURE), err);
    if (status != NN_OK)
        return status;
    draw_patient(&canvas, settings, index, &plan);
    status = nn_phantom_expose(&canvas, settings->seed, index, err);
    if (status == NN_OK) {
        nn_phantom_draw_marker(&canvas, &plan.uninjured,
                               nn_phantom_rng(settings->seed, index, PHANTOM_MARKER));
        *plane = (struct nn_plane){settings->rows, settings->cols, canvas.plane};
        canvas.plane = NULL;
        if (truth != NULL)
            tell(settings, index, &plan, truth);
    }
    nn_phantom_canvas_finish(&canvas);
    return status;
}

enum nn_status nn_phantom_draw(const struct nn_phantom_settings *settings, uint64_t index,
                               struct nn_plane *plane, struct nn_phantom_truth *truth,
                               struct nn_error *err)
{
    return draw(settings, index, false, plane, truth, err);
}

enum nn_status nn_phantom_draw_twin(const struct nn_phantom_settings *settings, uint64_t index,
                                    struct nn_plane *plane, struct nn_phantom_truth *truth,
                                    struct nn_error *err)
{
    return draw(settings, index, true, plane, truth, err);
}

void nn_phantom_truth(const struct nn_phantom_settings *settings, uint64_t index,
                      struct nn_phantom_truth *truth)
{
    struct plan plan;

    make_plan(settings, index, false, &plan);
    tell(settings, index, &plan, truth);
}
