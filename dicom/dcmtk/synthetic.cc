/* Digital X-Ray Image for presentation (PS3.3 A.26) from a 16-bit plane. */
#include "result.hh"

#include <cstdio>
#include <cstring>
#include <vector>

namespace
{

const unsigned bits_stored = 12;

const struct dx_code lateral = {"399067008", "SCT", "lateral projection"};
const struct dx_code views[] = {
    {"399348003", "SCT", "antero-posterior projection"},
    {"272479007", "SCT", "postero-anterior projection"},
};

struct defaulted {
    DcmTagKey tag;
    const char *value;
};

/* What the modules of the IOD want and a plane does not tell; attrs may overrule these. */
const struct defaulted defaults[] = {
    {DCM_SeriesNumber, "1"},
    {DCM_InstanceNumber, "1"},
    {DCM_Manufacturer, "cervigate"},
    {DCM_ImageType, "ORIGINAL\\PRIMARY"},
    {DCM_BodyPartExamined, "CSPINE"},
    {DCM_ImageLaterality, "U"},
    {DCM_PatientOrientation, "A\\F"},
    {DCM_PositionerType, ""},
    {DCM_DetectorType, ""},
    {DCM_BurnedInAnnotation, "NO"},
    {DCM_AcquisitionDate, ""},
    {DCM_AcquisitionTime, ""},
    {DCM_ContentDate, ""},
    {DCM_ContentTime, ""},
    {DCM_LossyImageCompression, "00"},
};

/* The pixel module and the identity are this file's own business. */
bool is_ours(uint32_t tag)
{
    static const uint32_t ours[] = {DX_TAG(0x0008, 0x0016), DX_TAG(0x0008, 0x0018),
                                    DX_TAG(0x0008, 0x0100), DX_TAG(0x0008, 0x2218),
                                    DX_TAG(0x0020, 0x000d), DX_TAG(0x0020, 0x000e),
                                    DX_TAG(0x0018, 0x1164), DX_TAG(0x2050, 0x0020),
                                    DX_TAG(0x0008, 0x0068), DX_TAG(0x0008, 0x0060)};
    for (uint32_t mine : ours)
        if (tag == mine)
            return true;
    return tag >> 16 == 0x0028 && tag != DX_TAG(0x0028, 0x0301) && tag != DX_TAG(0x0028, 0x2110);
}

void put_attributes(ResultWriter &writer, const struct dx_attrs *attrs)
{
    for (const struct defaulted &entry : defaults)
        writer.text(entry.tag, entry.value);
    for (size_t i = 0; i < dx_attrs_count(attrs); i++) {
        uint32_t tag;
        char vr[3];
        const char *value;
        size_t length;
        dx_attrs_at(attrs, i, &tag, vr, &value, &length);
        if (!is_ours(tag))
            writer.copy(attrs, i);
    }
}

void put_anatomy(ResultWriter &writer, const struct dx_attrs *attrs)
{
    static const struct dx_code cervical_spine = {"122494005", "SCT", "Cervical spine"};
    writer.code(DCM_AnatomicRegionSequence, cervical_spine);
    const struct dx_code *view = &lateral;
    for (const struct dx_code &known : views)
        if (strcmp(dx_attrs_text(attrs, DX_TAG(0x0008, 0x0100)), known.value) == 0)
            view = &known;
    writer.enter(DCM_ViewCodeSequence);
    writer.text(DCM_CodeValue, view->value);
    writer.text(DCM_CodingSchemeDesignator, view->scheme);
    writer.text(DCM_CodeMeaning, view->meaning);
    writer.empty(DCM_ViewModifierCodeSequence);
    writer.leave();
    writer.empty(DCM_AcquisitionContextSequence);
}

/* Bone is bright where little intensity arrived: the sign says which way the values run. */
void put_pixels(ResultWriter &writer, const struct dx_synthetic *image)
{
    size_t count = static_cast<size_t>(image->rows) * image->cols;
    std::vector<Uint16> stored(count);
    const Uint16 most = (1u << bits_stored) - 1;
    for (size_t i = 0; i < count; i++) {
        Uint16 value = static_cast<Uint16>(image->pixels[i] >> (16 - bits_stored));
        stored[i] = image->monochrome1 ? static_cast<Uint16>(most - value) : value;
    }
    writer.number(DCM_SamplesPerPixel, 1);
    writer.text(DCM_PhotometricInterpretation, image->monochrome1 ? "MONOCHROME1" : "MONOCHROME2");
    writer.text(DCM_PresentationLUTShape, image->monochrome1 ? "INVERSE" : "IDENTITY");
    writer.number(DCM_Rows, image->rows);
    writer.number(DCM_Columns, image->cols);
    writer.number(DCM_BitsAllocated, 16);
    writer.number(DCM_BitsStored, bits_stored);
    writer.number(DCM_HighBit, bits_stored - 1);
    writer.number(DCM_PixelRepresentation, 0);
    writer.text(DCM_PixelIntensityRelationship, "LOG");
    writer.text(DCM_PixelIntensityRelationshipSign, image->monochrome1 ? "1" : "-1");
    writer.text(DCM_RescaleIntercept, "0");
    writer.text(DCM_RescaleSlope, "1");
    writer.text(DCM_RescaleType, "US");
    writer.text(DCM_WindowCenter, "2048");
    writer.text(DCM_WindowWidth, "4096");
    char spacing[40];
    double mm = image->mm_per_pixel > 0 ? image->mm_per_pixel : 0.1;
    snprintf(spacing, sizeof spacing, "%.6g\\%.6g", mm, mm);
    writer.text(DCM_ImagerPixelSpacing, spacing);
    writer.keep(writer.dataset()->putAndInsertUint16Array(DCM_PixelData, stored.data(), count));
}

enum dx_status write_dx(const struct dx_synthetic *image, const char *path, struct dx_error *err)
{
    if (image->pixels == nullptr || image->attrs == nullptr || image->rows == 0 ||
        image->cols == 0 || image->rows > UINT16_MAX || image->cols > UINT16_MAX ||
        static_cast<uint64_t>(image->rows) * image->cols * 2 > INT32_MAX)
        return dx_fail(err, DX_INVALID, "image of %u x %u pixels", image->rows, image->cols);
    if (!dx_uid_is_valid(image->study) || !dx_uid_is_valid(image->series) ||
        !dx_uid_is_valid(image->sop_instance))
        return dx_fail(err, DX_INVALID, "image: study, series or instance has no UID");
    ResultWriter writer;
    dx_put_patient_study(writer, image->attrs);
    put_attributes(writer, image->attrs);
    writer.text(DCM_SOPClassUID, UID_DigitalXRayImageStorageForPresentation);
    writer.text(DCM_SOPInstanceUID, image->sop_instance);
    writer.text(DCM_StudyInstanceUID, image->study);
    writer.text(DCM_SeriesInstanceUID, image->series);
    writer.text(DCM_Modality, "DX");
    writer.text(DCM_PresentationIntentType, "FOR PRESENTATION");
    put_anatomy(writer, image->attrs);
    put_pixels(writer, image);
    return writer.save(path, err);
}

} /* namespace */

enum dx_status dx_dx_write(const struct dx_synthetic *image, const char *path, struct dx_error *err)
{
    return dx_guard(
        err, [&]() -> enum dx_status { return write_dx(image, path, err); });
}
