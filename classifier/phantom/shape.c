/* shape.c: closed lofts of oval sections (shape.h). */
#include "shape.h"
#include <assert.h>
#include <math.h>

#define MOST_AROUND 48
#define TURN        6.283185307179586

struct vec3 nn_phantom_vec(double x, double y, double z)
{
    return (struct vec3){x, y, z};
}

struct vec3 nn_phantom_mix(struct vec3 a, struct vec3 b, double share_of_b)
{
    return nn_vec3_add(nn_vec3_scale(a, 1 - share_of_b), nn_vec3_scale(b, share_of_b));
}

struct vec3 nn_phantom_unit(struct vec3 a)
{
    return nn_vec3_scale(a, 1 / nn_vec3_length(a));
}

/* Catmull-Rom's weights of the four neighbours at t in [0, 1) between the second and third. */
static void weights(double t, double w[4])
{
    double t2 = t * t, t3 = t2 * t;

    w[0] = 0.5 * (-t + 2 * t2 - t3);
    w[1] = 0.5 * (2 - 5 * t2 + 3 * t3);
    w[2] = 0.5 * (t + 4 * t2 - 3 * t3);
    w[3] = 0.5 * (-t2 + t3);
}

static struct phantom_ring smooth(const struct phantom_ring *ring, int count, int i, double t)
{
    struct phantom_ring sum = {0};
    double w[4];

    weights(t, w);
    for (int k = 0; k < 4; k++) {
        int j = i + k - 1;
        const struct phantom_ring *r = &ring[j < 0 ? 0 : j >= count ? count - 1 : j];

        sum.a = nn_vec3_add(sum.a, nn_vec3_scale(r->a, w[k]));
        sum.b = nn_vec3_add(sum.b, nn_vec3_scale(r->b, w[k]));
        sum.side = nn_vec3_add(sum.side, nn_vec3_scale(r->side, w[k]));
        sum.bend = nn_vec3_add(sum.bend, nn_vec3_scale(r->bend, w[k]));
        sum.square += w[k] * r->square;
        sum.skew += w[k] * r->skew;
    }
    return sum;
}

static void put(struct phantom_grid *grid, const struct pose *pose, const struct phantom_ring *ring,
                const double (*circle)[2])
{
    struct vec3 middle = nn_vec3_scale(nn_vec3_add(ring->a, ring->b), 0.5);
    struct vec3 axis = nn_vec3_scale(nn_vec3_sub(ring->b, ring->a), 0.5);
    struct vec3 *out = &grid->point[grid->rings * grid->around];

    for (int i = 0; i < grid->around; i++) {
        double c = circle[i][0], s = circle[i][1], most = fabs(c) > fabs(s) ? fabs(c) : fabs(s);
        double push = 1 + ring->square * (1 / most - 1);
        struct vec3 p;

        c *= push;
        s *= push;
        p = nn_vec3_add(middle, nn_vec3_scale(axis, c - ring->skew * s * s));
        p = nn_vec3_add(p, nn_vec3_scale(ring->side, s));
        p = nn_vec3_add(p, nn_vec3_scale(ring->bend, 1 - c * c));
        out[i] = nn_pose_apply(pose, p);
    }
    grid->rings++;
}

void nn_phantom_grid_of(struct phantom_grid *grid, const struct pose *pose,
                        const struct phantom_ring *ring, int count, int between, int around)
{
    double circle[MOST_AROUND][2];

    assert(around <= MOST_AROUND);
    assert(((count - 1) * between + 1) * around <= PHANTOM_MOST_NODES);
    grid->rings = 0;
    grid->around = around;
    for (int i = 0; i < around; i++) {
        circle[i][0] = cos(TURN * i / around);
        circle[i][1] = sin(TURN * i / around);
    }
    for (int i = 0; i < count - 1; i++)
        for (int k = 0; k < between; k++) {
            struct phantom_ring r = smooth(ring, count, i, (double)k / between);

            put(grid, pose, &r, circle);
        }
    put(grid, pose, &ring[count - 1], circle);
}

void nn_phantom_grid_inset(const struct phantom_grid *from, const double *depth,
                           struct phantom_grid *to)
{
    int n = from->around;
    double outward = 0;

    *to = *from;
    for (int r = 0; r < from->rings; r++)
        for (int i = 0; i < n; i++) {
            const struct vec3 *row = &from->point[r * n];
            const struct vec3 *above = &from->point[(r > 0 ? r - 1 : 0) * n];
            const struct vec3 *below = &from->point[(r + 1 < from->rings ? r + 1 : r) * n];
            struct vec3 along = nn_vec3_sub(row[(i + 1) % n], row[(i + n - 1) % n]);
            struct vec3 down = nn_vec3_sub(below[i], above[i]);
            struct vec3 normal = nn_vec3_cross(along, down);
            double length = nn_vec3_length(normal);

            if (length <= 0)
                continue;
            if (outward == 0) { /* which way the rings turn: told by the whole is costlier */
                struct vec3 spoke = nn_vec3_sub(row[i], row[(i + n / 2) % n]);

                outward = nn_vec3_dot(normal, spoke) > 0 ? 1 : -1;
            }
            to->point[r * n + i] =
                nn_vec3_sub(row[i], nn_vec3_scale(normal, outward * depth[r * n + i] / length));
        }
}

void nn_phantom_grid_add(struct phantom_scene *scene, const struct phantom_grid *grid, double mu,
                         bool soft)
{
    nn_scene_loft(scene, grid->point, grid->rings, grid->around, mu, soft);
}

/* Trabecular bone's texture belongs to it too. */
static void add_sponge(struct phantom_scene *scene, const struct phantom_grid *grid, double sponge)
{
    struct nn_mesh mesh = {0};
    struct pose none = nn_pose_none();

    if (*scene->failed || scene->sponge == NULL)
        return;
    if (nn_mesh_loft(&mesh, grid->point, grid->rings, grid->around, NULL) != NN_OK ||
        nn_camera_add(&scene->camera, &mesh, &none, (float)sponge, scene->sponge, NULL) != NN_OK)
        *scene->failed = true;
    nn_mesh_finish(&mesh);
}

/* A scene of coarse cells, which only tells exposure and scatter, has coarse lofts too. */
static void coarsen(const struct phantom_scene *scene, int *between, int *around)
{
    if (scene->cell < 2)
        return;
    *between = *between > 1 ? *between - 1 : 1;
    *around = *around > 12 ? *around * 2 / 3 : 8;
}

void nn_phantom_loft(struct phantom_scene *scene, const struct pose *pose,
                     const struct phantom_ring *ring, int count, int between, int around, double mu)
{
    struct phantom_grid grid;

    coarsen(scene, &between, &around);
    nn_phantom_grid_of(&grid, pose, ring, count, between, around);
    nn_phantom_grid_add(scene, &grid, mu, false);
}

void nn_phantom_loft_bone(struct phantom_scene *scene, const struct pose *pose,
                          const struct phantom_ring *ring, int count, int between, int around,
                          double cortex, double density)
{
    const double shell = PHANTOM_CORTEX * (0.4 + 0.6 * density);
    const double sponge = PHANTOM_SOFT + (PHANTOM_SPONGE - PHANTOM_SOFT) * density;
    struct phantom_ring inner[PHANTOM_MOST_RINGS];
    struct phantom_grid grid;

    assert(count <= PHANTOM_MOST_RINGS);
    coarsen(scene, &between, &around);
    nn_phantom_grid_of(&grid, pose, ring, count, between, around);
    nn_phantom_grid_add(scene, &grid, shell - PHANTOM_SOFT, false);
    for (int i = 0; i < count; i++) {
        struct vec3 axis = nn_vec3_sub(ring[i].b, ring[i].a);
        double length = nn_vec3_length(axis), wide = nn_vec3_length(ring[i].side);
        double cut = length > 0 ? nn_phantom_clamp(cortex / length, 0, 0.4) : 0;

        inner[i] = ring[i];
        inner[i].a = nn_vec3_add(ring[i].a, nn_vec3_scale(axis, cut));
        inner[i].b = nn_vec3_sub(ring[i].b, nn_vec3_scale(axis, cut));
        if (wide > 0)
            inner[i].side =
                nn_vec3_scale(ring[i].side, nn_phantom_clamp(1 - cortex / wide, 0.1, 1));
    }
    nn_phantom_grid_of(&grid, pose, inner, count, between, around);
    nn_phantom_grid_add(scene, &grid, sponge - shell, false);
    add_sponge(scene, &grid, sponge);
}

void nn_phantom_sweep(const struct phantom_node *node, int count, struct vec3 side, double scale,
                      double square, struct phantom_ring *ring)
{
    for (int i = 0; i < count; i++) {
        const struct phantom_node *n = &node[i], *to = &node[i + 1 < count ? i + 1 : i];
        const struct phantom_node *from = &node[i > 0 ? i - 1 : 0];
        struct vec3 at = nn_phantom_vec(scale * n->x, scale * n->y, scale * n->z);
        struct vec3 way = nn_phantom_vec(to->x - from->x, to->y - from->y, to->z - from->z);
        struct vec3 up = nn_phantom_unit(nn_vec3_cross(way, side));
        struct vec3 across = nn_phantom_unit(nn_vec3_cross(up, way));

        across = nn_vec3_scale(across, scale * n->wide);
        ring[i] = (struct phantom_ring){.a = nn_vec3_sub(at, across),
                                        .b = nn_vec3_add(at, across),
                                        .side = nn_vec3_scale(up, scale * n->high),
                                        .square = square};
    }
}

void nn_phantom_ball(struct phantom_scene *scene, const struct pose *pose, struct vec3 at,
                     struct vec3 radii, double mu)
{
    static const double LATITUDE[7][2] = {/* height, radius */
                                          {-0.97, 0.243}, {-0.80, 0.600}, {-0.43, 0.903},
                                          {0.00, 1.000},  {0.43, 0.903},  {0.80, 0.600},
                                          {0.97, 0.243}};
    struct phantom_ring ring[7];

    for (int i = 0; i < 7; i++) {
        double y = at.y + 1.03 * radii.y * LATITUDE[i][0], r = 1.04 * LATITUDE[i][1];

        ring[i] = (struct phantom_ring){.a = {at.x - r * radii.x, y, at.z},
                                        .b = {at.x + r * radii.x, y, at.z},
                                        .side = {0, 0, r * radii.z}};
    }
    nn_phantom_loft(scene, pose, ring, 7, radii.x + radii.y > 16 ? 2 : 1,
                    radii.x + radii.y > 16 ? 18 : 10, mu);
}

void nn_phantom_bubble(struct phantom_scene *scene, const struct pose *pose, struct vec3 at,
                       struct vec3 radii, double wall)
{
    struct vec3 inner = {radii.x - wall, radii.y - wall, radii.z - wall};

    nn_phantom_ball(scene, pose, at, radii, PHANTOM_CORTEX - PHANTOM_SOFT);
    nn_phantom_ball(scene, pose, at, inner, -PHANTOM_CORTEX);
}
