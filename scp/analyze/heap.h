/* heap.h: the heap of a process whose large blocks are planes and pictures: kept from one image to
 * the next, in large pages where the system has them (a plane of 5 megapixels is 5,000 small ones,
 * and each comes by a fault). glibc's; under a sanitizer nothing happens. */
#ifndef HEAP_H
#define HEAP_H

/* Before the first large block; children that are forked afterwards have it, too. */
void heap_begin(void);
/* Gives back to the system what is free. */
void heap_rest(void);

#endif
