/* audit_made.h: what results that were sent were computed from and by: digests of the images, and
 * of each model its weights, parameters, build and kernel set, as the job store has them.
 *
 *   inputs         SHA-256 of the images' datasets, the first AUDIT_INPUTS
 *   input count    all of them
 *   model, weights, parameters, build, kernels     the first that judged
 *   model 2, weights 2, ...                        another one, or its like on another build
 *   unknown                                        that some of it could not be read
 *
 * Not for threads. */
#ifndef AUDIT_MADE_H
#define AUDIT_MADE_H

#include "audit.h"
#include "store.h"

#define AUDIT_INPUTS       10 /* a detail holds no more than 700 bytes */
#define AUDIT_MAKERS       4
#define AUDIT_MADE_DETAILS (3 + 5 * AUDIT_MAKERS)

struct audit_made;
struct audit_made *audit_made_create(void); /* NULL: no memory */
void audit_made_destroy(struct audit_made *made);
/* Adds what this result was made of. store NULL: it cannot be read. */
void audit_made_add(struct audit_made *made, struct store *store, const struct result *result);
/* At most AUDIT_MADE_DETAILS; they point into made. Returns how many. */
size_t audit_made_details(const struct audit_made *made, struct audit_detail *list);

#endif
