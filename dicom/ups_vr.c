/* Unified Procedure Step: the value representations of its attributes (PS3.6), for encodings that
 * say them. */
#include "dx_ups.h"
#include "ups_tags.h"

const char *dx_ups_vr(uint32_t tag)
{
    static const struct {
        uint32_t tag;
        const char *vr;
    } known[] = {{UPS_CHARACTER_SET, "CS"},
                 {UPS_SOP_CLASS, "UI"},
                 {UPS_SOP_INSTANCE, "UI"},
                 {UPS_ACCESSION, "SH"},
                 {UPS_ACCESSION_ISSUER, "SQ"},
                 {UPS_RETRIEVE_AE, "AE"},
                 {UPS_CODE_VALUE, "SH"},
                 {UPS_CODE_SCHEME, "SH"},
                 {UPS_CODE_MEANING, "LO"},
                 {UPS_DIAGNOSES, "LO"},
                 {UPS_DIAGNOSES_CODES, "SQ"},
                 {UPS_REFERENCED_CLASS, "UI"},
                 {UPS_REFERENCED_INSTANCE, "UI"},
                 {UPS_TRANSACTION, "UI"},
                 {UPS_REFERENCED_SOPS, "SQ"},
                 {UPS_PATIENT_NAME, "PN"},
                 {UPS_PATIENT_ID, "LO"},
                 {UPS_PATIENT_ISSUER, "LO"},
                 {UPS_ISSUER_QUALIFIERS, "SQ"},
                 {UPS_BIRTH_DATE, "DA"},
                 {UPS_SEX, "CS"},
                 {UPS_OTHER_IDS, "SQ"},
                 {UPS_STUDY, "UI"},
                 {UPS_SERIES, "UI"},
                 {UPS_PROCEDURE_TEXT, "LO"},
                 {UPS_PROCEDURE_CODES, "SQ"},
                 {UPS_ADMISSION, "LO"},
                 {UPS_ADMISSION_ISSUER, "SQ"},
                 {UPS_PLACER, "SQ"},
                 {UPS_FILLER, "SQ"},
                 {UPS_NAMESPACE, "UT"},
                 {UPS_COMMENTS, "LT"},
                 {UPS_PROCEDURE_ID, "SH"},
                 {UPS_PLACER_ORDER, "LO"},
                 {UPS_FILLER_ORDER, "LO"},
                 {UPS_START, "DT"},
                 {UPS_WORKITEM_CODES, "SQ"},
                 {UPS_INPUT, "SQ"},
                 {UPS_STATION_NAMES, "SQ"},
                 {UPS_STATION_CLASSES, "SQ"},
                 {UPS_STATION_PLACES, "SQ"},
                 {UPS_READINESS, "CS"},
                 {UPS_REQUESTS, "SQ"},
                 {UPS_TYPE_OF_INSTANCES, "CS"},
                 {UPS_RETRIEVAL, "SQ"},
                 {UPS_STATE, "CS"},
                 {UPS_PROGRESS, "SQ"},
                 {UPS_PRIORITY, "CS"},
                 {UPS_WORKLIST_LABEL, "LO"},
                 {UPS_LABEL, "LO"},
                 {UPS_PARAMETERS, "SQ"},
                 {UPS_PERFORMED, "SQ"},
                 {UPS_CANCEL_REASON, "LT"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].tag == tag)
            return known[i].vr;
    return "";
}
