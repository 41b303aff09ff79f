/* collar.c: a cervical collar, and tubes in windpipe or gullet.
 *
 * Collars are 2-3 mm of polyethylene on 6-10 mm of foam with plastic or metal rivets; endotracheal
 * tubes have 10-11 mm outer and 7-8 mm inner diameter, gastric tubes 4-6 mm, both with a stripe of
 * barium (manufacturers' data). */
#include "devices.h"

#define TURN 6.283185307179586

void nn_phantom_draw_collar(struct phantom_scene *scene, struct phantom_worn *worn)
{
    const struct phantom_skin *skin = &worn->skin;
    struct phantom_rng *rng = &worn->rng;
    double shell = nn_phantom_uniform(rng, 1.6, 3), foam = nn_phantom_uniform(rng, 4, 10);
    double metal = nn_phantom_chance(rng, 0.4) ? PHANTOM_STEEL : 3 * PHANTOM_PLASTIC;
    int rivets = 2 + (int)nn_phantom_uniform(rng, 0, 4);
    struct phantom_ring outer[8], inner[8];
    struct pose none = nn_pose_none();
    int first = skin->chin + 1, count = skin->neck + 2 - first;

    for (int i = 0; i < count && i < 8; i++) {
        double at = first + i * (count - 0.5) / (count - 1) - 0.4, more = foam + shell;

        inner[i] = (struct phantom_ring){.a = nn_phantom_skin_point(skin, at, TURN / 2, foam),
                                         .b = nn_phantom_skin_point(skin, at, 0, foam),
                                         .square = 0.05};
        outer[i] = inner[i];
        outer[i].a = nn_phantom_skin_point(skin, at, TURN / 2, more);
        outer[i].b = nn_phantom_skin_point(skin, at, 0, more);
        inner[i].side.z = nn_phantom_skin_point(skin, at, TURN / 4, foam).z;
        outer[i].side.z = inner[i].side.z + shell;
    }
    count = count < 8 ? count : 8;
    nn_phantom_loft(scene, &none, outer, count, 2, 32, PHANTOM_PLASTIC);
    nn_phantom_loft(scene, &none, inner, count, 2, 32, 0.0006 - PHANTOM_PLASTIC);
    for (int i = 0; i < rivets; i++) {
        double at = first + nn_phantom_uniform(rng, 0.3, count - 0.5);
        double angle = nn_phantom_uniform(rng, 0.5, 2.4) * (i % 2 ? 1 : -1);
        double r = nn_phantom_uniform(rng, 2, 4.5);
        struct vec3 p = nn_phantom_skin_point(skin, at, angle, foam + shell);

        nn_phantom_ball(scene, &none, p, nn_phantom_vec(r, r, 1.2), metal);
    }
}

/* A tube of plastic with its lumen and its stripe, through points of the patient's axes. */
static void draw_tube(struct phantom_scene *scene, const struct vec3 *point, int count,
                      double outer, double inner, double lumen)
{
    struct vec3 stripe[16];
    double radius[16] = {0};

    for (int i = 0; i < count; i++)
        radius[i] = outer;
    nn_scene_tube(scene, point, radius, count, 1.3 * PHANTOM_PLASTIC);
    for (int i = 0; i < count; i++) {
        radius[i] = inner;
        stripe[i] = nn_vec3_add(point[i], nn_phantom_vec(0.3 * outer, 0, 0.9 * outer));
    }
    nn_scene_tube(scene, point, radius, count, lumen - 1.3 * PHANTOM_PLASTIC);
    for (int i = 0; i < count; i++)
        radius[i] = 0.5;
    nn_scene_tube(scene, stripe, radius, count, 0.25);
}

const char *nn_phantom_draw_tubes(struct phantom_scene *scene, struct phantom_worn *worn)
{
    const struct phantom_anatomy *a = worn->anatomy;
    const struct phantom_head *head = &worn->head;
    bool gullet = nn_phantom_chance(&worn->rng, 0.45);
    double ahead = gullet ? -4 : 7, z = nn_phantom_normal(&worn->rng, 0, 2);
    int last = gullet ? 14 : 9;
    struct vec3 point[16];
    int n = 0;

    for (int i = 0; i < 3; i++) {
        static const double MOUTH[3][2] = {{112, 27}, {86, 26}, {48, 16}};
        static const double NOSE[3][2] = {{112, 10}, {88, 2}, {40, -5}};
        const double *p = gullet ? NOSE[i] : MOUTH[i];

        point[n++] = nn_pose_apply(&head->skull, nn_phantom_head_vec(head, p[0], p[1], z));
    }
    for (int level = gullet ? 1 : 2; level <= last && n < 16; level++) {
        const struct phantom_level *l = &a->level[level];
        double deep = level < 4 ? (gullet ? 3 : 6) : ahead;
        double x = l->depth / 2 + l->prevertebral + a->scale * deep;

        point[n++] = nn_pose_apply(&l->body, nn_phantom_vec(x, 0, z));
    }
    if (gullet)
        draw_tube(scene, point, n, 2.6, 1.7, 0);
    else
        draw_tube(scene, point, n, 5.3, 3.9, 0);
    return gullet ? "gastric tube" : "tracheal tube";
}
