/* seen.h: what a receiver knows of an object from scanning it: enough to tell whose it is, and for
 * rules by SOP class and modality. */
#ifndef SEEN_H
#define SEEN_H

#include "dx_attrs.h"
#include "dx_prescan.h"
#include "store.h"

/* UIDs as the job store has them, the rest as scanned; NULL: out of memory. The caller destroys. */
struct dx_attrs *seen_attrs(const struct instance *instance, const struct dx_scan *scan);
/* Into instance->seen; nothing where an attribute was too long to be kept whole. */
void seen_keep(struct instance *instance, const struct dx_scan *scan);
/* NULL: nothing is known, what is kept is damaged, or out of memory. The caller destroys. */
struct dx_attrs *seen_recall(const struct instance *instance);

#endif
