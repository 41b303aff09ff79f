#include "kernels.h"
#include "nn_kernel_set.h"
#include <cblas.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static char kernel_set[96];

static void name_kernel_set(void)
{
    /* ours, and the library's for gradients of weights. "OpenBLAS 0.3.21 NO_AFFINITY ...": name and
     * version are its first two words */
    const char *config = openblas_get_config();
    size_t first = strcspn(config, " "), rest = config[first] == ' ' ? first + 1 : first;
    int length = (int)(rest + strcspn(config + rest, " "));
    snprintf(kernel_set, sizeof kernel_set, "%s, %.*s %s", nn_kernels()->name,
             length < 48 ? length : 48, config, openblas_get_corename());
}

const char *nn_kernel_name(void)
{
    return nn_kernels()->name;
}

const char *nn_kernel_set(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, name_kernel_set);
    return kernel_set;
}
