/* dx_scu.h: Verification, Storage, Query and Storage Commitment SCU: one association to one peer,
 * used by one thread.
 *
 * Run it in a child of its own: what a hostile peer answers must not reach the node. Answers pass
 * dx_check_command before DCMTK parses them. TCP_NODELAY is set. */
#ifndef DX_SCU_H
#define DX_SCU_H

#include "dx_attrs.h"
#include "dx_commitment.h"
#include "dx_scp.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dx_scu_params {
    char calling[DX_AE_MAX], called[DX_AE_MAX];
    const char *host;
    uint16_t port;
    int connect_seconds; /* 10 */
    int acse_seconds;    /* 30 */
    int dimse_seconds;   /* 60 */
    uint32_t max_pdu;    /* 131072 */
    struct dx_tls *tls;  /* a client's; taken by dx_scu_open in every case. NULL: plain */
};
void dx_scu_params_default(struct dx_scu_params *params);

/* What an association must be able to carry: SOP class + the file's own transfer syntax; explicit
 * and implicit little endian are proposed beside an uncompressed one, each in a context of its own,
 * so that the file's own is sent bit by bit where the peer takes it. At most 127 contexts. */
struct dx_scu_context {
    char sop_class[DX_UID_MAX];
    char transfer_syntax[DX_UID_MAX];
};

/* What dx_scu_open proposes for these: Verification, then each pair once. At most `most` go to
 * `all`; returns how many there are. */
size_t dx_scu_proposals(const struct dx_scu_context *contexts, size_t count,
                        struct dx_scu_context *all, size_t most);

struct dx_scu;
/* contexts may be empty: Verification is always proposed. Errors say at which layer it failed:
 * DX_UNREACHABLE (name, TCP), DX_TLS (handshake), DX_MIXUP (TLS on one side only), DX_REFUSED
 * (A-ASSOCIATE-RJ with its reason in words), DX_TIMEOUT. */
DX_MUST_USE enum dx_status dx_scu_open(const struct dx_scu_params *params,
                                       const struct dx_scu_context *contexts, size_t count,
                                       struct dx_scu **scu, struct dx_error *err);
DX_MUST_USE enum dx_status dx_scu_echo(struct dx_scu *scu, struct dx_error *err);
/* Sends a Part 10 file after the pre-scan; an uncompressed one is rewritten by DCMTK when the peer
 * took only another uncompressed transfer syntax. Where the dataset lacks its UIDs the file meta
 * group's are used. DX_MALFORMED, DX_LIMIT, DX_IO before anything was sent: the association stays
 * usable, as after DX_NO_CONTEXT. DX_OK means that an answer came: its status is in *dimse_status
 * (0000, Bxxx: stored; A7xx: try later; others: refused), comment gets (0000,0902) or "".
 * DX_NO_CONTEXT when the peer does not take this SOP class. */
DX_MUST_USE enum dx_status dx_scu_store(struct dx_scu *scu, const char *path,
                                        uint16_t *dimse_status, char comment[65],
                                        struct dx_error *err);
/* Whether the peer took this SOP class in this transfer syntax, when both were proposed: propose
 * one SOP class in several transfer syntaxes, ask which were taken, and send the file that fits. */
int dx_scu_accepts(const struct dx_scu *scu, const char *sop_class, const char *transfer_syntax);
/* An error of the association, not of what was asked for: it is of no more use. */
bool dx_scu_is_broken(const struct dx_scu *scu);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384", or "" when it is plain. */
const char *dx_scu_session(const struct dx_scu *scu);

/* C-FIND, Study Root (PS3.4 C.6.2): propose DX_STUDY_ROOT_FIND in implicit little endian. The
 * identifier holds Query/Retrieve Level and keys. match gets each match's texts of the first level
 * and says whether it wants more. *dimse_status is the last answer's: 0000 all are told, FE00 match
 * wanted no more, else the peer's failure. DX_LIMIT: more than `most` matches. */
#define DX_STUDY_ROOT_FIND   "1.2.840.10008.5.1.4.1.2.2.1"
#define DX_FIND_AFTER_CANCEL 1000 /* answers that may still be on their way */
typedef bool (*dx_scu_match)(void *context, const struct dx_attrs *match);
DX_MUST_USE enum dx_status dx_scu_find(struct dx_scu *scu, const struct dx_writing *identifier,
                                       size_t most, dx_scu_match match, void *context,
                                       uint16_t *dimse_status, struct dx_error *err);
/* Asks to commit (PS3.4 J.3.2): propose DX_STORAGE_COMMITMENT in implicit little endian, give a
 * Transaction UID that was never used. *dimse_status is the answer's. Where the event comes on this
 * association within wait_seconds, event holds it; else event->count is 0 and it comes on another
 * (dx_scp.h), or never. */
DX_MUST_USE enum dx_status dx_scu_commit(struct dx_scu *scu, const struct dx_commitment *request,
                                         int wait_seconds, struct dx_commitment *event,
                                         uint16_t *dimse_status, struct dx_error *err);
void dx_scu_close(struct dx_scu *scu); /* releases, or aborts after an error; NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
