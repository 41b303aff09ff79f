/* dx_mwl.h: Modality Worklist (PS3.4 annex K) as its SCU: what a site's information system says of
 * the order of a study.
 *
 * Patient's names are not asked for. Writing and reading are pure functions of their arguments; the
 * service is as in dx_scu.h. */
#ifndef DX_MWL_H
#define DX_MWL_H

#include "dx_scu.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DX_MODALITY_WORKLIST "1.2.840.10008.5.1.4.31"

/* Keys that are matched; "": any. A peer need know the Patient ID alone (table K.6-1) and may
 * answer with all that it has: each match is to be looked at again. */
struct dx_mwl_query {
    const char *accession, *patient_id, *study;
};
void dx_mwl_write_query(const struct dx_mwl_query *query, struct dx_writing *to);

/* A match: one scheduled step of one requested procedure. Texts are UTF-8; one that does not fit,
 * holds controls, or is not of the character set that the peer says, is "". */
struct dx_mwl_item {
    char accession[65], study[DX_UID_MAX];             /* the latter as it came */
    char patient_id[257], issuer[257];                 /* (0010,0021) */
    char accession_local[65], accession_universal[65]; /* of (0008,0051): who gave the number */
    char placer_order[65], filler_order[65], procedure_id[65];
    char procedure[257]; /* words: (0032,1060), else the code's meaning, else its value */
    char priority[17];   /* (0040,1003) */
};
/* DX_MALFORMED, DX_LIMIT. */
DX_MUST_USE enum dx_status dx_mwl_read(const uint8_t *bytes, size_t count, struct dx_mwl_item *item,
                                       struct dx_error *err);

/* Propose DX_MODALITY_WORKLIST in implicit little endian; else as dx_scu_find. */
typedef bool (*dx_mwl_match)(void *context, const struct dx_mwl_item *match);
DX_MUST_USE enum dx_status dx_scu_mwl_find(struct dx_scu *scu, const struct dx_writing *query,
                                           size_t most, dx_mwl_match match, void *context,
                                           uint16_t *dimse_status, struct dx_error *err);

#ifdef __cplusplus
}
#endif
#endif
