/* Frames of small files, good and hostile, and the headers of compressed frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codestream.h"
#include "dx_init.h"
#include "sample.h"

#include <openjpeg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RLE  "1.2.840.10008.1.2.5"
#define JPEG "1.2.840.10008.1.2.4.70"
#define J2K  "1.2.840.10008.1.2.4.90"

static struct dx_limits limits;

struct shape {
    unsigned rows, cols, samples, allocated, stored, high_bit, representation;
    const char *photometric, *frames;
    int planar;
};

static void describe(struct sample *s, const struct shape *shape, const char *syntax)
{
    sample_begin(s, syntax);
    sample_word(s, 0x00280002, shape->samples);
    sample_text(s, 0x00280004, "CS", shape->photometric);
    if (shape->samples == 3)
        sample_word(s, 0x00280006, (unsigned)shape->planar);
    if (shape->frames)
        sample_text(s, 0x00280008, "IS", shape->frames);
    sample_word(s, 0x00280010, shape->rows);
    sample_word(s, 0x00280011, shape->cols);
    sample_word(s, 0x00280100, shape->allocated);
    sample_word(s, 0x00280101, shape->stored);
    sample_word(s, 0x00280102, shape->high_bit);
    sample_word(s, 0x00280103, shape->representation);
}

/* Status of decoding frame `index`; the frame is the caller's when DX_OK. */
static enum dx_status decode(const struct sample *s, uint32_t index, struct dx_frame *frame)
{
    struct dx_object *object = NULL;
    struct dx_error err = {0};
    int fd = sample_open(s);
    memset(frame, 0, sizeof *frame);
    enum dx_status status = dx_object_open(fd, &limits, &object, &err);
    if (status == DX_OK)
        status = dx_object_frame(object, index, frame, &err);
    if (status != DX_OK && err.text[0] == '\0')
        fail_msg("a failure without a sentence");
    dx_object_close(object);
    close(fd);
    return status;
}

static void gives(const struct sample *s, uint32_t index, const void *expected, size_t count)
{
    struct dx_frame frame;
    assert_int_equal(decode(s, index, &frame), DX_OK);
    assert_int_equal(frame.count, count);
    assert_memory_equal(frame.bytes, expected, count);
    dx_frame_finish(&frame);
}

static void refuses(const struct sample *s, enum dx_status expected)
{
    struct dx_frame frame;
    assert_int_equal(decode(s, 0, &frame), expected);
    assert_null(frame.bytes);
}

static const struct shape grey8 = {2, 2, 1, 8, 8, 7, 0, "MONOCHROME2", NULL, 0};

static void uncompressed_frames(void **state)
{
    (void)state;
    static struct sample s;
    struct shape shape = grey8;
    shape.frames = "2";
    describe(&s, &shape, NULL);
    sample_put(&s, 0x7fe00010, "OB", "abcdefgh", 8);
    gives(&s, 0, "abcd", 4);
    gives(&s, 1, "efgh", 4);
    struct dx_frame frame;
    assert_int_equal(decode(&s, 2, &frame), DX_INVALID);
}

static void single_bits_do_not_start_at_bytes(void **state)
{
    (void)state;
    static struct sample s;
    struct shape shape = {1, 3, 1, 1, 1, 0, 0, "MONOCHROME2", "3", 0};
    describe(&s, &shape, NULL);
    sample_put(&s, 0x7fe00010, "OB", "\x55\x01", 2); /* 101 010 10 1: three frames of 3 bits */
    gives(&s, 0, "\1\0\1", 3);
    gives(&s, 1, "\0\1\0", 3);
    gives(&s, 2, "\1\0\1", 3);
}

static void high_bit_shifts_and_the_sign_extends(void **state)
{
    (void)state;
    static struct sample s;
    struct shape shape = {1, 2, 1, 16, 12, 13, 1, "MONOCHROME2", NULL, 0};
    describe(&s, &shape, NULL);
    const uint16_t stored[2] = {0xe003, 0xdfff};
    sample_put(&s, 0x7fe00010, "OW", stored, 4);
    const int16_t expected[2] = {-2048, 2047};
    gives(&s, 0, expected, 4);
}

static void planes_are_interleaved_and_ybr_becomes_rgb(void **state)
{
    (void)state;
    static struct sample s;
    struct shape shape = {1, 2, 3, 8, 8, 7, 0, "RGB", NULL, 1};
    describe(&s, &shape, NULL);
    sample_put(&s, 0x7fe00010, "OB", "RrGgBb", 6);
    gives(&s, 0, "RGBrgb", 6);
    shape.planar = 0;
    shape.photometric = "YBR_FULL";
    describe(&s, &shape, NULL);
    sample_put(&s, 0x7fe00010, "OB", "\x4c\x55\xff\x64\x80\x80", 6); /* red; grey of 100 */
    gives(&s, 0, "\xfe\x00\x00\x64\x64\x64", 6);
    shape.photometric = "YBR_FULL_422";
    describe(&s, &shape, NULL);
    sample_put(&s, 0x7fe00010, "OB", "\x10\x20\x80\x80", 4);
    gives(&s, 0, "\x10\x10\x10\x20\x20\x20", 6);
}

static void pixel_modules_that_lie(void **state)
{
    (void)state;
    static struct sample s;
    const struct {
        struct shape shape;
        enum dx_status status;
    } cases[] = {
        {{2, 2, 1, 8, 8, 8, 0, "MONOCHROME2", NULL, 0}, DX_MALFORMED}, /* High Bit */
        {{2, 2, 1, 8, 9, 7, 0, "MONOCHROME2", NULL, 0}, DX_MALFORMED}, /* Bits Stored */
        {{2, 2, 1, 8, 0, 7, 0, "MONOCHROME2", NULL, 0}, DX_MALFORMED},
        {{2, 2, 1, 12, 12, 11, 0, "MONOCHROME2", NULL, 0}, DX_UNSUPPORTED},
        {{2, 2, 1, 64, 64, 63, 0, "MONOCHROME2", NULL, 0}, DX_UNSUPPORTED},
        {{2, 2, 4, 8, 8, 7, 0, "ARGB", NULL, 0}, DX_UNSUPPORTED},
        {{0, 2, 1, 8, 8, 7, 0, "MONOCHROME2", NULL, 0}, DX_MALFORMED},
        {{3, 2, 1, 8, 8, 7, 0, "MONOCHROME2", NULL, 0}, DX_MALFORMED}, /* too short */
        {{2, 2, 1, 8, 8, 7, 0, "MONOCHROME2", "0", 0}, DX_MALFORMED},
        {{2, 2, 1, 8, 8, 7, 0, "MONOCHROME2", "-1", 0}, DX_MALFORMED},
        {{2, 2, 1, 8, 8, 7, 0, "MONOCHROME2", "99999999", 0}, DX_LIMIT},
        {{65535, 65535, 1, 8, 8, 7, 0, "MONOCHROME2", NULL, 0}, DX_LIMIT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        describe(&s, &cases[i].shape, NULL);
        sample_put(&s, 0x7fe00010, "OB", "abcd", 4);
        refuses(&s, cases[i].status);
    }
    describe(&s, &grey8, NULL);
    refuses(&s, DX_NO_PIXELS);
    describe(&s, &grey8, NULL);
    sample_put(&s, 0x7fe00008, "OF", "abcd", 4);
    refuses(&s, DX_UNSUPPORTED);
    describe(&s, &grey8, JPEG); /* says compressed, is not */
    sample_put(&s, 0x7fe00010, "OB", "abcd", 4);
    refuses(&s, DX_MALFORMED);
    describe(&s, &grey8, "1.2.840.10008.1.2.4.100");
    sample_fragment(&s, "abcd", 4);
    refuses(&s, DX_UNSUPPORTED);
    sample_begin(&s, NULL);
    refuses(&s, DX_MALFORMED);
}

static size_t rle_header(uint8_t *bytes, uint32_t segments, uint32_t first)
{
    memset(bytes, 0, 64);
    memcpy(bytes, &segments, 4); /* the tests run on little endian machines only */
    memcpy(bytes + 4, &first, 4);
    return 64;
}

static void rle_frames(void **state)
{
    (void)state;
    static struct sample s;
    uint8_t bytes[70];
    size_t count = rle_header(bytes, 1, 64);
    memcpy(bytes + count,
           "\x03"
           "abcd\0",
           6);
    describe(&s, &grey8, RLE);
    sample_fragment(&s, bytes, count + 6);
    gives(&s, 0, "abcd", 4);

    describe(&s, &grey8, RLE);
    sample_fragment(&s, bytes, 20); /* no room for the header */
    refuses(&s, DX_MALFORMED);
    rle_header(bytes, 1, 1000); /* segment behind the end */
    describe(&s, &grey8, RLE);
    sample_fragment(&s, bytes, 70);
    refuses(&s, DX_MALFORMED);
    rle_header(bytes, 1, 8); /* segment inside the header */
    describe(&s, &grey8, RLE);
    sample_fragment(&s, bytes, 70);
    refuses(&s, DX_MALFORMED);
    rle_header(bytes, 0x7fffffff, 64);
    describe(&s, &grey8, RLE);
    sample_fragment(&s, bytes, 70);
    refuses(&s, DX_MALFORMED);
    rle_header(bytes, 1, 64);
    memcpy(bytes + 64,
           "\x02"
           "abc\0",
           5); /* three of four pixels */
    describe(&s, &grey8, RLE);
    sample_fragment(&s, bytes, 68);
    refuses(&s, DX_MALFORMED);
    struct shape shape = grey8;
    shape.frames = "5"; /* one fragment */
    describe(&s, &shape, RLE);
    sample_fragment(&s, bytes, 70);
    refuses(&s, DX_MALFORMED);
}

static enum dx_status check_jpeg(const char *bytes, size_t count)
{
    struct dx_codestream stream;
    struct dx_error err = {0};
    return dx_check_jpeg((const uint8_t *)bytes, count, &stream, &err);
}

#define SOI  "\xff\xd8"
#define SOF3 "\xff\xc3\x00\x0b\x0c\x00\x02\x00\x03\x01\x01\x11\x00"

static void jpeg_headers(void **state)
{
    (void)state;
    static struct sample s;
    struct dx_codestream stream;
    struct dx_error err = {0};
    assert_int_equal(dx_check_jpeg((const uint8_t *)SOI "\xff" SOF3, 16, &stream, &err), DX_OK);
    assert_int_equal(stream.precision, 12);
    assert_int_equal(stream.rows, 2);
    assert_int_equal(stream.cols, 3);
    assert_int_equal(stream.samples, 1);
    assert_int_equal(check_jpeg("ab", 2), DX_MALFORMED);
    assert_int_equal(check_jpeg(SOI "\xff\x01\xff\x01" SOF3, 19), DX_MALFORMED); /* TEM */
    assert_int_equal(check_jpeg(SOI "\xff\xd9\x00\x00", 6), DX_MALFORMED);
    assert_int_equal(check_jpeg(SOI "\xff\xe0\x00\x01\x00\x00", 8), DX_MALFORMED);
    assert_int_equal(check_jpeg(SOI "\xff\xe0\xff\xff\x00\x00", 8), DX_MALFORMED);
    assert_int_equal(check_jpeg(SOI "\xff\xc9\x00\x0b\x0c\x00\x02\x00\x03\x01\x01\x11\x00", 15),
                     DX_UNSUPPORTED);
    assert_int_equal(check_jpeg(SOI "\xff\xc3\x00\x0b\x11\x00\x02\x00\x03\x01\x01\x11\x00", 15),
                     DX_UNSUPPORTED);
    assert_int_equal(check_jpeg(SOI "\xff\xc3\x00\x0b\x0c\x00\x02\x00\x03\x09\x01\x11\x00", 15),
                     DX_MALFORMED);
    assert_int_equal(check_jpeg(SOI "\xff\xc3\x00\x04\x0c\x00\x02\x00\x03\x09\x01\x11\x00", 15),
                     DX_MALFORMED);
    assert_int_equal(check_jpeg(SOI, 2), DX_MALFORMED);

    describe(&s, &grey8, JPEG); /* the frame says 2 x 3, the dataset 2 x 2 */
    sample_fragment(&s, SOI SOF3, 15);
    refuses(&s, DX_MALFORMED);
    describe(&s, &grey8, JPEG); /* the endless loop of DCMTK 3.6.7 */
    sample_fragment(&s, SOI "\xff\x01\xff\x01\xff\x01", 8);
    refuses(&s, DX_MALFORMED);
}

/* SOC and a SIZ of one 8-bit component, no more. */
static size_t siz(uint8_t *bytes, uint32_t cols, uint32_t rows, uint32_t tile)
{
    static const uint8_t start[8] = {0xff, 0x4f, 0xff, 0x51, 0, 41, 0, 0};
    const uint32_t grid[8] = {cols, rows, 0, 0, tile, tile, 0, 0};
    memcpy(bytes, start, 8);
    for (size_t i = 0; i < 8; i++)
        for (size_t b = 0; b < 4; b++)
            bytes[8 + 4 * i + b] = (uint8_t)(grid[i] >> (8 * (3 - b)));
    memcpy(bytes + 40, "\0\1\7\1\1", 5);
    return 45;
}

static void jpeg_2000_headers(void **state)
{
    (void)state;
    static struct sample s;
    uint8_t bytes[64] = {0};
    size_t count = siz(bytes, 2, 2, 2), offset;
    struct dx_codestream stream;
    struct dx_error err = {0};
    assert_int_equal(dx_check_j2k(bytes, count, &limits, &offset, &stream, &err), DX_OK);
    assert_int_equal(stream.precision, 8);
    describe(&s, &grey8, J2K); /* a header alone is no picture */
    sample_fragment(&s, bytes, count);
    refuses(&s, DX_MALFORMED);

    siz(bytes, 0xffffffff, 0xffffffff, 0xffffffff);
    assert_int_equal(dx_check_j2k(bytes, count, &limits, &offset, &stream, &err), DX_LIMIT);
    siz(bytes, 4096, 4096, 1);
    assert_int_equal(dx_check_j2k(bytes, count, &limits, &offset, &stream, &err), DX_LIMIT);
    siz(bytes, 2, 2, 0);
    assert_int_equal(dx_check_j2k(bytes, count, &limits, &offset, &stream, &err), DX_MALFORMED);
    siz(bytes, 0, 0, 1);
    assert_int_equal(dx_check_j2k(bytes, count, &limits, &offset, &stream, &err), DX_MALFORMED);
    siz(bytes, 2, 2, 2);
    bytes[40] = 0x40; /* 16,385 components */
    assert_int_equal(dx_check_j2k(bytes, count, &limits, &offset, &stream, &err), DX_UNSUPPORTED);
    siz(bytes, 2, 2, 2);
    bytes[42] = 37; /* 38 bits */
    assert_int_equal(dx_check_j2k(bytes, count, &limits, &offset, &stream, &err), DX_UNSUPPORTED);
    siz(bytes, 2, 2, 2);
    bytes[43] = 0; /* sub-sampling by nothing */
    assert_int_equal(dx_check_j2k(bytes, count, &limits, &offset, &stream, &err), DX_UNSUPPORTED);
    siz(bytes, 2, 2, 2);
    for (size_t cut = 0; cut < count; cut++)
        if (cut != 4 && cut != 5 &&
            dx_check_j2k(bytes, cut, &limits, &offset, &stream, &err) == DX_OK)
            assert_true(cut < 8); /* SOC and a marker without its segment: OpenJPEG's to refuse */
    uint8_t box[12] = {0, 0, 0, 12, 'j', 'P', ' ', ' ', 0xd, 0xa, 0x87, 0xa};
    assert_int_equal(dx_check_j2k(box, 12, &limits, &offset, &stream, &err), DX_MALFORMED);
}

struct memory {
    uint8_t bytes[8192];
    size_t count, at;
};

static OPJ_SIZE_T write_memory(void *from, OPJ_SIZE_T count, void *context)
{
    struct memory *memory = context;
    if (count > sizeof memory->bytes - memory->at)
        return (OPJ_SIZE_T)-1;
    memcpy(memory->bytes + memory->at, from, count);
    memory->at += count;
    memory->count = memory->at > memory->count ? memory->at : memory->count;
    return count;
}

static OPJ_OFF_T skip_memory(OPJ_OFF_T count, void *context)
{
    struct memory *memory = context;
    memory->at += (size_t)count;
    return count;
}

static OPJ_BOOL seek_memory(OPJ_OFF_T at, void *context)
{
    struct memory *memory = context;
    memory->at = (size_t)at;
    return OPJ_TRUE;
}

/* 8 x 8 ramp of 12 bits, signed or not, one component or three, lossless. */
static void encode(struct memory *memory, uint32_t components, int is_signed)
{
    opj_image_cmptparm_t parts[3] = {0};
    for (uint32_t c = 0; c < components; c++)
        parts[c] = (opj_image_cmptparm_t){
            .dx = 1, .dy = 1, .w = 8, .h = 8, .prec = 12, .bpp = 12, .sgnd = (OPJ_UINT32)is_signed};
    opj_image_t *image =
        opj_image_create(components, parts, components == 3 ? OPJ_CLRSPC_SRGB : OPJ_CLRSPC_GRAY);
    image->x1 = image->y1 = 8;
    for (uint32_t c = 0; c < components; c++)
        for (int i = 0; i < 64; i++)
            image->comps[c].data[i] = i * 60 + (int)c - (is_signed ? 1900 : 0);
    opj_cparameters_t parameters;
    opj_set_default_encoder_parameters(&parameters);
    parameters.tcp_numlayers = 1;
    parameters.cp_disto_alloc = 1;
    parameters.numresolution = 3;
    parameters.tcp_mct = components == 3;
    opj_codec_t *codec = opj_create_compress(OPJ_CODEC_J2K);
    opj_stream_t *stream = opj_stream_create(4096, OPJ_FALSE);
    memory->count = memory->at = 0;
    opj_stream_set_user_data(stream, memory, NULL);
    opj_stream_set_write_function(stream, write_memory);
    opj_stream_set_skip_function(stream, skip_memory);
    opj_stream_set_seek_function(stream, seek_memory);
    assert_true(opj_setup_encoder(codec, &parameters, image));
    assert_true(opj_start_compress(codec, image, stream));
    assert_true(opj_encode(codec, stream));
    assert_true(opj_end_compress(codec, stream));
    opj_stream_destroy(stream);
    opj_destroy_codec(codec);
    opj_image_destroy(image);
}

static void jpeg_2000_frames(void **state)
{
    (void)state;
    static struct sample s;
    static struct memory memory;
    struct shape shape = {8, 8, 1, 16, 12, 11, 0, "MONOCHROME2", NULL, 0};
    uint16_t expected[192];
    for (int is_signed = 0; is_signed < 2; is_signed++) {
        encode(&memory, 1, is_signed);
        for (int i = 0; i < 64; i++)
            expected[i] = (uint16_t)(i * 60 - (is_signed ? 1900 : 0));
        describe(&s, &shape, J2K); /* the dataset says unsigned: the codestream is right */
        sample_fragment(&s, memory.bytes, memory.count);
        gives(&s, 0, expected, 128);
    }
    encode(&memory, 1, 0);
    shape.representation = 1; /* two's complement written as unsigned */
    for (int i = 0; i < 64; i++)
        expected[i] = (uint16_t)(i * 60 < 2048 ? i * 60 : i * 60 - 4096);
    describe(&s, &shape, J2K);
    sample_fragment(&s, memory.bytes, memory.count);
    gives(&s, 0, expected, 128);
    describe(&s, &shape, J2K); /* truncated */
    sample_fragment(&s, memory.bytes, memory.count / 2);
    refuses(&s, DX_MALFORMED);

    encode(&memory, 3, 0);
    shape = (struct shape){8, 8, 3, 16, 12, 11, 0, "YBR_RCT", NULL, 0};
    for (int i = 0; i < 192; i++)
        expected[i] = (uint16_t)(i / 3 * 60 + i % 3);
    describe(&s, &shape, J2K);
    sample_fragment(&s, memory.bytes, memory.count);
    gives(&s, 0, expected, 384);
}

static void truncated_files_never_crash(void **state)
{
    (void)state;
    static struct sample s;
    describe(&s, &grey8, NULL);
    sample_put(&s, 0x7fe00010, "OB", "abcd", 4);
    size_t whole = s.count;
    for (s.count = 1; s.count < whole; s.count++) {
        struct dx_frame frame;
        assert_int_not_equal(decode(&s, 0, &frame), DX_OK);
    }
}

static int prepare(void **state)
{
    (void)state;
    struct dx_error err;
    dx_limits_default(&limits);
    return dx_init(NULL, NULL, &err) == DX_OK ? 0 : 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uncompressed_frames),
        cmocka_unit_test(single_bits_do_not_start_at_bytes),
        cmocka_unit_test(high_bit_shifts_and_the_sign_extends),
        cmocka_unit_test(planes_are_interleaved_and_ybr_becomes_rgb),
        cmocka_unit_test(pixel_modules_that_lie),
        cmocka_unit_test(rle_frames),
        cmocka_unit_test(jpeg_headers),
        cmocka_unit_test(jpeg_2000_headers),
        cmocka_unit_test(jpeg_2000_frames),
        cmocka_unit_test(truncated_files_never_crash),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
