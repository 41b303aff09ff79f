/* dx_commitment.h: what Storage Commitment (PS3.4 annex J, Push Model) says, read and written.
 *
 * We are its SCU only. Pure functions. */
#ifndef DX_COMMITMENT_H
#define DX_COMMITMENT_H

#include "dx_dataset.h"
#include "dx_uid.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DX_STORAGE_COMMITMENT          "1.2.840.10008.1.20.1"
#define DX_STORAGE_COMMITMENT_INSTANCE "1.2.840.10008.1.20.1.1"
#define DX_COMMITMENT_ACTION           1u  /* Request Storage Commitment */
#define DX_COMMITMENT_MOST             64u /* instances of one transaction of ours */

struct dx_commitment_item {
    char sop_class[DX_UID_MAX], sop_instance[DX_UID_MAX];
    uint16_t failure; /* (0008,1197) Failure Reason; 0: committed */
};
struct dx_commitment {
    char transaction[DX_UID_MAX];
    size_t count;
    struct dx_commitment_item item[DX_COMMITMENT_MOST];
};

/* The action information of a request; failures are not looked at. */
void dx_commitment_write(const struct dx_commitment *request, struct dx_writing *to);
/* The event information. DX_MALFORMED: no Transaction UID, no item, or one without UID; DX_LIMIT:
 * more items than we ever ask for. */
DX_MUST_USE enum dx_status dx_commitment_read(const uint8_t *bytes, size_t count,
                                              struct dx_commitment *event, struct dx_error *err);
/* A failure reason of PS3.3 C.14.1.1 in words. */
const char *dx_commitment_reason(uint16_t failure);

#ifdef __cplusplus
}
#endif
#endif
