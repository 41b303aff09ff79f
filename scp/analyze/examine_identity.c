#include "examine_identity.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pixel digest of the last answer whose pixels are known; "" when there is none. */
static enum store_status find_pixels(struct store *store, const struct instance *instance,
                                     char digest[DX_DIGEST_MAX])
{
    struct instance last;
    struct judgement decoded = {0};
    uint8_t *attrs = NULL;
    enum store_status status =
        store_last_decoded(store, instance->sop_instance, instance->id, &last);
    if (status == STORE_OK)
        status = store_get_judgement(store, last.id, &decoded, &attrs);
    free(attrs);
    memcpy(digest, decoded.pixel_digest, DX_DIGEST_MAX);
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status examine_identity(struct store *store, const struct instance *instance,
                                   struct judgement *judgement, bool *known)
{
    struct instance last;
    struct judgement earlier = {0};
    uint8_t *attrs = NULL;
    *known = false;
    if (!instance->rival)
        return STORE_OK;
    enum store_status status =
        store_last_answer(store, instance->sop_instance, instance->id, &last);
    if (status == STORE_OK)
        status = store_get_judgement(store, last.id, &earlier, &attrs);
    free(attrs);
    if (status != STORE_OK)
        return status == STORE_NONE ? STORE_OK : status;

    char pixels[DX_DIGEST_MAX];
    status = find_pixels(store, instance, pixels);
    if (status != STORE_OK)
        return status;
    bool read = earlier.pixel_digest[0] && judgement->pixel_digest[0];
    bool same_pixels = strcmp(earlier.pixel_digest, judgement->pixel_digest) == 0;
    if (pixels[0] && judgement->pixel_digest[0] && strcmp(pixels, judgement->pixel_digest) != 0) {
        *known = true;
        judgement->state = INSTANCE_NOT_PROCESSED;
        judgement->reason = SRT_CONFLICT;
        snprintf(judgement->detail, sizeof judgement->detail,
                 "two images with different pixels have the same SOP Instance UID");
        return STORE_OK;
    }
    bool moved = strcmp(last.study, instance->study) != 0;
    if (moved || strcmp(earlier.patient_digest, judgement->patient_digest) != 0 ||
        strcmp(last.series, instance->series) != 0) {
        judgement->moved = moved;
        return STORE_OK;
    }
    /* One of them could not be read: nothing to compare, the other is judged. What is judged anew
     * was none of the same before. */
    *known =
        instance->revision == 0 && (read || (same_pixels && earlier.reason == judgement->reason));
    if (*known)
        judgement->state = INSTANCE_SAME;
    return STORE_OK;
}
