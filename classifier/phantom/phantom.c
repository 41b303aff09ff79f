/* phantom.c: from settings and index to truth, plane and mask. */
#include "plan.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEADY_COLS 96    /* of the plane that scatter and range come from */
#define CELL        1.2   /* mm: the meshes' cubes */
#define STEADY_CELL 2.6   /* mm */
#define CHANGE      1e-3f /* of attenuation: more counts for the contrast */
#define T1_SHOWN    0.25  /* body heights above its middle: under the upper endplate */

const char *nn_phantom_class_name(enum nn_phantom_class class_)
{
    static const char *const NAMES[] = {"dislocation", "fracture", "normal"};

    return (unsigned)class_ < 3 ? NAMES[class_] : "unknown";
}

const char *nn_phantom_subject_name(enum nn_phantom_subject subject)
{
    static const char *const NAMES[NN_PHANTOM_SUBJECTS] = {"lateral",
                                                           "ap",
                                                           "odontoid",
                                                           "oblique",
                                                           "swimmers",
                                                           "skull-lateral",
                                                           "thoracic-lateral",
                                                           "child",
                                                           "hardware",
                                                           "inverted",
                                                           "cropped",
                                                           "lateral-short",
                                                           "chest",
                                                           "hand",
                                                           "hip",
                                                           "dental",
                                                           "photograph",
                                                           "blank",
                                                           "noise",
                                                           "ct-slice"};

    return (unsigned)subject < NN_PHANTOM_SUBJECTS ? NAMES[subject] : "unknown";
}

static double flexion_of(const struct pose *pose)
{
    return atan2(pose->turn[1][0], pose->turn[0][0]) / PHANTOM_DEGREE;
}

/* Camera and posture. */
static void tell_view(const struct phantom_plan *plan, struct nn_phantom_truth *truth)
{
    const struct nn_camera *camera = &plan->camera;
    const struct vec3 middle = plan->uninjured.level[4].body.at;
    double x, y, front, up, z;

    nn_camera_project(camera, middle, &x, &y, &z);
    nn_camera_project(camera, nn_vec3_add(middle, (struct vec3){10, 0, 0}), &front, &up, NULL);
    nn_camera_project(camera, plan->uninjured.level[2].body.at, &truth->c2[0], &truth->c2[1], NULL);
    nn_camera_project(camera, plan->uninjured.level[7].body.at, &truth->c7[0], &truth->c7[1], NULL);
    truth->mm_per_pixel = camera->pitch * (camera->distance - z) / camera->distance;
    truth->facing_left = front < x;
    truth->turn_deg = atan2(up - y, fabs(front - x)) / PHANTOM_DEGREE;
    truth->flexion_deg =
        flexion_of(&plan->uninjured.level[2].body) - flexion_of(&plan->uninjured.level[7].body);
    const struct phantom_level *t1 = &plan->uninjured.level[PHANTOM_T1];
    nn_camera_project(camera, nn_pose_apply(&t1->body, (struct vec3){0, -T1_SHOWN * t1->height, 0}),
                      &x, &y, NULL);
    truth->c7_t1 = y < camera->rows;
}

static void tell(const struct nn_phantom_settings *settings, uint64_t index,
                 const struct phantom_plan *plan, struct nn_phantom_truth *truth)
{
    const struct phantom_injury *injury = &plan->injury;

    *truth = (struct nn_phantom_truth){
        .subject = settings->subject, .class_ = plan->class_, .patient = index, .level = -1};
    if (injury->kind != PHANTOM_NONE)
        truth->level = injury->level;
    snprintf(truth->lesion, sizeof truth->lesion, "%s", nn_phantom_kind_name(injury->kind));
    truth->translation_mm = fabs(injury->translation);
    truth->angulation_deg = fabs(injury->angulation);
    truth->height_loss_percent = injury->height_loss;
    truth->gap_mm = injury->gap;
    truth->subtlety =
        nn_phantom_subtlety(truth->translation_mm, truth->angulation_deg,
                            truth->height_loss_percent, truth->gap_mm, NN_PHANTOM_SHOWN);
    nn_phantom_find_box(settings, plan, truth->box);
    if (settings->subject < NN_PHANTOM_CHEST) /* others.c has cameras of its own */
        tell_view(plan, truth);
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
    if ((unsigned)settings->subject >= NN_PHANTOM_SUBJECTS)
        return nn_fail(err, NN_INVALID, "phantom: no subject has the number %d",
                       (int)settings->subject);
    if (settings->configuration != 0 && settings->configuration != 1)
        return nn_fail(err, NN_INVALID, "phantom: configuration %d is not 0 or 1",
                       settings->configuration);
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

/* A scene's planes: attenuation first, owned. */
static enum nn_status scene_init(struct phantom_scene *scene, const struct nn_camera *camera,
                                 double cell, bool *failed, struct nn_error *err)
{
    size_t pixels = (size_t)camera->rows * (size_t)camera->cols;

    *failed = false;
    *scene = (struct phantom_scene){.camera = *camera, .cell = cell, .failed = failed};
    scene->attenuation = calloc(3 * pixels, sizeof *scene->attenuation);
    if (scene->attenuation == NULL)
        return nn_fail(err, NN_NO_MEMORY, "phantom of %d x %d: out of memory", camera->rows,
                       camera->cols);
    scene->sponge = scene->attenuation + pixels;
    scene->soft = scene->attenuation + 2 * pixels;
    return NN_OK;
}

/* Which vertebrae a subject shows. */
static void levels_of(enum nn_phantom_subject subject, int *first, int *last)
{
    *first = 1;
    *last = PHANTOM_T1 + 1;
    if (subject == NN_PHANTOM_SKULL_LATERAL || subject == NN_PHANTOM_ODONTOID)
        *last = 5;
    if (subject == NN_PHANTOM_THORACIC_LATERAL) {
        *first = 5;
        *last = PHANTOM_LAST;
    }
    if (subject == NN_PHANTOM_SWIMMERS || subject == NN_PHANTOM_AP ||
        subject == NN_PHANTOM_OBLIQUE || subject == NN_PHANTOM_CROPPED)
        *last = PHANTOM_T1 + 3;
}

/* The order does not matter: attenuation adds. */
static void draw_patient(struct phantom_scene *scene, const struct nn_phantom_settings *settings,
                         uint64_t index, const struct phantom_plan *plan, bool injured,
                         char variant[NN_PHANTOM_VARIANT], bool *displayed)
{
    static const struct phantom_injury NONE = {.kind = PHANTOM_NONE};
    const struct phantom_anatomy *anatomy = injured ? &plan->anatomy : &plan->uninjured;
    int first, last;

    variant[0] = 0;
    *displayed = false;
    if (settings->subject >= NN_PHANTOM_CHEST) {
        nn_phantom_draw_other(scene, settings, index, displayed);
        return;
    }
    levels_of(settings->subject, &first, &last);
    nn_phantom_tell_wear(&plan->uninjured, variant);
    nn_phantom_draw_neck(scene, settings, index, anatomy, &plan->uninjured);
    if (settings->subject != NN_PHANTOM_THORACIC_LATERAL)
        nn_phantom_draw_head(scene, settings, index, anatomy);
    nn_phantom_draw_spine(scene, anatomy, injured ? &plan->injury : &NONE, first, last);
    nn_phantom_draw_thorax(scene, settings, index, &plan->uninjured);
    nn_phantom_draw_devices(scene, settings, index, &plan->uninjured, variant);
    if (settings->subject == NN_PHANTOM_HARDWARE)
        nn_phantom_draw_hardware(scene, settings, index, anatomy, variant);
}

static enum nn_status draw_scene(const struct nn_phantom_settings *settings, uint64_t index,
                                 const struct phantom_plan *plan, bool injured,
                                 const struct nn_camera *camera, double cell,
                                 struct phantom_scene *scene, char variant[NN_PHANTOM_VARIANT],
                                 bool *displayed, struct nn_error *err)
{
    bool failed;
    enum nn_status status = scene_init(scene, camera, cell, &failed, err);

    if (status != NN_OK)
        return status;
    draw_patient(scene, settings, index, plan, injured, variant, displayed);
    scene->failed = NULL;
    if (!failed)
        return NN_OK;
    free(scene->attenuation);
    scene->attenuation = NULL;
    return nn_fail(err, NN_NO_MEMORY, "phantom of %d x %d: out of memory", camera->rows,
                   camera->cols);
}

/* The same field in fewer pixels. */
static struct nn_camera steady_camera(const struct nn_camera *camera)
{
    struct nn_camera small = *camera;

    small.cols = camera->cols < STEADY_COLS ? camera->cols : STEADY_COLS;
    double step = (double)camera->cols / small.cols;

    small.rows = (int)ceil(camera->rows / step);
    small.pitch *= step;
    small.middle_x /= step;
    small.middle_y /= step;
    return small;
}

#define CHANGED 2.0f /* in a mask that is not finished; 1: by a trace */

/* Where the injury changes the attenuation, and where by a trace or the texture alone: outside the
 * mask twins are equal to the last bit. */
static void find_changes(const struct phantom_scene *a, const struct phantom_scene *b,
                         struct nn_plane *mask)
{
    size_t pixels = (size_t)mask->rows * (size_t)mask->cols;

    for (size_t i = 0; i < pixels; i++) {
        bool traced = a->attenuation[i] != b->attenuation[i] || a->sponge[i] != b->sponge[i] ||
                      a->soft[i] != b->soft[i];

        mask->pixels[i] = fabsf(a->attenuation[i] - b->attenuation[i]) > CHANGE ? CHANGED
                          : traced                                              ? 1.0f
                                                                                : 0.0f;
    }
}

/* Widens the ones of a line (count values, step apart) by `reach` to each side. */
static void widen_line(float *line, int count, int step, int reach)
{
    int since = reach + 1;

    for (int i = 0; i < count; i++) {
        since = line[i * step] >= 1.0f ? 0 : since + 1;
        if (since > 0 && since <= reach)
            line[i * step] = 0.9f;
    }
    since = reach + 1;
    for (int i = count - 1; i >= 0; i--) {
        since = line[i * step] >= 1.0f ? 0 : since + 1;
        if (since > 0 && since <= reach)
            line[i * step] = 0.9f;
    }
    for (int i = 0; i < count; i++)
        if (line[i * step] >= 0.9f)
            line[i * step] = 1.0f;
}

static void finish_mask(struct nn_plane *mask, const struct nn_phantom_settings *settings,
                        uint64_t index, const struct phantom_plan *plan, const double box[4])
{
    const struct phantom_detector detector = {.seed = settings->seed,
                                              .index = index,
                                              .configuration = settings->configuration,
                                              .mm_per_pixel = plan->camera.pitch};
    const int reach = nn_phantom_reach(&detector);

    for (int r = 0; r < mask->rows; r++)
        widen_line(mask->pixels + (size_t)r * (size_t)mask->cols, mask->cols, 1, reach);
    for (int c = 0; c < mask->cols; c++)
        widen_line(mask->pixels + c, mask->rows, mask->cols, reach);
    for (int r = 0; r < mask->rows; r++)
        for (int c = 0; c < mask->cols; c++) {
            float *at = &mask->pixels[(size_t)r * (size_t)mask->cols + (size_t)c];

            if (*at < 1.0f && c >= box[0] && c < box[2] && r >= box[1] && r < box[3])
                *at = 0.5f;
        }
}

/* What the detector makes of attenuations, in place; `quiet` without its noise. `steady` is the
 * uninjured twin's. */
static enum nn_status expose(const struct nn_phantom_settings *settings, uint64_t index,
                             const struct phantom_plan *plan, const struct phantom_scene *scene,
                             const struct phantom_scene *steady, bool quiet, struct nn_error *err)
{
    const struct phantom_detector detector = {.seed = settings->seed,
                                              .index = index,
                                              .configuration = settings->configuration,
                                              .rows = settings->rows,
                                              .cols = settings->cols,
                                              .mm_per_pixel = plan->camera.pitch,
                                              .quiet = quiet,
                                              .grain = plan->uninjured.grain,
                                              .sponge = scene->sponge,
                                              .soft = scene->soft,
                                              .steady = steady->attenuation,
                                              .steady_rows = steady->camera.rows,
                                              .steady_cols = steady->camera.cols};

    return nn_phantom_expose(&detector, scene->attenuation, err);
}

/* Mean change of the displayed grey where the injury changes the attenuation inside the box, over
 * the noise that the grey has there: of 1 mm2, and not under one level of eight bits. */
static double contrast(const struct nn_plane *mask, const float *injured, const float *uninjured,
                       const float *quiet, const double box[4], double mm_per_pixel)
{
    double change = 0, variance = 0;
    long count = 0;

    for (int r = (int)box[1]; r < (int)box[3]; r++)
        for (int c = (int)box[0]; c < (int)box[2]; c++) {
            size_t i = (size_t)r * (size_t)mask->cols + (size_t)c;
            double noise = (double)uninjured[i] - (double)quiet[i];

            if (mask->pixels[i] < CHANGED)
                continue;
            change += fabs((double)injured[i] - (double)uninjured[i]);
            variance += noise * noise;
            count++;
        }
    if (count == 0)
        return 0;
    return change / (double)count / fmax(sqrt(variance / (double)count) * mm_per_pixel, 1.0 / 255);
}

/* Contrast and subtlety, from the injured one's displayed plane and its twin, which is displayed
 * here, with noise and without. */
static enum nn_status tell_contrast(const struct nn_phantom_settings *settings, uint64_t index,
                                    const struct phantom_plan *plan, const float *injured,
                                    const struct phantom_scene *twin,
                                    const struct phantom_scene *steady, const struct nn_plane *mask,
                                    struct nn_phantom_truth *truth, struct nn_error *err)
{
    const size_t bytes = (size_t)settings->rows * (size_t)settings->cols * sizeof(float);
    struct phantom_scene quiet = *twin;
    enum nn_status status;

    quiet.attenuation = malloc(bytes);
    if (quiet.attenuation == NULL)
        return nn_fail(err, NN_NO_MEMORY, "phantom: out of memory");
    memcpy(quiet.attenuation, twin->attenuation, bytes);
    status = expose(settings, index, plan, &quiet, steady, true, err);
    if (status == NN_OK)
        status = expose(settings, index, plan, twin, steady, false, err);
    if (status == NN_OK) {
        truth->contrast_to_noise = contrast(mask, injured, twin->attenuation, quiet.attenuation,
                                            truth->box, plan->camera.pitch);
        truth->subtlety = nn_phantom_subtlety(truth->translation_mm, truth->angulation_deg,
                                              truth->height_loss_percent, truth->gap_mm,
                                              truth->contrast_to_noise);
    }
    free(quiet.attenuation);
    return status;
}

/* Marker, inversion: what happens to the displayed plane. */
static void finish_plane(const struct nn_phantom_settings *settings, uint64_t index,
                         const struct phantom_plan *plan, float *plane)
{
    size_t pixels = (size_t)settings->rows * (size_t)settings->cols;

    nn_phantom_mark(settings, index, &plan->camera, plane);
    if (settings->subject == NN_PHANTOM_INVERTED)
        for (size_t i = 0; i < pixels; i++)
            plane[i] = 1 - plane[i];
}

/* Displays the scene, in place; fills mask and contrast, when asked, by its twin. */
static enum nn_status show(const struct nn_phantom_settings *settings, uint64_t index,
                           const struct phantom_plan *plan, const struct phantom_scene *scene,
                           struct nn_plane *mask, struct nn_phantom_truth *truth,
                           struct nn_error *err)
{
    const struct nn_camera camera = steady_camera(&plan->camera);
    bool compared = mask != NULL && plan->injury.kind != PHANTOM_NONE, displayed;
    struct phantom_scene steady, twin = {0};
    char variant[NN_PHANTOM_VARIANT];
    enum nn_status status = draw_scene(settings, index, plan, false, &camera, STEADY_CELL, &steady,
                                       variant, &displayed, err);

    if (status != NN_OK)
        return status;
    if (compared)
        status = draw_scene(settings, index, plan, false, &plan->camera, CELL, &twin, variant,
                            &displayed, err);
    if (status == NN_OK && compared)
        find_changes(scene, &twin, mask);
    if (status == NN_OK)
        status = expose(settings, index, plan, scene, &steady, false, err);
    if (status == NN_OK && compared)
        status = tell_contrast(settings, index, plan, scene->attenuation, &twin, &steady, mask,
                               truth, err);
    if (status == NN_OK && compared)
        finish_mask(mask, settings, index, plan, truth->box);
    free(twin.attenuation);
    free(steady.attenuation);
    return status;
}

static enum nn_status draw_planes(const struct nn_phantom_settings *settings, uint64_t index,
                                  const struct phantom_plan *plan, struct nn_plane *plane,
                                  struct nn_plane *mask, struct nn_phantom_truth *truth,
                                  struct nn_error *err)
{
    struct phantom_scene scene;
    bool displayed;
    enum nn_status status = draw_scene(settings, index, plan, true, &plan->camera, CELL, &scene,
                                       truth->variant, &displayed, err);

    if (status == NN_OK && !displayed &&
        (status = show(settings, index, plan, &scene, mask, truth, err)) != NN_OK)
        free(scene.attenuation);
    if (status != NN_OK)
        return status;
    if (!displayed)
        finish_plane(settings, index, plan, scene.attenuation);
    size_t pixels = (size_t)settings->rows * (size_t)settings->cols;
    float *kept = realloc(scene.attenuation, pixels * sizeof *kept);

    plane->pixels = kept != NULL ? kept : scene.attenuation;
    plane->rows = settings->rows;
    plane->cols = settings->cols;
    return NN_OK;
}

static enum nn_status draw(const struct nn_phantom_settings *settings, uint64_t index, bool twin,
                           struct nn_plane *plane, struct nn_plane *mask,
                           struct nn_phantom_truth *truth, struct nn_error *err)
{
    struct nn_phantom_truth told;
    struct phantom_plan plan;
    enum nn_status status = check(settings, err);

    *plane = (struct nn_plane){0};
    if (mask != NULL)
        *mask = (struct nn_plane){0};
    if (status != NN_OK)
        return status;
    if (mask != NULL) {
        mask->pixels = calloc((size_t)settings->rows * (size_t)settings->cols, sizeof(float));
        if (mask->pixels == NULL)
            return nn_fail(err, NN_NO_MEMORY, "phantom: out of memory");
        mask->rows = settings->rows;
        mask->cols = settings->cols;
    }
    nn_phantom_make_plan(settings, index, twin, &plan);
    tell(settings, index, &plan, &told);
    status = draw_planes(settings, index, &plan, plane, mask, &told, err);
    if (status != NN_OK && mask != NULL)
        nn_plane_finish(mask);
    if (status == NN_OK && truth != NULL)
        *truth = told;
    return status;
}

enum nn_status nn_phantom_draw(const struct nn_phantom_settings *settings, uint64_t index,
                               struct nn_plane *plane, struct nn_plane *mask,
                               struct nn_phantom_truth *truth, struct nn_error *err)
{
    return draw(settings, index, false, plane, mask, truth, err);
}

enum nn_status nn_phantom_draw_twin(const struct nn_phantom_settings *settings, uint64_t index,
                                    struct nn_plane *plane, struct nn_phantom_truth *truth,
                                    struct nn_error *err)
{
    return draw(settings, index, true, plane, NULL, truth, err);
}

void nn_phantom_truth(const struct nn_phantom_settings *settings, uint64_t index,
                      struct nn_phantom_truth *truth)
{
    struct phantom_plan plan;

    nn_phantom_make_plan(settings, index, false, &plan);
    tell(settings, index, &plan, truth);
}
