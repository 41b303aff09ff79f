/* values_internal.h: which graph a set of parameters belongs to. */
#ifndef NN_VALUES_INTERNAL_H
#define NN_VALUES_INTERNAL_H

#include "nn_run.h"

const struct nn_graph *nn_values_graph(const struct nn_values *values);

#endif
