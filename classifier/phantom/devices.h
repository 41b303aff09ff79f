/* devices.h: what the files of everyday devices share; private to classifier/phantom. */
#ifndef NN_PHANTOM_DEVICES_H
#define NN_PHANTOM_DEVICES_H

#include "head_parts.h"

struct phantom_worn { /* a patient who wears things */
    const struct phantom_anatomy *anatomy;
    struct phantom_skin skin;
    struct phantom_head head;
    struct phantom_rng rng;
    char *variant; /* NN_PHANTOM_VARIANT bytes */
};
/* On the skin at a ring's number (fractions between rings), angle 0 in front and pi/2 on the left,
 * `out` mm over it. */
struct vec3 nn_phantom_skin_point(const struct phantom_skin *skin, double at, double angle,
                                  double out);
/* collar.c */
void nn_phantom_draw_collar(struct phantom_scene *scene, struct phantom_worn *worn);
const char *nn_phantom_draw_tubes(struct phantom_scene *scene,
                                  struct phantom_worn *worn); /* name */

#endif
