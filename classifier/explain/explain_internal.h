/* explain_internal.h: the methods of explain.c that have a file of their own. */
#ifndef NN_EXPLAIN_INTERNAL_H
#define NN_EXPLAIN_INTERNAL_H

#include "model/model_internal.h"
#include "nn_explain.h"

/* seed: d(class scores). layer: NULL for the default. */
NN_MUST_USE enum nn_status nn_explain_gradcam(struct nn_judge *judge, const char *layer,
                                              const float *seed, float *map, struct nn_error *err);

#endif
