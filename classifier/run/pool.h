/* pool.h: runs numbered tasks on a fixed set of threads. */
#ifndef NN_POOL_H
#define NN_POOL_H

#include "nn_run.h"

/* Calls task(context, i, thread) once for each i in 0..count-1; returns when all are done. thread
 * (0..threads-1) names scratch memory; which thread runs which task is not fixed, so a task's
 * result must not depend on it. Without a pool (NULL) the caller runs them all. */
void nn_pool_run(struct nn_pool *pool, int count, void (*task)(void *context, int i, int thread),
                 void *context);

#endif
