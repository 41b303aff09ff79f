/* Compressed frames. The fragments of each frame are found here (PS3.5 A.4), their header is
 * checked, and only then a decoder sees them: DCMTK's for RLE, JPEG and JPEG-LS, ours over OpenJPEG
 * for JPEG 2000. */
#include "object.hh"
#include "warnings.hh"

#include "bytes.h"
#include "codestream.h"
#include "dx_services.h"

#include <cstdlib>
#include <cstring>

namespace
{

enum coding { CODING_NONE, CODING_RLE, CODING_JPEG, CODING_J2K };

/* name: of what DCMTK's dictionary does not know yet. */
const struct {
    const char *uid;
    enum coding coding;
    const char *name;
} codings[] = {{"1.2.840.10008.1.2.5", CODING_RLE, nullptr},
               {"1.2.840.10008.1.2.4.50", CODING_JPEG, nullptr},
               {"1.2.840.10008.1.2.4.51", CODING_JPEG, nullptr},
               {"1.2.840.10008.1.2.4.53", CODING_JPEG, nullptr},
               {"1.2.840.10008.1.2.4.55", CODING_JPEG, nullptr},
               {"1.2.840.10008.1.2.4.57", CODING_JPEG, nullptr},
               {"1.2.840.10008.1.2.4.70", CODING_JPEG, nullptr},
               {"1.2.840.10008.1.2.4.80", CODING_JPEG, nullptr},
               {"1.2.840.10008.1.2.4.81", CODING_JPEG, nullptr},
               {"1.2.840.10008.1.2.4.90", CODING_J2K, nullptr},
               {"1.2.840.10008.1.2.4.91", CODING_J2K, nullptr},
               {"1.2.840.10008.1.2.4.92", CODING_J2K, nullptr},
               {"1.2.840.10008.1.2.4.93", CODING_J2K, nullptr},
               {"1.2.840.10008.1.2.4.201", CODING_J2K, "High-Throughput JPEG 2000 Lossless"},
               {"1.2.840.10008.1.2.4.202", CODING_J2K, "High-Throughput JPEG 2000 RPCL Lossless"},
               {"1.2.840.10008.1.2.4.203", CODING_J2K, "High-Throughput JPEG 2000"}};

enum coding coding_of(const char *syntax)
{
    for (const auto &entry : codings)
        if (strcmp(syntax, entry.uid) == 0)
            return entry.coding;
    return CODING_NONE;
}

struct fragment {
    DcmPixelItem *item = nullptr;
    Uint8 *bytes = nullptr;
    size_t count = 0;
};

/* Fragment `index`, loaded; 0 is the Basic Offset Table. */
enum dx_status fragment_at(dx_object *object, unsigned long index, struct fragment *fragment,
                           struct dx_error *err)
{
    if (index >= object->items.size())
        return dx_fail(err, DX_MALFORMED, "Pixel Data has no fragment %lu", index);
    fragment->item = object->items[index];
    fragment->count = fragment->item->getLength();
    OFCondition result = fragment->item->getUint8Array(fragment->bytes);
    if (result.bad() || (fragment->bytes == nullptr && fragment->count > 0))
        return dx_fail_condition(err, DX_MALFORMED, "Pixel Data fragment", result);
    return DX_OK;
}

/* By the Basic Offset Table: each frame's offset is that of one of the items. */
bool starts_by_table(dx_object *object, const struct fragment *table, uint32_t frames)
{
    if (table->count != 4 * static_cast<size_t>(frames))
        return false;
    std::vector<unsigned long> starts;
    uint64_t offset = 0;
    unsigned long count = object->items.size();
    for (unsigned long i = 1; i < count && starts.size() < frames; i++) {
        if (dx_le32(table->bytes + 4 * starts.size()) == offset)
            starts.push_back(i);
        offset += 8 + static_cast<uint64_t>(object->items[i]->getLength());
    }
    if (starts.size() != frames)
        return false;
    starts.push_back(count);
    object->frame_start = starts;
    return true;
}

/* Without a table: a frame starts where a fragment starts with a start-of-image marker. */
enum dx_status starts_by_marker(dx_object *object, uint32_t frames, struct dx_error *err)
{
    std::vector<unsigned long> starts;
    unsigned long count = object->items.size();
    for (unsigned long i = 1; i < count; i++) {
        struct fragment fragment;
        enum dx_status status = fragment_at(object, i, &fragment, err);
        if (status)
            return status;
        const Uint8 *b = fragment.bytes;
        bool starts_image =
            fragment.count >= 4 && b[0] == 0xff &&
            ((b[1] == 0xd8 && b[2] == 0xff) || (b[1] == 0x4f && b[2] == 0xff && b[3] == 0x51));
        fragment.item->compact();
        if (starts_image)
            starts.push_back(i);
    }
    if (starts.size() != frames)
        return dx_fail(err, DX_MALFORMED, "%lu fragments cannot be told apart into %u frames",
                       count - 1, frames);
    starts.push_back(count);
    object->frame_start = starts;
    return DX_OK;
}

/* The list is walked once: DCMTK's access by index starts from its head each time. */
void list_items(dx_object *object)
{
    DcmObject *next = nullptr;
    while ((next = object->fragments->nextInContainer(next)) != nullptr) {
        DcmPixelItem *item = dynamic_cast<DcmPixelItem *>(next);
        if (item == nullptr)
            return;
        object->items.push_back(item);
    }
}

enum dx_status find_frames(dx_object *object, uint32_t frames, struct dx_error *err)
{
    if (!object->frame_start.empty())
        return DX_OK;
    if (object->items.empty())
        list_items(object);
    unsigned long count = object->items.size();
    if (count < 2)
        return dx_fail(err, DX_MALFORMED, "Pixel Data without fragments");
    if (frames == 1) {
        object->frame_start = {1, count};
        return DX_OK;
    }
    if (count - 1 == frames) {
        for (unsigned long i = 1; i <= count; i++)
            object->frame_start.push_back(i);
        return DX_OK;
    }
    struct fragment table;
    enum dx_status status = fragment_at(object, 0, &table, err);
    if (status)
        return status;
    return starts_by_table(object, &table, frames) ? DX_OK : starts_by_marker(object, frames, err);
}

enum dx_status check_header(const struct fragment *first, unsigned long fragments,
                            enum coding coding, struct dx_image_info *info, struct dx_error *err)
{
    if (coding == CODING_RLE) {
        if (fragments != 1)
            return dx_fail(err, DX_UNSUPPORTED, "RLE frame in %lu fragments", fragments);
        return dx_check_rle(first->bytes, first->count,
                            static_cast<uint32_t>(info->samples) * info->bits_allocated / 8,
                            static_cast<uint64_t>(info->rows) * info->cols, err);
    }
    struct dx_codestream stream;
    enum dx_status status = dx_check_jpeg(first->bytes, first->count, &stream, err);
    if (status)
        return status;
    if (stream.rows != info->rows || stream.cols != info->cols || stream.samples != info->samples)
        return dx_fail(err, DX_MALFORMED, "JPEG frame of %ux%ux%u, dataset %ux%ux%u", stream.rows,
                       stream.cols, stream.samples, info->rows, info->cols, info->samples);
    info->bits_allocated = stream.precision > 8 ? 16 : 8;
    if (info->bits_stored > info->bits_allocated || info->high_bit >= info->bits_allocated) {
        info->bits_stored = stream.precision;
        info->high_bit = static_cast<uint16_t>(stream.precision - 1);
    }
    return DX_OK;
}

/* DCMTK decodes into RGBRGB when the dataset says Planar Configuration 0. */
enum dx_status decode_by_dcmtk(dx_object *object, uint32_t index, struct dx_frame *frame,
                               struct dx_error *err)
{
    if (frame->info.samples == 3)
        object->dataset->putAndInsertUint16(DCM_PlanarConfiguration, 0);
    enum dx_status status =
        dx_check_area(frame->info.rows, frame->info.cols, frame->info.samples,
                      frame->info.bits_allocated, &object->limits, &frame->count, err);
    if (status)
        return status;
    /* The decoders want an even size. */
    size_t even = frame->count + frame->count % 2;
    frame->bytes = static_cast<uint8_t *>(calloc(1, even));
    if (frame->bytes == nullptr)
        return dx_fail(err, DX_NO_MEMORY, "frame: out of memory");
    Uint32 start = static_cast<Uint32>(object->frame_start[index]);
    OFString colour;
    DxDecoderWarnings warnings;
    OFCondition result =
        object->pixels->getUncompressedFrame(object->dataset, index, start, frame->bytes,
                                             static_cast<Uint32>(even), colour, &object->cache);
    if (result.bad())
        return dx_fail_condition(err, DX_MALFORMED, "frame", result);
    if (!warnings.corrupt().empty())
        return dx_fail(err, DX_MALFORMED, "frame: %s", warnings.corrupt().c_str());
    if (!colour.empty())
        OFStandard::strlcpy(frame->info.photometric, colour.c_str(),
                            sizeof frame->info.photometric);
    return DX_OK;
}

enum dx_status decode_j2k(dx_object *object, uint32_t index, struct dx_frame *frame,
                          struct dx_error *err)
{
    unsigned long from = object->frame_start[index], to = object->frame_start[index + 1];
    struct fragment fragment;
    enum dx_status status = fragment_at(object, from, &fragment, err);
    if (status)
        return status;
    if (to - from == 1)
        return dx_decode_j2k(fragment.bytes, fragment.count, &object->limits, frame, err);
    std::vector<Uint8> whole;
    for (unsigned long i = from; i < to; i++) {
        status = fragment_at(object, i, &fragment, err);
        if (status)
            return status;
        whole.insert(whole.end(), fragment.bytes, fragment.bytes + fragment.count);
        fragment.item->compact();
    }
    return dx_decode_j2k(whole.data(), whole.size(), &object->limits, frame, err);
}

} /* namespace */

enum dx_status dx_read_encapsulated(dx_object *object, uint32_t index, struct dx_frame *frame,
                                    struct dx_error *err)
{
    enum coding coding = coding_of(object->transfer_syntax);
    if (coding == CODING_NONE)
        return dx_fail(err, DX_UNSUPPORTED, "transfer syntax %s", object->transfer_syntax);
    enum dx_status status = find_frames(object, frame->info.frames, err);
    if (status)
        return status;
    unsigned long from = object->frame_start[index], to = object->frame_start[index + 1];
    if (coding == CODING_J2K) {
        status = decode_j2k(object, index, frame, err);
    } else {
        struct fragment first;
        status = fragment_at(object, from, &first, err);
        if (status == DX_OK)
            status = check_header(&first, to - from, coding, &frame->info, err);
        if (status == DX_OK)
            status = decode_by_dcmtk(object, index, frame, err);
    }
    /* The bytes stay in the file: forget the loaded copies. */
    for (unsigned long i = from; i < to; i++)
        object->items[i]->compact();
    return status;
}

bool dx_is_decodable_syntax(const char *transfer_syntax)
{
    DcmXfer syntax(transfer_syntax);
    return coding_of(transfer_syntax) != CODING_NONE ||
           (syntax.getXfer() != EXS_Unknown && !syntax.isEncapsulated());
}

const char *dx_decodable_syntax(size_t index, const char **name)
{
    if (index >= sizeof codings / sizeof *codings)
        return nullptr;
    *name = codings[index].name;
    return codings[index].uid;
}
