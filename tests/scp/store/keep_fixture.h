/* keep_fixture.h: objects, reports and deliveries of a job store whose retention is tested. */
#ifndef KEEP_FIXTURE_H
#define KEEP_FIXTURE_H

#include "store_keep.h"

/* An object of number and study (scp_fixture.h), its association ended; received or judged. */
int64_t keep_receive(struct store *store, int number, int study, int64_t when);
int64_t keep_judged(struct store *store, int number, int study, int64_t when);
/* A report over one image, to `places` destinations (pacs, archive); its uid is 2.25.NUMBER. */
int64_t keep_report(struct store *store, int number, int study, int64_t image, int64_t when,
                    size_t places, bool held);
/* The first that is pending there. */
int64_t keep_delivery(struct store *store, const char *place);
/* How many were given up in a walk over objects, or results. */
size_t keep_retire(struct store *store, bool objects, int64_t before);

#endif
