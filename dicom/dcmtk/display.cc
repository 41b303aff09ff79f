/* What a dataset says about showing a frame: from its top level, or for the enhanced objects from
 * the frame's own item, then the shared one, of the functional groups (PS3.3 C.7.6.16). */
#include "object.hh"

#include <cstdlib>
#include <cstring>

namespace
{

DcmItem *item_of(DcmItem *item, const DcmTagKey &sequence, signed long index = 0)
{
    DcmItem *found = nullptr;
    if (item == nullptr || item->findAndGetSequenceItem(sequence, found, index).bad())
        return nullptr;
    return found;
}

/* The first item of a LUT sequence; one with neither descriptor nor data stands for no table. */
DcmItem *lut_of(DcmItem *dataset, const DcmTagKey &sequence)
{
    DcmItem *item = item_of(dataset, sequence);
    if (item == nullptr ||
        (!item->tagExistsWithValue(DCM_LUTDescriptor) && !item->tagExistsWithValue(DCM_LUTData)))
        return nullptr;
    return item;
}

/* The item that holds `tag`: the dataset, or macro `sequence` of a functional group. */
DcmItem *holder(dx_object *object, uint32_t frame, const DcmTagKey &sequence, const DcmTagKey &tag)
{
    if (object->dataset->tagExists(tag))
        return object->dataset;
    DcmItem *own = item_of(object->dataset, DCM_PerFrameFunctionalGroupsSequence,
                           static_cast<signed long>(frame));
    DcmItem *macro = item_of(own, sequence);
    if (macro == nullptr)
        macro = item_of(item_of(object->dataset, DCM_SharedFunctionalGroupsSequence), sequence);
    return macro != nullptr && macro->tagExists(tag) ? macro : nullptr;
}

/* A descriptor's or padding's 16 bits, whatever VR they were sent with. */
bool word_of(DcmItem *item, const DcmTagKey &tag, unsigned long index, bool is_signed,
             int32_t *value)
{
    Uint16 word = 0;
    Sint16 number = 0;
    if (item->findAndGetUint16(tag, word, index).good())
        *value = is_signed ? static_cast<Sint16>(word) : word;
    else if (item->findAndGetSint16(tag, number, index).good())
        *value = is_signed ? number : static_cast<Uint16>(number);
    else
        return false;
    return true;
}

const Uint16 *words_of(DcmItem *item, const DcmTagKey &tag, unsigned long *count)
{
    const Uint16 *words = nullptr;
    const Sint16 *numbers = nullptr;
    if (item->findAndGetUint16Array(tag, words, count).good())
        return words;
    if (item->findAndGetSint16Array(tag, numbers, count).good())
        return reinterpret_cast<const Uint16 *>(numbers);
    return nullptr;
}

/* Entries of 8 bits lie one a word, or (against the standard, but common) two a word. */
void fill(const Uint16 *words, unsigned long count, struct dx_lut *lut)
{
    bool is_packed = lut->bits <= 8 && count < lut->count;
    uint16_t most = 0;
    for (uint32_t i = 0; i < lut->count; i++) {
        uint16_t entry =
            is_packed ? static_cast<uint16_t>(words[i / 2] >> (i % 2 * 8) & 0xff) : words[i];
        lut->entries[i] = entry;
        most = entry > most ? entry : most;
    }
    while (lut->bits < 16 && most >> lut->bits != 0)
        lut->bits++;
}

/* LUT Descriptor and LUT Data (C.11.1.1.1). A broken table is an error: guessing would show
 * something else than the modality meant. */
enum dx_status read_lut(DcmItem *item, const DcmTagKey &descriptor, const DcmTagKey &data,
                        bool is_signed, struct dx_lut *lut, struct dx_error *err)
{
    int32_t count = 0, first = 0, bits = 0;
    unsigned long length = 0;
    const Uint16 *words = words_of(item, data, &length);
    if (!word_of(item, descriptor, 0, false, &count) ||
        !word_of(item, descriptor, 1, is_signed, &first) ||
        !word_of(item, descriptor, 2, false, &bits) || words == nullptr)
        return dx_fail(err, DX_MALFORMED, "look-up table (%04X,%04X) is incomplete",
                       data.getGroup(), data.getElement());
    if (count == 0)
        count = 65536;
    uint64_t needed = static_cast<uint64_t>(count);
    if (bits < 1 || bits > 16 || length < (bits <= 8 ? (needed + 1) / 2 : needed))
        return dx_fail(err, DX_MALFORMED, "look-up table (%04X,%04X): %d entries of %d bits in %lu",
                       data.getGroup(), data.getElement(), count, bits, length);
    lut->entries = static_cast<uint16_t *>(malloc(needed * sizeof(uint16_t)));
    if (lut->entries == nullptr)
        return dx_fail(err, DX_NO_MEMORY, "look-up table: out of memory");
    lut->count = static_cast<uint32_t>(count);
    lut->first = first;
    lut->bits = static_cast<uint16_t>(bits);
    fill(words, length, lut);
    return DX_OK;
}

enum dx_status read_modality(dx_object *object, uint32_t frame, bool is_signed,
                             struct dx_display *display, struct dx_error *err)
{
    DcmItem *lut = lut_of(object->dataset, DCM_ModalityLUTSequence);
    if (lut != nullptr)
        return read_lut(lut, DCM_LUTDescriptor, DCM_LUTData, is_signed, &display->modality, err);
    DcmItem *item = holder(object, frame, DCM_PixelValueTransformationSequence, DCM_RescaleSlope);
    (void)dx_number_of(item, DCM_RescaleSlope, 0, &display->slope);
    (void)dx_number_of(item, DCM_RescaleIntercept, 0, &display->intercept);
    if (display->slope == 0.0)
        display->slope = 1.0;
    return DX_OK;
}

/* The first window that means something: width at least 1 for LINEAR, above 0 for the others. */
void read_window(DcmItem *item, struct dx_display *display)
{
    double center = 0.0, width = 0.0;
    if (!dx_number_of(item, DCM_WindowCenter, 0, &center) ||
        !dx_number_of(item, DCM_WindowWidth, 0, &width))
        return;
    OFString function = dx_text_of(item, DCM_VOILUTFunction);
    enum dx_voi voi = function == "SIGMOID"        ? DX_VOI_SIGMOID
                      : function == "LINEAR_EXACT" ? DX_VOI_LINEAR_EXACT
                                                   : DX_VOI_LINEAR;
    if (voi == DX_VOI_LINEAR ? width < 1.0 : width <= 0.0)
        return;
    display->voi = voi;
    display->center = center;
    display->width = width;
}

enum dx_status read_voi(dx_object *object, uint32_t frame, bool is_signed,
                        struct dx_display *display, struct dx_error *err)
{
    DcmItem *lut = lut_of(object->dataset, DCM_VOILUTSequence);
    if (lut != nullptr) {
        display->voi = DX_VOI_LUT;
        /* Its input is the output of the modality step, which is signed when that can be. */
        bool can_be_negative = is_signed || display->intercept < 0.0;
        bool has_modality_lut = display->modality.count > 0;
        return read_lut(lut, DCM_LUTDescriptor, DCM_LUTData, can_be_negative && !has_modality_lut,
                        &display->voi_lut, err);
    }
    read_window(holder(object, frame, DCM_FrameVOILUTSequence, DCM_WindowCenter), display);
    return DX_OK;
}

void read_padding(dx_object *object, bool is_signed, struct dx_display *display)
{
    int32_t value = 0, limit = 0;
    if (!word_of(object->dataset, DCM_PixelPaddingValue, 0, is_signed, &value))
        return;
    if (!word_of(object->dataset, DCM_PixelPaddingRangeLimit, 0, is_signed, &limit))
        limit = value;
    display->has_padding = 1;
    display->padding_low = value < limit ? value : limit;
    display->padding_high = value < limit ? limit : value;
}

/* Calibrated distances first, then the detector's, then the bare ratio. */
void read_spacing(dx_object *object, uint32_t frame, struct dx_display *display)
{
    DcmItem *item = holder(object, frame, DCM_PixelMeasuresSequence, DCM_PixelSpacing);
    const DcmTagKey tags[] = {DCM_PixelSpacing, DCM_ImagerPixelSpacing,
                              DCM_NominalScannedPixelSpacing};
    for (const DcmTagKey &tag : tags) {
        double row = 0.0, col = 0.0;
        if (dx_number_of(item, tag, 0, &row) && dx_number_of(item, tag, 1, &col) && row > 0.0 &&
            col > 0.0) {
            display->row_mm = row;
            display->col_mm = col;
            return;
        }
        item = object->dataset;
    }
    double vertical = 0.0, horizontal = 0.0;
    if (dx_number_of(object->dataset, DCM_PixelAspectRatio, 0, &vertical) &&
        dx_number_of(object->dataset, DCM_PixelAspectRatio, 1, &horizontal) && vertical > 0.0 &&
        horizontal > 0.0)
        display->aspect = vertical / horizontal;
}

bool is_lossy(dx_object *object)
{
    static const char *const syntaxes[] = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51",
                                           "1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55",
                                           "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.91",
                                           "1.2.840.10008.1.2.4.93", "1.2.840.10008.1.2.4.203"};
    for (const char *syntax : syntaxes)
        if (strcmp(object->transfer_syntax, syntax) == 0)
            return true;
    return dx_text_of(object->dataset, DCM_LossyImageCompression) == "01";
}

enum dx_status read_palette(dx_object *object, bool is_signed, struct dx_display *display,
                            struct dx_error *err)
{
    const DcmTagKey descriptors[] = {DCM_RedPaletteColorLookupTableDescriptor,
                                     DCM_GreenPaletteColorLookupTableDescriptor,
                                     DCM_BluePaletteColorLookupTableDescriptor};
    const DcmTagKey data[] = {DCM_RedPaletteColorLookupTableData,
                              DCM_GreenPaletteColorLookupTableData,
                              DCM_BluePaletteColorLookupTableData};
    enum dx_status status = DX_OK;
    for (int i = 0; i < 3 && status == DX_OK; i++)
        status = read_lut(object->dataset, descriptors[i], data[i], is_signed, &display->palette[i],
                          err);
    return status;
}

} /* namespace */

enum dx_status dx_read_display(dx_object *object, uint32_t index, const struct dx_image_info *info,
                               struct dx_display *display, struct dx_error *err)
{
    display->was_lossy = is_lossy(object);
    read_spacing(object, index, display);
    if (info->samples == 3)
        return DX_OK;
    bool is_signed = info->is_signed != 0;
    if (strcmp(info->photometric, "PALETTE COLOR") == 0)
        return read_palette(object, is_signed, display, err);
    if (strcmp(info->photometric, "MONOCHROME1") != 0 &&
        strcmp(info->photometric, "MONOCHROME2") != 0)
        return dx_fail(err, DX_UNSUPPORTED, "Photometric Interpretation \"%s\"", info->photometric);
    display->is_inverted = dx_display_is_inverted(
        info->photometric, dx_text_of(object->dataset, DCM_PresentationLUTShape).c_str());
    read_padding(object, is_signed, display);
    enum dx_status status = read_modality(object, index, is_signed, display, err);
    return status ? status : read_voi(object, index, is_signed, display, err);
}
