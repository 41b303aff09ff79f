/* shape.h: closed lofts of oval sections, of which head, neck and devices are made; private to
 * classifier/phantom.
 *
 * A section lies between two ends of an axis and is as wide as `side` tells; a row of sections,
 * smoothed by Catmull-Rom, is a body: a plate, a tube, a shell, a bone. Lofts need no distance
 * function, which keeps skull and neck at a few milliseconds. Millimetres; angles in radians. */
#ifndef NN_PHANTOM_SHAPE_H
#define NN_PHANTOM_SHAPE_H

#include "phantom_parts.h"

#define PHANTOM_MOST_RINGS 48   /* as given */
#define PHANTOM_MOST_NODES 4096 /* vertices of a smoothed loft */

/* The section's points: (a + b) / 2 + C (b - a) / 2 + S side + (1 - C^2) bend, (C, S) on a circle
 * that `square` (0..1) pushes towards a square; skew: the share of half the axis by which the
 * widest place lies nearer to a. */
struct phantom_ring {
    struct vec3 a, b, side, bend;
    double square, skew;
};
/* A node of a sweep: half sizes along the sweep's side and across it. */
struct phantom_node {
    double x, y, z, wide, high;
};
struct phantom_grid {
    int rings, around;
    struct vec3 point[PHANTOM_MOST_NODES];
};

struct vec3 nn_phantom_vec(double x, double y, double z);
struct vec3 nn_phantom_mix(struct vec3 a, struct vec3 b, double share_of_b);
struct vec3 nn_phantom_unit(struct vec3 a); /* of a vector that is not null */
/* `between` sections from each ring to the next. Points in the pose's outer axes. */
void nn_phantom_grid_of(struct phantom_grid *grid, const struct pose *pose,
                        const struct phantom_ring *ring, int count, int between, int around);
/* The grid moved inwards along its normals, each vertex by its depth. */
void nn_phantom_grid_inset(const struct phantom_grid *from, const double *depth,
                           struct phantom_grid *to);
void nn_phantom_grid_add(struct phantom_scene *scene, const struct phantom_grid *grid, double mu,
                         bool soft);
void nn_phantom_loft(struct phantom_scene *scene, const struct pose *pose,
                     const struct phantom_ring *ring, int count, int between, int around,
                     double mu);
/* Cortex around trabecular bone, in soft tissue. */
void nn_phantom_loft_bone(struct phantom_scene *scene, const struct pose *pose,
                          const struct phantom_ring *ring, int count, int between, int around,
                          double cortex, double density);
/* Rings along a path: `wide` along `side` (unit, about across the path), `high` across both. */
void nn_phantom_sweep(const struct phantom_node *node, int count, struct vec3 side, double scale,
                      double square, struct phantom_ring *ring);
/* An ellipsoid. */
void nn_phantom_ball(struct phantom_scene *scene, const struct pose *pose, struct vec3 at,
                     struct vec3 radii, double mu);
/* An ellipsoid of air with a wall of cortex. */
void nn_phantom_bubble(struct phantom_scene *scene, const struct pose *pose, struct vec3 at,
                       struct vec3 radii, double wall);

#endif
