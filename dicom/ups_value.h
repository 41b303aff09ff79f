/* ups_value.h: whether one value of a key matches one attribute's (PS3.4 C.2.2.2; private to
 * dicom/). */
#ifndef DX_UPS_VALUE_H
#define DX_UPS_VALUE_H

#include "tree.h"

/* Both are elements of the same tag, the key's with a value; item NULL: it is not there. zone: of
 * times without offset, as (0008,0201) has it; NULL: the process's own. */
bool dx_ups_value_matches(const struct dx_node *key, const struct dx_node *item,
                          const struct dx_node *zone);

#endif
