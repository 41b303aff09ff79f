/* Synthetic images from a 16-bit plane: Digital X-Ray for presentation (PS3.3 A.26), Computed
 * Radiography (A.2), CT (A.3), Secondary Capture (A.8). */
#include "result.hh"

#include <cstdio>
#include <cstring>
#include <vector>

namespace
{

const unsigned usual_bits = 12;
const int hounsfield_zero = 1024; /* stored value of water */

const struct dx_code cervical_spine = {"122494005", "SCT", "Cervical spine"};
const struct dx_code lateral = {"399067008", "SCT", "lateral projection"};
const struct dx_code views[] = {
    {"399348003", "SCT", "antero-posterior projection"},
    {"272479007", "SCT", "postero-anterior projection"},
};

const struct {
    const char *sop_class, *modality;
} kinds[] = {
    {UID_DigitalXRayImageStorageForPresentation, "DX"},
    {UID_ComputedRadiographyImageStorage, "CR"},
    {UID_CTImageStorage, "CT"},
    {UID_SecondaryCaptureImageStorage, "OT"},
};

enum {
    DX = 1 << DX_SYNTHETIC_DX,
    CR = 1 << DX_SYNTHETIC_CR,
    CT = 1 << DX_SYNTHETIC_CT,
    SC = 1 << DX_SYNTHETIC_SC,
    ALL = DX | CR | CT | SC
};

struct defaulted {
    DcmTagKey tag;
    const char *value;
    int kinds;
};

/* What the modules of the IOD want and a plane does not tell; attrs may overrule these. */
const struct defaulted defaults[] = {
    {DCM_SeriesNumber, "1", ALL},
    {DCM_InstanceNumber, "1", ALL},
    {DCM_Manufacturer, "cervigate", ALL},
    {DCM_ImageType, "ORIGINAL\\PRIMARY", DX | CR},
    {DCM_ImageType, "ORIGINAL\\PRIMARY\\AXIAL", CT},
    {DCM_ImageType, "DERIVED\\SECONDARY", SC},
    {DCM_BodyPartExamined, "CSPINE", DX | CR | CT},
    {DCM_ViewPosition, "", CR},
    {DCM_ImageLaterality, "U", DX | CR | SC},
    {DCM_PatientOrientation, "A\\F", DX | CR},
    {DCM_PatientOrientation, "", SC},
    {DCM_PositionerType, "", DX},
    {DCM_DetectorType, "", DX},
    {DCM_BurnedInAnnotation, "NO", ALL},
    {DCM_AcquisitionDate, "", DX | CR | CT},
    {DCM_AcquisitionTime, "", DX | CR | CT},
    {DCM_ContentDate, "", ALL},
    {DCM_ContentTime, "", ALL},
    {DCM_LossyImageCompression, "00", ALL},
    {DCM_ConversionType, "WSD", SC},
    {DCM_KVP, "", CT},
    {DCM_AcquisitionNumber, "1", CT},
    {DCM_PatientPosition, "HFS", CT},
    {DCM_SliceThickness, "1", CT},
    {DCM_ImagePositionPatient, "0\\0\\0", CT},
    {DCM_ImageOrientationPatient, "1\\0\\0\\0\\1\\0", CT},
    {DCM_PositionReferenceIndicator, "", CT},
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

void put_attributes(ResultWriter &writer, const struct dx_synthetic *image)
{
    const struct dx_attrs *attrs = image->attrs;
    for (const struct defaulted &entry : defaults)
        if (entry.kinds & 1 << image->sop_class)
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

void put_anatomy(ResultWriter &writer, const struct dx_synthetic *image)
{
    const struct dx_code *view = image->view.value != nullptr ? &image->view : &lateral;
    for (const struct dx_code &known : views)
        if (image->view.value == nullptr &&
            strcmp(dx_attrs_text(image->attrs, DX_TAG(0x0008, 0x0100)), known.value) == 0)
            view = &known;
    writer.code(DCM_AnatomicRegionSequence,
                image->region.value != nullptr ? image->region : cervical_spine);
    writer.enter(DCM_ViewCodeSequence);
    writer.text(DCM_CodeValue, view->value);
    writer.text(DCM_CodingSchemeDesignator, view->scheme);
    writer.text(DCM_CodeMeaning, view->meaning);
    writer.empty(DCM_ViewModifierCodeSequence);
    writer.leave();
    writer.empty(DCM_AcquisitionContextSequence);
}

struct range {
    unsigned bits;
    uint32_t low, high;
};

struct range range_of(const struct dx_synthetic *image)
{
    struct range range = {image->bits != 0 ? static_cast<unsigned>(image->bits) : usual_bits,
                          image->low, image->high};
    if (range.low == 0 && range.high == 0)
        range.high = (1u << range.bits) - 1;
    return range;
}

void put_values(ResultWriter &writer, const struct dx_synthetic *image, const struct range &range)
{
    size_t count = static_cast<size_t>(image->rows) * image->cols;
    std::vector<Uint16> stored(count);
    for (size_t i = 0; i < count; i++) {
        uint64_t above =
            (static_cast<uint64_t>(image->pixels[i]) * (range.high - range.low) + 32767) / 65535;
        stored[i] =
            static_cast<Uint16>(image->monochrome1 ? range.high - above : range.low + above);
    }
    writer.number(DCM_SamplesPerPixel, 1);
    writer.text(DCM_PhotometricInterpretation, image->monochrome1 ? "MONOCHROME1" : "MONOCHROME2");
    writer.number(DCM_Rows, image->rows);
    writer.number(DCM_Columns, image->cols);
    writer.number(DCM_BitsAllocated, 16);
    writer.number(DCM_BitsStored, range.bits);
    writer.number(DCM_HighBit, range.bits - 1);
    writer.number(DCM_PixelRepresentation, 0);
    writer.keep(writer.dataset()->putAndInsertUint16Array(DCM_PixelData, stored.data(), count));
}

/* Bone is bright where little intensity arrived: the sign says which way the values run. */
void put_intensity(ResultWriter &writer, const struct dx_synthetic *image)
{
    writer.text(DCM_PresentationIntentType, "FOR PRESENTATION");
    writer.text(DCM_PresentationLUTShape, image->monochrome1 ? "INVERSE" : "IDENTITY");
    writer.text(DCM_PixelIntensityRelationship, "LOG");
    writer.text(DCM_PixelIntensityRelationshipSign, image->monochrome1 ? "1" : "-1");
}

/* PS3.3 C.11.2.1.2.1: the window's linear function takes low to black and high to white. */
void put_display(ResultWriter &writer, const struct dx_synthetic *image, const struct range &range)
{
    char text[40];
    bool is_ct = image->sop_class == DX_SYNTHETIC_CT;
    int intercept = is_ct ? -hounsfield_zero : 0;
    if (image->sop_class != DX_SYNTHETIC_SC) {
        writer.text(DCM_RescaleIntercept, std::to_string(intercept).c_str());
        writer.text(DCM_RescaleSlope, "1");
        writer.text(DCM_RescaleType, is_ct ? "HU" : "US");
    }
    double sum = static_cast<double>(range.low) + range.high + 1;
    snprintf(text, sizeof text, "%g", sum / 2 + intercept);
    writer.text(DCM_WindowCenter, text);
    writer.text(DCM_WindowWidth, std::to_string(range.high - range.low + 1).c_str());
    double mm = image->mm_per_pixel > 0 ? image->mm_per_pixel : 0.1;
    snprintf(text, sizeof text, "%.6g\\%.6g", mm, mm);
    if (image->sop_class == DX_SYNTHETIC_DX || image->sop_class == DX_SYNTHETIC_CR)
        writer.text(DCM_ImagerPixelSpacing, text);
    if (is_ct || (image->spaced && image->sop_class != DX_SYNTHETIC_SC))
        writer.text(DCM_PixelSpacing, text);
}

enum dx_status check(const struct dx_synthetic *image, struct dx_error *err)
{
    if (image->pixels == nullptr || image->attrs == nullptr || image->rows == 0 ||
        image->cols == 0 || image->rows > UINT16_MAX || image->cols > UINT16_MAX ||
        static_cast<uint64_t>(image->rows) * image->cols * 2 > INT32_MAX)
        return dx_fail(err, DX_INVALID, "image of %u x %u pixels", image->rows, image->cols);
    if (!dx_uid_is_valid(image->study) || !dx_uid_is_valid(image->series) ||
        !dx_uid_is_valid(image->sop_instance))
        return dx_fail(err, DX_INVALID, "image: study, series or instance has no UID");
    struct range range = range_of(image);
    int kind; /* a C caller may have any number there, which C++ may not read as the enumeration */
    static_assert(sizeof kind == sizeof image->sop_class, "an enumeration is an int");
    std::memcpy(&kind, &image->sop_class, sizeof kind);
    if (kind < DX_SYNTHETIC_DX || kind > DX_SYNTHETIC_SC || range.bits < 8 || range.bits > 16 ||
        range.low >= range.high || range.high >> range.bits)
        return dx_fail(err, DX_INVALID, "image: class %d, %u bits, values %u to %u", kind,
                       range.bits, range.low, range.high);
    return DX_OK;
}

enum dx_status write_synthetic(const struct dx_synthetic *image, const char *path,
                               struct dx_error *err)
{
    enum dx_status status = check(image, err);
    if (status != DX_OK)
        return status;
    ResultWriter writer;
    struct range range = range_of(image);
    dx_put_patient_study(writer, image->attrs);
    put_attributes(writer, image);
    writer.text(DCM_SOPClassUID, kinds[image->sop_class].sop_class);
    writer.text(DCM_SOPInstanceUID, image->sop_instance);
    writer.text(DCM_StudyInstanceUID, image->study);
    writer.text(DCM_SeriesInstanceUID, image->series);
    writer.text(DCM_Modality, kinds[image->sop_class].modality);
    if (image->sop_class == DX_SYNTHETIC_DX) {
        put_anatomy(writer, image);
        put_intensity(writer, image);
    }
    put_values(writer, image, range);
    put_display(writer, image, range);
    return writer.save(path, err);
}

} /* namespace */

enum dx_status dx_synthetic_write(const struct dx_synthetic *image, const char *path,
                                  struct dx_error *err)
{
    return dx_guard(
        err, [&]() -> enum dx_status { return write_synthetic(image, path, err); });
}
