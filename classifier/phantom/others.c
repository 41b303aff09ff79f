/* others.c: chest, and who draws the other things. */
#include "others.h"
#include <math.h>

void nn_phantom_face(struct nn_camera *camera, struct vec3 target, struct vec3 x, struct vec3 y,
                     double turn, double distance, double object, double height)
{
    double c = cos(turn), s = sin(turn);
    struct vec3 across = nn_vec3_add(nn_vec3_scale(x, c), nn_vec3_scale(y, s));
    struct vec3 down = nn_vec3_sub(nn_vec3_scale(y, c), nn_vec3_scale(x, s));
    struct vec3 axis[3] = {across, down, nn_vec3_cross(across, down)};

    for (int i = 0; i < 3; i++) {
        camera->pose.turn[i][0] = axis[i].x;
        camera->pose.turn[i][1] = axis[i].y;
        camera->pose.turn[i][2] = axis[i].z;
    }
    camera->pose.at = (struct vec3){-nn_vec3_dot(axis[0], target), -nn_vec3_dot(axis[1], target),
                                    object - nn_vec3_dot(axis[2], target)};
    camera->spot_x = camera->spot_y = 0;
    camera->distance = distance;
    camera->pitch = height * distance / (distance - object) / camera->rows;
    camera->middle_x = camera->cols / 2.0;
    camera->middle_y = camera->rows / 2.0;
}

struct nn_part *nn_phantom_round_cone(struct nn_solid *solid, struct vec3 a, struct vec3 b,
                                      double ra, double rb, double blend)
{
    struct nn_part *part = nn_solid_add(solid, NN_PART_CONE, (struct vec3){0, 0, 0});

    part->a = a;
    part->b = b;
    part->ra = ra;
    part->rb = rb;
    part->blend = blend;
    return part;
}

struct nn_part *nn_phantom_oval(struct nn_solid *solid, struct vec3 at, struct vec3 radii,
                                double blend)
{
    struct nn_part *part = nn_solid_add(solid, NN_PART_ELLIPSOID, at);

    part->size = radii;
    part->blend = blend;
    return part;
}

/* PA, now and then AP: the whole thorax, some cut. */
static void draw_chest(struct phantom_scene *scene, const struct nn_phantom_settings *settings,
                       uint64_t index)
{
    struct phantom_rng rng = nn_phantom_rng(settings->seed, index, PHANTOM_VIEW);
    bool ap = nn_phantom_chance(&rng, 0.3);
    double turn = PHANTOM_DEGREE * nn_phantom_normal(&rng, 0, 2);
    double distance = ap ? nn_phantom_uniform(&rng, 1000, 1300) : 1800;
    double height = nn_phantom_uniform(&rng, 300, 400), shift = nn_phantom_normal(&rng, 0, 15);
    double below = nn_phantom_uniform(&rng, 55, 105);
    struct phantom_injury none = {.kind = PHANTOM_NONE, .level = -1};
    struct phantom_anatomy a;
    struct vec3 target;

    nn_phantom_anatomy(settings, index, &a);
    target = a.level[PHANTOM_T1 + 5].body.at;
    target.x += 50;
    target.y = a.level[PHANTOM_LAST].body.at.y + (below - height / 2) * a.scale;
    target.z += shift;
    /* The patient's left on the picture's right, from before or behind. */
    nn_phantom_face(&scene->camera, target, (struct vec3){0, 0, ap ? -1 : 1},
                    (struct vec3){0, 1, 0}, turn, distance, 130, height * a.scale);
    scene->camera.mirrored = ap;
    nn_phantom_draw_neck(scene, settings, index, &a, &a);
    nn_phantom_draw_spine(scene, &a, &none, 5, PHANTOM_LAST);
    nn_phantom_draw_thorax(scene, settings, index, &a);
}

void nn_phantom_draw_other(struct phantom_scene *scene, const struct nn_phantom_settings *settings,
                           uint64_t index, bool *displayed)
{
    struct phantom_rng rng = nn_phantom_rng(settings->seed, index, PHANTOM_OTHER);
    bool other = settings->configuration == 1;

    *displayed = false;
    switch (settings->subject) {
    case NN_PHANTOM_CHEST:
        draw_chest(scene, settings, index);
        break;
    case NN_PHANTOM_HAND:
        nn_phantom_draw_hand(scene, other, &rng);
        break;
    case NN_PHANTOM_HIP:
        nn_phantom_draw_hip(scene, other, &rng);
        break;
    case NN_PHANTOM_DENTAL:
        nn_phantom_draw_dental(scene, other, &rng);
        break;
    case NN_PHANTOM_CT_SLICE:
        nn_phantom_ct_slice(settings->rows, settings->cols, other, &rng, scene->attenuation);
        *displayed = true;
        break;
    default:
        nn_phantom_picture(settings, &rng, scene->attenuation);
        *displayed = true;
    }
}
