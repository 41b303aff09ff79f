/* Mandatory attributes: type 1 (with a value) and type 2 (present) of the modules that our objects
 * have (PS3.3 A.8, A.33, A.35, A.75 and annex C), and of the sequences' items in them; type 3 where
 * this program always writes them. */
#include "check.hh"

namespace
{

enum : unsigned {
    SR = 1, /* all three */
    KO = 2,
    SC = 4,
    MULTIFRAME_SC = 8,
    PR = 16,
    PMAP = 32,
    DOCUMENT = SR | KO,
    PICTURE = SC | MULTIFRAME_SC,
    ALL = 63
};

struct rule {
    unsigned classes;
    DcmTagKey tag;
    int type;
};

struct item_rule {
    DcmTagKey sequence, tag;
};

const rule of_dataset[] = {
    {ALL, DCM_SOPClassUID, 1},
    {ALL, DCM_SOPInstanceUID, 1},
    {ALL, DCM_InstanceCreationDate, 1},
    {ALL, DCM_InstanceCreationTime, 1},
    {ALL, DCM_TimezoneOffsetFromUTC, 1},
    {ALL, DCM_PatientName, 2},
    {ALL, DCM_PatientID, 2},
    {ALL, DCM_PatientBirthDate, 2},
    {ALL, DCM_PatientSex, 2},
    {ALL, DCM_StudyInstanceUID, 1},
    {ALL, DCM_StudyDate, 2},
    {ALL, DCM_StudyTime, 2},
    {ALL, DCM_AccessionNumber, 2},
    {ALL, DCM_ReferringPhysicianName, 2},
    {ALL, DCM_StudyID, 2},
    {ALL, DCM_Modality, 1},
    {ALL, DCM_SeriesInstanceUID, 1},
    {ALL, DCM_SeriesNumber, 1},
    {ALL, DCM_SeriesDescription, 1},
    {ALL, DCM_InstanceNumber, 1},
    {ALL, DCM_Manufacturer, 1},
    {ALL, DCM_ManufacturerModelName, 1},
    {ALL, DCM_DeviceSerialNumber, 1},
    {ALL, DCM_SoftwareVersions, 1},
    {DOCUMENT | PICTURE | PMAP, DCM_ContentDate, 1},
    {DOCUMENT | PICTURE | PMAP, DCM_ContentTime, 1},
    {DOCUMENT, DCM_ReferencedPerformedProcedureStepSequence, 2},
    {SR, DCM_PerformedProcedureCodeSequence, 2},
    {SR, DCM_CompletionFlag, 1},
    {SR, DCM_VerificationFlag, 1},
    {KO, DCM_CurrentRequestedProcedureEvidenceSequence, 1},
    {DOCUMENT, DCM_ValueType, 1},
    {DOCUMENT, DCM_ConceptNameCodeSequence, 1},
    {DOCUMENT, DCM_ContinuityOfContent, 1},
    {DOCUMENT, DCM_ContentSequence, 1},
    {PICTURE, DCM_ConversionType, 1},
    {PICTURE, DCM_PatientOrientation, 2},
    {PICTURE, DCM_SamplesPerPixel, 1},
    {PICTURE, DCM_PlanarConfiguration, 1},
    {PICTURE, DCM_PixelRepresentation, 1},
    {PICTURE, DCM_HighBit, 1},
    {PICTURE, DCM_BitsStored, 1},
    {PICTURE, DCM_PixelData, 1},
    {PICTURE | PMAP, DCM_ImageType, 1},
    {PICTURE | PMAP, DCM_PhotometricInterpretation, 1},
    {PICTURE | PMAP, DCM_Rows, 1},
    {PICTURE | PMAP, DCM_Columns, 1},
    {PICTURE | PMAP, DCM_BitsAllocated, 1},
    {PICTURE | PMAP, DCM_BurnedInAnnotation, 1},
    {PICTURE | PMAP, DCM_LossyImageCompression, 1},
    {MULTIFRAME_SC | PMAP, DCM_NumberOfFrames, 1},
    {MULTIFRAME_SC, DCM_FrameIncrementPointer, 1},
    {PR | PMAP, DCM_ContentLabel, 1},
    {PR | PMAP, DCM_ContentDescription, 2},
    {PR | PMAP, DCM_ContentCreatorName, 2},
    {PR, DCM_PresentationCreationDate, 1},
    {PR, DCM_PresentationCreationTime, 1},
    {PR | PMAP, DCM_ReferencedSeriesSequence, 1},
    {PR, DCM_DisplayedAreaSelectionSequence, 1},
    {PR, DCM_GraphicAnnotationSequence, 1},
    {PR, DCM_GraphicLayerSequence, 1},
    {PR | PMAP, DCM_PresentationLUTShape, 1},
    {PMAP, DCM_FrameOfReferenceUID, 1},
    {PMAP, DCM_PositionReferenceIndicator, 2},
    {PMAP, DCM_FloatPixelData, 1},
    {PMAP, DCM_ContentQualification, 1},
    {PMAP, DCM_SharedFunctionalGroupsSequence, 1},
    {PMAP, DCM_PerFrameFunctionalGroupsSequence, 1},
    {PMAP, DCM_DimensionOrganizationSequence, 1},
    {PMAP, DCM_DimensionIndexSequence, 1},
    {PMAP, DCM_AcquisitionContextSequence, 2},
};

/* Type 1 in each item. */
const item_rule of_items[] = {
    {DCM_ReferencedSOPSequence, DCM_ReferencedSOPClassUID},
    {DCM_ReferencedSOPSequence, DCM_ReferencedSOPInstanceUID},
    {DCM_ReferencedImageSequence, DCM_ReferencedSOPClassUID},
    {DCM_ReferencedImageSequence, DCM_ReferencedSOPInstanceUID},
    {DCM_ReferencedInstanceSequence, DCM_ReferencedSOPClassUID},
    {DCM_ReferencedInstanceSequence, DCM_ReferencedSOPInstanceUID},
    {DCM_SourceImageSequence, DCM_ReferencedSOPClassUID},
    {DCM_SourceImageSequence, DCM_ReferencedSOPInstanceUID},
    {DCM_SourceImageSequence, DCM_PurposeOfReferenceCodeSequence},
    {DCM_ReferencedSeriesSequence, DCM_SeriesInstanceUID},
    {DCM_CurrentRequestedProcedureEvidenceSequence, DCM_StudyInstanceUID},
    {DCM_CurrentRequestedProcedureEvidenceSequence, DCM_ReferencedSeriesSequence},
    {DCM_PredecessorDocumentsSequence, DCM_StudyInstanceUID},
    {DCM_PredecessorDocumentsSequence, DCM_ReferencedSeriesSequence},
    {DCM_ContentSequence, DCM_RelationshipType},
    {DCM_ContentSequence, DCM_ValueType},
    {DCM_MeasuredValueSequence, DCM_NumericValue},
    {DCM_MeasuredValueSequence, DCM_MeasurementUnitsCodeSequence},
    {DCM_ContentTemplateSequence, DCM_MappingResource},
    {DCM_ContentTemplateSequence, DCM_TemplateIdentifier},
    {DCM_CodingSchemeIdentificationSequence, DCM_CodingSchemeDesignator},
    {DCM_ContributingEquipmentSequence, DCM_PurposeOfReferenceCodeSequence},
    {DCM_ContributingEquipmentSequence, DCM_Manufacturer},
    {DCM_DisplayedAreaSelectionSequence, DCM_DisplayedAreaTopLeftHandCorner},
    {DCM_DisplayedAreaSelectionSequence, DCM_DisplayedAreaBottomRightHandCorner},
    {DCM_DisplayedAreaSelectionSequence, DCM_PresentationSizeMode},
    {DCM_GraphicAnnotationSequence, DCM_GraphicLayer},
    {DCM_GraphicObjectSequence, DCM_GraphicAnnotationUnits},
    {DCM_GraphicObjectSequence, DCM_GraphicDimensions},
    {DCM_GraphicObjectSequence, DCM_NumberOfGraphicPoints},
    {DCM_GraphicObjectSequence, DCM_GraphicData},
    {DCM_GraphicObjectSequence, DCM_GraphicType},
    {DCM_TextObjectSequence, DCM_UnformattedTextValue},
    {DCM_GraphicLayerSequence, DCM_GraphicLayer},
    {DCM_GraphicLayerSequence, DCM_GraphicLayerOrder},
    {DCM_SoftcopyVOILUTSequence, DCM_WindowCenter},
    {DCM_SoftcopyVOILUTSequence, DCM_WindowWidth},
    {DCM_RealWorldValueMappingSequence, DCM_LUTExplanation},
    {DCM_RealWorldValueMappingSequence, DCM_LUTLabel},
    {DCM_RealWorldValueMappingSequence, DCM_MeasurementUnitsCodeSequence},
    {DCM_RealWorldValueMappingSequence, DCM_QuantityDefinitionSequence},
    {DCM_RealWorldValueMappingSequence, DCM_RealWorldValueIntercept},
    {DCM_RealWorldValueMappingSequence, DCM_RealWorldValueSlope},
    {DCM_PixelValueTransformationSequence, DCM_RescaleIntercept},
    {DCM_PixelValueTransformationSequence, DCM_RescaleSlope},
    {DCM_PixelValueTransformationSequence, DCM_RescaleType},
    {DCM_ParametricMapFrameTypeSequence, DCM_FrameType},
    {DCM_FrameContentSequence, DCM_DimensionIndexValues},
    {DCM_FrameVOILUTSequence, DCM_WindowCenter},
    {DCM_FrameVOILUTSequence, DCM_WindowWidth},
    {DCM_PlanePositionSequence, DCM_ImagePositionPatient},
    {DCM_PlaneOrientationSequence, DCM_ImageOrientationPatient},
    {DCM_DerivationImageSequence, DCM_DerivationCodeSequence},
    {DCM_DimensionOrganizationSequence, DCM_DimensionOrganizationUID},
    {DCM_DimensionIndexSequence, DCM_DimensionIndexPointer},
};

unsigned class_of(const std::string &uid)
{
    const struct {
        const char *uid;
        unsigned sop_class;
    } list[] = {{UID_Comprehensive3DSRStorage, SR},
                {UID_ComprehensiveSRStorage, SR},
                {UID_EnhancedSRStorage, SR},
                {UID_KeyObjectSelectionDocumentStorage, KO},
                {UID_SecondaryCaptureImageStorage, SC},
                {UID_MultiframeTrueColorSecondaryCaptureImageStorage, MULTIFRAME_SC},
                {UID_GrayscaleSoftcopyPresentationStateStorage, PR},
                {UID_ParametricMapStorage, PMAP}};
    for (const auto &row : list)
        if (uid == row.uid)
            return row.sop_class;
    return 0;
}

} /* namespace */

enum dx_status dx_check_mandatory(dx_result_review *review, DcmItem *item, const DcmTagKey &parent,
                                  const std::string &path)
{
    if (parent != DCM_ItemTag) {
        for (const item_rule &row : of_items)
            if (row.sequence == parent && !dx_has_value(item, row.tag))
                return review->fail(path, row.tag, "missing or empty");
        return DX_OK;
    }
    unsigned sop_class = class_of(review->sop_class);
    if (sop_class == 0)
        return review->fail("", DCM_SOPClassUID, "not one that we write");
    for (const rule &row : of_dataset) {
        if ((row.classes & sop_class) == 0)
            continue;
        if (row.type == 1 ? !dx_has_value(item, row.tag) : !item->tagExists(row.tag))
            return review->fail("", row.tag, row.type == 1 ? "missing or empty" : "missing");
    }
    return DX_OK;
}

size_t dx_result_attributes(const char *sop_class, struct dx_result_attribute *list, size_t most)
{
    unsigned wanted = class_of(sop_class);
    size_t count = 0;
    for (const rule &row : of_dataset) {
        if ((row.classes & wanted) == 0 || count == most)
            continue;
        DcmTag tag(row.tag);
        list[count].tag = static_cast<uint32_t>(tag.getGroup()) << 16 | tag.getElement();
        list[count].type = row.type;
        (void)snprintf(list[count].name, sizeof list[count].name, "%s", tag.getTagName());
        count++;
    }
    return count;
}
