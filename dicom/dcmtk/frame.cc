/* Frames: what the dataset says of them, and those that lie in it uncompressed. */
#include "object.hh"

#include "codestream.h"
#include "colour.h"

#include <cstdlib>
#include <cstring>

namespace
{

bool unsigned_of(DcmItem *item, const DcmTagKey &tag, uint16_t *value)
{
    Uint16 number = 0;
    if (item->findAndGetUint16(tag, number).bad())
        return false;
    *value = number;
    return true;
}

enum dx_status check_bits(const struct dx_image_info *info, struct dx_error *err)
{
    if (info->bits_allocated != 1 && info->bits_allocated != 8 && info->bits_allocated != 16 &&
        info->bits_allocated != 32)
        return dx_fail(err, DX_UNSUPPORTED, "Bits Allocated %u", info->bits_allocated);
    if (info->high_bit >= info->bits_allocated || info->bits_stored == 0 ||
        info->bits_stored > info->high_bit + 1)
        return dx_fail(err, DX_MALFORMED, "Bits Allocated %u, Bits Stored %u, High Bit %u",
                       info->bits_allocated, info->bits_stored, info->high_bit);
    if (info->samples != 1 && info->samples != 3)
        return dx_fail(err, DX_UNSUPPORTED, "Samples per Pixel %u", info->samples);
    if (info->samples == 3 && info->bits_allocated == 1)
        return dx_fail(err, DX_UNSUPPORTED, "colour of one bit");
    return DX_OK;
}

enum dx_status read_frames(dx_object *object, struct dx_image_info *info, struct dx_error *err)
{
    double frames = 1.0;
    OFString text = dx_text_of(object->dataset, DCM_NumberOfFrames);
    if (!text.empty() && (!dx_number_of(object->dataset, DCM_NumberOfFrames, 0, &frames) ||
                          frames < 1.0 || frames > UINT32_MAX))
        return dx_fail(err, DX_MALFORMED, "Number of Frames \"%.16s\"", text.c_str());
    if (frames > object->limits.frames)
        return dx_fail(err, DX_LIMIT, "limit frames: %.0f frames", frames);
    info->frames = static_cast<uint32_t>(frames);
    return DX_OK;
}

/* Bytes of `count` from `offset` of uncompressed Pixel Data, as little endian. */
enum dx_status read_native(dx_object *object, uint64_t offset, size_t count, uint8_t *to,
                           struct dx_error *err)
{
    uint64_t length = object->pixels->getLength();
    if (offset > length || count > length - offset)
        return dx_fail(err, DX_MALFORMED, "Pixel Data of %llu bytes ends within the frame",
                       static_cast<unsigned long long>(length));
    OFCondition result =
        object->pixels->getPartialValue(to, static_cast<Uint32>(offset), static_cast<Uint32>(count),
                                        &object->cache, EBO_LittleEndian);
    return result.bad() ? dx_fail_condition(err, DX_MALFORMED, "Pixel Data", result) : DX_OK;
}

/* DCMTK turns the 16-bit words of OW round; of a big endian 32-bit sample the high one is first. */
void swap_words(dx_object *object, struct dx_frame *frame)
{
    if (frame->info.bits_allocated != 32 ||
        DcmXfer(object->dataset->getOriginalXfer()).getByteOrder() != EBO_BigEndian)
        return;
    for (size_t i = 0; i + 4 <= frame->count; i += 4) {
        uint8_t high[2] = {frame->bytes[i], frame->bytes[i + 1]};
        memcpy(frame->bytes + i, frame->bytes + i + 2, 2);
        memcpy(frame->bytes + i + 2, high, 2);
    }
}

enum dx_status read_bits(dx_object *object, uint32_t index, struct dx_frame *frame,
                         struct dx_error *err)
{
    size_t pixels = static_cast<size_t>(frame->info.rows) * frame->info.cols;
    uint64_t first = static_cast<uint64_t>(index) * pixels;
    size_t count = static_cast<size_t>((first % 8 + pixels + 7) / 8);
    std::vector<uint8_t> packed(count);
    enum dx_status status = read_native(object, first / 8, count, packed.data(), err);
    if (status)
        return status;
    dx_colour_unpack_bits(packed.data(), static_cast<size_t>(first % 8), frame->bytes, pixels);
    frame->info.bits_allocated = 8;
    return DX_OK;
}

enum dx_status read_uncompressed(dx_object *object, uint32_t index, struct dx_frame *frame,
                                 struct dx_error *err)
{
    struct dx_image_info *info = &frame->info;
    if (info->bits_allocated == 1)
        return read_bits(object, index, frame, err);
    bool is_422 = strstr(info->photometric, "_422") != nullptr && info->samples == 3;
    if (is_422)
        frame->count = frame->count / 3 * 2;
    uint64_t offset = static_cast<uint64_t>(index) * frame->count;
    enum dx_status status = read_native(object, offset, frame->count, frame->bytes, err);
    if (status)
        return status;
    swap_words(object, frame);
    if (is_422)
        return dx_colour_expand_422(frame, err);
    uint16_t planar = 0;
    if (info->samples == 3 && unsigned_of(object->dataset, DCM_PlanarConfiguration, &planar) &&
        planar == 1)
        return dx_colour_interleave(frame, err);
    return DX_OK;
}

} /* namespace */

enum dx_status dx_read_image_info(dx_object *object, struct dx_image_info *info,
                                  struct dx_error *err)
{
    memset(info, 0, sizeof *info);
    DcmDataset *dataset = object->dataset;
    if (dataset->tagExists(DCM_FloatPixelData) || dataset->tagExists(DCM_DoubleFloatPixelData))
        return dx_fail(err, DX_UNSUPPORTED, "floating point pixels");
    if (object->pixels == nullptr)
        return dx_fail(err, DX_NO_PIXELS, "no Pixel Data");
    uint16_t rows = 0, cols = 0, representation = 0;
    if (!unsigned_of(dataset, DCM_Rows, &rows) || !unsigned_of(dataset, DCM_Columns, &cols) ||
        rows == 0 || cols == 0)
        return dx_fail(err, DX_MALFORMED, "Rows %u, Columns %u", rows, cols);
    info->rows = rows;
    info->cols = cols;
    if (!unsigned_of(dataset, DCM_BitsAllocated, &info->bits_allocated))
        return dx_fail(err, DX_MALFORMED, "no Bits Allocated");
    if (!unsigned_of(dataset, DCM_SamplesPerPixel, &info->samples))
        info->samples = 1;
    if (!unsigned_of(dataset, DCM_BitsStored, &info->bits_stored))
        info->bits_stored = info->bits_allocated;
    if (!unsigned_of(dataset, DCM_HighBit, &info->high_bit))
        info->high_bit = static_cast<uint16_t>(info->bits_stored - 1);
    if (unsigned_of(dataset, DCM_PixelRepresentation, &representation))
        info->is_signed = representation == 1;
    OFStandard::strlcpy(info->photometric,
                        dx_text_of(dataset, DCM_PhotometricInterpretation).c_str(),
                        sizeof info->photometric);
    OFStandard::strlcpy(info->transfer_syntax, object->transfer_syntax,
                        sizeof info->transfer_syntax);
    enum dx_status status = check_bits(info, err);
    return status ? status : read_frames(object, info, err);
}

enum dx_status dx_read_frame(dx_object *object, uint32_t index, struct dx_frame *frame,
                             struct dx_error *err)
{
    struct dx_image_info *info = &frame->info;
    enum dx_status status = dx_read_image_info(object, info, err);
    if (status)
        return status;
    if (index >= info->frames)
        return dx_fail(err, DX_INVALID, "frame %u of %u", index + 1, info->frames);
    bool is_native = object->fragments == nullptr;
    if (is_native && DcmXfer(object->transfer_syntax).isEncapsulated())
        return dx_fail(err, DX_MALFORMED, "compressed transfer syntax, but Pixel Data is not");

    uint64_t bits = info->bits_allocated == 1 ? 8 : info->bits_allocated;
    status = dx_check_area(info->rows, info->cols, info->samples, bits, &object->limits,
                           &frame->count, err);
    if (status)
        return status;
    if (is_native) {
        frame->bytes = static_cast<uint8_t *>(malloc(frame->count));
        if (frame->bytes == nullptr)
            return dx_fail(err, DX_NO_MEMORY, "frame: out of memory");
        status = read_uncompressed(object, index, frame, err);
    } else {
        status = dx_read_encapsulated(object, index, frame, err);
    }
    if (status)
        return status;
    dx_colour_normalise(frame);
    dx_colour_to_rgb(frame);
    return DX_OK;
}
