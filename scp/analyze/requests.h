/* requests.h: what people ask of the node, answered by the analyze role in order (store.h). */
#ifndef REQUESTS_H
#define REQUESTS_H

#include "node.h"
#include "store.h"

/* Does and answers what waits. One that must wait itself (forgetting, while objects are not looked
 * at) lets those behind it pass. Not STORE_OK: the store is in trouble, and the rest waits. */
STORE_MUST_USE enum store_status requests_answer(const struct node *node, struct store *store);

#endif
