#include "proposed.h"

#include "dx_mwl.h"
#include "dx_result.h"
#include "dx_ups.h"

#define IMPLICIT "1.2.840.10008.1.2"

const struct dx_scu_context proposed_commitment = {DX_STORAGE_COMMITMENT, IMPLICIT};
const struct dx_scu_context proposed_look = {DX_STUDY_ROOT_FIND, IMPLICIT};
const struct dx_scu_context proposed_orders = {DX_MODALITY_WORKLIST, IMPLICIT};
const struct dx_scu_context proposed_news[PROPOSED_NEWS] = {{DX_UPS_PUSH, IMPLICIT},
                                                            {DX_UPS_PULL, IMPLICIT}};
const char *const proposed_pictures[PROPOSED_PICTURES] = {DX_SYNTAX_RLE, DX_SYNTAX_JPEG_LS};
