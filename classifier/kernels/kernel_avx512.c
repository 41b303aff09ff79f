#if defined(__x86_64__)
#define LANES 16
#define ROWS  8
#define SET   nn_kernels_avx512
#define NAME  "avx512"
#include "kernel_body.h"
#else
typedef int nn_no_avx512;
#endif
