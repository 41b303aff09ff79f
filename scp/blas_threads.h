/* blas_threads.h: OpenBLAS starts a thread a processor when it is loaded, before main. Each maps
 * 128 MiB, and where the address space has a limit (RLIMIT_AS, ulimit -v) that does not hold them
 * it tries again for ever: neither fork nor exit returns then (0.3.21). */
#ifndef BLAS_THREADS_H
#define BLAS_THREADS_H

/* First in main: where the address space has a limit, runs this program anew with one thread for
 * OpenBLAS (OPENBLAS_NUM_THREADS=1), which is what it computes with anyway. When that cannot be
 * done it says why and ends the process with EX_OSERR. */
void blas_threads_end(char **argv);

#endif
