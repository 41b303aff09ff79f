/* others.h: what is no cervical spine, each in a scene of its own; private to classifier/phantom.
 */
#ifndef NN_PHANTOM_OTHERS_H
#define NN_PHANTOM_OTHERS_H

#include "phantom_parts.h"

/* The things' own axes: x and y along the picture, z to the tube (hip: the patient's). Each sets
 * scene->camera but for rows and columns. */
void nn_phantom_draw_hand(struct phantom_scene *scene, bool other, struct phantom_rng *rng);
void nn_phantom_draw_hip(struct phantom_scene *scene, bool other, struct phantom_rng *rng);
void nn_phantom_draw_dental(struct phantom_scene *scene, bool other, struct phantom_rng *rng);
/* pictures.c: displayed planes in [0, 1] at once. */
void nn_phantom_picture(const struct nn_phantom_settings *settings, struct phantom_rng *rng,
                        float *plane);
void nn_phantom_ct_slice(int rows, int cols, bool other, struct phantom_rng *rng, float *plane);
/* Smooth noise of about unit spread: octaves of a value lattice, the coarsest `size` pixels wide,
 * each finer one weaker by `fall`. Adds by * noise. Grain 1 pixel at the finest. */
void nn_phantom_clouds(int rows, int cols, double size, double fall, double by,
                       struct phantom_rng *rng, float *plane);

/* Picture axes x and y in the thing's axes, turned by `turn` (radians) in the plane; `target` lies
 * in the middle of a field `height` mm high at the target. distance: focus to detector, object:
 * target to detector. */
void nn_phantom_face(struct nn_camera *camera, struct vec3 target, struct vec3 x, struct vec3 y,
                     double turn, double distance, double object, double height);
/* A round cone as a part: a -> b, radii ra -> rb. */
struct nn_part *nn_phantom_round_cone(struct nn_solid *solid, struct vec3 a, struct vec3 b,
                                      double ra, double rb, double blend);
struct nn_part *nn_phantom_oval(struct nn_solid *solid, struct vec3 at, struct vec3 radii,
                                double blend);

#endif
