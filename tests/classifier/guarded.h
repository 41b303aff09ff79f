/* guarded.h: arrays that end, or begin, at a page nobody may touch; and numbers to fill them with.
 */
#ifndef GUARDED_H
#define GUARDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern uint64_t state_of_draws;
uint64_t draw(void);
int between(int low, int high); /* both included */

extern bool at_front; /* where the untouchable page is; the same from guarded() to release() */
float *guarded(size_t count);
/* So many floats up to whole cache lines; begins at one. */
float *scratch_of(size_t floats);
/* guarded(), filled with numbers in [-1, 1). */
float *drawn(size_t count);
/* NaN of bits that no arithmetic makes. */
void poison(float *to, size_t count);
/* From here on nobody writes. */
const float *sealed(const float *at);
/* All arrays. What is left of their pages must be as it was. */
void release(void);

/* For free(); NULL: zeros. */
double *doubles(const float *from, size_t count);

#endif
