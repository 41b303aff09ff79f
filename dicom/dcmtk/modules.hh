/* modules.hh: which attributes belong to the patient and the study (private to dicom/dcmtk/).
 *
 * PS3.3 C.7.1.1, C.7.2.1, C.7.2.2, C.7.1.4: those of them that are no sequences. What is read here
 * is what the results repeat, byte by byte. */
#ifndef DX_MODULES_HH
#define DX_MODULES_HH

#include "dcmtk/config/osconfig.h"

#include "dcmtk/dcmdata/dctagkey.h"

#include <cstddef>

extern const DcmTagKey dx_patient_study_tags[];
extern const size_t dx_patient_study_count;

#endif
