/* clones.h: clones of a loop for wider vectors, chosen when the program starts.
 *
 * Bits do not change with the clone: the files are compiled with -ffp-contract=off and without
 * reassociation, so a clone does the same operations, only more at once. Sanitizers and resolvers
 * do not mix, hence the switch. */
#ifndef NN_OPS_CLONES_H
#define NN_OPS_CLONES_H

#ifdef NN_CLONES
#define NN_CLONED __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define NN_CLONED
#endif

#endif
