#include "colour.h"

#include <stdlib.h>
#include <string.h>

static uint32_t load(const uint8_t *at, size_t bytes)
{
    uint32_t value = 0;
    if (bytes == 1)
        return *at;
    if (bytes == 2) {
        uint16_t half;
        memcpy(&half, at, 2);
        return half;
    }
    memcpy(&value, at, 4);
    return value;
}

static void store(uint8_t *at, size_t bytes, uint32_t value)
{
    uint8_t byte = (uint8_t)value;
    uint16_t half = (uint16_t)value;
    memcpy(at, bytes == 1 ? (void *)&byte : bytes == 2 ? (void *)&half : (void *)&value, bytes);
}

static size_t samples_of(const struct dx_frame *frame)
{
    return (size_t)frame->info.rows * frame->info.cols * frame->info.samples;
}

/* The common case: radiographs of 10 to 15 bits. */
static void normalise_words(uint16_t *words, size_t count, unsigned shift, uint32_t mask,
                            uint32_t sign)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t value = (uint32_t)words[i] >> shift & mask;
        words[i] = (uint16_t)((value ^ sign) - sign);
    }
}

void dx_colour_normalise(struct dx_frame *frame)
{
    struct dx_image_info *info = &frame->info;
    if (info->bits_stored == info->bits_allocated)
        return;
    size_t bytes = info->bits_allocated / 8;
    unsigned shift = info->high_bit + 1u - info->bits_stored;
    uint32_t mask = (1u << info->bits_stored) - 1u;
    uint32_t sign = info->is_signed ? 1u << (info->bits_stored - 1) : 0;
    size_t count = samples_of(frame);
    info->high_bit = (uint16_t)(info->bits_stored - 1);
    if (bytes == 2) {
        normalise_words((void *)frame->bytes, count, shift, mask, sign);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint8_t *at = frame->bytes + i * bytes;
        uint32_t value = load(at, bytes) >> shift & mask;
        store(at, bytes, (value ^ sign) - sign);
    }
}

enum dx_status dx_colour_interleave(struct dx_frame *frame, struct dx_error *err)
{
    size_t bytes = frame->info.bits_allocated / 8;
    size_t pixels = (size_t)frame->info.rows * frame->info.cols;
    uint8_t *to = malloc(pixels * 3 * bytes);
    if (!to)
        return dx_fail(err, DX_NO_MEMORY, "frame: out of memory");
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < pixels; i++)
            memcpy(to + (3 * i + c) * bytes, frame->bytes + (c * pixels + i) * bytes, bytes);
    free(frame->bytes);
    frame->bytes = to;
    return DX_OK;
}

enum dx_status dx_colour_expand_422(struct dx_frame *frame, struct dx_error *err)
{
    size_t pixels = (size_t)frame->info.rows * frame->info.cols;
    if (frame->info.bits_allocated != 8 || frame->info.cols % 2 != 0 || frame->count < 2 * pixels)
        return dx_fail(err, DX_UNSUPPORTED, "%s of %u bits and %u columns", frame->info.photometric,
                       frame->info.bits_allocated, frame->info.cols);
    uint8_t *to = malloc(pixels * 3);
    if (!to)
        return dx_fail(err, DX_NO_MEMORY, "frame: out of memory");
    for (size_t i = 0; i < pixels; i++) {
        const uint8_t *pair = frame->bytes + i / 2 * 4;
        to[3 * i] = pair[i % 2];
        to[3 * i + 1] = pair[2];
        to[3 * i + 2] = pair[3];
    }
    free(frame->bytes);
    frame->bytes = to;
    frame->count = pixels * 3;
    return DX_OK;
}

static uint32_t clamp(double value, double most)
{
    return (uint32_t)(value <= 0.0 ? 0.0 : value >= most ? most : value + 0.5);
}

void dx_colour_to_rgb(struct dx_frame *frame)
{
    struct dx_image_info *info = &frame->info;
    int is_partial = strncmp(info->photometric, "YBR_PARTIAL", 11) == 0;
    if (info->samples != 3 || info->bits_stored > 16 ||
        (!is_partial && strncmp(info->photometric, "YBR_FULL", 8) != 0))
        return;
    size_t bytes = info->bits_allocated / 8;
    double most = (double)((1u << info->bits_stored) - 1u);
    double middle = (double)(1u << (info->bits_stored - 1));
    /* PS3.3 C.7.6.3.1.2: partial has 219 levels of luma above 16 and 224 of chroma (of 255). */
    double floor_y = is_partial ? 16.0 * (most + 1.0) / 256.0 : 0.0;
    double gain_y = is_partial ? 255.0 / 219.0 : 1.0, gain_c = is_partial ? 255.0 / 224.0 : 1.0;
    size_t pixels = (size_t)info->rows * info->cols;
    for (size_t i = 0; i < pixels; i++) {
        uint8_t *at = frame->bytes + 3 * i * bytes;
        double y = (load(at, bytes) - floor_y) * gain_y;
        double cb = (load(at + bytes, bytes) - middle) * gain_c;
        double cr = (load(at + 2 * bytes, bytes) - middle) * gain_c;
        store(at, bytes, clamp(y + 1.402 * cr, most));
        store(at + bytes, bytes, clamp(y - 0.344136 * cb - 0.714136 * cr, most));
        store(at + 2 * bytes, bytes, clamp(y + 1.772 * cb, most));
    }
    memcpy(info->photometric, "RGB", 4);
}

void dx_colour_unpack_bits(const uint8_t *packed, size_t first, uint8_t *to, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        size_t bit = first + i;
        to[i] = packed[bit / 8] >> (bit % 8) & 1;
    }
}
