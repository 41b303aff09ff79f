/* Grayscale Softcopy Presentation State: the region as a graphic that a viewer lays over the
 * original (PS3.3 A.33.1, C.10.5, C.11).
 *
 * A presentation state replaces the image's own modality and VOI transformations and its polarity,
 * so it repeats them: the image under the graphic looks as it did. */
#include "result.hh"

#include <cmath>
#include <cstring>
#include <string>

namespace
{

const char *source_text(const struct dx_gsps *gsps, const DcmTagKey &tag)
{
    return dx_attrs_text(gsps->header.source, DX_TAG(tag.getGroup(), tag.getElement()));
}

bool is_filled(const char *text)
{
    return text != nullptr && text[0] != '\0';
}

size_t count_values(const char *text)
{
    size_t count = is_filled(text) ? 1 : 0;
    for (; *text != '\0'; text++)
        count += *text == '\\' ? 1 : 0;
    return count;
}

void put_displayed_area(ResultWriter &writer, const struct dx_gsps *gsps)
{
    std::string corner = std::to_string(gsps->cols) + "\\" + std::to_string(gsps->rows);
    writer.enter(DCM_DisplayedAreaSelectionSequence);
    writer.text(DCM_DisplayedAreaTopLeftHandCorner, "1\\1");
    writer.text(DCM_DisplayedAreaBottomRightHandCorner, corner.c_str());
    writer.text(DCM_PresentationSizeMode, "SCALE TO FIT");
    const char *spacing = source_text(gsps, DCM_PixelSpacing);
    if (count_values(spacing) != 2)
        spacing = source_text(gsps, DCM_ImagerPixelSpacing);
    const char *aspect = source_text(gsps, DCM_PixelAspectRatio);
    if (count_values(spacing) == 2)
        writer.text(DCM_PresentationPixelSpacing, spacing);
    else
        writer.text(DCM_PresentationPixelAspectRatio, count_values(aspect) == 2 ? aspect : "1\\1");
    writer.leave();
}

/* The first window alone: that is what viewers show first. */
void put_window(ResultWriter &writer, const struct dx_gsps *gsps)
{
    std::string center = source_text(gsps, DCM_WindowCenter);
    std::string width = source_text(gsps, DCM_WindowWidth);
    center.resize(std::min(center.size(), center.find('\\')));
    width.resize(std::min(width.size(), width.find('\\')));
    const char *function = source_text(gsps, DCM_VOILUTFunction);
    if (center.empty() || width.empty())
        return;
    writer.enter(DCM_SoftcopyVOILUTSequence);
    writer.text(DCM_WindowCenter, center.c_str());
    writer.text(DCM_WindowWidth, width.c_str());
    if (is_filled(function))
        writer.text(DCM_VOILUTFunction, function);
    writer.leave();
}

void put_grey(ResultWriter &writer, const struct dx_gsps *gsps)
{
    const char *slope = source_text(gsps, DCM_RescaleSlope);
    const char *intercept = source_text(gsps, DCM_RescaleIntercept);
    const char *type = source_text(gsps, DCM_RescaleType);
    const char *shape = source_text(gsps, DCM_PresentationLUTShape);
    if (is_filled(slope) && is_filled(intercept)) {
        writer.text(DCM_RescaleIntercept, intercept);
        writer.text(DCM_RescaleSlope, slope);
        writer.text(DCM_RescaleType, is_filled(type) ? type : "US");
    }
    put_window(writer, gsps);
    if (strcmp(shape, "IDENTITY") != 0 && strcmp(shape, "INVERSE") != 0)
        shape = strcmp(source_text(gsps, DCM_PhotometricInterpretation), "MONOCHROME1") == 0
                    ? "INVERSE"
                    : "IDENTITY";
    writer.text(DCM_PresentationLUTShape, shape);
}

/* The text stands at the region's rightmost point. */
void put_text(ResultWriter &writer, const struct dx_gsps *gsps)
{
    const float *anchor = gsps->points;
    for (size_t i = 1; i < gsps->point_count; i++)
        if (gsps->points[2 * i] > anchor[0])
            anchor = gsps->points + 2 * i;
    writer.enter(DCM_TextObjectSequence);
    writer.text(DCM_AnchorPointAnnotationUnits, "PIXEL");
    writer.text(DCM_UnformattedTextValue, gsps->text);
    writer.floats(DCM_AnchorPoint, anchor, 2);
    writer.text(DCM_AnchorPointVisibility, "N");
    writer.leave();
}

void put_graphic(ResultWriter &writer, const struct dx_gsps *gsps)
{
    writer.enter(DCM_GraphicAnnotationSequence);
    dx_put_reference(writer, DCM_ReferencedImageSequence, gsps->header.references[0]);
    writer.text(DCM_GraphicLayer, gsps->layer);
    if (is_filled(gsps->text))
        put_text(writer, gsps);
    writer.enter(DCM_GraphicObjectSequence);
    writer.text(DCM_GraphicAnnotationUnits, "PIXEL");
    writer.number(DCM_GraphicDimensions, 2);
    writer.number(DCM_NumberOfGraphicPoints, static_cast<unsigned>(gsps->point_count));
    writer.floats(DCM_GraphicData, gsps->points, gsps->point_count * 2);
    writer.text(DCM_GraphicType, "POLYLINE");
    writer.text(DCM_GraphicFilled, "N");
    writer.leave();
    writer.leave();

    writer.enter(DCM_GraphicLayerSequence);
    writer.text(DCM_GraphicLayer, gsps->layer);
    writer.text(DCM_GraphicLayerOrder, "1");
    writer.leave();
}

enum dx_status check_points(const struct dx_gsps *gsps, struct dx_error *err)
{
    const float *points = gsps->points;
    size_t last = 2 * gsps->point_count - 2;
    if (points == nullptr || gsps->point_count < 4 || gsps->point_count > UINT16_MAX)
        return dx_fail(err, DX_INVALID, "presentation state: region of %zu points",
                       gsps->point_count);
    for (size_t i = 0; i < gsps->point_count; i++)
        if (!(points[2 * i] >= 0 && points[2 * i] <= static_cast<float>(gsps->cols) &&
              points[2 * i + 1] >= 0 && points[2 * i + 1] <= static_cast<float>(gsps->rows)))
            return dx_fail(err, DX_INVALID, "presentation state: point %zu is not in the image",
                           i + 1);
    if (points[0] < points[last] || points[0] > points[last] || points[1] < points[last + 1] ||
        points[1] > points[last + 1])
        return dx_fail(err, DX_INVALID, "presentation state: the region is not closed");
    return DX_OK;
}

enum dx_status check(const struct dx_gsps *gsps, struct dx_error *err)
{
    if (gsps->header.source == nullptr || gsps->header.reference_count != 1 ||
        gsps->header.references == nullptr)
        return dx_fail(err, DX_INVALID, "presentation state: not of one image");
    if (gsps->rows == 0 || gsps->cols == 0 || gsps->rows > UINT16_MAX || gsps->cols > UINT16_MAX)
        return dx_fail(err, DX_INVALID, "presentation state: image of %u x %u pixels", gsps->rows,
                       gsps->cols);
    if (!is_filled(gsps->label) || !is_filled(gsps->layer))
        return dx_fail(err, DX_INVALID, "presentation state: no label or layer");
    const char *photometric = source_text(gsps, DCM_PhotometricInterpretation);
    if (is_filled(photometric) && strncmp(photometric, "MONOCHROME", 10) != 0)
        return dx_fail(err, DX_UNSUPPORTED, "presentation state: the image is %s", photometric);
    enum dx_status status = check_points(gsps, err);
    return status ? status : dx_check_references(&gsps->header, err);
}

enum dx_status write_gsps(const struct dx_gsps *gsps, const char *path, struct dx_error *err)
{
    enum dx_status status = check(gsps, err);
    if (status)
        return status;
    ResultWriter writer;
    status = dx_put_header(writer, &gsps->header, UID_GrayscaleSoftcopyPresentationStateStorage,
                           "PR", err);
    if (status)
        return status;
    dx_put_body_part(writer, gsps->header.source);
    dx_put_content_label(writer, gsps->label, gsps->description, gsps->creator);
    writer.text(DCM_PresentationCreationDate, gsps->header.content_date);
    writer.text(DCM_PresentationCreationTime, gsps->header.content_time);
    dx_put_series(writer, &gsps->header, DCM_ReferencedImageSequence);
    put_displayed_area(writer, gsps);
    put_graphic(writer, gsps);
    put_grey(writer, gsps);
    return writer.save(path, err);
}

} /* namespace */

enum dx_status dx_gsps_write(const struct dx_gsps *gsps, const char *path, struct dx_error *err)
{
    struct dx_gsps of_one = *gsps;
    of_one.header.reference_count = of_one.header.reference_count > 0 ? 1 : 0;
    return dx_guard(
        err, [&]() -> enum dx_status { return write_gsps(&of_one, path, err); });
}
