/* list.h: the reading worklist as people get it: in order, as JSON (docs/worklist.md). One thread
 * of a process. */
#ifndef LIST_H
#define LIST_H

#include "conf.h"
#include "store_place.h"
#include <jansson.h>

/* In the order in which they are to be read, at most <priority list> (store_worklist); the caller
 * frees them. Not STORE_OK: NULL; STORE_BROKEN is no memory, too. */
STORE_MUST_USE enum store_status worklist_read(const struct conf *conf, struct store *store,
                                               struct store_entry **entries, size_t *count);
/* One of them as JSON; returns its bytes. Texts that are no UTF-8 come out with question marks. */
#define WORKLIST_ENTRY_MAX 8192 /* six bytes for each of the longest texts, and the rest */
size_t worklist_entry_text(const struct store_entry *entry, size_t position,
                           char text[WORKLIST_ENTRY_MAX]);
/* The same; NULL: no memory. */
json_t *worklist_entry(const struct store_entry *entry, size_t position);

const char *worklist_band(enum priority_band band); /* "raised", ... */
/* The last four characters (of up to four bytes): enough to find the row, too little to name
 * anyone. Within id. */
const char *worklist_last_of(const char *id);

#endif
