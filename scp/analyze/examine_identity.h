/* examine_identity.h: is this image another one of an image that we have?
 *
 * Another object was there before under the same SOP Instance UID (design: identity of an object);
 * the latest one that was answered counts.
 *
 *   other pixels                             conflict: both are kept, nothing is judged
 *   same pixels, patient, study and series   the same image in another encoding
 *   same pixels, otherwise                   a correction: judged anew; in another study: moved
 */
#ifndef EXAMINE_IDENTITY_H
#define EXAMINE_IDENTITY_H

#include "store.h"

/* judgement holds the new object's pixel and patient digests, or its reason when it did not come to
 * pixels. *known: the judgement is complete (SAME, or NOT_PROCESSED by conflict). */
STORE_MUST_USE enum store_status examine_identity(struct store *store,
                                                  const struct instance *instance,
                                                  struct judgement *judgement, bool *known);

#endif
