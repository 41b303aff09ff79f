#include "codestream.h"
#include "bytes.h"

#include <string.h>

enum dx_status dx_check_area(uint64_t rows, uint64_t cols, uint64_t samples,
                             uint64_t bits_allocated, const struct dx_limits *limits, size_t *bytes,
                             struct dx_error *err)
{
    if (rows == 0 || cols == 0 || samples == 0 || bits_allocated == 0 || bits_allocated > 64)
        return dx_fail(err, DX_MALFORMED, "image of no pixels");
    if (rows > UINT32_MAX || cols > UINT32_MAX || samples > UINT16_MAX ||
        rows > limits->frame_pixels / cols)
        return dx_fail(err, DX_LIMIT, "limit framePixels: a frame of %llu x %llu pixels",
                       (unsigned long long)rows, (unsigned long long)cols);
    uint64_t pixels = rows * cols;
    if (pixels > UINT64_MAX / (samples * bits_allocated) - 8)
        return dx_fail(err, DX_LIMIT, "limit framePixels: a frame of %llu pixels",
                       (unsigned long long)pixels);
    uint64_t size = (pixels * samples * bits_allocated + 7) / 8;
    if (size > limits->frame_bytes || size > SIZE_MAX)
        return dx_fail(err, DX_LIMIT, "limit frameBytes: a frame of %llu bytes",
                       (unsigned long long)size);
    *bytes = (size_t)size;
    return DX_OK;
}

/* PS3.5 G.3.1: how many bytes a segment decodes to; counting ends at `wanted`. */
static uint64_t rle_decoded(const uint8_t *bytes, size_t count, uint64_t wanted)
{
    uint64_t decoded = 0;
    size_t i = 0;
    while (i < count && decoded < wanted) {
        size_t n = bytes[i++];
        if (n < 128) {
            if (n + 1 > count - i)
                return decoded + (count - i);
            decoded += n + 1;
            i += n + 1;
        } else if (n > 128 && i < count) {
            decoded += 257 - n;
            i++;
        }
    }
    return decoded;
}

/* PS3.5 G.5: number of segments and 15 offsets; the first segment follows the header. */
enum dx_status dx_check_rle(const uint8_t *bytes, size_t count, uint32_t segments, uint64_t pixels,
                            struct dx_error *err)
{
    if (count < 64)
        return dx_fail(err, DX_MALFORMED, "RLE frame of %zu bytes has no header", count);
    if (segments == 0 || segments > 15 || dx_le32(bytes) != segments)
        return dx_fail(err, DX_MALFORMED, "RLE frame of %u segments, expected %u", dx_le32(bytes),
                       segments);
    uint32_t before = 63;
    for (uint32_t i = 0; i < segments; i++) {
        uint32_t offset = dx_le32(bytes + 4 + 4 * (size_t)i);
        if (offset <= before || offset >= count)
            return dx_fail(err, DX_MALFORMED, "RLE segment %u at %u in a frame of %zu bytes", i + 1,
                           offset, count);
        before = offset;
    }
    /* DCMTK fills what a short segment leaves out with zeros: half an image, and no word of it. */
    for (uint32_t i = 0; i < segments; i++) {
        size_t from = dx_le32(bytes + 4 + 4 * (size_t)i);
        size_t to = i + 1 < segments ? dx_le32(bytes + 8 + 4 * (size_t)i) : count;
        uint64_t decoded = rle_decoded(bytes + from, to - from, pixels);
        if (decoded < pixels)
            return dx_fail(err, DX_MALFORMED, "RLE segment %u decodes to %llu of %llu bytes", i + 1,
                           (unsigned long long)decoded, (unsigned long long)pixels);
    }
    return DX_OK;
}

static enum dx_status read_sof(const uint8_t *at, size_t length, struct dx_codestream *stream,
                               struct dx_error *err)
{
    if (length < 8)
        return dx_fail(err, DX_MALFORMED, "JPEG frame header of %zu bytes", length);
    stream->precision = at[2];
    stream->rows = dx_be16(at + 3);
    stream->cols = dx_be16(at + 5);
    stream->samples = at[7];
    if (length != 8 + 3 * (size_t)stream->samples)
        return dx_fail(err, DX_MALFORMED, "JPEG frame header of %zu bytes for %u components",
                       length, stream->samples);
    if (stream->precision < 2 || stream->precision > 16 || stream->samples == 0 ||
        stream->samples > 4)
        return dx_fail(err, DX_UNSUPPORTED, "JPEG of %u components with %u bits", stream->samples,
                       stream->precision);
    return DX_OK;
}

/* SOF0..3 (Huffman) and SOF55 (JPEG-LS) describe a frame that the decoders know; the others are
 * hierarchical or arithmetic coding. */
static int is_known_sof(uint32_t marker)
{
    return (marker >= 0xffc0 && marker <= 0xffc3) || marker == 0xfff7;
}

static int is_other_sof(uint32_t marker)
{
    return marker >= 0xffc5 && marker <= 0xffcf && marker != 0xffc8 && marker != 0xffcc;
}

enum dx_status dx_check_jpeg(const uint8_t *bytes, size_t count, struct dx_codestream *stream,
                             struct dx_error *err)
{
    memset(stream, 0, sizeof *stream);
    if (count < 4 || dx_be16(bytes) != 0xffd8)
        return dx_fail(err, DX_MALFORMED, "JPEG frame does not start with SOI");
    size_t at = 2;
    while (count - at >= 4) {
        uint32_t marker = dx_be16(bytes + at);
        if (marker == 0xffff) { /* fill byte */
            at++;
            continue;
        }
        if (marker <= 0xff01 || (marker >= 0xffd0 && marker <= 0xffda))
            return dx_fail(err, DX_MALFORMED, "JPEG marker %04X before the frame header", marker);
        size_t length = dx_be16(bytes + at + 2);
        if (length < 2 || length > count - at - 2)
            return dx_fail(err, DX_MALFORMED, "JPEG segment %04X of %zu bytes", marker, length);
        if (is_other_sof(marker))
            return dx_fail(err, DX_UNSUPPORTED, "JPEG process with marker %04X", marker);
        if (is_known_sof(marker))
            return read_sof(bytes + at + 2, length, stream, err);
        at += 2 + length;
    }
    return dx_fail(err, DX_MALFORMED, "JPEG frame without a frame header");
}

/* Walks JP2 boxes (T.800 I.4) to the contiguous codestream box. */
static enum dx_status find_j2k(const uint8_t *bytes, size_t count, size_t *offset,
                               struct dx_error *err)
{
    static const uint8_t signature[8] = {0, 0, 0, 12, 'j', 'P', ' ', ' '};
    size_t at = 0;
    if (count >= sizeof signature && memcmp(bytes, signature, sizeof signature) == 0) {
        while (count - at >= 8 && memcmp(bytes + at + 4, "jp2c", 4) != 0) {
            uint32_t length = dx_be32(bytes + at);
            if (length < 8 || length > count - at)
                return dx_fail(err, DX_MALFORMED, "JP2 box of %u bytes", length);
            at += length;
        }
        if (count - at < 8)
            return dx_fail(err, DX_MALFORMED, "JP2 file without a codestream");
        at += dx_be32(bytes + at) == 1 ? 16 : 8;
    }
    if (at > count || count - at < 4 || dx_be32(bytes + at) != 0xff4fff51)
        return dx_fail(err, DX_MALFORMED, "JPEG 2000 frame does not start with SOC and SIZ");
    *offset = at;
    return DX_OK;
}

static enum dx_status read_components(const uint8_t *at, size_t length,
                                      struct dx_codestream *stream, struct dx_error *err)
{
    if (length < 38 + 3 * (size_t)stream->samples)
        return dx_fail(err, DX_MALFORMED, "SIZ of %zu bytes for %u components", length,
                       stream->samples);
    for (uint32_t c = 0; c < stream->samples; c++) {
        const uint8_t *component = at + 38 + 3 * (size_t)c;
        uint16_t precision = (uint16_t)((component[0] & 0x7f) + 1);
        if (precision > 16)
            return dx_fail(err, DX_UNSUPPORTED, "JPEG 2000 of %u bits", precision);
        if (component[1] == 0 || component[2] == 0 || component[1] > 4 || component[2] > 4)
            return dx_fail(err, DX_UNSUPPORTED, "JPEG 2000 sub-sampling %u x %u", component[1],
                           component[2]);
        if (precision > stream->precision)
            stream->precision = precision;
        stream->is_signed |= component[0] >> 7;
    }
    return DX_OK;
}

/* SIZ (T.800 A.5.1). Area first: OpenJPEG allocates by these figures. `at` is Lsiz. */
static enum dx_status read_siz(const uint8_t *at, size_t length, const struct dx_limits *limits,
                               struct dx_codestream *stream, struct dx_error *err)
{
    if (length < 41)
        return dx_fail(err, DX_MALFORMED, "SIZ of %zu bytes", length);
    uint32_t x1 = dx_be32(at + 4), y1 = dx_be32(at + 8), x0 = dx_be32(at + 12),
             y0 = dx_be32(at + 16);
    uint32_t tile_cols = dx_be32(at + 20), tile_rows = dx_be32(at + 24);
    uint32_t tile_x0 = dx_be32(at + 28), tile_y0 = dx_be32(at + 32);
    if (x1 <= x0 || y1 <= y0 || tile_cols == 0 || tile_rows == 0 || tile_x0 > x0 || tile_y0 > y0)
        return dx_fail(err, DX_MALFORMED, "SIZ: grid %u,%u to %u,%u", x0, y0, x1, y1);
    stream->rows = y1 - y0;
    stream->cols = x1 - x0;
    stream->samples = (uint16_t)dx_be16(at + 36);
    if (stream->samples != 1 && stream->samples != 3)
        return dx_fail(err, DX_UNSUPPORTED, "JPEG 2000 of %u components", stream->samples);

    uint64_t across = ((uint64_t)x1 - tile_x0 + tile_cols - 1) / tile_cols;
    uint64_t down = ((uint64_t)y1 - tile_y0 + tile_rows - 1) / tile_rows;
    if (across > 65535 || down > 65535 || across * down > 65535)
        return dx_fail(err, DX_LIMIT, "limit framePixels: JPEG 2000 of %llu x %llu tiles",
                       (unsigned long long)across, (unsigned long long)down);
    size_t bytes;
    enum dx_status status =
        dx_check_area(stream->rows, stream->cols, stream->samples, 32, limits, &bytes, err);
    return status ? status : read_components(at, length, stream, err);
}

enum dx_status dx_check_j2k(const uint8_t *bytes, size_t count, const struct dx_limits *limits,
                            size_t *offset, struct dx_codestream *stream, struct dx_error *err)
{
    memset(stream, 0, sizeof *stream);
    enum dx_status status = find_j2k(bytes, count, offset, err);
    if (status)
        return status;
    size_t at = *offset + 2;
    while (count - at >= 4) {
        uint32_t marker = dx_be16(bytes + at);
        size_t length = dx_be16(bytes + at + 2);
        if (marker == 0xff90) /* SOT: the main header has ended */
            break;
        if (length < 2 || length > count - at - 2)
            return dx_fail(err, DX_MALFORMED, "JPEG 2000 segment %04X of %zu bytes", marker,
                           length);
        if (marker == 0xff51)
            status = read_siz(bytes + at + 2, length, limits, stream, err);
        else if (marker == 0xff52 && length >= 8) /* COD: A.6.1, SGcod */
            stream->transformed = bytes[at + 8] != 0;
        if (status)
            return status;
        at += 2 + length;
    }
    return DX_OK;
}
