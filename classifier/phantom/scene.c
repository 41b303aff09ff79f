/* scene.c: from solids to attenuation. */
#include "phantom_parts.h"
#include <math.h>

static void add(struct phantom_scene *scene, const struct nn_mesh *mesh, const struct pose *pose,
                double by, float *plane)
{
    if (!*scene->failed && plane != NULL &&
        nn_camera_add(&scene->camera, mesh, pose, (float)by, plane, NULL) != NN_OK)
        *scene->failed = true;
}

/* The outer surface and what lies inside the cortex. Where a half space cut the solid it is broken,
 * and a break has no cortex. */
static enum nn_status shell_of(const struct nn_solid *solid, double cell, double cortex,
                               struct nn_mesh *outer, struct nn_mesh *inner)
{
    struct nn_solid moved = *solid;
    enum nn_status status;
    bool broken = false;

    for (int i = 0; i < moved.count; i++) {
        struct nn_part *part = &moved.part[i];
        double steep = part->hollow * 6.283185307179586 / fmax(part->round, 1e-3);
        double by = cortex * sqrt(1 + 2 * steep * steep); /* solid.c: its distances' scale */

        if (part->shape != NN_PART_HALF)
            continue;
        part->pose.at =
            nn_pose_apply(&part->pose, (struct vec3){part->how == NN_PART_CUT ? -by : by, 0, 0});
        broken = true;
    }
    if (!broken)
        return nn_solid_shell(solid, cell, cortex, outer, inner, NULL);
    *inner = (struct nn_mesh){0};
    status = nn_solid_mesh(solid, cell, 0, outer, NULL);
    if (status == NN_OK)
        status = nn_solid_mesh(&moved, cell, cortex, inner, NULL);
    if (status != NN_OK)
        nn_mesh_finish(outer);
    return status;
}

void nn_scene_bone(struct phantom_scene *scene, const struct nn_solid *solid,
                   const struct pose *pose, double cortex, double density)
{
    const double shell = PHANTOM_CORTEX * (0.4 + 0.6 * density);
    const double sponge = PHANTOM_SOFT + (PHANTOM_SPONGE - PHANTOM_SOFT) * density;
    struct nn_mesh outer, inner;

    if (*scene->failed)
        return;
    if (shell_of(solid, scene->cell, cortex, &outer, &inner) != NN_OK) {
        *scene->failed = true;
        return;
    }
    add(scene, &outer, pose, shell - PHANTOM_SOFT, scene->attenuation);
    add(scene, &inner, pose, sponge - shell, scene->attenuation);
    add(scene, &inner, pose, sponge, scene->sponge);
    nn_mesh_finish(&outer);
    nn_mesh_finish(&inner);
}

static void add_mesh(struct phantom_scene *scene, const struct nn_mesh *mesh,
                     const struct pose *pose, double mu, bool soft)
{
    add(scene, mesh, pose, mu, scene->attenuation);
    if (soft)
        add(scene, mesh, pose, mu < 0 ? -1 : 1, scene->soft);
}

void nn_scene_fill(struct phantom_scene *scene, const struct nn_solid *solid,
                   const struct pose *pose, double mu, double instead)
{
    struct nn_mesh mesh;

    if (*scene->failed)
        return;
    if (nn_solid_mesh(solid, scene->cell, 0, &mesh, NULL) != NN_OK) {
        *scene->failed = true;
        return;
    }
    add_mesh(scene, &mesh, pose, mu - instead, false);
    nn_mesh_finish(&mesh);
}

void nn_scene_loft(struct phantom_scene *scene, const struct vec3 *point, int rings, int around,
                   double mu, bool soft)
{
    const struct pose none = nn_pose_none();
    struct nn_mesh mesh = {0};

    if (*scene->failed)
        return;
    if (nn_mesh_loft(&mesh, point, rings, around, NULL) != NN_OK)
        *scene->failed = true;
    else
        add_mesh(scene, &mesh, &none, mu, soft);
    nn_mesh_finish(&mesh);
}

#define AROUND 10
#define RINGS  64
#define C36    0.80901699437494742 /* cosines of 36 and 72 degrees, and their sines */
#define S36    0.58778525229247313
#define C72    0.30901699437494742
#define S72    0.95105651629515357

static const double CIRCLE[AROUND][2] = {{1, 0},      {C36, S36}, {C72, S72},   {-C72, S72},
                                         {-C36, S36}, {-1, 0},    {-C36, -S36}, {-C72, -S72},
                                         {C72, -S72}, {C36, -S36}};

/* A ring of AROUND points about `at`, across `along`; `up` is carried on from ring to ring. */
static void ring(struct vec3 at, struct vec3 along, double radius, struct vec3 *up,
                 struct vec3 *out)
{
    struct vec3 side, level;

    along = nn_vec3_scale(along, 1 / fmax(nn_vec3_length(along), 1e-9));
    level = nn_vec3_sub(*up, nn_vec3_scale(along, nn_vec3_dot(*up, along)));
    if (nn_vec3_length(level) < 1e-3)
        level = nn_vec3_cross(along, (struct vec3){along.z, along.x, along.y});
    if (nn_vec3_length(level) < 1e-3)
        level = nn_vec3_cross(along, (struct vec3){along.y, -along.x, along.z + 1});
    level = nn_vec3_scale(level, 1 / nn_vec3_length(level));
    side = nn_vec3_cross(along, level);
    for (int i = 0; i < AROUND; i++)
        out[i] = nn_vec3_add(at, nn_vec3_add(nn_vec3_scale(level, radius * CIRCLE[i][0]),
                                             nn_vec3_scale(side, radius * CIRCLE[i][1])));
    *up = level;
}

void nn_scene_tube(struct phantom_scene *scene, const struct vec3 *point, const double *radius,
                   int count, double mu)
{
    struct vec3 rings[(RINGS + 2) * AROUND], up = {0.3, 0.2, 0.93};
    int used = 0;

    count = count > RINGS ? RINGS : count;
    for (int i = 0; i < count; i++) {
        struct vec3 before = point[i > 0 ? i - 1 : 0], after = point[i + 1 < count ? i + 1 : i];
        struct vec3 along = nn_vec3_sub(after, before);
        struct vec3 unit = nn_vec3_scale(along, 1 / fmax(nn_vec3_length(along), 1e-9));

        if (i == 0)
            ring(nn_vec3_sub(point[0], nn_vec3_scale(unit, 0.7 * radius[0])), along,
                 0.6 * radius[0], &up, rings + AROUND * used++);
        ring(point[i], along, radius[i], &up, rings + AROUND * used++);
        if (i == count - 1)
            ring(nn_vec3_add(point[i], nn_vec3_scale(unit, 0.7 * radius[i])), along,
                 0.6 * radius[i], &up, rings + AROUND * used++);
    }
    nn_scene_loft(scene, rings, used, AROUND, mu, false);
}
