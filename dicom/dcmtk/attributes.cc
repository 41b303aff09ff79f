/* The attributes that leave the object child, as text: numbers of binary VRs as decimals. */
#include "modules.hh"
#include "object.hh"

#include "dx_services.h"

#include "dcmtk/dcmdata/dcbytstr.h"

#include <algorithm>

const DcmTagKey dx_patient_study_tags[] = {DCM_SpecificCharacterSet,
                                           DCM_StudyDate,
                                           DCM_StudyTime,
                                           DCM_AccessionNumber,
                                           DCM_TimezoneOffsetFromUTC,
                                           DCM_ReferringPhysicianName,
                                           DCM_ConsultingPhysicianName,
                                           DCM_StudyDescription,
                                           DCM_PhysiciansOfRecord,
                                           DCM_NameOfPhysiciansReadingStudy,
                                           DCM_AdmittingDiagnosesDescription,
                                           DCM_PatientName,
                                           DCM_PatientID,
                                           DCM_IssuerOfPatientID,
                                           DCM_TypeOfPatientID,
                                           DCM_PatientBirthDate,
                                           DCM_PatientBirthTime,
                                           DCM_PatientSex,
                                           DCM_QualityControlSubject,
                                           DCM_OtherPatientNames,
                                           DCM_PatientAge,
                                           DCM_PatientSize,
                                           DCM_PatientWeight,
                                           DCM_MedicalAlerts,
                                           DCM_Allergies,
                                           DCM_EthnicGroup,
                                           DCM_Occupation,
                                           DCM_SmokingStatus,
                                           DCM_AdditionalPatientHistory,
                                           DCM_PregnancyStatus,
                                           DCM_PatientSpeciesDescription,
                                           DCM_PatientSexNeutered,
                                           DCM_PatientBreedDescription,
                                           DCM_ResponsiblePerson,
                                           DCM_ResponsiblePersonRole,
                                           DCM_ResponsibleOrganization,
                                           DCM_PatientComments,
                                           DCM_ClinicalTrialSponsorName,
                                           DCM_ClinicalTrialProtocolID,
                                           DCM_ClinicalTrialProtocolName,
                                           DCM_ClinicalTrialSiteID,
                                           DCM_ClinicalTrialSiteName,
                                           DCM_ClinicalTrialSubjectID,
                                           DCM_ClinicalTrialSubjectReadingID,
                                           DCM_PatientIdentityRemoved,
                                           DCM_DeidentificationMethod,
                                           DCM_StudyInstanceUID,
                                           DCM_StudyID,
                                           DCM_AdmissionID,
                                           DCM_ReasonForVisit};
const size_t dx_patient_study_count =
    sizeof dx_patient_study_tags / sizeof dx_patient_study_tags[0];

namespace
{

/* Series, equipment and image: for rules, the gate, pictures and the display of lists. */
const DcmTagKey image_tags[] = {DCM_ImageType,
                                DCM_InstanceCreationDate,
                                DCM_InstanceCreationTime,
                                DCM_SOPClassUID,
                                DCM_SOPInstanceUID,
                                DCM_SeriesDate,
                                DCM_AcquisitionDate,
                                DCM_ContentDate,
                                DCM_AcquisitionDateTime,
                                DCM_SeriesTime,
                                DCM_AcquisitionTime,
                                DCM_ContentTime,
                                DCM_Modality,
                                DCM_ConversionType,
                                DCM_PresentationIntentType,
                                DCM_Manufacturer,
                                DCM_InstitutionName,
                                DCM_StationName,
                                DCM_SeriesDescription,
                                DCM_InstitutionalDepartmentName,
                                DCM_ManufacturerModelName,
                                DCM_DerivationDescription,
                                DCM_BodyPartExamined,
                                DCM_SliceThickness,
                                DCM_KVP,
                                DCM_DeviceSerialNumber,
                                DCM_SoftwareVersions,
                                DCM_ProtocolName,
                                DCM_ImagerPixelSpacing,
                                DCM_AcquisitionDeviceProcessingDescription,
                                DCM_AcquisitionDeviceProcessingCode,
                                DCM_PatientPosition,
                                DCM_ViewPosition,
                                DCM_SeriesInstanceUID,
                                DCM_SeriesNumber,
                                DCM_AcquisitionNumber,
                                DCM_InstanceNumber,
                                DCM_ImagePositionPatient,
                                DCM_ImageOrientationPatient,
                                DCM_PatientOrientation,
                                DCM_Laterality,
                                DCM_ImageLaterality,
                                DCM_FrameOfReferenceUID,
                                DCM_ImageComments,
                                DCM_SamplesPerPixel,
                                DCM_PhotometricInterpretation,
                                DCM_NumberOfFrames,
                                DCM_Rows,
                                DCM_Columns,
                                DCM_PixelSpacing,
                                DCM_PixelAspectRatio,
                                DCM_BitsAllocated,
                                DCM_BitsStored,
                                DCM_HighBit,
                                DCM_PixelRepresentation,
                                DCM_QualityControlImage,
                                DCM_BurnedInAnnotation,
                                DCM_PixelIntensityRelationship,
                                DCM_PixelIntensityRelationshipSign,
                                DCM_WindowCenter,
                                DCM_WindowWidth,
                                DCM_VOILUTFunction,
                                DCM_RescaleIntercept,
                                DCM_RescaleSlope,
                                DCM_RescaleType,
                                DCM_LossyImageCompression,
                                DCM_LossyImageCompressionRatio,
                                DCM_LossyImageCompressionMethod,
                                DCM_RequestedProcedureDescription,
                                DCM_RequestedProcedureID,
                                DCM_PerformedProcedureStepStartDate,
                                DCM_PerformedProcedureStepStartTime,
                                DCM_PerformedProcedureStepID,
                                DCM_PerformedProcedureStepDescription,
                                DCM_CompletionFlag,
                                DCM_VerificationFlag,
                                DCM_PreliminaryFlag,
                                DCM_PresentationLUTShape};

const size_t value_max = 10240; /* longer than any text VR that is listed here may be */
const size_t short_max = 1024;  /* these have their place first */

bool is_text(DcmEVR vr)
{
    switch (vr) {
    case EVR_AE:
    case EVR_AS:
    case EVR_CS:
    case EVR_DA:
    case EVR_DS:
    case EVR_DT:
    case EVR_IS:
    case EVR_LO:
    case EVR_LT:
    case EVR_PN:
    case EVR_SH:
    case EVR_ST:
    case EVR_TM:
    case EVR_UC:
    case EVR_UI:
    case EVR_UT:
        return true;
    default:
        return false;
    }
}

/* The bytes of a text as they were encoded; of a binary VR the decimals. What is not between least
 * and most, or does not fit any more, is left out: the object itself keeps it. */
enum dx_status set(struct dx_attrs *attrs, DcmElement *element, size_t least, size_t most)
{
    const DcmTag &tag = element->getTag();
    uint32_t number = DX_TAG(tag.getGTag(), tag.getETag());
    OFString text;
    const char *value = nullptr;
    size_t length = 0;
    char *bytes = nullptr;
    Uint8 *raw = nullptr;
    Uint32 count = 0;
    DcmVR vr(tag.getEVR());
    if (tag.getEVR() == EVR_UN) {
        /* Some gateway did not know the attribute (PS3.5 6.2.2); its bytes are what they were. */
        vr = DcmTag(tag.getXTag()).getVR();
        if (is_text(vr.getEVR()) && element->getUint8Array(raw).good() && raw != nullptr) {
            value = reinterpret_cast<const char *>(raw);
            length = element->getLength();
        }
    } else if (dynamic_cast<DcmByteString *>(element) != nullptr) {
        if (element->getString(bytes, count).good() && bytes != nullptr) {
            value = bytes;
            length = count;
        }
    } else if (element->getOFStringArray(text).good()) {
        value = text.c_str();
        length = text.length();
    }
    if (length < least || length > most)
        return DX_OK;
    enum dx_status status = dx_attrs_set(attrs, number, vr.getValidVRName(), value, length);
    return status == DX_LIMIT ? DX_OK : status;
}

enum dx_status collect(DcmItem *dataset, const DcmTagKey *tags, size_t count, size_t least,
                       size_t most, struct dx_attrs *attrs)
{
    for (size_t i = 0; i < count; i++) {
        DcmElement *element = nullptr;
        if (dataset->findAndGetElement(tags[i], element).bad() || element == nullptr ||
            element->ident() == EVR_SQ)
            continue;
        enum dx_status status = set(attrs, element, least, most);
        if (status)
            return status;
    }
    return DX_OK;
}

enum dx_status set_code(DcmItem *dataset, const DcmTagKey &sequence, uint32_t tag,
                        struct dx_attrs *attrs)
{
    DcmItem *item = nullptr;
    if (dataset->findAndGetSequenceItem(sequence, item, 0).bad() || item == nullptr)
        return DX_OK;
    OFString value = dx_text_of(item, DCM_CodeValue);
    return value.empty() ? DX_OK : dx_attrs_set_text(attrs, tag, "SH", value.c_str());
}

/* A patient whose identity was removed has a method: as text, or only as a code, whose meaning then
 * stands for the text (PS3.3 C.7.1.1), since the list holds no sequences. */
enum dx_status set_method(DcmItem *dataset, struct dx_attrs *attrs)
{
    const uint32_t method = DX_TAG(0x0012, 0x0063);
    DcmItem *item = nullptr;
    if (dx_attrs_text(attrs, method)[0] != '\0' ||
        dataset->findAndGetSequenceItem(DCM_DeidentificationMethodCodeSequence, item, 0).bad() ||
        item == nullptr)
        return DX_OK;
    OFString meaning = dx_text_of(item, DCM_CodeMeaning);
    return meaning.empty() ? DX_OK : dx_attrs_set_text(attrs, method, "LO", meaning.c_str());
}

/* Two facilities may give the same accession number. The list holds no sequences: the two texts
 * that name an issuer stand by themselves. */
enum dx_status set_issuer(DcmItem *dataset, struct dx_attrs *attrs)
{
    DcmItem *item = nullptr;
    if (dataset->findAndGetSequenceItem(DCM_IssuerOfAccessionNumberSequence, item, 0).bad() ||
        item == nullptr)
        return DX_OK;
    OFString local = dx_text_of(item, DCM_LocalNamespaceEntityID),
             universal = dx_text_of(item, DCM_UniversalEntityID);
    enum dx_status status = DX_OK;
    if (!local.empty())
        status = dx_attrs_set_text(attrs, DX_TAG(0x0040, 0x0031), "UT", local.c_str());
    if (status == DX_OK && !universal.empty())
        status = dx_attrs_set_text(attrs, DX_TAG(0x0040, 0x0032), "UT", universal.c_str());
    return status;
}

enum dx_status collect_all(DcmItem *dataset, struct dx_attrs *attrs)
{
    const size_t bounds[][2] = {{0, short_max}, {short_max + 1, value_max}};
    const size_t image_count = sizeof image_tags / sizeof image_tags[0];
    enum dx_status status = DX_OK;
    for (size_t i = 0; i < 2 && status == DX_OK; i++) {
        status = collect(dataset, dx_patient_study_tags, dx_patient_study_count, bounds[i][0],
                         bounds[i][1], attrs);
        if (status == DX_OK)
            status = collect(dataset, image_tags, image_count, bounds[i][0], bounds[i][1], attrs);
    }
    return status;
}

} /* namespace */

enum dx_status dx_object_attributes(struct dx_object *object, struct dx_attrs **attrs,
                                    struct dx_error *err)
{
    return dx_guard(
        err, [&]() -> enum dx_status {
            struct dx_attrs *found = dx_attrs_create();
            if (found == nullptr)
                return dx_fail(err, DX_NO_MEMORY, "attributes: out of memory");
            DcmItem *dataset = object->dataset;
            enum dx_status status = collect_all(dataset, found);
            if (status == DX_OK)
                status = set_code(dataset, DCM_ViewCodeSequence, DX_TAG(0x0008, 0x0100), found);
            if (status == DX_OK)
                status =
                    set_code(dataset, DCM_AnatomicRegionSequence, DX_TAG(0x0008, 0x2218), found);
            if (status == DX_OK)
                status = set_method(dataset, found);
            if (status == DX_OK)
                status = set_issuer(dataset, found);
            if (status == DX_OK)
                status = dx_collect_document(dataset, found);
            if (status) {
                dx_attrs_destroy(found);
                return dx_fail(err, status, "attributes: %s", dx_status_text(status));
            }
            *attrs = found;
            return DX_OK;
        });
}

size_t dx_read_attributes(bool copied, uint32_t *list, size_t most)
{
    const DcmTagKey *tags = copied ? dx_patient_study_tags : image_tags;
    size_t count = copied ? dx_patient_study_count : sizeof image_tags / sizeof image_tags[0];
    for (size_t i = 0; i < count && i < most; i++)
        list[i] = DX_TAG(tags[i].getGroup(), tags[i].getElement());
    std::sort(list, list + std::min(count, most));
    return std::min(count, most);
}
