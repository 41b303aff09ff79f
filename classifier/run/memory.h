/* memory.h: a run's large arrays, in large pages where the system has them. */
#ifndef NN_RUN_MEMORY_H
#define NN_RUN_MEMORY_H

#include <stddef.h>

/* Floats, up to whole cache lines. */
size_t nn_memory_floats(size_t floats);
/* On a cache line; free() gives it back. NULL: out of memory. */
float *nn_memory_take(size_t floats);
/* Gives the pages of what was taken back to the system; it stays taken, and holds zeros or what it
 * held. */
void nn_memory_rest(float *memory, size_t floats);

#endif
