/* What every processor has: SSE2 on amd64, NEON (with twice the registers) on arm64. */
#define LANES 4
#if defined(__aarch64__)
#define ROWS 8
#else
#define ROWS 4
#endif
#define SET  nn_kernels_portable
#define NAME "portable"
#include "kernel_body.h"
