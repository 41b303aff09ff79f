/* printable.h: what peers said, for people's terminals and for JSON, which takes UTF-8 alone. */
#ifndef PRINTABLE_H
#define PRINTABLE_H

#include "store.h"

/* In place, never longer than it was: controls and what is no UTF-8 become '?'. Returns text. */
const char *printable(char *text);
/* All texts of an instance that come from its peer or its bytes. */
void printable_instance(struct instance *instance);

#endif
