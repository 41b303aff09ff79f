/* nn_kernel_set.h: which kernels compute here: part of a result's identity, for replay.
 *
 * The bits of a score are a function of weights, input, build and kernel set only (nn_run.h). */
#ifndef NN_KERNEL_SET_H
#define NN_KERNEL_SET_H

/* Our own set (avx512, avx2 or portable: the widest that runs here, or what the environment's
 * CERVIGATE_KERNELS names), then OpenBLAS's version and the processor family that it chose at
 * start, e.g. "avx2, OpenBLAS 0.3.21 Haswell"; static text, at most 95 bytes, never NULL. Threads:
 * any. */
const char *nn_kernel_set(void);

/* Our own set alone, "avx512": all that scores and maps depend on, since OpenBLAS takes part in
 * training only. What names a result or forces a set (CERVIGATE_KERNELS) uses this. Threads: any.
 */
const char *nn_kernel_name(void);

#endif
