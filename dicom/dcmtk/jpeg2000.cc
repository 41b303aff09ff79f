/* JPEG 2000 by OpenJPEG: one frame's codestream from memory, in the calling thread.
 *
 * The codestream is right where it and the dataset disagree about size, components and precision.
 * About the sign the one that says "signed" is: encoders often write two's complement as if it were
 * unsigned, and then the bits have to be read again with the sign at the top of the precision. */
#include "object.hh"

#include "codestream.h"

#include <cstdlib>
#include <cstring>
#include <openjpeg.h>

namespace
{

struct source {
    const Uint8 *bytes;
    size_t count, at;
};

OPJ_SIZE_T read_source(void *to, OPJ_SIZE_T count, void *context)
{
    struct source *source = static_cast<struct source *>(context);
    size_t left = source->count - source->at;
    if (left == 0)
        return static_cast<OPJ_SIZE_T>(-1);
    count = count < left ? count : left;
    memcpy(to, source->bytes + source->at, count);
    source->at += count;
    return count;
}

OPJ_OFF_T skip_source(OPJ_OFF_T count, void *context)
{
    struct source *source = static_cast<struct source *>(context);
    OPJ_OFF_T left = static_cast<OPJ_OFF_T>(source->count - source->at);
    if (count < 0)
        return -1;
    count = count < left ? count : left;
    source->at += static_cast<size_t>(count);
    return count;
}

OPJ_BOOL seek_source(OPJ_OFF_T at, void *context)
{
    struct source *source = static_cast<struct source *>(context);
    if (at < 0 || static_cast<size_t>(at) > source->count)
        return OPJ_FALSE;
    source->at = static_cast<size_t>(at);
    return OPJ_TRUE;
}

/* The last message, without its line end. */
void keep_message(const char *text, void *context)
{
    char *kept = static_cast<char *>(context);
    OFStandard::strlcpy(kept, text, 128);
    kept[strcspn(kept, "\r\n")] = '\0';
}

void ignore_message(const char *, void *)
{
}

struct decoder {
    opj_codec_t *codec = nullptr;
    opj_stream_t *stream = nullptr;
    opj_image_t *image = nullptr;
    char message[128] = "";

    ~decoder()
    {
        if (image != nullptr)
            opj_image_destroy(image);
        if (codec != nullptr)
            opj_destroy_codec(codec);
        if (stream != nullptr)
            opj_stream_destroy(stream);
    }
};

enum dx_status decode(struct source *source, struct decoder *decoder, struct dx_error *err)
{
    decoder->codec = opj_create_decompress(OPJ_CODEC_J2K);
    decoder->stream = opj_stream_create(1u << 16, OPJ_TRUE);
    if (decoder->codec == nullptr || decoder->stream == nullptr)
        return dx_fail(err, DX_NO_MEMORY, "JPEG 2000: out of memory");
    opj_set_info_handler(decoder->codec, ignore_message, nullptr);
    opj_set_warning_handler(decoder->codec, ignore_message, nullptr);
    opj_set_error_handler(decoder->codec, keep_message, decoder->message);
    opj_stream_set_user_data(decoder->stream, source, nullptr);
    opj_stream_set_user_data_length(decoder->stream, source->count);
    opj_stream_set_read_function(decoder->stream, read_source);
    opj_stream_set_skip_function(decoder->stream, skip_source);
    opj_stream_set_seek_function(decoder->stream, seek_source);

    opj_dparameters_t parameters;
    opj_set_default_decoder_parameters(&parameters);
    /* 0 threads: the child may not create any, whatever OPJ_NUM_THREADS says. */
    if (!opj_setup_decoder(decoder->codec, &parameters) ||
        !opj_codec_set_threads(decoder->codec, 0) ||
        !opj_read_header(decoder->stream, decoder->codec, &decoder->image) ||
        !opj_decode(decoder->codec, decoder->stream, decoder->image) ||
        !opj_end_decompress(decoder->codec, decoder->stream))
        return dx_fail(err, DX_MALFORMED, "JPEG 2000: %s",
                       decoder->message[0] ? decoder->message : "cannot be decoded");
    return DX_OK;
}

/* What opj_decode left must be what SIZ promised. */
enum dx_status check_image(const opj_image_t *image, const struct dx_codestream *stream,
                           struct dx_error *err)
{
    if (image->numcomps != stream->samples)
        return dx_fail(err, DX_MALFORMED, "JPEG 2000: %u components", image->numcomps);
    for (OPJ_UINT32 c = 0; c < image->numcomps; c++) {
        const opj_image_comp_t *part = &image->comps[c];
        if (part->data == nullptr || part->w == 0 || part->h == 0 || part->dx == 0 ||
            part->dy == 0 || part->prec == 0 || part->prec > stream->precision)
            return dx_fail(err, DX_MALFORMED, "JPEG 2000: component %u was not decoded", c + 1);
    }
    return DX_OK;
}

/* One component into its place of RGBRGB; sub-sampled ones are repeated. */
void spread(const opj_image_t *image, OPJ_UINT32 c, const struct dx_image_info *info, uint8_t *to)
{
    const opj_image_comp_t *part = &image->comps[c];
    for (uint32_t row = 0; row < info->rows; row++) {
        uint32_t down = row / part->dy;
        down = down < part->h ? down : part->h - 1;
        const OPJ_INT32 *line = part->data + static_cast<size_t>(down) * part->w;
        size_t at = static_cast<size_t>(row) * info->cols * info->samples + c;
        for (uint32_t col = 0; col < info->cols; col++, at += info->samples) {
            uint32_t across = col / part->dx;
            OPJ_INT32 value = line[across < part->w ? across : part->w - 1];
            if (info->bits_allocated == 8) {
                to[at] = static_cast<uint8_t>(value);
            } else {
                uint16_t half = static_cast<uint16_t>(value);
                memcpy(to + 2 * at, &half, sizeof half);
            }
        }
    }
}

void describe(const struct dx_codestream *stream, struct dx_image_info *info)
{
    uint16_t stored = stream->precision;
    if (info->is_signed && info->bits_stored < stored)
        stored = info->bits_stored;
    info->rows = stream->rows;
    info->cols = stream->cols;
    info->samples = stream->samples;
    info->bits_allocated = stream->precision > 8 ? 16 : 8;
    info->bits_stored = stored;
    info->high_bit = static_cast<uint16_t>(stored - 1);
    info->is_signed = info->is_signed || stream->is_signed;
    if (stream->samples == 3 && (stream->transformed || strcmp(info->photometric, "YBR_ICT") == 0 ||
                                 strcmp(info->photometric, "YBR_RCT") == 0))
        memcpy(info->photometric, "RGB", 4);
}

} /* namespace */

enum dx_status dx_decode_j2k(const Uint8 *bytes, size_t count, const struct dx_limits *limits,
                             struct dx_frame *frame, struct dx_error *err)
{
    size_t offset = 0;
    struct dx_codestream stream;
    enum dx_status status = dx_check_j2k(bytes, count, limits, &offset, &stream, err);
    if (status)
        return status;
    describe(&stream, &frame->info);
    status = dx_check_area(stream.rows, stream.cols, stream.samples, frame->info.bits_allocated,
                           limits, &frame->count, err);
    if (status)
        return status;
    struct source source = {bytes + offset, count - offset, 0};
    struct decoder decoder;
    status = decode(&source, &decoder, err);
    if (status == DX_OK)
        status = check_image(decoder.image, &stream, err);
    if (status)
        return status;
    frame->bytes = static_cast<uint8_t *>(malloc(frame->count));
    if (frame->bytes == nullptr)
        return dx_fail(err, DX_NO_MEMORY, "JPEG 2000: out of memory");
    for (OPJ_UINT32 c = 0; c < stream.samples; c++)
        spread(decoder.image, c, &frame->info, frame->bytes);
    return DX_OK;
}
