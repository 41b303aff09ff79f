/* plan.h: all that is decided before a pixel is drawn; private to classifier/phantom. */
#ifndef NN_PHANTOM_PLAN_H
#define NN_PHANTOM_PLAN_H

#include "phantom_parts.h"

struct phantom_plan {
    struct phantom_anatomy uninjured, anatomy;
    struct phantom_injury injury;
    struct nn_camera camera;
    enum nn_phantom_class class_;
};
/* twin: the same without the injury. */
void nn_phantom_make_plan(const struct nn_phantom_settings *settings, uint64_t index, bool twin,
                          struct phantom_plan *plan);
/* What the injury changes, in pixels, cut at the field's edges: x0, y0, x1, y1; zeros without. */
void nn_phantom_find_box(const struct nn_phantom_settings *settings,
                         const struct phantom_plan *plan, double box[4]);

#endif
