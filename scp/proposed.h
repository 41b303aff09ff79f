/* proposed.h: what this node proposes when it calls, beside the SOP classes of its results
 * (report_class.h). dx_scu_open adds Verification and the other uncompressed transfer syntax. */
#ifndef PROPOSED_H
#define PROPOSED_H

#include "dx_scu.h"

extern const struct dx_scu_context proposed_commitment; /* to what was sent */
extern const struct dx_scu_context proposed_look;       /* is the original there? */
extern const struct dx_scu_context proposed_orders;     /* Modality Worklist */
#define PROPOSED_NEWS 2
extern const struct dx_scu_context proposed_news[PROPOSED_NEWS]; /* UPS Push, UPS Pull */
/* Results: uncompressed; pictures, these, too. */
#define PROPOSED_PICTURES 2
extern const char *const proposed_pictures[PROPOSED_PICTURES];

#endif
