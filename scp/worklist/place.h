/* place.h: gives each study that changed its place in the reading worklist. The analyze role's. */
#ifndef PLACE_H
#define PLACE_H

#include "node.h"
#include "store_place.h"

/* Enters the places of all studies that are due, with news for the configured announcements. model:
 * who judges, for those who are told; *changed: whether there was any news. Ends early when the
 * node stops. Not STORE_OK: what was entered before stands, the rest stays due. */
STORE_MUST_USE enum store_status place_turn(const struct conf *conf, struct store *store,
                                            const char *model, bool *changed);

#endif
