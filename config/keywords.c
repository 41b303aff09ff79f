/* What rules may look at: attributes of the main dataset that say what an image is (PS3.6 table
 * 6-1). None of them names the patient, apart from age and sex. */
#include "conf_private.h"
#include <string.h>

static const struct {
    const char *keyword;
    uint32_t tag;
} table[] = {
    {"SpecificCharacterSet", 0x00080005},
    {"ImageType", 0x00080008},
    {"SOPClassUID", 0x00080016},
    {"AccessionNumber", 0x00080050},
    {"Modality", 0x00080060},
    {"ConversionType", 0x00080064},
    {"PresentationIntentType", 0x00080068},
    {"Manufacturer", 0x00080070},
    {"InstitutionName", 0x00080080},
    {"StationName", 0x00081010},
    {"StudyDescription", 0x00081030},
    {"SeriesDescription", 0x0008103E},
    {"InstitutionalDepartmentName", 0x00081040},
    {"ManufacturerModelName", 0x00081090},
    {"DerivationDescription", 0x00082111},
    {"PatientSex", 0x00100040},
    {"PatientAge", 0x00101010},
    {"BodyPartExamined", 0x00180015},
    {"DeviceSerialNumber", 0x00181000},
    {"SoftwareVersions", 0x00181020},
    {"ProtocolName", 0x00181030},
    {"AcquisitionDeviceProcessingDescription", 0x00181400},
    {"PatientPosition", 0x00185100},
    {"ViewPosition", 0x00185101},
    {"StudyID", 0x00200010},
    {"SeriesNumber", 0x00200011},
    {"InstanceNumber", 0x00200013},
    {"PatientOrientation", 0x00200020},
    {"Laterality", 0x00200060},
    {"ImageLaterality", 0x00200062},
    {"ImageComments", 0x00204000},
    {"PhotometricInterpretation", 0x00280004},
    {"NumberOfFrames", 0x00280008},
    {"Rows", 0x00280010},
    {"Columns", 0x00280011},
    {"BitsStored", 0x00280101},
    {"BurnedInAnnotation", 0x00280301},
    {"LossyImageCompression", 0x00282110},
    {"RequestedProcedureDescription", 0x00321060},
    {"PerformedProcedureStepDescription", 0x00400254},
    /* code values of their first item */
    {"ViewCodeSequence", 0x00080100},
    {"AnatomicRegionSequence", 0x00082218},
    /* of the association that brought the object */
    {"CallingAETitle", CONF_CALLING_AE_TITLE},
    {"CalledAETitle", CONF_CALLED_AE_TITLE},
};
enum { KEYWORDS = sizeof table / sizeof *table };

uint32_t conf_keyword_tag(const char *keyword)
{
    for (size_t i = 0; i < KEYWORDS; i++)
        if (strcmp(table[i].keyword, keyword) == 0)
            return table[i].tag;
    return 0;
}

size_t conf_keyword_list(const char **names, size_t most)
{
    size_t count = 0;

    for (; count < KEYWORDS && count < most; count++)
        names[count] = table[count].keyword;
    return count;
}
