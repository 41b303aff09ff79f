/* reconcile.h: a patient's data and accession numbers as the site has said them by HL7
 * (store_reconcile.h), in what the node judges and tells. The archive corrects what it has itself,
 * as it gets the same messages. */
#ifndef RECONCILE_H
#define RECONCILE_H

#include "conf.h"
#include "dx_attrs.h"
#include "store.h"

/* Before an image is judged: its attributes become what the site says of its patient and order. */
STORE_MUST_USE enum store_status reconcile_image(const struct conf *conf, struct store *store,
                                                 const char *study, struct dx_attrs *attrs);
/* Every patient and accession number that is due: images that were judged, and results. *changed:
 * reports are due. */
STORE_MUST_USE enum store_status reconcile_turn(const struct conf *conf, struct store *store,
                                                bool *changed);

#endif
