/* store_inquiry.h: the job store's part in asking a site's Modality Worklist for the orders of
 * studies: which study is asked about next, and what came of it.
 *
 * Asked about is what stands in the reading worklist, unread, and has no order whose priority is
 * known. A study whose accession number or patient was corrected is asked about anew. */
#ifndef STORE_INQUIRY_H
#define STORE_INQUIRY_H

#include "store_keep.h"

struct store_inquiry {
    char study[DX_UID_MAX], accession[65], patient_id[257], issuer[257]; /* as the images have it */
    int64_t asked; /* times before, without an answer that counts */
    char said[16]; /* the last of them: what the log has; "" */
};
/* The one to ask about: who was asked about less often first, then who came first; STORE_NONE.
 * since_ms: studies that came before it are not asked about. Due is what is put off to now_ms or
 * less, or beyond far_ms (the wall clock was set back). */
STORE_MUST_USE enum store_status store_next_inquiry(struct store *store, int64_t since_ms,
                                                    int64_t now_ms, int64_t far_ms,
                                                    struct store_inquiry *found);
/* Whether it is still to be asked about, with these numbers: what an answer says of it then counts.
 */
STORE_MUST_USE enum store_status store_inquiry_stands(struct store *store,
                                                      const struct store_inquiry *of, bool *stands);
/* It was asked. over: not again; else again at next_ms. said: a word for it, of at most 15 bytes.
 */
STORE_MUST_USE enum store_status store_inquiry_asked(struct store *store,
                                                     const struct store_inquiry *of, bool over,
                                                     int64_t next_ms, const char *said);

/* Whether the peer answers: why "" when it does. The first failure's time is kept. */
STORE_MUST_USE enum store_status store_inquiry_peer(struct store *store, const char *why,
                                                    int64_t now_ms);
/* since_ms: since when it fails, and why the last time; 0: it does not. waiting: studies that are
 * still to be asked about, due or not. */
struct store_inquiry_state {
    int64_t since_ms;
    size_t waiting;
    char why[256];
};
STORE_MUST_USE enum store_status store_inquiry_state(struct store *store, int64_t arrived_since_ms,
                                                     struct store_inquiry_state *state);

#endif
