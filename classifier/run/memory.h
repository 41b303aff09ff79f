/* memory.h: a run's large arrays, in large pages where the system has them. */
#ifndef NN_RUN_MEMORY_H
#define NN_RUN_MEMORY_H

#include <stddef.h>

/* Floats, up to whole cache lines. */
size_t nn_memory_floats(size_t floats);
/* On a cache line; free() gives it back. NULL: out of memory. */
float *nn_memory_take(size_t floats);

#endif
