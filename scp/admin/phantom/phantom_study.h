/* phantom_study.h: what a department examines: studies of several views, and how they are drawn.
 *
 * Study `index` of a seed is always the same: patient, views, UIDs; for the same number of
 * modalities all bytes. Seven of ten are
 * cervical spines in two to five views, one in five of them with a repeated lateral; the others are
 * other parts of the body, children, implants, and now and then what is no radiograph at all. */
#ifndef PHANTOM_STUDY_H
#define PHANTOM_STUDY_H

#include "dx_scu.h"
#include "phantom_options.h"

#define PHANTOM_VIEWS 8 /* at most */

struct phantom_view {
    enum nn_phantom_subject subject;
    bool spoilt; /* an exposure that is repeated: too little of it */
    struct dx_scu_context context;
    int fd; /* of the object, in memory; -1: not drawn */
    long bytes;
};
struct phantom_study {
    uint64_t index;
    int modality;                    /* from 0 */
    struct nn_phantom_truth patient; /* of the first view: number, age, sex */
    char uid[DX_UID_MAX];
    int views;
    struct phantom_view view[PHANTOM_VIEWS];
};

/* The AE title and station name of modality m, "MOD1"... */
void phantom_modality_name(int modality, char name[DX_AE_MAX]);
/* Decides; draws nothing. */
void phantom_study_plan(const struct phantom_options *options, uint64_t index, int modality,
                        struct phantom_study *study);
/* Draws every view as an object of the modality; false with a sentence. In both cases
 * phantom_study_finish releases what there is. */
bool phantom_study_draw(const struct phantom_options *options, struct phantom_study *study,
                        struct nn_error *err);
void phantom_study_finish(struct phantom_study *study);

#endif
