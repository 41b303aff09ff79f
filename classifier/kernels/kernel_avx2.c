#if defined(__x86_64__)
#define LANES 8
#define ROWS  4
#define SET   nn_kernels_avx2
#define NAME  "avx2"
#include "kernel_body.h"
#else
typedef int nn_no_avx2;
#endif
