/* spine.h: what anatomy.c, vertebra.c, axis.c, atlas.c and lesion.c share; private to these.
 * Millimetres, a vertebra's own axes: x anterior, y caudal, z left, origin the body's centre. */
#ifndef NN_PHANTOM_SPINE_H
#define NN_PHANTOM_SPINE_H

#include "phantom_parts.h"

/* Index drawn by weights that sum to 1. */
int nn_phantom_pick(struct phantom_rng *rng, const double *weights, int count);

/* Where the articular pillars' middle lies in front or behind: x, local. */
double nn_phantom_pillar_x(const struct phantom_level *level, double scale);

/* Turns about `pivot` and then shifts. */
struct pose nn_phantom_about(struct vec3 pivot, double flexion, double rotation, struct vec3 shift);
/* Adds parts between two points: a round cone; a plate `tall` (half height along `down`) and
 * `thick` (half thickness). */
struct nn_part *nn_phantom_rod(struct nn_solid *solid, struct vec3 a, struct vec3 b, double ra,
                               double rb);
struct nn_part *nn_phantom_plate(struct nn_solid *solid, struct vec3 a, struct vec3 b,
                                 struct vec3 down, double tall, double thick);
/* The rough half space `how` cuts or keeps: what lies behind the plane through `at`, as seen from
 * where `front` points. The same plane for both sides of a fracture: KEEP the one, CUT the
 * other. */
struct nn_part *nn_phantom_break(struct nn_solid *solid, enum nn_part_how how, struct vec3 at,
                                 struct vec3 front, const struct phantom_injury *injury);

/* An articular pillar: upright before and behind, its facets slope down and back. A custom part:
 * the context must live as long as the solid. */
struct spine_pillar {
    double half_depth, half_width;
    double upper, lower;                               /* y of the facets at x = 0 */
    double upper_sin, upper_cos, lower_sin, lower_cos; /* of their slopes */
};
struct spine_pillar nn_phantom_pillar_of(const struct phantom_level *level, double scale);
/* At (x, 0, z), x and z the pillar's middle. */
struct nn_part *nn_phantom_pillar(struct nn_solid *solid, const struct spine_pillar *pillar,
                                  double x, double z);
/* A flat ring about the local y axis: a transverse process round its foramen. Custom, too. */
struct spine_ring {
    double radius, thick, tall; /* half thickness and half height of the tube */
};
struct nn_part *nn_phantom_ring(struct nn_solid *solid, const struct spine_ring *ring,
                                const struct pose *pose);
/* Laminae and spinous process of `level` (axis and below). */
void nn_phantom_lamina(struct nn_solid *solid, const struct phantom_level *level, double scale);
void nn_phantom_spinous(struct nn_solid *solid, const struct phantom_level *level, double scale,
                        bool bifid);
/* Where a fracture of a spinous process runs: point and direction towards the tip. */
void nn_phantom_spinous_break(const struct phantom_level *level,
                              const struct phantom_injury *injury, struct vec3 *at,
                              struct vec3 *back);

/* The corner that a teardrop tears off the front below: a point of the plane, and the direction
 * towards the corner. */
void nn_phantom_teardrop_break(const struct phantom_level *level,
                               const struct phantom_injury *injury, struct vec3 *at,
                               struct vec3 *front);
/* Where the torn corner lies. */
struct pose nn_phantom_teardrop_pose(const struct phantom_level *level,
                                     const struct phantom_injury *injury);

void nn_phantom_draw_axis(struct phantom_scene *scene, const struct phantom_anatomy *anatomy,
                          const struct phantom_injury *injury);
void nn_phantom_draw_atlas(struct phantom_scene *scene, const struct phantom_anatomy *anatomy,
                           const struct phantom_injury *injury);

#endif
