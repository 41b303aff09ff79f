/* dx_availability.h: what an Instance Availability Notification (PS3.4 annex R) says.
 *
 * We are its SCP only, and take it for a hint: which study, and whether anything of it can be
 * fetched. Pure function. */
#ifndef DX_AVAILABILITY_H
#define DX_AVAILABILITY_H

#include "dx_dataset.h"
#include "dx_uid.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DX_INSTANCE_AVAILABILITY "1.2.840.10008.5.1.4.33"

struct dx_availability {
    char study[DX_UID_MAX];
    size_t there, away; /* instances: online or near-line; offline or unavailable */
};
/* The attribute list of its N-CREATE. DX_MALFORMED: no Study Instance UID, or no instance; DX_LIMIT
 * as dx_dataset_read. */
DX_MUST_USE enum dx_status dx_availability_read(const uint8_t *bytes, size_t count,
                                                struct dx_availability *news, struct dx_error *err);

#ifdef __cplusplus
}
#endif
#endif
