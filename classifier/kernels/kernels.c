/* Which kernel set runs. */
#include "kernels.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const struct nn_kernels *chosen;

/* The sets of this build that run on this processor, widest first; NULL after the last. */
static const struct nn_kernels *kernels_at(int index)
{
    const struct nn_kernels *sets[3];
    int count = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq"))
        sets[count++] = &nn_kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        sets[count++] = &nn_kernels_avx2;
#endif
    sets[count++] = &nn_kernels_portable;
    return index >= 0 && index < count ? sets[index] : NULL;
}

static void choose(void)
{
    const char *wanted = getenv("CERVIGATE_KERNELS");

    chosen = kernels_at(0);
    for (int i = 0; wanted != NULL && kernels_at(i) != NULL; i++)
        if (strcmp(wanted, kernels_at(i)->name) == 0)
            chosen = kernels_at(i);
}

const struct nn_kernels *nn_kernels(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, choose);
    return chosen;
}
