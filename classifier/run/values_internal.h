/* values_internal.h: which graph a set of parameters belongs to, and what else is kept with it. */
#ifndef NN_VALUES_INTERNAL_H
#define NN_VALUES_INTERNAL_H

#include "nn_run.h"

const struct nn_graph *nn_values_graph(const struct nn_values *values);
bool nn_values_writable(const struct nn_values *values);

/* The packed form of a read-only parameter for one direction: its place is given by the first run
 * that wants it, filled by the first pass that reads it, and freed with the values. Under the lock.
 */
struct nn_packed {
    float *data;
    bool filled;
};
void nn_values_lock(const struct nn_values *values);
void nn_values_unlock(const struct nn_values *values);
struct nn_packed *nn_values_packed(const struct nn_values *values, int parameter, bool backward);
/* So many floats that live as long as the values. NULL: out of memory. */
float *nn_values_add_memory(const struct nn_values *values, size_t floats);

#endif
