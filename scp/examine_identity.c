#include "examine_identity.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_answer(enum instance_state state)
{
    return state == INSTANCE_JUDGED || state == INSTANCE_NOT_PROCESSED;
}

enum store_status examine_identity(struct store *store, const struct instance *instance,
                                   struct judgement *judgement, bool *known)
{
    struct instance first;
    struct judgement earlier = {0};
    uint8_t *attrs = NULL;
    *known = false;
    if (!instance->rival)
        return STORE_OK;
    enum store_status status = store_first_instance(store, instance->sop_instance, &first);
    if (status == STORE_NONE || (status == STORE_OK && first.id == instance->id))
        return STORE_OK;
    if (status == STORE_OK && is_answer(first.state))
        status = store_get_judgement(store, first.id, &earlier, &attrs);
    free(attrs);
    if (status != STORE_OK || !is_answer(first.state))
        return status;

    bool corrected = strcmp(earlier.patient_digest, judgement->patient_digest) != 0 ||
                     strcmp(first.study, instance->study) != 0 ||
                     strcmp(first.series, instance->series) != 0;
    if (corrected)
        return STORE_OK;
    if (strcmp(earlier.pixel_digest, judgement->pixel_digest) == 0) {
        *known = judgement->pixel_digest[0] || earlier.reason == judgement->reason;
        if (*known)
            judgement->state = INSTANCE_SAME;
        return STORE_OK;
    }
    if (!earlier.pixel_digest[0] || !judgement->pixel_digest[0])
        return STORE_OK; /* one of them could not be read: nothing to compare */

    *known = true;
    judgement->state = INSTANCE_NOT_PROCESSED;
    judgement->reason = SRT_CONFLICT;
    snprintf(judgement->detail, sizeof judgement->detail,
             "two images with different pixels have the same SOP Instance UID");
    return STORE_OK;
}
