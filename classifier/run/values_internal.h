/* values_internal.h: which graph a set of parameters belongs to, and what else is kept with it. */
#ifndef NN_VALUES_INTERNAL_H
#define NN_VALUES_INTERNAL_H

#include "nn_run.h"

const struct nn_graph *nn_values_graph(const struct nn_values *values);
bool nn_values_writable(const struct nn_values *values);

/* The packed form of a read-only parameter for one direction, made by the first run that wants it
 * and freed with the values. Under the lock: NULL until then. */
void nn_values_lock(const struct nn_values *values);
void nn_values_unlock(const struct nn_values *values);
float **nn_values_packed(const struct nn_values *values, int parameter, bool backward);

#endif
