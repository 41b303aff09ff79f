/* Secondary Capture: the saliency picture as an RGB image (PS3.3 A.8.1). */
#include "result.hh"

namespace
{

void put_equipment(ResultWriter &writer, const struct dx_sc *sc)
{
    static const struct dx_code purpose = {"109102", "DCM", "Processing Equipment"};
    const struct dx_result_header *header = &sc->header;
    writer.enter(DCM_ContributingEquipmentSequence);
    writer.code(DCM_PurposeOfReferenceCodeSequence, purpose);
    writer.text(DCM_Manufacturer, header->manufacturer);
    writer.text(DCM_StationName, header->station_ae);
    writer.text(DCM_ManufacturerModelName, header->model_name);
    writer.text(DCM_DeviceSerialNumber, header->device_serial);
    writer.text(DCM_SoftwareVersions, header->software_versions);
    writer.text(DCM_ContributionDescription, sc->derivation_description);
    writer.leave();
}

void put_image(ResultWriter &writer, const struct dx_sc *sc)
{
    writer.text(DCM_ImageType, "DERIVED\\SECONDARY\\OTHER");
    writer.empty(DCM_PatientOrientation);
    writer.text(DCM_DerivationDescription, sc->derivation_description);
    if (sc->derivation.value != nullptr)
        writer.code(DCM_DerivationCodeSequence, sc->derivation);
    for (size_t i = 0; i < sc->header.reference_count; i++)
        dx_put_source(writer, sc->header.references[i]);
    writer.text(DCM_LossyImageCompression, sc->was_lossy ? "01" : "00");
    writer.text(DCM_BurnedInAnnotation, "YES");
    writer.text(DCM_RecognizableVisualFeatures, "NO");
    writer.number(DCM_SamplesPerPixel, 3);
    writer.text(DCM_PhotometricInterpretation, "RGB");
    writer.number(DCM_PlanarConfiguration, 0);
    writer.number(DCM_Rows, sc->rows);
    writer.number(DCM_Columns, sc->cols);
    writer.number(DCM_BitsAllocated, 8);
    writer.number(DCM_BitsStored, 8);
    writer.number(DCM_HighBit, 7);
    writer.number(DCM_PixelRepresentation, 0);
    writer.keep(writer.dataset()->putAndInsertUint8Array(DcmTag(DCM_PixelData, EVR_OB), sc->rgb,
                                                         static_cast<unsigned long>(sc->rows) *
                                                             sc->cols * 3));
}

enum dx_status write_sc(const struct dx_sc *sc, const char *path, struct dx_error *err)
{
    if (sc->rgb == nullptr || sc->rows == 0 || sc->cols == 0 || sc->rows > UINT16_MAX ||
        sc->cols > UINT16_MAX || static_cast<uint64_t>(sc->rows) * sc->cols * 3 > INT32_MAX)
        return dx_fail(err, DX_INVALID, "picture of %u x %u pixels", sc->rows, sc->cols);
    ResultWriter writer;
    enum dx_status status =
        dx_put_header(writer, &sc->header, UID_SecondaryCaptureImageStorage, "OT", err);
    if (status)
        return status;
    writer.text(DCM_ConversionType, "WSD");
    dx_put_body_part(writer, sc->header.source);
    put_equipment(writer, sc);
    put_image(writer, sc);
    return writer.save(path, err);
}

} /* namespace */

enum dx_status dx_sc_write(const struct dx_sc *sc, const char *path, struct dx_error *err)
{
    return dx_guard(
        err, [&]() -> enum dx_status { return write_sc(sc, path, err); });
}
