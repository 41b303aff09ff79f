#include "nn_kernel.h"

#include <cblas.h>

const char *nn_kernel_set(void)
{
    const char *name = openblas_get_corename();
    return name ? name : "unknown";
}
