/* Parametric Map: the saliency as float pixels (PS3.3 A.75, C.8.32, C.7.6.16).
 *
 * Where the source has no frame of reference (radiographs), the map gets one of its own, made of
 * the image's UID, at its origin: the IOD demands one, and it ties the map to nothing but that
 * image. */
#include "result.hh"

#include <cmath>
#include <cstring>
#include <string>

namespace
{

/* PS3.3 C.8.16.1: the flavour that parametric maps commonly say, and no contrast of the derived
 * pixels: the term that fits, QUANTITY, is younger than the validators. */
const char image_type[] = "DERIVED\\PRIMARY\\VOLUME\\NONE";

const char *source_text(const struct dx_pmap *map, const DcmTagKey &tag)
{
    return dx_attrs_text(map->header.source, DX_TAG(tag.getGroup(), tag.getElement()));
}

bool is_filled(const char *text)
{
    return text != nullptr && text[0] != '\0';
}

/* A UID for what the map defines itself, a function of the object it belongs to. */
std::string derived_uid(const char *purpose, const char *owner)
{
    char digest[DX_DIGEST_MAX], uid[DX_UID_MAX];
    struct dx_sha256 *sha = dx_sha256_create();
    if (sha == nullptr)
        throw std::bad_alloc();
    dx_sha256_add_text(sha, purpose);
    dx_sha256_add_text(sha, owner);
    dx_sha256_take(sha, digest);
    if (dx_uid_from_digest(digest, uid) != DX_OK)
        throw std::bad_alloc();
    return uid;
}

/* Position and orientation hold only within the source's own frame of reference. */
bool has_frame_of_reference(const struct dx_pmap *map)
{
    return dx_uid_is_usable(source_text(map, DCM_FrameOfReferenceUID)) &&
           is_filled(source_text(map, DCM_ImagePositionPatient)) &&
           is_filled(source_text(map, DCM_ImageOrientationPatient));
}

void put_frame_of_reference(ResultWriter &writer, const struct dx_pmap *map)
{
    if (has_frame_of_reference(map))
        writer.text(DCM_FrameOfReferenceUID, source_text(map, DCM_FrameOfReferenceUID));
    else
        writer.text(
            DCM_FrameOfReferenceUID,
            derived_uid("frame of reference", map->header.references[0].sop_instance).c_str());
    writer.empty(DCM_PositionReferenceIndicator);
}

void put_dimensions(ResultWriter &writer, const struct dx_pmap *map)
{
    std::string uid = derived_uid("dimension organization", map->header.sop_instance);
    writer.enter(DCM_DimensionOrganizationSequence);
    writer.text(DCM_DimensionOrganizationUID, uid.c_str());
    writer.leave();
    writer.enter(DCM_DimensionIndexSequence);
    writer.text(DCM_DimensionOrganizationUID, uid.c_str());
    writer.pointer(DCM_DimensionIndexPointer, DCM_ImagePositionPatient);
    writer.pointer(DCM_FunctionalGroupPointer, DCM_PlanePositionSequence);
    writer.text(DCM_DimensionDescriptionLabel, "Position");
    writer.leave();
}

void put_geometry(ResultWriter &writer, const struct dx_pmap *map)
{
    char spacing[64];
    const char *thickness = source_text(map, DCM_SliceThickness);
    bool is_known = map->mm_per_row > 0 && map->mm_per_col > 0;
    writer.enter(DCM_PixelMeasuresSequence);
    if (is_known) {
        (void)snprintf(spacing, sizeof spacing, "%.9g\\%.9g", map->mm_per_row, map->mm_per_col);
        writer.text(DCM_PixelSpacing, spacing);
    }
    if (has_frame_of_reference(map) && is_filled(thickness))
        writer.text(DCM_SliceThickness, thickness);
    writer.leave();
    writer.enter(DCM_PlaneOrientationSequence);
    writer.text(DCM_ImageOrientationPatient, has_frame_of_reference(map)
                                                 ? source_text(map, DCM_ImageOrientationPatient)
                                                 : "1\\0\\0\\0\\1\\0");
    writer.leave();
}

/* Stored values are the quantity itself. */
void put_mapping(ResultWriter &writer, const struct dx_pmap *map, double low, double high)
{
    writer.enter(DCM_PixelValueTransformationSequence);
    writer.text(DCM_RescaleIntercept, "0");
    writer.text(DCM_RescaleSlope, "1");
    writer.text(DCM_RescaleType, "US");
    writer.leave();
    writer.enter(DCM_FrameVOILUTSequence);
    writer.decimal(DCM_WindowCenter, low + (high - low) / 2);
    writer.decimal(DCM_WindowWidth, high > low ? high - low : 1);
    writer.text(DCM_VOILUTFunction, "LINEAR_EXACT"); /* LINEAR has no width below 1 */
    writer.leave();

    writer.enter(DCM_RealWorldValueMappingSequence);
    writer.text(DCM_LUTExplanation, map->explanation);
    writer.text(DCM_LUTLabel, "VALUE");
    writer.code(DCM_MeasurementUnitsCodeSequence, map->unit);
    writer.enter(DCM_QuantityDefinitionSequence);
    writer.text(DCM_ValueType, "CODE");
    writer.code(DCM_ConceptNameCodeSequence, {"246205007", "SCT", "Quantity"});
    writer.code(DCM_ConceptCodeSequence, map->quantity);
    writer.leave();
    writer.real(DCM_DoubleFloatRealWorldValueFirstValueMapped, low);
    writer.real(DCM_DoubleFloatRealWorldValueLastValueMapped, high);
    writer.real(DCM_RealWorldValueIntercept, 0);
    writer.real(DCM_RealWorldValueSlope, 1);
    writer.leave();
}

void put_groups(ResultWriter &writer, const struct dx_pmap *map, double low, double high)
{
    writer.enter(DCM_SharedFunctionalGroupsSequence);
    put_geometry(writer, map);
    put_mapping(writer, map, low, high);
    writer.enter(DCM_ParametricMapFrameTypeSequence);
    writer.text(DCM_FrameType, image_type);
    writer.leave();
    writer.enter(DCM_DerivationImageSequence);
    writer.code(DCM_DerivationCodeSequence, map->derivation);
    dx_put_source(writer, map->header.references[0]);
    writer.leave();
    writer.leave();

    writer.enter(DCM_PerFrameFunctionalGroupsSequence);
    writer.enter(DCM_FrameContentSequence);
    writer.text(DCM_DimensionIndexValues, "1");
    writer.leave();
    writer.enter(DCM_PlanePositionSequence);
    writer.text(DCM_ImagePositionPatient, has_frame_of_reference(map)
                                              ? source_text(map, DCM_ImagePositionPatient)
                                              : "0\\0\\0");
    writer.leave();
    writer.leave();
}

void put_image(ResultWriter &writer, const struct dx_pmap *map)
{
    writer.text(DCM_ImageType, image_type);
    dx_put_body_part(writer, map->header.source);
    dx_put_content_label(writer, map->label, map->description, map->creator);
    writer.text(DCM_ContentQualification, map->qualification);
    writer.text(DCM_BurnedInAnnotation, "NO");
    writer.text(DCM_RecognizableVisualFeatures, "NO");
    writer.text(DCM_LossyImageCompression, "00");
    writer.text(DCM_PresentationLUTShape, "IDENTITY");
    writer.empty(DCM_AcquisitionContextSequence);
    dx_put_series(writer, &map->header, DCM_ReferencedInstanceSequence);
    writer.number(DCM_SamplesPerPixel, 1);
    writer.text(DCM_PhotometricInterpretation, "MONOCHROME2");
    writer.text(DCM_NumberOfFrames, "1");
    writer.number(DCM_Rows, map->rows);
    writer.number(DCM_Columns, map->cols);
    writer.number(DCM_BitsAllocated, 32);
    writer.floats(DCM_FloatPixelData, map->values, static_cast<size_t>(map->rows) * map->cols);
}

enum dx_status check(const struct dx_pmap *map, double *low, double *high, struct dx_error *err)
{
    if (map->header.source == nullptr || map->header.reference_count == 0)
        return dx_fail(err, DX_INVALID, "map: of no image");
    if (map->values == nullptr || map->rows == 0 || map->cols == 0 || map->rows > UINT16_MAX ||
        map->cols > UINT16_MAX || static_cast<uint64_t>(map->rows) * map->cols > INT32_MAX / 4)
        return dx_fail(err, DX_INVALID, "map of %u x %u pixels", map->rows, map->cols);
    if (!is_filled(map->label) || !is_filled(map->explanation) || !is_filled(map->qualification))
        return dx_fail(err, DX_INVALID, "map: no label, explanation or qualification");
    *low = *high = 0;
    for (size_t i = 0; i < static_cast<size_t>(map->rows) * map->cols; i++) {
        double value = static_cast<double>(map->values[i]);
        if (!std::isfinite(value))
            return dx_fail(err, DX_INVALID, "map: value %zu is not finite", i + 1);
        *low = std::min(*low, value);
        *high = std::max(*high, value);
    }
    return dx_check_references(&map->header, err);
}

enum dx_status write_pmap(const struct dx_pmap *map, const char *path, struct dx_error *err)
{
    double low = 0, high = 0;
    enum dx_status status = check(map, &low, &high, err);
    if (status)
        return status;
    ResultWriter writer;
    const char *modality = map->header.modality != nullptr ? map->header.modality : "OT";
    status = dx_put_header(writer, &map->header, UID_ParametricMapStorage, modality, err);
    if (status)
        return status;
    put_frame_of_reference(writer, map);
    put_dimensions(writer, map);
    put_groups(writer, map, low, high);
    put_image(writer, map);
    return writer.save(path, err);
}

} /* namespace */

enum dx_status dx_pmap_write(const struct dx_pmap *map, const char *path, struct dx_error *err)
{
    struct dx_pmap of_one = *map; /* one frame, one image */
    of_one.header.reference_count = of_one.header.reference_count > 0 ? 1 : 0;
    return dx_guard(
        err, [&]() -> enum dx_status { return write_pmap(&of_one, path, err); });
}
