/* ups_item.h: the reading of a study as an item of a workflow manager (PS3.4 table CC.2.5-3), from
 * its news: of another's worklist (ups_own.c) and of the node's own (desk.h).
 *
 * Pure functions of their arguments. */
#ifndef UPS_ITEM_H
#define UPS_ITEM_H

#include "ups_text.h"

/* Interpretation of CID 9231: what our items ask for. */
extern const struct dx_ups_code ups_reading;

struct ups_item_texts {
    char label[UPS_LABEL_MAX], comments[UPS_MARK_MAX], start[UPS_TIME_MAX];
};
/* item points into the rest, which must live as long. start_ms: when it is to be read, UTC. */
void ups_item_of(const struct news *news, const char *worklist_label,
                 const struct dx_ups_input *input, int64_t start_ms, struct ups_item_texts *texts,
                 struct dx_ups_new *item);

#endif
